// SPDX-License-Identifier: LGPL-2.1-or-later
// sddl.hpp: security descriptors as text ([MS-DTYP] 2.5.1).
#pragma once

#include "security/descriptor.hpp"

#include <string>
#include <string_view>

namespace ntpipe::security {

/// Reads "O:S-1-22-1-1000G:BAD:(A;;GRGW;;;WD)S:(AU;FA;GA;;;WD)(ML;;NW;;;ME)". Knows the well-known aliases that need no domain,
/// rights as letters or as a number, entries that allow, deny (A, D), audit, alarm (AU, AL) and label (ML), flags of both
/// lists, and NO_ACCESS_CONTROL. STATUS_INVALID_SECURITY_DESCR for everything else; `error_at`, if not null, is set to where
/// in the text that was found.
[[nodiscard]] Result<Descriptor> parse_sddl(std::string_view text, std::size_t* error_at = nullptr);

/// The text of a descriptor. Entries with GUIDs, conditions or claims, which parse_sddl() does not know, are left out.
[[nodiscard]] std::string format_sddl(const Descriptor& descriptor);

} // namespace ntpipe::security
