// SPDX-License-Identifier: LGPL-2.1-or-later
// sid.hpp: security identifiers ([MS-DTYP] 2.4.2).
#pragma once

#include "glue/bytes.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace ntpipe::security {

class Sid {
public:
    static constexpr std::size_t maximum_sub_authorities = 15;
    static constexpr std::size_t maximum_size = 8 + 4 * maximum_sub_authorities;

    constexpr Sid() = default;
    /// At most maximum_sub_authorities of them.
    constexpr Sid(std::uint64_t authority, std::initializer_list<std::uint32_t> sub_authorities)
        : authority_(authority), count_(static_cast<std::uint8_t>(sub_authorities.size()))
    {
        std::size_t i = 0;
        for (const std::uint32_t sub_authority : sub_authorities) {
            sub_authorities_[i++] = sub_authority;
        }
    }

    /// "S-1-5-32-544". nullopt: malformed.
    [[nodiscard]] static std::optional<Sid> parse(std::string_view text);
    /// The binary form; fails the reader when malformed.
    [[nodiscard]] static Sid read(glue::ByteReader& reader);
    void write(glue::ByteWriter& writer) const;
    [[nodiscard]] std::string text() const;
    /// Bytes of the binary form.
    [[nodiscard]] std::size_t size() const { return 8 + std::size_t{4} * count_; }
    [[nodiscard]] std::uint64_t authority() const { return authority_; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::uint32_t sub_authority(std::size_t i) const { return sub_authorities_[i]; }

    friend bool operator==(const Sid&, const Sid&) = default;

private:
    std::uint64_t authority_ = 0; ///< 48 bits
    std::uint8_t count_ = 0;
    std::array<std::uint32_t, maximum_sub_authorities> sub_authorities_{};
};

/// Well-known identifiers ([MS-DTYP] 2.4.2.4); S-1-22 is how Samba writes Unix ids.
namespace well_known {
inline constexpr Sid everyone{1, {0}};
inline constexpr Sid local{2, {0}};
inline constexpr Sid creator_owner{3, {0}};
inline constexpr Sid creator_group{3, {1}};
inline constexpr Sid owner_rights{3, {4}};
inline constexpr Sid network{5, {2}};
inline constexpr Sid interactive{5, {4}};
inline constexpr Sid service{5, {6}};
inline constexpr Sid anonymous{5, {7}};
inline constexpr Sid authenticated_users{5, {11}};
inline constexpr Sid local_system{5, {18}};
inline constexpr Sid local_service{5, {19}};
inline constexpr Sid network_service{5, {20}};
inline constexpr Sid administrators{5, {32, 544}};
inline constexpr Sid users{5, {32, 545}};
inline constexpr Sid guests{5, {32, 546}};
[[nodiscard]] inline Sid unix_user(std::uint32_t uid)
{
    return Sid{22, {1, uid}};
}
[[nodiscard]] inline Sid unix_group(std::uint32_t gid)
{
    return Sid{22, {2, gid}};
}
} // namespace well_known

} // namespace ntpipe::security
