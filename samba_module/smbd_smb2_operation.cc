// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb2_operation.cc: how an SMB2 request of ours waits in smbd.
#include "smbd_smb2_operation.hpp"

namespace ntpipe::samba::smbd {
namespace {

/// The state of the tevent request that smbd sees.
struct Outer {
    Smb2Operation* operation;
};

} // namespace

// An expired session and one that is just being re-authenticated live on: only a deleted one counts.
bool Smb2Operation::is_bereft() const
{
    const bool no_tree = request_->tcon != nullptr && !NT_STATUS_IS_OK(request_->tcon->status);
    const bool no_session =
        request_->session != nullptr && NT_STATUS_EQUAL(request_->session->status, NT_STATUS_USER_SESSION_DELETED);
    return no_tree || no_session;
}

bool Smb2Operation::can_answer() const
{
    return NT_STATUS_IS_OK(request_->xconn->transport.status);
}

NTSTATUS Smb2Operation::answer_or_pend(glue::List<Operation>& list, std::uint32_t interim_after)
{
    return outcome() == Status::pending ? pend(list, interim_after) : answer();
}

NTSTATUS Smb2Operation::pend(glue::List<Operation>& list, std::uint32_t interim_after)
{
    smbd_smb2_request* request = request_;
    Outer* state = nullptr;
    tevent_req* outer = tevent_req_create(this, &state, Outer);
    if (outer == nullptr) {
        give_up(Status::no_memory);
        return answer();
    }
    state->operation = this;
    tevent_req_set_cancel_fn(outer, cancel);
    await(list);

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
bool Smb2Operation::cancel(tevent_req* outer)
{
    Smb2Operation& operation = *static_cast<const Outer*>(_tevent_req_data(outer))->operation;
    tevent_req_defer_callback(operation.inner(), operation.events());
    (void)tevent_req_cancel(operation.inner()); // false: it is over, and the callback is on its way
    return true;
}

void Smb2Operation::send_answer()
{
    smbd_smb2_request* request = request_;
    smbXsrv_connection* connection = request->xconn; // the request is gone when it has been answered
    SMBPROFILE_IOBYTES_ASYNC_SET_BUSY(request->profile);
    check_transport(connection, guarded(request, [this] { return answer(); }));
}

void Smb2Operation::leave()
{
    request_->subreq = nullptr;
    talloc_free(this);
}

} // namespace ntpipe::samba::smbd
