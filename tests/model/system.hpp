// SPDX-License-Identifier: LGPL-2.1-or-later
// system.hpp: the real thing, as the tester drives it. There is one implementation for each way to reach it.
#pragma once

#include "model.hpp"

#include <vector>

namespace ntpipe::model {

/// One operation in one of several worlds. Worlds have nothing to do with each other; several at a time are a matter of speed only.
struct Task {
    std::size_t world = 0;
    const Operation* operation = nullptr;
};

class System {
public:
    System() = default;
    System(const System&) = delete;
    System& operator=(const System&) = delete;
    virtual ~System() = default;

    /// A new, empty namespace in each of `worlds` worlds.
    virtual void begin(std::size_t worlds) = 0;
    /// Carries out the tasks, one for a world at most, and lets everything happen that happens. What is over now, by world. The data of
    /// a read, the values of a query: as in the model.
    [[nodiscard]] virtual std::vector<Effects> carry_out(const std::vector<Task>& tasks) = 0;
    /// Closes everything.
    virtual void finish() = 0;
};

} // namespace ntpipe::model
