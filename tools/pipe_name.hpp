// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe_name.hpp: pipe names as people give them, and as they are shown.
#pragma once

#include <string>

namespace ntpipe::tools {

/// What the library takes for `text`, in which slashes may stand for backslashes: //./pipe/NAME, which shells leave alone.
/// Failure: it can be no pipe's name on this machine.
[[nodiscard]] std::string pipe_name(const std::string& text);

[[nodiscard]] bool is_utf8(const std::string& text);

/// For people's eyes: with what could move a terminal's cursor, or is no UTF-8, written as \xNN.
[[nodiscard]] std::string printable(const std::string& text);

/// `\\.\pipe\NAME`, in printable form.
[[nodiscard]] std::string shown(const std::string& name);

} // namespace ntpipe::tools
