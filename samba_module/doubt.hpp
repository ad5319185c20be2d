// SPDX-License-Identifier: GPL-3.0-or-later
// doubt.hpp: of what nobody has measured on Windows yet, what concerns SMB. The names D1... are those of SEMANTICS section 11.
#pragma once

#include <ntpipe_status.hpp>

namespace ntpipe::doubt {

/// D22: an IOCTL with a control code of pipes that is not for SMB2 clients.
inline constexpr Status control_code_not_for_clients = Status::not_supported;

/// An SMB1 read whose timeout is 0, which may also be the upper half of a count: with a minimum of 0 it does not wait. With a minimum it
/// does, as the pipe's mode says: so smbclient, impacket and others read who mean to wait. They then get what there is: one message, or
/// at least one byte.
inline constexpr bool zero_timeout_with_minimum_waits = true;

/// D26: a client that comes by SMB reads the messages of a message pipe one by one before it has said so. Samba's and impacket's RPC
/// clients, and Windows' as it seems, rely on it.
inline constexpr bool smb_opens_in_message_mode = true;

} // namespace ntpipe::doubt
