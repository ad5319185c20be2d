// SPDX-License-Identifier: GPL-3.0-or-later
// doubt.hpp: of what nobody has measured on Windows yet, what concerns SMB. The names D1... are those of SEMANTICS section 11.
#pragma once

#include <ntpipe_status.hpp>

namespace ntpipe::doubt {

/// D22: an IOCTL with a control code of pipes that is not for SMB2 clients.
inline constexpr Status control_code_not_for_clients = Status::not_supported;

} // namespace ntpipe::doubt
