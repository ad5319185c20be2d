// SPDX-License-Identifier: LGPL-2.1-or-later
// log.hpp: what the bridge says, a line each, with the time: to its standard error, or to ntpipe.log in the prefix.
#pragma once

#include <string>
#include <string_view>

namespace wine_bridge {

/// From now on to that file. False: it cannot be written.
[[nodiscard]] bool log_to(const std::string& path);
/// Also where there is no memory.
void log_line(std::string_view text) noexcept;

} // namespace wine_bridge
