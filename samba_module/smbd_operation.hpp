// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_operation.hpp: an SMB2 request of smbd's that is ours to answer, now or later.
#pragma once

#include "glue/list.hpp"
#include "glue/talloc.hpp"
#include "smbd_request.hpp"

namespace ntpipe::samba::smbd {

/// For what has no handle and loses its tree or its session: STATUS_NETWORK_NAME_DELETED, of which pipes by themselves know nothing.
inline constexpr auto tree_gone = static_cast<Status>(0xC00000C9);

/// A talloc child of its request. While it is pending smbd sees, as the request's `subreq`, a tevent request that does nothing
/// but cancel it.
class Operation : public glue::ListNode {
public:
    explicit Operation(smbd_smb2_request* request) : request_(request) {}
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() = default;

    [[nodiscard]] smbd_smb2_request* request() const { return request_; }
    /// Its tree, or its session, has gone while it was pending.
    [[nodiscard]] bool is_bereft() const;
    /// Its connection is still there to answer on.
    [[nodiscard]] bool can_answer() const;

    /// Ends it with a status while it waits, now: the answer is sent, and this is gone.
    void end(Status status);
    /// Takes it away without an answer: its connection is dead.
    void vanish() { leave(); }

protected:
    /// What the library does for it. nullptr when the result has been taken.
    [[nodiscard]] virtual tevent_req*& inner() = 0;
    /// The library has done it: takes the result.
    virtual void receive() = 0;
    /// Instead of a result.
    virtual void fail(Status status) = 0;
    /// What has become of it.
    [[nodiscard]] virtual Status outcome() const = 0;
    /// The status for something that loses its tree or its session.
    [[nodiscard]] virtual Status if_bereft() const = 0;
    /// Sends the answer, and this is gone. An error is one of the transport.
    [[nodiscard]] virtual NTSTATUS answer() = 0;

    /// In a redirected function, as the last thing: answers, or lets it wait in that list. What it returns is that function's
    /// result.
    [[nodiscard]] NTSTATUS answer_or_pend(glue::List<Operation>& list, std::uint32_t interim_after);
    /// Frees this, so that the request can be answered.
    void leave();

private:
    [[nodiscard]] NTSTATUS pend(glue::List<Operation>& list, std::uint32_t interim_after);
    static void inner_done(tevent_req* inner);
    static bool cancel(tevent_req* outer);
    void send_answer();

    smbd_smb2_request* request_;
};

/// What our pipes have as the private data of their fake_file_handle.
struct PipeHandle {
    explicit PipeHandle(ntpipe_end* end_) : end(end_) {}
    PipeHandle(const PipeHandle&) = delete;
    PipeHandle& operator=(const PipeHandle&) = delete;
    ~PipeHandle() = default;
    ntpipe_end* end; ///< its talloc child
    glue::List<Operation> pending;
};
inline constexpr const char* pipe_handle_type = "struct ntpipe_handle";

/// nullptr: not one of ours.
[[nodiscard]] PipeHandle* handle_of(const files_struct* file);
/// Makes a handle below `memory`, which owns the end then. nullptr: out of memory.
[[nodiscard]] fake_file_handle* make_handle(TALLOC_CTX* memory, ntpipe_end* end);

/// Opens and waits, which have no handle.
[[nodiscard]] glue::List<Operation>& operations_without_handle();

} // namespace ntpipe::samba::smbd
