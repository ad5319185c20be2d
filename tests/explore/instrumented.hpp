// SPDX-License-Identifier: LGPL-2.1-or-later
// instrumented.hpp: what channel/shared.hpp is in the explorer: each access to shared memory is told to the scheduler.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace ntpipe::explore {

/// A word of shared memory is `size` bytes (4 or 8) at `where`. Outside of a schedule these are plain accesses.
std::uint64_t load(const void* where, std::size_t size, std::memory_order order);
void store(void* where, std::size_t size, std::uint64_t value, std::memory_order order);

enum class Update : std::uint8_t { add, bit_or };
/// The value before.
std::uint64_t update(void* where, std::size_t size, Update how, std::uint64_t operand, std::memory_order order);
bool compare_exchange(void* where, std::size_t size, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order order);

/// What is not atomic must be ordered by what is: these look for data races.
void plain_read(const void* where, std::size_t size);
void plain_write(const void* where, std::size_t size);

} // namespace ntpipe::explore

namespace ntpipe::channel {

/// The size and the part of the interface of std::atomic that the channel uses.
template <typename T>
class Shared {
public:
    static constexpr bool is_always_lock_free = true;
    static_assert(std::is_unsigned_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));

    [[nodiscard]] T load(std::memory_order order = std::memory_order_seq_cst) const
    {
        return static_cast<T>(explore::load(&value_, sizeof(T), order));
    }
    void store(T value, std::memory_order order = std::memory_order_seq_cst)
    {
        explore::store(&value_, sizeof(T), value, order);
    }
    T fetch_add(T operand, std::memory_order order = std::memory_order_seq_cst)
    {
        return static_cast<T>(explore::update(&value_, sizeof(T), explore::Update::add, operand, order));
    }
    T fetch_or(T operand, std::memory_order order = std::memory_order_seq_cst)
    {
        return static_cast<T>(explore::update(&value_, sizeof(T), explore::Update::bit_or, operand, order));
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst)
    {
        std::uint64_t seen = expected;
        const bool done = explore::compare_exchange(&value_, sizeof(T), seen, desired, order);
        expected = static_cast<T>(seen);
        return done;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order order = std::memory_order_seq_cst)
    {
        return compare_exchange_strong(expected, desired, order);
    }

private:
    alignas(sizeof(T)) T value_;
};
static_assert(sizeof(Shared<std::uint64_t>) == sizeof(std::atomic<std::uint64_t>));
static_assert(sizeof(Shared<std::uint32_t>) == sizeof(std::atomic<std::uint32_t>));
static_assert(alignof(Shared<std::uint64_t>) == alignof(std::atomic<std::uint64_t>));

template <typename T>
[[nodiscard]] T load_once(const T& field)
{
    explore::plain_read(&field, sizeof(T));
    return field;
}

template <typename T>
void store_unpublished(T& field, T value)
{
    explore::plain_write(&field, sizeof(T));
    field = value;
}

inline void copy_from_shared(std::byte* to, const std::byte* from, std::size_t size)
{
    explore::plain_read(from, size);
    std::memcpy(to, from, size);
}

inline void copy_to_shared(std::byte* to, const std::byte* from, std::size_t size)
{
    explore::plain_write(to, size);
    std::memcpy(to, from, size);
}

} // namespace ntpipe::channel
