// SPDX-License-Identifier: LGPL-2.1-or-later
// loop.cc: descriptors, timers and deferred work on a tevent context.
#include "glue/loop.hpp"

#include "glue/uninterrupted.hpp"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <talloc.h>

#include <cerrno>
#include <ctime>
#include <new>
#include <utility>
#include <vector>

namespace ntpipe::glue {
namespace {

constexpr std::uint64_t nanoseconds_per_second = 1'000'000'000;
/// dispatch() returns to the caller's loop after so many events, so that it cannot starve it.
constexpr int dispatch_budget = 256;

void drain(int fd)
{
    std::uint64_t count = 0;
    (void)!glue::uninterrupted([&] { return ::read(fd, &count, sizeof(count)); });
}

bool has_one_processor()
{
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof(processors), &processors) != 0 || CPU_COUNT(&processors) < 2;
}

/// As spin(), for one processor: whoever is looked for has it meanwhile.
bool give_way(std::uint64_t time, const std::function<bool()>& look)
{
    const std::uint64_t end = Loop::now() + time;
    do {
        (void)sched_yield();
        if (look()) {
            return true;
        }
    } while (Loop::now() < end);
    return false;
}

void relax()
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

} // namespace

std::uint64_t Loop::now()
{
    timespec time{};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * nanoseconds_per_second + static_cast<std::uint64_t>(time.tv_nsec);
}

Result<std::unique_ptr<Loop>> Loop::on(tevent_context* events)
{
    std::unique_ptr<Loop> loop(new Loop());
    loop->events_ = events;
    return loop;
}

Result<std::unique_ptr<Loop>> Loop::own()
{
    std::unique_ptr<Loop> loop(new Loop());
    loop->own_context_ = tevent_context_init(nullptr);
    if (loop->own_context_ == nullptr) {
        return Status::no_memory;
    }
    loop->events_ = loop->own_context_;
    tevent_set_trace_callback(
        loop->events_,
        [](enum tevent_trace_point point, void* data) noexcept {
            if (point == TEVENT_TRACE_BEFORE_WAIT) {
                static_cast<Loop*>(data)->before_wait();
            }
        },
        loop.get());
    if (const Status status = loop->make_mirror(); status != Status::success) {
        return status;
    }
    return loop;
}

Status Loop::make_mirror()
{
    mirror_.reset(epoll_create1(EPOLL_CLOEXEC));
    if (!mirror_) {
        return status_from_errno(errno);
    }
    wakeup_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wakeup_) {
        return status_from_errno(errno);
    }
    wakeup_watch_ = std::make_unique<Watch>(*this, wakeup_.get(), [this] {
        drain(wakeup_.get());
        is_awake_ = false;
        wakeup_seen_ = true;
    });
    is_awake_ = false;
    return Status::success;
}

void Loop::leave_parent()
{
    mirror_.reset(); // first, so that no watch takes itself out of the parent's set
    wakeup_watch_.reset();
    wakeup_.reset();
    timer_watch_.reset();
    timer_fd_.reset();
    turn_watch_.reset();
    turn_fd_.reset();
}

void Loop::renew_after_fork()
{
    if (is_own()) {
        (void)make_mirror();
        poke();
    }
    timers_changed();
    if (!turns_.empty()) {
        ask_for_turn();
    }
}

Loop::~Loop()
{
    turn_watch_.reset();
    timer_watch_.reset();
    wakeup_watch_.reset();
    talloc_free(own_context_);
}

bool Loop::mirror(int fd, int operation, bool writable) const
{
    epoll_event event{};
    event.events = EPOLLIN | (writable ? EPOLLOUT : 0U);
    event.data.fd = fd;
    return !mirror_ || !is_watched_ || epoll_ctl(mirror_.get(), operation, fd, &event) == 0;
}

bool Loop::fill_mirror()
{
    is_watched_ = true;
    for (Watch* watch = watches_.front(); watch != nullptr; watch = watches_.after(*watch)) {
        if (!mirror(watch->fd_, EPOLL_CTL_ADD, watch->wants_writable())) {
            const int error = errno;
            for (Watch* added = watches_.front(); added != watch; added = watches_.after(*added)) {
                (void)mirror(added->fd_, EPOLL_CTL_DEL, false);
            }
            is_watched_ = false;
            errno = error;
            return false;
        }
    }
    return true;
}

int Loop::descriptor()
{
    if (!is_own() || (!is_watched_ && !fill_mirror())) {
        return -1;
    }
    if (std::exchange(was_poked_, false)) {
        wake_up();
    }
    return mirror_.get();
}

