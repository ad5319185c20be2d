// SPDX-License-Identifier: LGPL-2.1-or-later
// random.hpp: ids that nobody can guess.
#pragma once

#include "wire/messages.hpp"

namespace ntpipe::session {

[[nodiscard]] wire::Id16 random_id();
[[nodiscard]] std::uint64_t random_number();

} // namespace ntpipe::session
