// SPDX-License-Identifier: LGPL-2.1-or-later
// privileges.hpp: privileges of a token, one bit each, numbered as Samba numbers them (privileges.idl).
#pragma once

#include <cstdint>

namespace ntpipe::security::privilege {

inline constexpr std::uint64_t restore = 0x00000400;        ///< may make anybody an owner
inline constexpr std::uint64_t take_ownership = 0x00000800; ///< WRITE_OWNER on everything
inline constexpr std::uint64_t security = 0x00002000;       ///< ACCESS_SYSTEM_SECURITY: reads and writes system ACLs
inline constexpr std::uint64_t impersonate = 0x08000000;
/// All that there are: what LocalSystem has.
inline constexpr std::uint64_t all = 0x1FFFFFF0;

} // namespace ntpipe::security::privilege
