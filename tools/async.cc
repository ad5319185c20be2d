// SPDX-License-Identifier: LGPL-2.1-or-later
// async.cc: tevent requests for time, descriptors and events.
#include "async.hpp"

#include "failure.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace ntpipe::tools {
namespace {

/// What requests without state of their own have, since tevent wants some.
struct Empty {
    char unused;
};

/// tevent says nothing of a reader that has gone to those who wait to write. epoll does, and an epoll descriptor is itself
/// readable when one of its own is ready.
int epoll_for(int fd, std::uint32_t events)
{
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    epoll_event event{};
    event.events = events;
    if (epoll >= 0 && ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        const int reason = errno;
        ::close(epoll);
        errno = reason;
        return -1;
    }
    return epoll;
}

Waited until(tevent_context* events, int fd, std::uint32_t what)
{
    const int epoll = epoll_for(fd, what);
    if (epoll < 0) {
        throw failure_of_errno("cannot wait for a descriptor");
    }
    Empty* state = nullptr;
    tevent_req* request = tevent_req_create(nullptr, &state, Empty);
    tevent_fd* watch = request == nullptr ? nullptr
                                          : tevent_add_fd(
                                                events, request, epoll, TEVENT_FD_READ,
                                                [](tevent_context*, tevent_fd* ready, std::uint16_t, void* data) {
                                                    talloc_free(ready);
                                                    tevent_req_done(static_cast<tevent_req*>(data));
                                                },
                                                request);
    if (watch == nullptr) {
        ::close(epoll);
        TALLOC_FREE(request);
    } else {
        tevent_fd_set_auto_close(watch);
    }
    return {events, request, ReceiveNothing()};
}

} // namespace

bool ReceiveNothing::operator()(tevent_req* request) const
{
    tevent_req_state state{};
    std::uint64_t error = 0;
    return !tevent_req_is_error(request, &state, &error);
}

Waited sleep_for(tevent_context* events, std::chrono::milliseconds time)
{
    const auto count = static_cast<std::uint32_t>(time.count());
    constexpr std::uint32_t thousand = 1000;
    return {
        events,
        tevent_wakeup_send(nullptr, events, tevent_timeval_current_ofs(count / thousand, count % thousand * thousand)),
        ReceiveNothing()};
}

bool can_wait_for(int fd)
{
    const int probe = epoll_for(fd, 0);
    if (probe >= 0) {
        ::close(probe);
    }
    return probe >= 0 || errno != EPERM;
}

Waited until_readable(tevent_context* events, int fd)
{
    return until(events, fd, EPOLLIN);
}

Waited until_writable(tevent_context* events, int fd)
{
    return until(events, fd, EPOLLOUT);
}

/// Tells its event when it goes, so that nobody is woken who does not wait any more.
struct Event::Waiter {
    Event* event;
};

Event::~Event()
{
    if (waiting_ != nullptr) {
        talloc_set_destructor(tevent_req_data(waiting_, Waiter), nullptr);
    }
}

void Event::happen()
{
    if (waiting_ == nullptr) {
        happened_ = true;
        return;
    }
    tevent_req* request = std::exchange(waiting_, nullptr);
    talloc_set_destructor(tevent_req_data(request, Waiter), nullptr);
    tevent_req_defer_callback(request, events_);
    tevent_req_done(request);
}

Waited Event::next()
{
    Waiter* state = nullptr;
    tevent_req* request = tevent_req_create(nullptr, &state, Waiter);
    if (request != nullptr) {
        state->event = this;
        if (std::exchange(happened_, false)) {
            tevent_req_done(request);
        } else {
            waiting_ = request;
            talloc_set_destructor(state, [](Waiter* waiter) {
                waiter->event->waiting_ = nullptr;
                return 0;
            });
        }
    }
    return {events_, request, ReceiveNothing()};
}

} // namespace ntpipe::tools
