// SPDX-License-Identifier: LGPL-2.1-or-later
// tester.hpp: runs random sequences on a real thing and reports.
#pragma once

#include "sequence.hpp"

#include <cstdint>

namespace ntpipe::model {

struct Trial {
    std::uint64_t sequences = 0; ///< NTPIPE_MODEL_SEQUENCES overrides it
    std::size_t worlds = 1;      ///< sequences that are played side by side
    std::uint64_t seed = 0;      ///< 0: a fresh one. RC_PARAMS overrides it
    Variety variety;
};

/// False: a sequence was found on which model and real thing differ; it was printed, as short as it could be made, with what repeats it.
[[nodiscard]] bool hold(System& system, const Trial& trial);

} // namespace ntpipe::model
