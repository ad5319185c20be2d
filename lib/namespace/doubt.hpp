// SPDX-License-Identifier: LGPL-2.1-or-later
// doubt.hpp: of what nobody has measured on Windows yet, what concerns names, instances and opening. The names D1... are those
// of SEMANTICS section 11.
#pragma once

#include "status/status.hpp"

#include <cstddef>
#include <cstdint>

namespace ntpipe::doubt {

/// D3: a client open is checked for access before it is checked for a free instance.
inline constexpr bool access_before_availability = true;
/// D8: a security descriptor given with a further instance is ignored.
inline constexpr bool later_descriptor_is_ignored = true;
/// D11: a WAIT without a timeout of its own waits for the pipe's default timeout.
inline constexpr bool wait_uses_default_timeout = true;
/// D17: what a remote client gets from a pipe that rejects remote clients; the bit belongs to the pipe.
inline constexpr Status remote_client_rejected = Status::access_denied;

/// D18: directory entries begin at multiples of this.
inline constexpr std::size_t directory_entry_alignment = 8;
/// D18: what the first call of an enumeration says when nothing matches.
inline constexpr Status nothing_matches = Status::no_such_file;
/// D23: WAIT finds a pipe by its aliases, too.
inline constexpr bool wait_resolves_aliases = true;
/// D23: FileNameInformation of a client that has opened an alias says the real name.
inline constexpr bool alias_reports_real_name = true;
/// SEMANTICS 1.4: QUERY_CLIENT_PROCESS on the device. (Windows 10 1507: PIPE_DISCONNECTED.)
inline constexpr Status client_process_of_container = Status::invalid_parameter;

/// D25: over SMB2 the timeout of FSCTL_PIPE_WAIT is in units of so many nanoseconds.
inline constexpr std::uint64_t nanoseconds_per_remote_wait_unit = 100;

} // namespace ntpipe::doubt
