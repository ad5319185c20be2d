// SPDX-License-Identifier: LGPL-2.1-or-later
// ntpipe_task.hpp: coroutines on tevent: a task, and a tevent request that can be awaited. The one place where the two meet.
//
// Everything has one owner, and cancelling is destroying: destroying a Task destroys its frame, and with it whatever it awaits;
// destroying an Awaited frees its request.
#pragma once

#include <talloc.h>
#ifdef __cplusplus
extern "C" {
#endif
#include <tevent.h>
#ifdef __cplusplus
}
#endif

#include <chrono>
#include <coroutine>
#include <exception>
#include <list>
#include <new>
#include <optional>
#include <utility>

namespace ntpipe {

/// A tevent request that was started, or its result if it was over at once. await it, or get() it, once; or let it go to cancel it. `Receive` is called with the
/// request when it is over and gives the result.
template <typename Receive>
class [[nodiscard]] Awaited {
public:
    using Value = decltype(std::declval<Receive&>()(nullptr));

    /// `request`: nullptr is out of memory.
    Awaited(tevent_context* events, tevent_req* request, Receive receive)
        : events_(events), request_(request), receive_(std::move(receive))
    {
        if (request_ == nullptr) {
            throw std::bad_alloc();
        }
    }
    /// What was over at once, without a request.
    Awaited(tevent_context* events, Value value, Receive receive)
        : events_(events), request_(nullptr), value_(std::move(value)), receive_(std::move(receive))
    {
    }
    Awaited(Awaited&& other) noexcept
        : events_(other.events_),
          request_(std::exchange(other.request_, nullptr)),
          value_(std::move(other.value_)),
          receive_(std::move(other.receive_))
    {
    }
    Awaited(const Awaited&) = delete;
    Awaited& operator=(const Awaited&) = delete;
    Awaited& operator=(Awaited&&) = delete;
    ~Awaited() { talloc_free(request_); }

    [[nodiscard]] bool done() const { return value_ || !tevent_req_is_in_progress(request_); }
    /// It will be over with STATUS_CANCELLED, or with what has come of it by then.
    void cancel()
    {
        if (!value_) {
            tevent_req_cancel(request_);
        }
    }
    /// It will be over with STATUS_IO_TIMEOUT if it takes longer from now on. Returns itself, for use in one expression.
    Awaited&& within(std::chrono::milliseconds time) &&
    {
        set_end(time);
        return std::move(*this);
    }
    void set_end(std::chrono::milliseconds time)
    {
        const auto milliseconds = static_cast<std::uint32_t>(time.count());
        if (!value_ &&
            !tevent_req_set_endtime(request_, events_,
                                    tevent_timeval_current_ofs(milliseconds / 1000, milliseconds % 1000 * 1000))) {
            throw std::bad_alloc();
        }
    }
    /// Runs the event context until it is over. Not from within a callback or a coroutine.
    [[nodiscard]] Value get()
    {
        while (!done()) {
            if (tevent_loop_once(events_) != 0) {
                break;
            }
        }
        return receive();
    }

    bool await_ready() const { return done(); }
    void await_suspend(std::coroutine_handle<> awaiter)
    {
        tevent_req_set_callback(
            request_,
            [](tevent_req* over) { std::coroutine_handle<>::from_address(_tevent_req_callback_data(over)).resume(); },
            awaiter.address());
    }
    Value await_resume() { return receive(); }

private:
    Value receive()
    {
        if (value_) {
            return *std::move(value_);
        }
        struct Free {
            tevent_req*& request;
            ~Free()
            {
                talloc_free(request);
                request = nullptr;
            }
        } free_afterwards{request_};
        return receive_(request_);
    }

    tevent_context* events_;
    tevent_req* request_;
    std::optional<Value> value_;
    Receive receive_;
};

namespace detail {

struct PromiseBase {
    std::coroutine_handle<> continuation = std::noop_coroutine();
    std::exception_ptr exception;

    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> over) noexcept
        {
            return over.promise().continuation;
        }
        void await_resume() const noexcept {}
    };
    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() { exception = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
    std::optional<T> value;
    void return_value(T result) { value.emplace(std::move(result)); }
    T take()
    {
        if (exception) {
            std::rethrow_exception(exception);
        }
        return std::move(*value);
    }
};

template <>
struct Promise<void> : PromiseBase {
    void return_void() const {}
    void take() const
    {
        if (exception) {
            std::rethrow_exception(exception);
        }
    }
};

} // namespace detail

/// A coroutine. It does nothing until it is awaited or started.
template <typename T = void>
class [[nodiscard]] Task {
public:
    struct promise_type : detail::Promise<T> {
        Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    };

    Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    Task& operator=(Task&& other) noexcept
    {
        std::swap(frame_, other.frame_);
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    ~Task()
    {
        if (frame_) {
            frame_.destroy();
        }
    }

    /// Runs it up to its first wait. It goes on from the event loop.
    void start() { frame_.resume(); }
    [[nodiscard]] bool done() const { return frame_.done(); }
    /// What it has returned; throws what it has thrown. Once, when done().
    T result() { return frame_.promise().take(); }
    /// Starts it and runs the event context until it is over.
    T run(tevent_context* events)
    {
        start();
        while (!done()) {
            if (tevent_loop_once(events) != 0) {
                std::terminate(); // the event context is broken beyond use
            }
        }
        return result();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter)
    {
        frame_.promise().continuation = awaiter;
        return frame_;
    }
    T await_resume() { return result(); }

private:
    explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
    std::coroutine_handle<promise_type> frame_;
};

/// Tasks that run side by side and end with their owner.
class Tasks {
public:
    /// Starts it.
    void add(Task<void> task)
    {
        sweep();
        tasks_.push_back(std::move(task));
        tasks_.back().start();
    }
    [[nodiscard]] std::size_t running()
    {
        sweep();
        return tasks_.size();
    }

private:
    void sweep()
    {
        tasks_.remove_if([](const Task<void>& task) { return task.done(); });
    }
    std::list<Task<void>> tasks_;
};

} // namespace ntpipe
