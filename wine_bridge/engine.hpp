// SPDX-License-Identifier: LGPL-2.1-or-later
// engine.hpp: the two threads of the bridge and what keeps them apart.
//
// The *main* thread waits for descriptors, those of the native side among them. The *Wine* thread waits for what is over in the
// prefix. Both call into the same objects, one at a time: whoever does holds the engine's lock. Neither waits with it, and what
// the main thread waits for knows nothing of those objects. So nothing is handed from one thread to the other on the way of data,
// and no object needs a lock of its own. What may block in Wine's server (a flush) has threads of its own.
//
// What a program of the prefix asks a native one is answered soon, as a rule: the Wine thread looks for the answer itself (a *turn* of
// ntpipe.h) before it waits for Wine's server again, as long as that was worth it before.
#pragma once

#include "operations.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace wine_bridge {

/// A lock that who comes first gets first: the Wine thread, which lets it go and takes it again soon, would keep it from the others.
class FairLock {
public:
    void lock();
    void unlock();
    /// Whoever holds it is no more, and nobody will get it. From any thread.
    [[nodiscard]] bool is_lost() const;

private:
    std::atomic<pid_t> holder_ = 0; ///< thread; 0: nobody
    std::mutex mutex_;              ///< of what follows
    std::condition_variable turn_;
    std::uint64_t next_ = 0;
    std::uint64_t served_ = 0;
};

/// What somebody in the prefix waits for from the native side.
class Answer {
public:
    /// False: it has not come soon lately, so it is not looked for this time.
    [[nodiscard]] bool is_worth_looking_for();
    void expect() { expected_ = true; }
    void came() { expected_ = false; }
    [[nodiscard]] bool is_expected() const { return expected_; }
    /// It was looked for.
    void looked_for();

private:
    bool expected_ = false;
    unsigned in_vain_ = 0; ///< how often in a row
    unsigned skip_ = 0;
};

class Engine {
public:
    /// Takes the session, which has an event context of its own, and nobody else may wait for it.
    explicit Engine(ntpipe_session* session);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() = delete; ///< its threads wait in it until the process ends

    /// Starts the Wine thread. An NTSTATUS.
    [[nodiscard]] std::uint32_t start();
    /// Runs the main thread until stop(). Returns with the lock: nothing of the bridge happens any more.
    void run();
    /// From any thread, with or without the lock.
    void stop();
    [[nodiscard]] tevent_context* events() const { return ntpipe_session_event_context(session_); }

    /// Calls `ready` on the main thread while a descriptor is readable, which must stay open. Before run().
    void watch(int descriptor, std::function<void()> ready);
    /// Calls `tick` on the main thread every second, for which nothing is needed that could be missing. It must not throw. Before run().
    void each_second(std::function<void()> tick) { tick_ = std::move(tick); }
    /// Runs `block` on a thread where it may block, without the lock, then `after`, with it.
    void run_blocking(std::function<void()> block, std::shared_ptr<Owner> owner, std::function<void()> after);
    /// Runs `due` once, after a time, on the main thread, unless `owner` has gone.
    void after(unsigned milliseconds, std::weak_ptr<Owner> owner, std::function<void()> due);
    /// On the Wine thread: runs `work` when what else there is to do has been done. On others it returns false.
    [[nodiscard]] bool do_last(std::shared_ptr<Owner> owner, std::function<void()> work);
    /// If this is the Wine thread it will look for it.
    void expect(const std::shared_ptr<Answer>& answer);

    /// For what the Wine thread does: the lock around it.
    void enter();
    void leave();

private:
    using Clock = std::chrono::steady_clock;
    struct Job {
        std::function<void()> block;
        std::shared_ptr<Owner> owner;
        std::function<void()> after;
    };
    struct Timer {
        std::weak_ptr<Owner> owner;
        std::function<void()> due;
    };
    struct Work {
        std::shared_ptr<Owner> owner;
        std::function<void()> work;
    };
    static void run_jobs(void* engine);
    void start_worker();
    void tick();
    [[nodiscard]] int until_next_timer();
    void run_timers();
    void wait(std::unique_lock<FairLock>& lock);
    void wake_main();
    void look_for_answer();
    void do_what_is_last();

    ntpipe_session* session_;
    int descriptors_; ///< an epoll set
    int wakeup_;
    FairLock lock_; ///< the engine's
    std::atomic<bool> stopping_ = false;
    std::deque<std::function<void()>> watched_; ///< what to call for a descriptor of the set
    std::multimap<Clock::time_point, Timer> timers_;
    Clock::time_point next_tick_;
    std::function<void()> tick_;
    Clock::time_point wakes_at_; ///< when the main thread, which waits, goes on by itself
    bool waits_ = false;
    std::shared_ptr<Answer> expected_;
    std::deque<Work> last_;

    std::mutex jobs_mutex_;
    std::condition_variable jobs_there_;
    std::deque<Job> jobs_;
    unsigned idle_workers_ = 0;
};

} // namespace wine_bridge
