// SPDX-License-Identifier: LGPL-2.1-or-later
// async.hpp: what coroutines here wait for besides pipes: time, descriptors, and each other.
#pragma once

#include <ntpipe_task.hpp>

#include <chrono>
#include <cstdint>

namespace ntpipe::tools {

struct ReceiveNothing {
    /// True: it has come; false: the time limit was over.
    bool operator()(tevent_req* request) const;
};
using Waited = Awaited<ReceiveNothing>;

/// Until the time is over.
[[nodiscard]] Waited sleep_for(tevent_context* events, std::chrono::milliseconds time);

/// True if the event loop can wait for it. Others, such as regular files, are always ready.
[[nodiscard]] bool can_wait_for(int fd);
[[nodiscard]] Waited until_readable(tevent_context* events, int fd);
[[nodiscard]] Waited until_writable(tevent_context* events, int fd);

/// Something that happens again and again; those that wait for it now are woken, one at a time at most.
class Event {
public:
    explicit Event(tevent_context* events) : events_(events) {}
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();

    /// The waiter goes on from the event loop, not from here. What nobody waits for is remembered, once.
    void happen();
    [[nodiscard]] Waited next();

private:
    struct Waiter;

    tevent_context* events_;
    tevent_req* waiting_ = nullptr;
    bool happened_ = false;
};

} // namespace ntpipe::tools
