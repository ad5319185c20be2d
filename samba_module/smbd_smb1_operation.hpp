// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_smb1_operation.hpp: an SMB1 request that is ours to answer.
#pragma once

#include "smbd_operation.hpp"

namespace ntpipe::samba::smbd {

/// While it is pending its request, which else would be gone when smbd's function returns, belongs to the connection.
class Smb1Operation : public Operation {
public:
    explicit Smb1Operation(smb_request* request) : request_(request) {}
    Smb1Operation(const Smb1Operation&) = delete;
    Smb1Operation& operator=(const Smb1Operation&) = delete;
    ~Smb1Operation() override;

    [[nodiscard]] smb_request* request() const { return request_; }
    [[nodiscard]] tevent_context* events() const { return request_->sconn->ev_ctx; }
    [[nodiscard]] bool is_bereft() const override;
    [[nodiscard]] bool can_answer() const override;
    [[nodiscard]] const smb_request* smb1_request() const override { return request_; }
    void vanish() override;

    /// In a redirected function, as the last thing: answers, or lets it wait in that list.
    void answer_or_pend(glue::List<Operation>& list);
    /// By the client's NT_CANCEL: it is over soon.
    void cancel();

protected:
    /// Leaves the answer as the request's `outbuf`, or sends it by itself and leaves none.
    virtual void answer() = 0;

private:
    struct Tree;
    void watch_tree();
    void send_answer() override;

    smb_request* request_;
    Tree* tree_ = nullptr;
};

// ---- requests of SMB1 ----

[[nodiscard]] smb1::Packet packet_of(const smb_request* request);

/// The pipe of ours that a FID means. `is_foreign`: it is another user's, or in another tree.
struct Found {
    PipeHandle* handle = nullptr;
    bool is_foreign = false;
};
[[nodiscard]] Found find_pipe(smb_request* request, std::uint16_t fid);

void reply_status(smb_request* request, Status status);
/// Makes of the answer, which is complete otherwise, one with that status.
void set_status(smb_request* request, Status status);
/// Sends something that is not, or not alone, what smbd sends when the request is done.
void send_now(smb_request* request, std::uint8_t* packet, bool is_raw);
/// Bytes that the answers to the commands before this one in its chain have together; 0: it is alone or the first.
[[nodiscard]] std::size_t size_of_chain_before(const smb_request* request);

/// Runs a redirected function's body; no exception reaches smbd.
template <typename Body>
void guarded(smb_request* request, Body&& body)
{
    try {
        body();
    } catch (...) {
        reply_status(request, Status::no_memory); // there is no other reason
    }
}

} // namespace ntpipe::samba::smbd
