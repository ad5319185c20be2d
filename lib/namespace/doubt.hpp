// SPDX-License-Identifier: LGPL-2.1-or-later
// doubt.hpp: of what nobody has measured on Windows yet, what concerns names, instances and opening. The names D1... are those
// of SEMANTICS section 11.
#pragma once

#include "status/status.hpp"

namespace ntpipe::doubt {

/// D3: a client open is checked for access before it is checked for a free instance.
inline constexpr bool access_before_availability = true;
/// D8: a security descriptor given with a further instance is ignored.
inline constexpr bool later_descriptor_is_ignored = true;
/// D11: a WAIT without a timeout of its own waits for the pipe's default timeout.
inline constexpr bool wait_uses_default_timeout = true;
/// D17: what a remote client gets from a pipe that rejects remote clients; the bit belongs to the pipe.
inline constexpr Status remote_client_rejected = Status::access_denied;

} // namespace ntpipe::doubt
