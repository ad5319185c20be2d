// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb2_operation.hpp: an SMB2 request that is ours to answer.
#pragma once

#include "smbd_operation.hpp"

namespace ntpipe::samba::smbd {

/// While it is pending smbd sees, as the request's `subreq`, a tevent request that does nothing but cancel it.
class Smb2Operation : public Operation {
public:
    explicit Smb2Operation(smbd_smb2_request* request) : request_(request) {}

    [[nodiscard]] smbd_smb2_request* request() const { return request_; }
    [[nodiscard]] tevent_context* events() const { return request_->sconn->ev_ctx; }
    [[nodiscard]] bool is_bereft() const override;
    [[nodiscard]] bool can_answer() const override;
    void vanish() override { leave(); }

protected:
    /// Sends the answer, and this is gone. An error is one of the transport.
    [[nodiscard]] virtual NTSTATUS answer() = 0;

    /// In a redirected function, as the last thing: answers, or lets it wait in that list. What it returns is that function's
    /// result.
    [[nodiscard]] NTSTATUS answer_or_pend(glue::List<Operation>& list, std::uint32_t interim_after);
    /// Frees this, so that the request can be answered.
    void leave();

private:
    [[nodiscard]] NTSTATUS pend(glue::List<Operation>& list, std::uint32_t interim_after);
    static bool cancel(tevent_req* outer);
    void send_answer() override;

    smbd_smb2_request* request_;
};

} // namespace ntpipe::samba::smbd
