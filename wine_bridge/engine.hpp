// SPDX-License-Identifier: LGPL-2.1-or-later
// engine.hpp: the two threads of the bridge and what keeps them apart.
//
// The *main* thread runs tevent, for the native side. The *Wine* thread waits for what is over in the prefix. Both call into
// the same objects, one at a time: whoever does holds the engine's lock, which the main thread gives away only before it waits
// for descriptors, and takes back first: a descriptor that is let go must not be one that was just found ready. So nothing is handed from one thread to the other on the way of data, and no object needs a lock of its own.
// What may block in Wine's server (a flush) has threads of its own.
#pragma once

#include "nt.h"

#include <ntpipe.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace wine_bridge {

/// NTSTATUS values of Wine's and of the library's are the same.
[[nodiscard]] constexpr bool is_error(std::uint32_t status)
{
    return status >> 30U == 3;
}

class Engine {
public:
    Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    /// Starts the Wine thread. An NTSTATUS.
    [[nodiscard]] std::uint32_t start();
    /// Runs the main thread until stop(). Returns with the lock: nothing of the bridge happens any more.
    void run();
    void stop();
    [[nodiscard]] tevent_context* events() const { return events_; }

    /// Runs `block` on a thread where it may block, without the lock, then `after`, with it.
    void run_blocking(std::function<void()> block, std::function<void()> after);
    /// Runs `due` once, after a time, on the main thread, unless `owner` has gone.
    void after(unsigned milliseconds, std::weak_ptr<void> owner, std::function<void()> due);

    /// For what the Wine thread does: the lock around it.
    void enter();
    void leave();
    /// What the Wine thread has done has left nothing for the main thread but what a descriptor tells it.
    void need_no_wake() { wake_ = timers_added_; }

private:
    struct Job {
        std::function<void()> block;
        std::function<void()> after;
    };
    static void on_trace(enum tevent_trace_point point, void* data);
    static void run_jobs(void* engine);
    void wake_main();
    void ping_later();

    tevent_context* events_;
    std::mutex mutex_; ///< of the next four
    std::condition_variable turn_;
    bool busy_ = true;     ///< somebody has the engine's lock: at first the main thread
    bool waiting_ = false; ///< the main thread waits for descriptors
    bool rung_ = false;    ///< it was woken
    unsigned pending_ = 0; ///< who wants the lock besides it
    bool stopping_ = false;
    bool wake_ = true;
    bool timers_added_ = false;
    std::shared_ptr<void> alive_ = std::make_shared<int>();
    int wakeup_ = -1;

    std::mutex jobs_mutex_;
    std::condition_variable jobs_there_;
    std::deque<Job> jobs_;
    unsigned idle_workers_ = 0;
};

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
    [[nodiscard]] std::uint32_t start(std::shared_ptr<void> owner, Then then, Call&& call)
    {
        done = over;
        owner_ = std::move(owner);
        then_ = std::move(then);
        pending_ = true;
        const std::uint32_t result = call(this);
        if (result != NTPIPE_STATUS_PENDING) {
            pending_ = false;
            owner_.reset();
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

    std::shared_ptr<void> owner_;
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

/// A request on the native side. Its callback comes on the main thread, or from start() if it is over at once.
class NativeRequest {
public:
    NativeRequest() = default;
    NativeRequest(const NativeRequest&) = delete;
    NativeRequest& operator=(const NativeRequest&) = delete;
    ~NativeRequest() { reset(); }

    /// True: `req` is over already; take its result with take(). Else `then` is called later.
    [[nodiscard]] bool start(tevent_req* req, std::function<void()> then);
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
    tevent_req* req_ = nullptr;
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
