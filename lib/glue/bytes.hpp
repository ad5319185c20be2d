// SPDX-License-Identifier: LGPL-2.1-or-later
// bytes.hpp: reading and writing little-endian byte strings.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace ntpipe::glue {

static_assert(std::endian::native == std::endian::little, "shared memory and messages are little-endian");

using ByteSpan = std::span<const std::byte>;
using ByteVector = std::vector<std::byte>;

/// Appends to a byte vector.
class ByteWriter {
public:
    template <std::unsigned_integral T>
    void put(T value)
    {
        put_bytes(std::as_bytes(std::span(&value, 1)));
    }
    void put_bytes(ByteSpan bytes)
    {
        const std::size_t before = out_.size();
        out_.resize(before + bytes.size()); // inserting goes through a function for a few bytes
        if (!bytes.empty()) {
            std::memcpy(out_.data() + before, bytes.data(), bytes.size());
        }
    }
    void reserve(std::size_t size) { out_.reserve(size); }
    void put_zeros(std::size_t count) { out_.resize(out_.size() + count); }
    /// Overwrites what stands at `offset`, which must have been written before.
    template <std::unsigned_integral T>
    void patch(std::size_t offset, T value)
    {
        std::memcpy(out_.data() + offset, &value, sizeof(value));
    }
    [[nodiscard]] std::size_t size() const { return out_.size(); }
    [[nodiscard]] ByteVector take() { return std::move(out_); }
    [[nodiscard]] ByteSpan bytes() const { return out_; }

private:
    ByteVector out_;
};

/// Reads from bytes that may be anything. Once a read goes past the end every further one yields zeros and failed() is true.
class ByteReader {
public:
    explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

    template <std::unsigned_integral T>
    [[nodiscard]] T get()
    {
        T value = 0;
        const ByteSpan bytes = get_bytes(sizeof(T));
        if (bytes.size() == sizeof(T)) {
            std::memcpy(&value, bytes.data(), sizeof(T));
        }
        return value;
    }
    /// A view into the input; empty when fewer than `count` bytes are left.
    [[nodiscard]] ByteSpan get_bytes(std::size_t count)
    {
        if (failed_ || count > rest_.size()) {
            failed_ = true;
            return {};
        }
        const ByteSpan bytes = rest_.first(count);
        rest_ = rest_.subspan(count);
        return bytes;
    }
    void skip(std::size_t count) { (void)get_bytes(count); }
    void fail() { failed_ = true; }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::size_t left() const { return failed_ ? 0 : rest_.size(); }

private:
    ByteSpan rest_;
    bool failed_ = false;
};

} // namespace ntpipe::glue
