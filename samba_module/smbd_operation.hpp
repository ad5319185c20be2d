// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_operation.hpp: a request of smbd's that is ours to answer, now or later, whatever its dialect.
#pragma once

#include "glue/list.hpp"
#include "glue/talloc.hpp"
#include "root_directory.hpp"
#include "smb1_dispatch.hpp"
#include "smbd_request.hpp"

#include <memory>
#include <utility>

namespace ntpipe::samba::smbd {

/// For what has no handle and loses its tree or its session: STATUS_NETWORK_NAME_DELETED, of which pipes by themselves know nothing.
inline constexpr auto tree_gone = static_cast<Status>(0xC00000C9);

/// For what waits for changes in a directory whose handle goes. It is no error, but brings nothing either.
inline constexpr auto notify_cleanup = static_cast<Status>(0x0000010B);

/// A talloc child of its request.
class Operation : public glue::ListNode {
public:
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    virtual ~Operation() = default;

    /// Its tree, or its session, has gone while it was pending.
    [[nodiscard]] virtual bool is_bereft() const = 0;
    /// Its connection is still there to answer on.
    [[nodiscard]] virtual bool can_answer() const = 0;
    /// The SMB1 request that it is; nullptr: it is none.
    [[nodiscard]] virtual const smb_request* smb1_request() const { return nullptr; }

    /// Ends it with a status while it waits, now: the answer is sent, and this is gone.
    void end(Status status);
    /// Takes it away without an answer: its connection is dead.
    virtual void vanish() = 0;

protected:
    /// What the library does for it. nullptr when the result has been taken.
    [[nodiscard]] virtual tevent_req*& inner() = 0;
    /// The library has done it: takes the result, or begins something more.
    virtual void receive() = 0;
    /// Instead of a result.
    virtual void fail(Status status) = 0;
    /// What has become of it.
    [[nodiscard]] virtual Status outcome() const = 0;
    /// The status for something that loses its tree or its session.
    [[nodiscard]] virtual Status if_bereft() const = 0;
    /// Answers what has waited, and this is gone.
    virtual void send_answer() = 0;

    /// From now on it waits, as a member of that list.
    void await(glue::List<Operation>& list);
    /// Instead of waiting: the library's request is given up.
    void give_up(Status status);

private:
    static void inner_done(tevent_req* inner);
};

/// An operation of either dialect that is one Exchange.
template <typename Base>
class ExchangeOf : public Base {
public:
    template <typename... Arguments>
    explicit ExchangeOf(Arguments&&... arguments) : Base(std::forward<Arguments>(arguments)...)
    {
        exchange_.memory = this;
        exchange_.events = Base::events();
    }
    [[nodiscard]] Exchange& exchange() { return exchange_; }
    [[nodiscard]] const Exchange& exchange() const { return exchange_; }

protected:
    [[nodiscard]] tevent_req*& inner() override { return exchange_.inner; }
    void receive() override { exchange_.receive(exchange_); }
    void fail(Status status) override { exchange_.status = status; }
    [[nodiscard]] Status outcome() const override { return exchange_.status; }
    [[nodiscard]] Status if_bereft() const override
    {
        return exchange_.root != nullptr ? notify_cleanup : exchange_.end == nullptr ? tree_gone : Status::pipe_broken;
    }

private:
    Exchange exchange_;
};

/// An operation of either dialect that opens a pipe.
template <typename Base>
class OpeningOf : public Base {
public:
    template <typename... Arguments>
    explicit OpeningOf(OpenParameters parameters, Arguments&&... arguments)
        : Base(std::forward<Arguments>(arguments)...), parameters_(std::move(parameters))
    {
    }

protected:
    void begin(Gateway& gateway)
    {
        parameters_.identity = identity_of(this, caller_of(Base::request()));
        inner_ = parameters_.identity == nullptr ? nullptr : open_pipe_send(this, gateway, parameters_);
        if (inner_ == nullptr) {
            fail(Status::no_memory);
        } else if (!tevent_req_is_in_progress(inner_)) {
            receive();
        }
    }
    [[nodiscard]] tevent_req*& inner() override { return inner_; }
    void receive() override
    {
        opened_ = open_pipe_recv(inner_, this);
        talloc_free(inner_);
        inner_ = nullptr;
    }
    void fail(Status status) override
    {
        talloc_free(opened_.end);
        opened_ = {false, status, nullptr};
    }
    [[nodiscard]] Status outcome() const override { return opened_.status; }
    [[nodiscard]] Status if_bereft() const override { return tree_gone; }

    /// For whom it is opened.
    [[nodiscard]] const ntpipe_identity* identity() const { return parameters_.identity; }
    /// What came of it, with an end that belongs to `memory`.
    [[nodiscard]] Opened take(TALLOC_CTX* memory)
    {
        if (Base::is_bereft() && !is_error(opened_.status)) {
            fail(if_bereft());
        }
        (void)talloc_steal(memory, opened_.end);
        return std::exchange(opened_, {false, Status::pending, nullptr});
    }

private:
    OpenParameters parameters_;
    tevent_req* inner_ = nullptr;
    Opened opened_{false, Status::pending, nullptr};
};

/// What our pipes have as the private data of their fake_file_handle; the root of IPC$ has it, too.
struct PipeHandle {
    explicit PipeHandle(ntpipe_end* end_) : end(end_) {}
    explicit PipeHandle(std::unique_ptr<RootDirectory> root_) : root(std::move(root_)) {}
    PipeHandle(const PipeHandle&) = delete;
    PipeHandle& operator=(const PipeHandle&) = delete;
    ~PipeHandle() = default;
    ntpipe_end* end = nullptr; ///< its talloc child
    std::unique_ptr<RootDirectory> root;
    glue::List<Operation> pending;
    smb1::Message message; ///< that a client is writing piece by piece
};
inline constexpr const char* pipe_handle_type = "struct ntpipe_handle";

/// nullptr: not one of ours.
[[nodiscard]] PipeHandle* handle_of(const files_struct* file);
/// Makes smbd's handle for an end that was opened. The end belongs to the handle then, or is gone. `smb1_view`: the request, for SMB2
/// smbd's SMB1 view of it.
[[nodiscard]] NTSTATUS open_file(smb_request* smb1_view, const std::string& name, ntpipe_end* end, files_struct*& file);
/// The same for the root.
[[nodiscard]] NTSTATUS open_file(smb_request* smb1_view, std::unique_ptr<RootDirectory> root, files_struct*& file);

/// Opens and waits, which have no handle.
[[nodiscard]] glue::List<Operation>& operations_without_handle();
/// Ends those of them that have lost their tree or session.
void end_bereft_operations();

} // namespace ntpipe::samba::smbd
