// SPDX-License-Identifier: LGPL-2.1-or-later
// input.hpp: the fuzzer's bytes as decisions. When they are used up everything is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

namespace ntpipe::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}
    explicit Input(std::span<const std::uint8_t> bytes) : left_(bytes) {}

    [[nodiscard]] bool empty() const { return left_.empty(); }
    [[nodiscard]] std::size_t left() const { return left_.size(); }

    std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t word() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t double_word() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t quad_word() { return number(8); }

    /// The next `size` bytes, or as many as there are.
    std::span<const std::uint8_t> take(std::size_t size)
    {
        const auto taken = left_.first(std::min(size, left_.size()));
        left_ = left_.subspan(taken.size());
        return taken;
    }
    std::span<const std::uint8_t> rest() { return take(left_.size()); }

private:
    std::uint64_t number(std::size_t size)
    {
        std::uint64_t value = 0;
        std::size_t shift = 0;
        for (const std::uint8_t byte : take(size)) {
            value |= std::uint64_t{byte} << shift;
            shift += 8;
        }
        return value;
    }

    std::span<const std::uint8_t> left_;
};

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::span<const std::uint8_t> bytes)
{
    return std::as_bytes(bytes);
}

[[nodiscard]] inline std::string_view as_text(std::span<const std::uint8_t> bytes)
{
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What must hold whatever the input is.
inline void require(bool condition, const char* what)
{
    if (!condition) {
        std::fprintf(stderr, "fuzz target: does not hold: %s\n", what);
        std::abort();
    }
}

} // namespace ntpipe::fuzz