// tevent knows by itself what was scheduled: who runs it pays no system call for the descriptor that others watch.
void Loop::poke()
{
    was_scheduled_ = true;
    if (in_turn_) {
        return;
    }
    if (is_watched_) {
        wake_up();
    } else {
        was_poked_ = true;
    }
}

void Loop::wake_up()
{
    if (wakeup_ && !is_awake_) {
        const std::uint64_t one = 1;
        is_awake_ = glue::uninterrupted([&] { return ::write(wakeup_.get(), &one, sizeof(one)); }) > 0;
    }
}

tevent_req* Loop::post(tevent_req* request)
{
    poke();
    return tevent_req_post(request, events_);
}

// tevent serves immediates before descriptors, so when the wakeup has been seen as the last thing none is left.
void Loop::dispatch()
{
    if (descriptor() < 0) {
        return;
    }
    epoll_event event{};
    int budget = dispatch_budget;
    do {
        wakeup_seen_ = false;
        wake_up();
        while (!wakeup_seen_ && tevent_loop_once(events_) == 0) {
            --budget;
        }
    } while (budget > 0 && epoll_wait(mirror_.get(), &event, 1, 0) > 0);
}

bool Loop::run_until(const std::function<bool()>& done)
{
    while (!done()) {
        if (tevent_loop_once(events_) != 0) {
            return false;
        }
    }
    return true;
}

// ---- looking ----

void Loop::set_spin(std::uint64_t time)
{
    spin_ = has_one_processor() ? 0 : time;
}

bool spin(std::uint64_t time, const std::function<bool()>& look)
{
    constexpr int looks_at_a_time = 16; // asking for the time takes longer
    const std::uint64_t end = Loop::now() + time;
    do {
        for (int i = 0; i < looks_at_a_time; ++i) {
            if (look()) {
                return true;
            }
            relax();
        }
    } while (Loop::now() < end);
    return false;
}

// tevent is about to wait and cannot be stopped; but what is readable does not let it wait.
void Loop::before_wait()
{
    if (lookers_.empty()) {
        return;
    }
    was_scheduled_ = false;
    const bool found = spin_ != 0 && glue::spin(spin_, [this] { return look_at_all(); });
    while (!found && !lookers_.empty()) {
        lookers_.pop_front()->arm();
    }
    if (was_scheduled_) {
        wake_up();
    }
}

bool Loop::look_at_all()
{
    for (Looker* looker = lookers_.front(); looker != nullptr; looker = lookers_.after(*looker)) {
        looker->look();
    }
    return was_scheduled_;
}

// ---- turns of threads ----

bool Loop::work(std::uint64_t time)
{
    if (!in_turn_ || do_what_was_scheduled()) {
        return in_turn_;
    }
    const auto look = [this] { return look_at_all(); };
    const bool found = look() || (time != 0 && !lookers_.empty() &&
                                  (has_one_processor() ? give_way(time, look) : glue::spin(time, look)));
    return found && do_what_was_scheduled();
}

// tevent serves immediates first and then a timer that is due; in between it looks at no descriptor and never waits.
bool Loop::do_what_was_scheduled()
{
    if (!was_scheduled_) {
        return false;
    }
    bool over = false;
    tevent_timer* end = tevent_add_timer(
        events_, nullptr, tevent_timeval_zero(),
        [](tevent_context* /*events*/, tevent_timer* /*timer*/, timeval /*now*/, void* data) noexcept {
            *static_cast<bool*>(data) = true;
        },
        &over);
    if (end == nullptr) {
        throw std::bad_alloc();
    }
    was_scheduled_ = false;
    while (!over && tevent_loop_once(events_) == 0) {}
    if (!over) {
        talloc_free(end);
    }
    return true;
}

void Loop::end_turn()
{
    while (in_turn_ && !lookers_.empty()) {
        lookers_.pop_front()->arm();
    }
    if (std::exchange(in_turn_, false) && was_scheduled_) {
        poke();
    }
}

// ---- turns of descriptors ----

// A descriptor, because those that are ready are served in turn.
void Loop::complete_in_turn(Completion& completion)
{
    ask_for_turn();
    turns_.push_back(completion);
}

void Loop::ask_for_turn()
{
    if (!turn_fd_) {
        turn_fd_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!turn_fd_) {
            throw std::bad_alloc();
        }
        turn_watch_ = std::make_unique<Watch>(*this, turn_fd_.get(), [this] { have_turn(); });
    }
    const std::uint64_t one = 1;
    (void)!glue::uninterrupted([&] { return ::write(turn_fd_.get(), &one, sizeof(one)); });
}

