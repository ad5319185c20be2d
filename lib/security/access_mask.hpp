// SPDX-License-Identifier: LGPL-2.1-or-later
// access_mask.hpp: access rights as they apply to pipes (SEMANTICS 6.1; values from [MS-DTYP] 2.4.3 and [MS-SMB2] 2.2.13.1).
#pragma once

#include <cstdint>

namespace ntpipe::security {

using AccessMask = std::uint32_t;

namespace access {
inline constexpr AccessMask read_data = 0x00000001;
inline constexpr AccessMask write_data = 0x00000002;
inline constexpr AccessMask create_pipe_instance = 0x00000004; ///< the bit that is FILE_APPEND_DATA on files
inline constexpr AccessMask read_ea = 0x00000008;
inline constexpr AccessMask write_ea = 0x00000010;
inline constexpr AccessMask execute = 0x00000020;
inline constexpr AccessMask read_attributes = 0x00000080;
inline constexpr AccessMask write_attributes = 0x00000100;
inline constexpr AccessMask delete_object = 0x00010000;
inline constexpr AccessMask read_control = 0x00020000;
inline constexpr AccessMask write_dac = 0x00040000;
inline constexpr AccessMask write_owner = 0x00080000;
inline constexpr AccessMask synchronize = 0x00100000;
inline constexpr AccessMask access_system_security = 0x01000000;
inline constexpr AccessMask maximum_allowed = 0x02000000;
inline constexpr AccessMask generic_all = 0x10000000;
inline constexpr AccessMask generic_execute = 0x20000000;
inline constexpr AccessMask generic_write = 0x40000000;
inline constexpr AccessMask generic_read = 0x80000000;

inline constexpr AccessMask file_generic_read = 0x00120089;
inline constexpr AccessMask file_generic_write = 0x00120116; ///< contains create_pipe_instance
inline constexpr AccessMask file_generic_execute = 0x001200A0;
inline constexpr AccessMask file_all = 0x001F01FF;
} // namespace access

/// Whether an end with that access can transfer anything.
[[nodiscard]] constexpr bool has_data_access(AccessMask granted)
{
    return (granted & (access::read_data | access::write_data)) != 0;
}

/// The generic bits turned into the rights that they stand for on a file.
[[nodiscard]] constexpr AccessMask map_generic(AccessMask mask)
{
    constexpr AccessMask generic =
        access::generic_read | access::generic_write | access::generic_execute | access::generic_all;
    AccessMask mapped = mask & ~generic;
    if ((mask & access::generic_read) != 0) {
        mapped |= access::file_generic_read;
    }
    if ((mask & access::generic_write) != 0) {
        mapped |= access::file_generic_write;
    }
    if ((mask & access::generic_execute) != 0) {
        mapped |= access::file_generic_execute;
    }
    if ((mask & access::generic_all) != 0) {
        mapped |= access::file_all;
    }
    return mapped;
}

} // namespace ntpipe::security
