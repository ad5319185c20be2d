// SPDX-License-Identifier: LGPL-2.1-or-later
// operations.hpp: what is under way on either side, and whose it is.
//
// A call back of the C code around us must not throw. So each has an owner, who is told when there was no memory for what was to be done,
// and gives up what it was about, and nothing else: a connection, the answer to a question.
#pragma once

#include "nt.h"

#include <ntpipe.h>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

namespace wine_bridge {

/// NTSTATUS values of Wine's and of the library's are the same.
[[nodiscard]] constexpr bool is_error(std::uint32_t status)
{
    return status >> 30U == 3;
}

class Owner {
public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;
    /// Of what it is about nothing can be relied on any more. Under the engine's lock.
    virtual void fail() = 0;
};

/// Tells the owner. Ends the process if there is no owner, or if that fails, too.
void give_up(const std::shared_ptr<Owner>& owner, const std::exception& why) noexcept;

/// Does something on behalf of an owner.
template <typename Work>
void do_for(const std::shared_ptr<Owner>& owner, Work&& work)
{
    try {
        work();
    } catch (const std::exception& failure) {
        give_up(owner, failure);
    }
}

/// An operation in the prefix. While it is pending it keeps its owner alive.
class WineOperation : nt_operation {
public:
    using Then = std::function<void(std::uint32_t status, std::size_t information)>;

    WineOperation() : nt_operation() {}
    WineOperation(const WineOperation&) = delete;
    WineOperation& operator=(const WineOperation&) = delete;
    ~WineOperation() = default;

    /// Calls `call`, which starts it and returns its status. If that is STATUS_PENDING, `then` is called later, on the Wine thread.
    template <typename Call>
    [[nodiscard]] std::uint32_t start(std::shared_ptr<Owner> owner, Then then, Call&& call)
    {
        done = over;
        owner_ = std::move(owner);
        then_ = std::move(then);
        pending_ = true;
        const std::uint32_t result = call(this);
        if (result != NTPIPE_STATUS_PENDING) {
            pending_ = false;
            owner_.reset();
            then_ = nullptr;
        }
        return result;
    }
    [[nodiscard]] bool pending() const { return pending_; }
    /// After start() has returned another status than STATUS_PENDING.
    [[nodiscard]] std::size_t result() const { return information; }
    void cancel_wait()
    {
        if (pending_) {
            (void)nt_cancel_wait(this);
        }
    }
    void cancel(nt_handle handle)
    {
        if (pending_) {
            (void)nt_cancel(handle, this);
        }
    }

private:
    static void over(nt_operation* operation);

    std::shared_ptr<Owner> owner_;
    Then then_;
    bool pending_ = false;
};

/// Memory that Wine fills.
class WineBuffer {
public:
    explicit WineBuffer(std::size_t size);
    WineBuffer(const WineBuffer&) = delete;
    WineBuffer& operator=(const WineBuffer&) = delete;
    ~WineBuffer() { nt_buffer_free(data_); }
    [[nodiscard]] std::uint8_t* data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    /// What was in it is lost.
    void grow(std::size_t size);

private:
    std::uint8_t* data_;
    std::size_t size_;
};

/// A request on the native side. If it is over at once start() says so.
class NativeRequest {
public:
    NativeRequest() = default;
    NativeRequest(const NativeRequest&) = delete;
    NativeRequest& operator=(const NativeRequest&) = delete;
    ~NativeRequest() { reset(); }

    /// `make` makes the request. True: it is over already; take its result with get(). Else `then` is called later.
    template <typename Make>
    [[nodiscard]] bool start(std::weak_ptr<Owner> owner, std::function<void()> then, Make&& make)
    {
        owner_ = std::move(owner);
        then_ = std::move(then);
        return take(make());
    }
    [[nodiscard]] bool pending() const { return req_ != nullptr; }
    [[nodiscard]] tevent_req* get() const { return req_; }
    /// Ends it without a callback.
    void reset();
    void cancel()
    {
        if (req_ != nullptr) {
            tevent_req_cancel(req_);
        }
    }

private:
    [[nodiscard]] bool take(tevent_req* req);
    static void over(tevent_req* req);

    tevent_req* req_ = nullptr;
    std::weak_ptr<Owner> owner_;
    std::function<void()> then_;
};

/// Names of pipes, from UTF-8. Empty: it is none.
[[nodiscard]] std::u16string to_utf16(const std::string& text);
[[nodiscard]] inline const std::uint16_t* units(const std::u16string& text)
{
    return reinterpret_cast<const std::uint16_t*>(text.data());
}
/// For comparing names as the prefix does.
[[nodiscard]] std::string folded(const std::string& name);

} // namespace wine_bridge
