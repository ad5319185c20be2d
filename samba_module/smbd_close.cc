// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_close.cc: the ways in which pipes end: each pending request is answered first, in the order in which they came.
#include "smbd_hooks.hpp"

namespace ntpipe::samba::smbd {
namespace {

void end_all(PipeHandle& handle)
{
    while (Operation* operation = handle.pending.front()) {
        if (operation->can_answer()) {
            operation->end(handle.root != nullptr ? notify_cleanup : Status::pipe_broken);
        } else {
            operation->vanish();
        }
    }
}

} // namespace

// smbd would answer the CLOSE only, or wait for what is pending for ever.
NTSTATUS process_close(smbd_smb2_request* request)
{
    if (is_for_pipes(request) && NT_STATUS_IS_OK(smbd_smb2_request_verify_sizes(request, smb2::close_structure_size))) {
        if (PipeHandle* handle = handle_of(file_of(request, smb2::close_file_id))) {
            end_all(*handle);
        }
    }
    return smbd_smb2_request_process_close(request);
}

// Every handle ends here: by CLOSE, with its tree, session or connection.
NTSTATUS close_pipe(smb_request* request, files_struct* file)
{
    if (PipeHandle* handle = handle_of(file)) {
        end_all(*handle);
    }
    return close_fake_file(request, file);
}

// What has a handle ends with it, a little later, before the client is told that the tree has gone.
void process_tree_disconnect(smb_request* request)
{
    reply_tdis(request);
    end_bereft_operations();
}

void process_logoff(smb_request* request)
{
    reply_ulogoffX(request);
    end_bereft_operations();
}

// ---- connections ----

namespace {

void end_unanswerable(glue::List<Operation>& list)
{
    for (Operation* operation = list.front(); operation != nullptr;) {
        Operation* next = list.after(*operation);
        if (!operation->can_answer()) {
            operation->end(Status::cancelled);
        }
        operation = next;
    }
}

void end_unanswerable(tevent_context* /*events*/, tevent_immediate* now, void* data)
{
    talloc_free(now);
    for (files_struct* file = static_cast<smbd_server_connection*>(data)->files; file != nullptr; file = file->next) {
        if (PipeHandle* handle = handle_of(file)) {
            end_unanswerable(handle->pending);
        }
    }
    end_unanswerable(operations_without_handle());
}

} // namespace

// A session may have further connections (multichannel). smbd lets a request of the dead one wait on; what it took from a pipe,
// nobody would get. Whoever notices may be in the middle of such a list.
void end_unanswerable_soon(smbXsrv_connection* connection)
{
    smbd_server_connection* server = connection->client->sconn;
    tevent_immediate* now = server == nullptr ? nullptr : tevent_create_immediate(server);
    if (now != nullptr) {
        tevent_schedule_immediate(now, server->ev_ctx, end_unanswerable, server);
    }
}

// With the last connection, smbd ends here.
void terminate_connection(smbXsrv_connection* connection, const char* reason, const char* location)
{
    smbd_server_connection_terminate_ex(connection, reason, location);
    end_unanswerable_soon(connection);
}

// By an administrator. smbd frees the trees soon, whoever still uses them, so everything must be over before.
void force_tree_disconnect(smbd_server_connection* connection, bool (*is_meant)(connection_struct*, void*), void* data)
{
    conn_force_tdis(connection, is_meant, data);
    end_bereft_operations();
    for (files_struct* file = connection->files; file != nullptr; file = file->next) {
        PipeHandle* handle = handle_of(file);
        if (handle != nullptr && !NT_STATUS_IS_OK(file->conn->tcon->status)) {
            end_all(*handle);
        }
    }
}

} // namespace ntpipe::samba::smbd
