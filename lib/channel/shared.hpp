// SPDX-License-Identifier: LGPL-2.1-or-later
// shared.hpp: how shared memory is touched: the types and functions through which every access of the channel goes.
//
// The product has std::atomic and plain accesses. The explorer (tests/explore) compiles the same sources with
// NTPIPE_EXPLORE, and then each access is a step of a schedule that it chooses.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef NTPIPE_EXPLORE
#include "explore/instrumented.hpp"
#else

namespace ntpipe::channel {

/// A word that both ends may touch at any time.
template <typename T>
using Shared = std::atomic<T>;

/// One load of a field that the other side may be writing, however often the value is used afterwards.
template <typename T>
[[nodiscard]] T load_once(const T& field)
{
    return __atomic_load_n(&field, __ATOMIC_RELAXED);
}

/// Writes a field that the other side is not told of yet.
template <typename T>
void store_unpublished(T& field, T value)
{
    field = value;
}

inline void copy_from_shared(std::byte* to, const std::byte* from, std::size_t size)
{
    std::memcpy(to, from, size);
}

inline void copy_to_shared(std::byte* to, const std::byte* from, std::size_t size)
{
    std::memcpy(to, from, size);
}

} // namespace ntpipe::channel

#endif
