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
/// D4: a server end that was granted no access to data takes no client before it has been asked to LISTEN.
inline constexpr bool server_without_data_access_needs_listen = false;
/// D5: a 0-byte read in message mode with data there. (Before Windows 8: success.)
inline constexpr Status empty_read_of_message = Status::buffer_overflow;
/// D6: an end that closes takes its own pending writes back.
inline constexpr bool close_drops_pending_writes = true;
/// D7: a FLUSH waits for what was written before it. (Else until all is read, as in Wine.)
inline constexpr bool flush_is_a_marker = true;
/// D9: PEEK with less room than its fixed part.
inline constexpr Status peek_without_room = Status::invalid_parameter;
/// D10: PEEK of a byte pipe with data and no room for any of it.
inline constexpr Status peek_of_bytes_without_room = Status::buffer_overflow;
/// D12: reads that the peer has pending make WriteQuotaAvailable smaller.
inline constexpr bool pending_reads_reduce_write_quota = true;
/// D13: WriteQuotaAvailable of a client is of the inbound quota, as what it writes is.
inline constexpr bool client_writes_from_inbound_quota = true;
/// D14: the change to COMPLETE mode fails with PIPE_BUSY while this end has pending reads or writes.
inline constexpr bool complete_mode_needs_idle_end = true;
/// D15: a read in byte mode passes over an empty message behind other data.
inline constexpr bool empty_message_in_the_middle_is_skipped = true;
/// D16: TRANSCEIVE while this end has a read pending.
inline constexpr Status transceive_with_pending_read = Status::pipe_busy;
/// D19: a connection completes all LISTENs that are pending. (Else the first.)
inline constexpr bool all_listens_complete = true;
/// D21: a write of nothing to a byte pipe looks at the state first.
inline constexpr bool empty_write_checks_state = true;
/// SEMANTICS 1.8: a class of volume information that pipes do not have.
inline constexpr Status other_volume_class = Status::not_supported;
/// SEMANTICS 10, case 138: writing (or reading) a direction that the pipe does not have.
inline constexpr Status missing_direction = Status::invalid_parameter;

// Control codes (SEMANTICS 4), where that says [?] or "kernel only".

/// A control code that pipes do not know. (2003 by the model; [MS-FSCC] has INVALID_DEVICE_REQUEST.)
inline constexpr Status unknown_control = Status::not_supported;
/// WAIT on the handle of a pipe. Measured on the volume handle.
inline constexpr Status wait_on_pipe = Status::illegal_function;
/// SILO_ARRIVAL, CREATE_SYMLINK and DELETE_SYMLINK on the handle of a pipe.
inline constexpr Status root_control_on_pipe = Status::not_supported;
/// ASSIGN_EVENT and QUERY_EVENT. (Measured on the container handles; 2003 has events.)
inline constexpr Status event_control = Status::not_supported;
/// SET_CLIENT_PROCESS. (Measured on the container handles; 2003: ACCESS_DENIED.)
inline constexpr Status set_client_process = Status::not_supported;
/// SET_PIPE_ATTRIBUTE, SET_CONNECTION_ATTRIBUTE, SET_HANDLE_ATTRIBUTE: for the kernel only.
inline constexpr Status set_attribute = Status::access_denied;
/// An attribute's name without its NUL, or with something behind it.
inline constexpr Status malformed_attribute_name = Status::invalid_parameter;
/// GET_..._ATTRIBUTE of a name that the pipe, the connection or the end does not have.
inline constexpr Status unknown_attribute = Status::not_found;
/// ClientSessionId of a server end in LISTENING or DISCONNECTED, ClientProcessId in LISTENING. (DISCONNECTED is measured.)
inline constexpr Status no_client = Status::not_found;
/// ClientComputerName ends in a NUL, which counts for the length.
inline constexpr bool computer_name_has_terminator = true;
/// QUERY_CLIENT_PROCESS on a server end that has no client.
inline constexpr Status client_process_without_client = Status::pipe_disconnected;

// Impersonation (SEMANTICS 6.4).

/// IMPERSONATE before client data was read in this connection, or without a client. (2003: success once connected.)
inline constexpr Status impersonate_before_read = Status::cannot_impersonate;
/// PEEK makes the context of the data that it shows the one in force. (The model of 2003 does so.)
inline constexpr bool peek_moves_context = false;
/// DISABLE_IMPERSONATE on a server end.
inline constexpr Status disable_impersonation_by_server = Status::illegal_function;

} // namespace ntpipe::doubt
