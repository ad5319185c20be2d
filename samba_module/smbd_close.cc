// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_close.cc: the ways in which pipes end: each pending request is answered first, in the order in which they came.
#include "smbd_hooks.hpp"

namespace ntpipe::samba::smbd {
namespace {

void end_all(PipeHandle& handle)
{
    while (Operation* operation = handle.pending.front()) {
        if (operation->can_answer()) {
            operation->end(Status::pipe_broken);
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
