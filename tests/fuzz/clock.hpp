// SPDX-License-Identifier: LGPL-2.1-or-later
// clock.hpp: the monotonic clock of a fuzz target: it stands still, and goes on when the input says so (wscript: --wrap). What then is due
// happens. For one event loop at a time.
#pragma once

#include "glue/uninterrupted.hpp"

#include <poll.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <ctime>

extern "C" {
// The names are the linker's. NOLINTBEGIN(bugprone-reserved-identifier)
int __real_clock_gettime(clockid_t which, timespec* time);
int __wrap_clock_gettime(clockid_t which, timespec* time);
int __real_timerfd_settime(int timer, int flags, const itimerspec* due, itimerspec* before);
int __wrap_timerfd_settime(int timer, int flags, const itimerspec* due, itimerspec* before);
// NOLINTEND(bugprone-reserved-identifier)
}

namespace ntpipe::fuzz {

class Clock {
public:
    static Clock& the()
    {
        static Clock clock;
        return clock;
    }

    [[nodiscard]] std::uint64_t now() const { return now_; }
    [[nodiscard]] timespec time() const
    {
        return {static_cast<time_t>(now_ / second), static_cast<long>(now_ % second)};
    }
    void go_on(std::uint64_t nanoseconds)
    {
        now_ += nanoseconds;
        (void)arm();
    }
    /// As timerfd_settime() with TFD_TIMER_ABSTIME.
    int set(int timer, const timespec& due)
    {
        timer_ = timer;
        due_ = in_nanoseconds(due);
        return arm();
    }

private:
    static constexpr std::uint64_t second = 1'000'000'000;

    Clock()
    {
        timespec time{};
        (void)__real_clock_gettime(CLOCK_MONOTONIC, &time);
        now_ = in_nanoseconds(time);
    }
    static std::uint64_t in_nanoseconds(const timespec& time)
    {
        return static_cast<std::uint64_t>(time.tv_sec) * second + static_cast<std::uint64_t>(time.tv_nsec);
    }
    // The kernel's timer counts another time: it is due, or it is not set.
    int arm() const
    {
        const bool is_due = due_ != 0 && due_ <= now_;
        itimerspec when{};
        when.it_value.tv_nsec = is_due ? 1 : 0;
        const int result = __real_timerfd_settime(timer_, 0, &when, nullptr);
        if (is_due && result == 0) {
            pollfd readable{timer_, POLLIN, 0};
            (void)glue::uninterrupted([&] { return ::poll(&readable, 1, -1); });
        }
        return result;
    }

    std::uint64_t now_ = 0;
    int timer_ = -1;
    std::uint64_t due_ = 0;
};

} // namespace ntpipe::fuzz
