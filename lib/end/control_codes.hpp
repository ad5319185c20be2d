// SPDX-License-Identifier: LGPL-2.1-or-later
// control_codes.hpp: the numbers of FSCTL_PIPE_* (SEMANTICS 4; [MS-FSCC] 2.3).
#pragma once

#include "security/access_mask.hpp"

#include <cstdint>

namespace ntpipe::end {

inline constexpr std::uint32_t fsctl_pipe_assign_event = 0x00110000;
inline constexpr std::uint32_t fsctl_pipe_disconnect = 0x00110004;
inline constexpr std::uint32_t fsctl_pipe_listen = 0x00110008;
inline constexpr std::uint32_t fsctl_pipe_peek = 0x0011400C;
inline constexpr std::uint32_t fsctl_pipe_query_event = 0x00110010;
inline constexpr std::uint32_t fsctl_pipe_transceive = 0x0011C017;
inline constexpr std::uint32_t fsctl_pipe_wait = 0x00110018;
inline constexpr std::uint32_t fsctl_pipe_impersonate = 0x0011001C;
inline constexpr std::uint32_t fsctl_pipe_set_client_process = 0x00110020;
inline constexpr std::uint32_t fsctl_pipe_query_client_process = 0x00110024;
inline constexpr std::uint32_t fsctl_pipe_get_pipe_attribute = 0x00110028;
inline constexpr std::uint32_t fsctl_pipe_set_pipe_attribute = 0x0011002C;
inline constexpr std::uint32_t fsctl_pipe_get_connection_attribute = 0x00110030;
inline constexpr std::uint32_t fsctl_pipe_set_connection_attribute = 0x00110034;
inline constexpr std::uint32_t fsctl_pipe_get_handle_attribute = 0x00110038;
inline constexpr std::uint32_t fsctl_pipe_set_handle_attribute = 0x0011003C;
inline constexpr std::uint32_t fsctl_pipe_flush = 0x00118040;
inline constexpr std::uint32_t fsctl_pipe_disable_impersonate = 0x00110044;
inline constexpr std::uint32_t fsctl_pipe_silo_arrival = 0x00118048;
inline constexpr std::uint32_t fsctl_pipe_create_symlink = 0x0011004C;
inline constexpr std::uint32_t fsctl_pipe_delete_symlink = 0x00110050;
inline constexpr std::uint32_t fsctl_pipe_query_client_process_v2 = 0x00110054;
inline constexpr std::uint32_t fsctl_pipe_internal_read = 0x00115FF4;
inline constexpr std::uint32_t fsctl_pipe_internal_write = 0x00119FF8;
inline constexpr std::uint32_t fsctl_pipe_internal_transceive = 0x0011DFFF;
inline constexpr std::uint32_t fsctl_pipe_internal_read_ovflow = 0x00116000;

/// What a handle must have been granted for a control code: bits 14 and 15 of the code.
[[nodiscard]] constexpr security::AccessMask access_needed_for(std::uint32_t code)
{
    constexpr std::uint32_t file_read_data = 1U << 14;
    constexpr std::uint32_t file_write_data = 1U << 15;
    return ((code & file_read_data) != 0 ? security::access::read_data : 0) |
           ((code & file_write_data) != 0 ? security::access::write_data : 0);
}

} // namespace ntpipe::end
