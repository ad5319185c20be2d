// SPDX-License-Identifier: LGPL-2.1-or-later
// access_check.hpp: may this token do that to an object with this descriptor ([MS-DTYP] 2.5.3.2)?
#pragma once

#include "security/descriptor.hpp"

namespace ntpipe::security {

/// The granted access: `desired` with generic bits mapped, and for MAXIMUM_ALLOWED all that the token may have.
/// STATUS_ACCESS_DENIED: not all of it is granted. STATUS_PRIVILEGE_NOT_HELD: ACCESS_SYSTEM_SECURITY, which only the
/// privilege Security gives. The privilege TakeOwnership gives WRITE_OWNER, whatever the DACL says. Privileges add nothing to
/// MAXIMUM_ALLOWED.
[[nodiscard]] Result<AccessMask> check_access(const Descriptor& descriptor, const Token& token, AccessMask desired);

} // namespace ntpipe::security
