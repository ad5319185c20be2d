// SPDX-License-Identifier: GPL-3.0-or-later
// wire.hpp: little-endian numbers in the bytes of SMB packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ntpipe::samba {

using Bytes = std::span<const std::uint8_t>;

/// The callers know that it is all there.
template <typename T>
[[nodiscard]] T get(Bytes bytes, std::size_t at)
{
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>(value | static_cast<T>(bytes[at + i]) << (8 * i));
    }
    return value;
}

template <typename T>
void put(std::uint8_t* bytes, std::size_t at, T value)
{
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

} // namespace ntpipe::samba
