// SPDX-License-Identifier: LGPL-2.1-or-later
// volume.hpp: volume information, which is the same for every handle (SEMANTICS 1.8).
#pragma once

#include "status/status.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace ntpipe::end {

/// A class of volume information as its bytes ([MS-FSCC] 2.5); `information` becomes the number of bytes given.
/// STATUS_INFO_LENGTH_MISMATCH: no room for the fixed part. STATUS_BUFFER_OVERFLOW: the name at its end is cut.
/// STATUS_NOT_SUPPORTED: another class than the five that pipes have.
[[nodiscard]] Status query_volume_information(std::uint32_t information_class, std::span<std::byte> buffer,
                                              std::size_t& information);

} // namespace ntpipe::end
