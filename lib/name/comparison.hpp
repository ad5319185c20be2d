// SPDX-License-Identifier: LGPL-2.1-or-later
// comparison.hpp: comparing names as they are spelled. Nobody gets a wrong answer because there is no memory: up to 500 characters need none,
// and for more std::bad_alloc is thrown.
#pragma once

#include <string_view>

namespace ntpipe::name {

/// matches() (name.hpp) of spellings. False also if one is not UTF-8.
[[nodiscard]] bool spelling_matches(std::string_view pattern, std::string_view text);

/// is_samba_name() (samba_names.hpp) of a spelling.
[[nodiscard]] bool spells_samba_name(std::string_view text);

} // namespace ntpipe::name