// What comes in meanwhile has the next turn.
void Loop::have_turn()
{
    drain(turn_fd_.get());
    List<Completion> due;
    while (Completion* completion = turns_.pop_front()) {
        due.push_back(*completion);
    }
    while (Completion* completion = due.pop_front()) {
        completion->completed();
    }
}

// ---- Watch ----

Loop::Watch::Watch(Loop& loop, int fd, std::function<void()> ready) : loop_(loop), fd_(fd), ready_(std::move(ready))
{
    event_ = tevent_add_fd(loop.events_, nullptr, fd, TEVENT_FD_READ, &Watch::handler, this);
    if (event_ == nullptr || !loop_.mirror(fd, EPOLL_CTL_ADD, false)) {
        talloc_free(event_);
        throw std::bad_alloc();
    }
    loop_.watches_.push_back(*this);
}

Loop::Watch::~Watch()
{
    (void)loop_.mirror(fd_, EPOLL_CTL_DEL, false);
    talloc_free(event_);
}

bool Loop::Watch::wants_writable() const
{
    return (tevent_fd_get_flags(event_) & TEVENT_FD_WRITE) != 0;
}

void Loop::Watch::want_writable(bool wanted)
{
    tevent_fd_set_flags(event_, wanted ? TEVENT_FD_READ | TEVENT_FD_WRITE : TEVENT_FD_READ);
    (void)loop_.mirror(fd_, EPOLL_CTL_MOD, wanted);
}

void Loop::Watch::handler(tevent_context* /*events*/, tevent_fd* /*event*/, uint16_t /*flags*/, void* data) noexcept
{
    auto* watch = static_cast<Watch*>(data);
    watch->loop_.in_a_row_ = 0;
    const std::function<void()> ready = watch->ready_; // it may destroy the watch
    ready();
}

// ---- Timer ----

Loop::Timer::Timer(Loop& loop, std::function<void()> due) : loop_(loop), due_(std::move(due))
{
    std::multimap<std::uint64_t, Timer*> alone;
    alone.emplace(0, this);
    node_ = alone.extract(alone.begin());
}

Loop::Timer::~Timer()
{
    clear();
}

void Loop::Timer::set(std::uint64_t when)
{
    clear();
    node_.key() = when;
    place_ = loop_.timers_.insert(std::move(node_));
    set_ = true;
    loop_.timers_changed();
}

void Loop::Timer::clear()
{
    if (set_) {
        set_ = false;
        node_ = loop_.timers_.extract(place_);
        loop_.timers_changed();
    }
}

void Loop::timers_changed()
{
    if (!timer_fd_) {
        if (timers_.empty()) {
            return;
        }
        timer_fd_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
        if (!timer_fd_) {
            throw std::bad_alloc();
        }
        timer_watch_ = std::make_unique<Watch>(*this, timer_fd_.get(), [this] { timers_due(); });
    }
    itimerspec when{};
    if (!timers_.empty()) {
        // 0 would disarm the timer.
        const std::uint64_t first = timers_.begin()->first == 0 ? 1 : timers_.begin()->first;
        when.it_value.tv_sec = static_cast<time_t>(first / nanoseconds_per_second);
        when.it_value.tv_nsec = static_cast<long>(first % nanoseconds_per_second);
    }
    (void)timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Loop::timers_due()
{
    drain(timer_fd_.get());
    const std::uint64_t time = now();
    while (!timers_.empty() && timers_.begin()->first <= time) {
        Timer* timer = timers_.begin()->second;
        timer->set_ = false;
        timer->node_ = timers_.extract(timers_.begin());
        const std::function<void()> due = timer->due_; // it may destroy the timer
        due();
    }
    timers_changed();
}

// ---- Soon ----

Loop::Soon::Soon(Loop& loop, std::function<void()> due)
    : loop_(loop), due_(std::move(due)), immediate_(tevent_create_immediate(nullptr))
{
    if (immediate_ == nullptr) {
        throw std::bad_alloc();
    }
}

Loop::Soon::~Soon()
{
    talloc_free(immediate_);
}

void Loop::Soon::schedule()
{
    if (scheduled_) {
        return;
    }
    scheduled_ = true;
    tevent_schedule_immediate(
        immediate_, loop_.events_,
        [](tevent_context* /*events*/, tevent_immediate* /*immediate*/, void* data) noexcept {
            auto* soon = static_cast<Soon*>(data);
            soon->scheduled_ = false;
            const std::function<void()> due = soon->due_; // it may destroy this
            due();
        },
        this);
    loop_.poke();
}

} // namespace ntpipe::glue
