// SPDX-License-Identifier: LGPL-2.1-or-later
// control_codes.hpp: the numbers of FSCTL_PIPE_* (SEMANTICS 4; [MS-FSCC] 2.3).
#pragma once

#include <cstdint>

namespace ntpipe::end {

inline constexpr std::uint32_t fsctl_pipe_disconnect = 0x00110004;
inline constexpr std::uint32_t fsctl_pipe_listen = 0x00110008;
inline constexpr std::uint32_t fsctl_pipe_peek = 0x0011400C;
inline constexpr std::uint32_t fsctl_pipe_transceive = 0x0011C017;
inline constexpr std::uint32_t fsctl_pipe_wait = 0x00110018;
inline constexpr std::uint32_t fsctl_pipe_flush = 0x00118040;

} // namespace ntpipe::end
