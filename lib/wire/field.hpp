// SPDX-License-Identifier: LGPL-2.1-or-later
// field.hpp: how the fields of a message are described, and the encoding, decoding and checking that follow from that.
//
// A message is a struct with a static `fields()` that returns a tuple of field(...). Types and their encoding, all
// little-endian and unaligned:
//   u8, u16, u32, u64, i64     as they are
//   text, bytes                u32 length, then that many bytes (text: UTF-8 without NUL)
//   optional<T>                u8 0 or 1, then T if 1
//   list<T>                    u32 count, then the elements
//   array of 16 bytes          as it is
//   security identifier        its binary form ([MS-DTYP] 2.4.2.2)
//   a struct with fields()     its fields
#pragma once

#include "glue/bytes.hpp"
#include "security/sid.hpp"

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

namespace ntpipe::wire {

template <typename Struct, typename Type>
struct Field {
    const char* name;
    Type Struct::* member;
    const char* meaning;
    std::size_t most; ///< bytes of a text, elements of a list; 0: not limited by itself
};

template <typename Struct, typename Type>
[[nodiscard]] constexpr Field<Struct, Type> field(const char* name, Type Struct::* member, const char* meaning,
                                                  std::size_t most = 0)
{
    return {name, member, meaning, most};
}

template <typename T>
concept HasFields = requires { T::fields(); };

template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

/// The name of a type's encoding, for the specification.
template <typename T>
[[nodiscard]] std::string type_name()
{
    if constexpr (std::is_enum_v<T>) {
        return type_name<std::underlying_type_t<T>>();
    } else if constexpr (std::is_same_v<T, bool>) {
        return "boolean";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return "i64";
    } else if constexpr (std::unsigned_integral<T>) {
        return "u" + std::to_string(8 * sizeof(T));
    } else if constexpr (std::is_same_v<T, std::string>) {
        return "text";
    } else if constexpr (std::is_same_v<T, glue::ByteVector>) {
        return "bytes";
    } else if constexpr (std::is_same_v<T, std::array<std::uint8_t, 16>>) {
        return "16 bytes";
    } else if constexpr (std::is_same_v<T, security::Sid>) {
        return "security identifier";
    } else if constexpr (IsOptional<T>::value) {
        return "optional " + type_name<typename T::value_type>();
    } else if constexpr (IsVector<T>::value) {
        return "list of " + type_name<typename T::value_type>();
    } else {
        return T::title;
    }
}

template <typename T>
void encode_value(glue::ByteWriter& writer, const T& value)
{
    if constexpr (std::is_enum_v<T>) {
        writer.put(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (std::is_same_v<T, bool>) {
        writer.put(static_cast<std::uint8_t>(value ? 1 : 0));
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        writer.put(static_cast<std::uint64_t>(value));
    } else if constexpr (std::unsigned_integral<T>) {
        writer.put(value);
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, glue::ByteVector>) {
        writer.put(static_cast<std::uint32_t>(value.size()));
        writer.put_bytes(std::as_bytes(std::span(value)));
    } else if constexpr (std::is_same_v<T, std::array<std::uint8_t, 16>>) {
        writer.put_bytes(std::as_bytes(std::span(value)));
    } else if constexpr (std::is_same_v<T, security::Sid>) {
        value.write(writer);
    } else if constexpr (IsOptional<T>::value) {
        writer.put(static_cast<std::uint8_t>(value ? 1 : 0));
        if (value) {
            encode_value(writer, *value);
        }
    } else if constexpr (IsVector<T>::value) {
        writer.put(static_cast<std::uint32_t>(value.size()));
        for (const auto& element : value) {
            encode_value(writer, element);
        }
    } else {
        static_assert(HasFields<T>);
        std::apply([&](const auto&... f) { (encode_value(writer, value.*(f.member)), ...); }, T::fields());
    }
}

/// Fails the reader on anything that does not follow the description. Allocates no more than the input's size allows.
template <typename T>
void decode_value(glue::ByteReader& reader, T& value, std::size_t most)
{
    if constexpr (std::is_enum_v<T>) {
        value = static_cast<T>(reader.get<std::underlying_type_t<T>>());
    } else if constexpr (std::is_same_v<T, bool>) {
        const auto byte = reader.get<std::uint8_t>();
        if (byte > 1) {
            reader.fail();
        }
        value = byte != 0;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        value = static_cast<std::int64_t>(reader.get<std::uint64_t>());
    } else if constexpr (std::unsigned_integral<T>) {
        value = reader.get<T>();
    } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, glue::ByteVector>) {
        const auto size = reader.get<std::uint32_t>();
        if (most != 0 && size > most) {
            reader.fail();
            return;
        }
        const glue::ByteSpan bytes = reader.get_bytes(size);
        if constexpr (std::is_same_v<T, std::string>) {
            value.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            if (value.find('\0') != std::string::npos) {
                reader.fail();
            }
        } else {
            value.assign(bytes.begin(), bytes.end());
        }
    } else if constexpr (std::is_same_v<T, std::array<std::uint8_t, 16>>) {
        for (std::uint8_t& byte : value) {
            byte = reader.get<std::uint8_t>();
        }
    } else if constexpr (std::is_same_v<T, security::Sid>) {
        value = security::Sid::read(reader);
    } else if constexpr (IsOptional<T>::value) {
        bool present = false;
        decode_value(reader, present, 0);
        if (present) {
            decode_value(reader, value.emplace(), most);
        }
    } else if constexpr (IsVector<T>::value) {
        const auto count = reader.get<std::uint32_t>();
        if ((most != 0 && count > most) || count > reader.left()) { // an element takes a byte at least
            reader.fail();
            return;
        }
        value.resize(count);
        for (auto& element : value) {
            if (reader.failed()) {
                return;
            }
            decode_value(reader, element, 0);
        }
    } else {
        static_assert(HasFields<T>);
        std::apply([&](const auto&... f) { (decode_value(reader, value.*(f.member), f.most), ...); }, T::fields());
    }
}

} // namespace ntpipe::wire
