// SPDX-License-Identifier: LGPL-2.1-or-later
// sid.cc: security identifiers.
#include "security/sid.hpp"

#include <charconv>

namespace ntpipe::security {
namespace {

constexpr std::uint8_t sid_revision = 1;
constexpr std::uint64_t maximum_authority = (std::uint64_t{1} << 48) - 1;
/// From here on [MS-DTYP] 2.4.2.1 writes the authority in hexadecimal.
constexpr std::uint64_t first_hexadecimal_authority = std::uint64_t{1} << 32;

// Takes one number and the '-' behind it, if any, off `text`.
std::optional<std::uint64_t> take_number(std::string_view& text)
{
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        text.remove_prefix(2);
        base = 16;
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end == text.data()) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('-')) {
        text.remove_prefix(1);
        if (text.empty()) {
            return std::nullopt;
        }
    } else if (!text.empty()) {
        return std::nullopt;
    }
    return value;
}

} // namespace

std::optional<Sid> Sid::parse(std::string_view text)
{
    if (!text.starts_with("S-1-") && !text.starts_with("s-1-")) {
        return std::nullopt;
    }
    text.remove_prefix(4);
    Sid sid;
    const auto authority = take_number(text);
    if (!authority || *authority > maximum_authority) {
        return std::nullopt;
    }
    sid.authority_ = *authority;
    while (!text.empty()) {
        const auto number = take_number(text);
        if (!number || *number > UINT32_MAX || sid.count_ == maximum_sub_authorities) {
            return std::nullopt;
        }
        sid.sub_authorities_[sid.count_++] = static_cast<std::uint32_t>(*number);
    }
    return sid;
}

Sid Sid::read(glue::ByteReader& reader)
{
    Sid sid;
    const auto revision = reader.get<std::uint8_t>();
    const auto count = reader.get<std::uint8_t>();
    for (int i = 0; i < 6; ++i) { // the one big-endian field
        sid.authority_ = (sid.authority_ << 8) | reader.get<std::uint8_t>();
    }
    if (revision != sid_revision || count > maximum_sub_authorities) {
        reader.fail();
        return {};
    }
    sid.count_ = count;
    for (std::size_t i = 0; i < count; ++i) {
        sid.sub_authorities_[i] = reader.get<std::uint32_t>();
    }
    return sid;
}

void Sid::write(glue::ByteWriter& writer) const
{
    writer.put(sid_revision);
    writer.put(count_);
    for (int shift = 40; shift >= 0; shift -= 8) {
        writer.put(static_cast<std::uint8_t>(authority_ >> shift));
    }
    for (std::size_t i = 0; i < count_; ++i) {
        writer.put(sub_authorities_[i]);
    }
}

std::string Sid::text() const
{
    std::string text = "S-1-";
    if (authority_ >= first_hexadecimal_authority) {
        std::array<char, 16> digits{};
        const auto result = std::to_chars(digits.data(), digits.data() + digits.size(), authority_, 16);
        text += "0x";
        text.append(digits.data(), result.ptr);
    } else {
        text += std::to_string(authority_);
    }
    for (std::size_t i = 0; i < count_; ++i) {
        text += '-';
        text += std::to_string(sub_authorities_[i]);
    }
    return text;
}

} // namespace ntpipe::security
