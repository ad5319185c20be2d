// SPDX-License-Identifier: LGPL-2.1-or-later
// input.hpp: the fuzzer's bytes as decisions. When they are used up everything is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

/// Changes a word of memory that somebody hostile may write, in one of eight ways. `piece`: at least one word.
inline void scribble(Input& input, unsigned way, std::span<std::byte> piece)
{
    constexpr std::size_t word = sizeof(std::uint64_t);
    std::byte* place = piece.data() + input.word() % (piece.size() / word) * word;
    std::uint64_t value = 0;
    std::memcpy(&value, place, word);
    switch (way % 8) {
    case 0:
        value = input.quad_word();
        break;
    case 1:
        value = ~std::uint64_t{0};
        break;
    case 2:
        value += std::uint64_t{32} * input.byte();
        break;
    case 3:
        value -= std::uint64_t{32} * input.byte();
        break;
    case 4:
        value ^= std::uint64_t{1} << input.byte() % 64;
        break;
    case 5:
        value = input.word();
        break;
    case 6:
        value = (value & ~std::uint64_t{0xFFFFFFFF}) | input.double_word();
        break;
    default:
        value = (value & 0xFFFFFFFF) | std::uint64_t{input.double_word()} << 32;
        break;
    }
    std::memcpy(place, &value, word);
}

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
        (void)std::fprintf(stderr, "fuzz target: does not hold: %s\n", what);
        std::abort();
    }
}

} // namespace ntpipe::fuzz
