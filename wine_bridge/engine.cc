// SPDX-License-Identifier: LGPL-2.1-or-later
// engine.cc: the threads, their lock, and operations on either side.
#include "engine.hpp"

#include "log.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace wine_bridge {
namespace {

constexpr std::chrono::milliseconds tick_interval(1000);
constexpr unsigned watch_interval = 500; // milliseconds
/// Longer than a program takes that is woken, answers at once, and does not ring.
constexpr std::chrono::microseconds longest_look(100);

Engine* the_engine = nullptr; // nt_run() takes plain functions
thread_local bool on_wine_thread = false;

// False: it has ended, and only waits for the process's other threads. What cannot be read says nothing.
bool is_alive(int stat_of_thread)
{
    std::array<char, 512> text{};
    const ssize_t length = pread(stat_of_thread, text.data(), text.size(), 0);
    if (length < 0) {
        return errno != ESRCH;
    }
    const std::string_view seen(text.data(), static_cast<std::size_t>(length));
    const std::size_t name_end = seen.rfind(')');
    return name_end == std::string_view::npos || seen.substr(name_end, 3).find('Z') == std::string_view::npos;
}

// When Wine's server has gone, Wine ends each thread that calls it then, and no more: the native side would wait for ever. This
// thread is not Wine's, and sees that the main thread is no more, or waits for a lock that another one had when it was ended.
void watch_threads(const FairLock& lock)
{
    const std::string path = "/proc/self/task/" + std::to_string(getpid()) + "/stat";
    const int stat_of_main = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (stat_of_main == -1) {
        throw std::bad_alloc();
    }
    std::thread([stat_of_main, &lock] {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, nullptr);
        while (is_alive(stat_of_main) && !lock.is_lost()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(watch_interval));
        }
        log_line("the prefix's server has gone");
        _exit(1);
    }).detach();
}

} // namespace

void FairLock::lock()
{
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = next_++;
    turn_.wait(lock, [&] { return served_ == mine; });
    static thread_local const pid_t this_thread = gettid();
    holder_ = this_thread;
}

bool FairLock::is_lost() const
{
    const pid_t holder = holder_;
    // Who lets it go says so before it ends.
    return holder != 0 && tgkill(getpid(), holder, 0) != 0 && errno == ESRCH && holder_ == holder;
}

void FairLock::unlock()
{
    holder_ = 0;
    const std::lock_guard lock(mutex_);
    ++served_;
    turn_.notify_all();
}

bool Answer::is_worth_looking_for()
{
    if (skip_ != 0) {
        --skip_;
        return false;
    }
    return true;
}

void Answer::looked_for()
{
    constexpr unsigned most_in_vain = 10;
    if (!std::exchange(expected_, false)) {
        in_vain_ = 0;
        return;
    }
    in_vain_ = std::min(in_vain_ + 1, most_in_vain);
    skip_ = 1U << in_vain_;
}

Engine::Engine(ntpipe_session* session)
    : session_(session), descriptors_(epoll_create1(EPOLL_CLOEXEC)), wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (descriptors_ == -1 || wakeup_ == -1) {
        throw std::bad_alloc();
    }
    watch(wakeup_, [this] {
        std::uint64_t count = 0;
        (void)!read(wakeup_, &count, sizeof(count));
    });
    watch(ntpipe_session_fd(session), [this] { ntpipe_session_dispatch(session_); });
    the_engine = this;
}

void Engine::watch(int descriptor, std::function<void()> ready)
{
    watched_.push_back(std::move(ready));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &watched_.back();
    if (epoll_ctl(descriptors_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        throw std::bad_alloc();
    }
}

void Engine::enter()
{
    lock_.lock();
    ntpipe_session_begin_turn(session_);
}

// What the Wine thread does last is what nobody waits for: reads that take from the prefix what was answered, and the next ones.
void Engine::leave()
{
    constexpr int most_rounds = 16; // then the main thread goes on, and others have their turn
    look_for_answer();
    for (int round = 0; round < most_rounds; ++round) {
        do_what_is_last();
        if (!ntpipe_session_work(session_, 0)) {
            break;
        }
    }
    do_what_is_last();
    expected_.reset();
    ntpipe_session_end_turn(session_);
    lock_.unlock();
}

void Engine::do_what_is_last()
{
    while (!last_.empty()) {
        const Work last = std::move(last_.front());
        last_.pop_front();
        do_for(last.owner, last.work);
    }
}

void Engine::look_for_answer()
{
    const std::shared_ptr<Answer> answer = std::exchange(expected_, nullptr);
    if (!answer || !answer->is_expected()) {
        return;
    }
    const Clock::time_point end = Clock::now() + longest_look;
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - Clock::now()).count();
        if (left <= 0 || !ntpipe_session_work(session_, static_cast<std::uint32_t>(left)) || !answer->is_expected()) {
            break;
        }
    }
    answer->looked_for();
}

