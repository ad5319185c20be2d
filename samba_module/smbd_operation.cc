// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_operation.cc: how a request of ours waits in smbd, and the one way in which it ends.
#include "smbd_operation.hpp"

namespace ntpipe::samba::smbd {
namespace {

/// The state of the tevent request that smbd sees.
struct Outer {
    Operation* operation;
};

} // namespace

// An expired session and one that is just being re-authenticated live on: only a deleted one counts.
bool Operation::is_bereft() const
{
    const bool no_tree = request_->tcon != nullptr && !NT_STATUS_IS_OK(request_->tcon->status);
    const bool no_session =
        request_->session != nullptr && NT_STATUS_EQUAL(request_->session->status, NT_STATUS_USER_SESSION_DELETED);
    return no_tree || no_session;
}

bool Operation::can_answer() const
{
    return NT_STATUS_IS_OK(request_->xconn->transport.status);
}

// ---- waiting ----

NTSTATUS Operation::answer_or_pend(glue::List<Operation>& list, std::uint32_t interim_after)
{
    return outcome() == Status::pending ? pend(list, interim_after) : answer();
}

NTSTATUS Operation::pend(glue::List<Operation>& list, std::uint32_t interim_after)
{
    smbd_smb2_request* request = request_;
    Outer* state = nullptr;
    tevent_req* outer = tevent_req_create(this, &state, Outer);
    if (outer == nullptr) {
        talloc_free(inner());
        inner() = nullptr;
        fail(Status::no_memory);
        return answer();
    }
    state->operation = this;
    tevent_req_set_cancel_fn(outer, cancel);
    tevent_req_set_callback(inner(), inner_done, this);
    list.push_back(*this);

    // In a chain, smbd cancels what would wait, unless it is a CREATE, and sends a broken packet for a CREATE in the middle. So
    // there the whole chain waits, without an interim response. Only the first and the last CREATE may have one.
    const bool is_create = SVAL(SMBD_SMB2_IN_HDR_PTR(request), SMB2_HDR_OPCODE) == SMB2_OP_CREATE;
    const bool is_first = request->current_idx == 1;
    if (smbd_smb2_is_compound(request) && !smbd_smb2_is_last_in_compound(request) && !(is_create && is_first)) {
        smb2_request_set_async_internal(request, true);
    }
    SMBPROFILE_IOBYTES_ASYNC_SET_IDLE(request->profile);
    return smbd_smb2_request_pending_queue(request, outer, interim_after);
}

// By the client's CANCEL, or because the tree or the session ends. Who calls still needs the request: it is answered later.
bool Operation::cancel(tevent_req* outer)
{
    Operation& operation = *static_cast<const Outer*>(_tevent_req_data(outer))->operation;
    tevent_req_defer_callback(operation.inner(), operation.request_->sconn->ev_ctx);
    (void)tevent_req_cancel(operation.inner()); // false: it is over, and the callback is on its way
    return true;
}

// ---- the end ----

void Operation::inner_done(tevent_req* inner)
{
    auto& operation = *static_cast<Operation*>(tevent_req_callback_data_void(inner));
    operation.receive();
    if (operation.outcome() == Status::cancelled && operation.is_bereft()) {
        operation.fail(operation.if_bereft());
    }
    operation.send_answer();
}

void Operation::end(Status status)
{
    talloc_free(inner());
    inner() = nullptr;
    fail(status);
    send_answer();
}

void Operation::send_answer()
{
    unlink(); // whoever walks through a list and ends its members must not meet it again
    smbd_smb2_request* request = request_;
    smbXsrv_connection* connection = request->xconn; // the request is gone when it has been answered
    SMBPROFILE_IOBYTES_ASYNC_SET_BUSY(request->profile);
    check_transport(connection, guarded(request, [this] { return answer(); }));
}

void Operation::leave()
{
    request_->subreq = nullptr;
    talloc_free(this);
}

// ---- handles ----

PipeHandle* handle_of(const files_struct* file)
{
    const fake_file_handle* handle = file == nullptr ? nullptr : file->fake_file_handle;
    if (handle == nullptr || handle->type != FAKE_FILE_TYPE_NAMED_PIPE_PROXY || handle->private_data == nullptr) {
        return nullptr;
    }
    return static_cast<PipeHandle*>(talloc_check_name(handle->private_data, pipe_handle_type));
}

fake_file_handle* make_handle(TALLOC_CTX* memory, ntpipe_end* end)
{
    fake_file_handle* handle = talloc_zero(memory, fake_file_handle);
    PipeHandle* ours = handle == nullptr ? nullptr : glue::make_talloc<PipeHandle>(handle, pipe_handle_type, end);
    if (ours == nullptr) {
        talloc_free(handle);
        return nullptr;
    }
    (void)talloc_steal(ours, end);
    handle->type = FAKE_FILE_TYPE_NAMED_PIPE_PROXY;
    handle->private_data = ours;
    return handle;
}

glue::List<Operation>& operations_without_handle()
{
    static glue::List<Operation> list;
    return list;
}

} // namespace ntpipe::samba::smbd
