// SPDX-License-Identifier: LGPL-2.1-or-later
// scenarios.hpp: what the two ends do to each other, small enough to be looked at in every order.
#pragma once

#include "world.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>

namespace ntpipe::explore {

struct Scenario {
    std::string name;
    Setup setup;
    std::function<void(World&)> prepare; ///< before the schedule begins; may be empty
    std::function<void(Actor&)> client;
    std::function<void(Actor&)> server;
    Bounds ordered;      ///< of the search through sequentially consistent orders
    Bounds buffered;     ///< of the search with store buffers
    bool linear = false; ///< there must be an order of the operations in which the model does the same (linear.hpp)
};

[[nodiscard]] std::span<const Scenario> scenarios();

/// A few random operations on each end, always the same for a number.
[[nodiscard]] Scenario program(std::uint64_t number);

} // namespace ntpipe::explore