void Engine::expect(const std::shared_ptr<Answer>& answer)
{
    if (on_wine_thread && answer->is_worth_looking_for()) {
        answer->expect();
        expected_ = answer;
    }
}

bool Engine::do_last(std::shared_ptr<Owner> owner, std::function<void()> work)
{
    if (on_wine_thread) {
        last_.push_back({std::move(owner), std::move(work)});
    }
    return on_wine_thread;
}

std::uint32_t Engine::start()
{
    const std::uint32_t status = nt_start();
    if (status != NTPIPE_STATUS_SUCCESS) {
        return status;
    }
    const auto body = [](void*) {
        on_wine_thread = true;
        nt_run([] { the_engine->enter(); }, [] { the_engine->leave(); });
    };
    return nt_thread(body, nullptr) ? NTPIPE_STATUS_SUCCESS : NTPIPE_STATUS_NO_MEMORY;
}

void Engine::run()
{
    watch_threads(lock_);
    std::unique_lock lock(lock_);
    next_tick_ = Clock::now();
    while (!stopping_) {
        run_timers();
        wait(lock);
    }
    (void)lock.release();
}

int Engine::until_next_timer()
{
    const Clock::time_point next = timers_.empty() ? next_tick_ : std::min(next_tick_, timers_.begin()->first);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    return static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), tick_interval).count());
}

void Engine::run_timers()
{
    const Clock::time_point now = Clock::now();
    if (next_tick_ <= now) {
        next_tick_ = now + tick_interval;
        tick();
    }
    while (!timers_.empty() && timers_.begin()->first <= now) {
        const Timer timer = std::move(timers_.extract(timers_.begin()).mapped());
        if (const auto owner = timer.owner.lock()) {
            do_for(owner, timer.due);
        }
    }
}

// A thread that waits for Wine's server does not see that it was killed; one that asks it for something does.
void Engine::tick()
{
    nt_ping();
    {
        const std::lock_guard lock(jobs_mutex_);
        if (idle_workers_ < jobs_.size()) {
            start_worker(); // one that could not be had
        }
    }
    if (tick_) {
        tick_();
    }
}

void Engine::wait(std::unique_lock<FairLock>& lock)
{
    std::array<epoll_event, 8> ready{};
    const int timeout = until_next_timer();
    wakes_at_ = Clock::now() + std::chrono::milliseconds(timeout);
    waits_ = true;
    lock.unlock();
    const int count = epoll_wait(descriptors_, ready.data(), ready.size(), timeout);
    lock.lock();
    waits_ = false;
    for (int i = 0; i < count; ++i) {
        (*static_cast<std::function<void()>*>(ready[static_cast<std::size_t>(i)].data.ptr))();
    }
}

void Engine::stop()
{
    stopping_ = true;
    wake_main();
}

void Engine::wake_main()
{
    const std::uint64_t one = 1;
    (void)!write(wakeup_, &one, sizeof(one));
}

void Engine::run_blocking(std::function<void()> block, std::shared_ptr<Owner> owner, std::function<void()> after)
{
    const std::lock_guard lock(jobs_mutex_);
    jobs_.push_back({std::move(block), std::move(owner), std::move(after)});
    if (idle_workers_ >= jobs_.size()) {
        jobs_there_.notify_one();
    } else {
        start_worker();
    }
}

// One that cannot be had leaves the job to those that are there, and is tried again.
void Engine::start_worker()
{
    (void)nt_thread(run_jobs, this);
}

void Engine::run_jobs(void* engine)
{
    constexpr unsigned most_idle = 4;
    auto* self = static_cast<Engine*>(engine);
    for (;;) {
        std::unique_lock lock(self->jobs_mutex_);
        if (self->jobs_.empty() && self->idle_workers_ >= most_idle) {
            return;
        }
        ++self->idle_workers_;
        self->jobs_there_.wait(lock, [self] { return !self->jobs_.empty(); });
        --self->idle_workers_;
        Job job = std::move(self->jobs_.front());
        self->jobs_.pop_front();
        lock.unlock();
        job.block();
        self->enter();
        do_for(job.owner, job.after);
        job = {}; // what it keeps alive belongs under the lock, too
        self->leave();
    }
}

void Engine::after(unsigned milliseconds, std::weak_ptr<Owner> owner, std::function<void()> due)
{
    const Clock::time_point when = Clock::now() + std::chrono::milliseconds(milliseconds);
    timers_.emplace(when, Timer{std::move(owner), std::move(due)});
    if (waits_ && when < wakes_at_) {
        waits_ = false;
        wake_main();
    }
}

} // namespace wine_bridge
