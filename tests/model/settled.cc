// SPDX-License-Identifier: LGPL-2.1-or-later
// settled.cc: running a tevent context until nothing is left to do.
#include "settled.hpp"

#include <ntpipe.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace ntpipe::model {

Settled::Settled() : events_(tevent_context_init(nullptr)), marker_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    if (events_ == nullptr || marker_ < 0) {
        std::abort();
    }
    (void)tevent_add_fd(
        events_, events_, marker_, TEVENT_FD_READ,
        [](tevent_context*, tevent_fd*, std::uint16_t, void* data) {
            auto* settled = static_cast<Settled*>(data);
            std::uint64_t count = 0;
            (void)!::read(settled->marker_, &count, sizeof(count));
            settled->marker_seen_ = true;
        },
        this);
}

Settled::~Settled()
{
    talloc_free(events_);
    ::close(marker_);
}

// tevent serves what is due at once before it looks at descriptors, and descriptors in the order in which they became ready. So when
// a marker comes and nothing else has come before it, nothing was left to do.
std::size_t Settled::run_until_idle()
{
    std::size_t served = 0;
    for (std::size_t pass = 2; pass > 1;) {
        const std::uint64_t one = 1;
        (void)!::write(marker_, &one, sizeof(one));
        marker_seen_ = false;
        for (pass = 0; !marker_seen_; ++pass) {
            (void)tevent_loop_once(events_);
        }
        served += pass - 1;
    }
    return served;
}

} // namespace ntpipe::model
