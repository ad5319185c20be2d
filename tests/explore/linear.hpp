// SPDX-License-Identifier: LGPL-2.1-or-later
// linear.hpp: looks for an order of the operations of two ends, one after the other, in which the model does what happened.
#pragma once

#include "world.hpp"

#include <string>

namespace ntpipe::explore {

/// "" if there is an order that agrees with each status, each byte and with what was before what. To be called when nothing happens
/// any more, before World::judge(). Transceives and abandoned operations cannot be judged (docs/SPEC.md, 9.2).
[[nodiscard]] std::string explain(World& world);

/// What explain() looks at, as text: equal texts have equal answers.
[[nodiscard]] std::string history_of(const World& world);

} // namespace ntpipe::explore
