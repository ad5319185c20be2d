// SPDX-License-Identifier: LGPL-2.1-or-later
// settled.hpp: a tevent context that can be run until nothing is left to do.
#pragma once

#include <cstddef>

struct tevent_context;

namespace ntpipe::model {

class Settled {
public:
    Settled();
    Settled(const Settled&) = delete;
    Settled& operator=(const Settled&) = delete;
    ~Settled();

    [[nodiscard]] tevent_context* events() const { return events_; }
    /// Serves what is ready until nothing is. How much that was.
    std::size_t run_until_idle();

private:
    tevent_context* events_;
    int marker_;
    bool marker_seen_ = false;
};

} // namespace ntpipe::model
