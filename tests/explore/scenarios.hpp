// SPDX-License-Identifier: LGPL-2.1-or-later
// scenarios.hpp: what the two ends do to each other, small enough to be looked at in every order.
#pragma once

#include "world.hpp"

#include <span>

namespace ntpipe::explore {

struct Scenario {
    const char* name;
    Setup setup;
    void (*prepare)(World&); ///< before the schedule begins; may be null
    void (*client)(Actor&);
    void (*server)(Actor&);
    Bounds ordered;  ///< of the search through sequentially consistent orders
    Bounds buffered; ///< of the search with store buffers
};

[[nodiscard]] std::span<const Scenario> scenarios();

} // namespace ntpipe::explore
