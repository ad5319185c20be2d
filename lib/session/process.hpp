// SPDX-License-Identifier: LGPL-2.1-or-later
// process.hpp: what the kernel says of a process by its number.
#pragma once

#include <cstdint>

namespace ntpipe::session {

/// The login session that a process belongs to, which stands for NT's terminal session: what audit calls its session
/// (/proc/PID/sessionid; loginctl numbers alike). 0, as for NT's services, when it has none or it cannot be told.
[[nodiscard]] std::uint32_t login_session_of(std::uint32_t process);

} // namespace ntpipe::session
