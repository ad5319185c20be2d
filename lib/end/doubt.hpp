// SPDX-License-Identifier: LGPL-2.1-or-later
// doubt.hpp: what nobody has measured on Windows yet, one constant each, so that a measurement can flip it. The names D1...
// are those of SEMANTICS section 11.
#pragma once

#include "status/status.hpp"

namespace ntpipe::doubt {

/// D1: TRANSCEIVE on an end in byte read mode or on a one-way pipe.
inline constexpr Status transceive_in_byte_mode = Status::invalid_pipe_state;
/// D2: DISCONNECT of a listening instance succeeds.
inline constexpr bool disconnect_while_listening_succeeds = true;
/// D5: a 0-byte read in message mode with data there. (Before Windows 8: success.)
inline constexpr Status empty_read_of_message = Status::buffer_overflow;
/// D6: an end that closes takes its own pending writes back.
inline constexpr bool close_drops_pending_writes = true;
/// D9: PEEK with less room than its fixed part.
inline constexpr Status peek_without_room = Status::invalid_parameter;
/// D10: PEEK of a byte pipe with data and no room for any of it.
inline constexpr Status peek_of_bytes_without_room = Status::buffer_overflow;
/// D12: reads that the peer has pending make WriteQuotaAvailable smaller.
inline constexpr bool pending_reads_reduce_write_quota = true;
/// D14: the change to COMPLETE mode fails with PIPE_BUSY while this end has pending reads or writes.
inline constexpr bool complete_mode_needs_idle_end = true;
/// D16: TRANSCEIVE while this end has a read pending.
inline constexpr Status transceive_with_pending_read = Status::pipe_busy;
/// SEMANTICS 1.8: a class of volume information that pipes do not have.
inline constexpr Status other_volume_class = Status::not_supported;
/// SEMANTICS 10, case 138: writing (or reading) a direction that the pipe does not have.
inline constexpr Status missing_direction = Status::invalid_parameter;

} // namespace ntpipe::doubt
