// SPDX-License-Identifier: LGPL-2.1-or-later
// descriptor.hpp: security descriptors ([MS-DTYP] 2.4.6), read from and written to their self-relative form.
#pragma once

#include "security/access_mask.hpp"
#include "security/identity.hpp"
#include "security/sid.hpp"
#include "status/status.hpp"

#include <optional>
#include <vector>

namespace ntpipe::security {

namespace ace_type {
inline constexpr std::uint8_t access_allowed = 0;
inline constexpr std::uint8_t access_denied = 1;
} // namespace ace_type

namespace ace_flag {
inline constexpr std::uint8_t inherit_only = 0x08;
} // namespace ace_flag

/// One entry. Of types other than allowed and denied only type, flags and body are kept; access checks pass over them.
struct Ace {
    std::uint8_t type = ace_type::access_allowed;
    std::uint8_t flags = 0;
    AccessMask mask = 0;
    Sid sid;
    glue::ByteVector body; ///< of other types: everything behind the 4-byte header

    [[nodiscard]] bool simple() const { return type <= ace_type::access_denied; }
    friend bool operator==(const Ace&, const Ace&) = default;
};

struct Acl {
    std::uint8_t revision = 2;
    std::vector<Ace> aces;
    friend bool operator==(const Acl&, const Acl&) = default;
};

namespace descriptor_control {
inline constexpr std::uint16_t dacl_present = 0x0004;
inline constexpr std::uint16_t sacl_present = 0x0010;
inline constexpr std::uint16_t self_relative = 0x8000;
/// The bits that say something about an ACL's inheritance and survive a round trip.
inline constexpr std::uint16_t kept = 0x3F2B;
} // namespace descriptor_control

struct Descriptor {
    std::uint16_t control = 0; ///< without the present and self-relative bits, which follow from the rest
    std::optional<Sid> owner;
    std::optional<Sid> group;
    bool dacl_present = false;
    std::optional<Acl> dacl; ///< present without an ACL: everybody may do everything
    bool sacl_present = false;
    std::optional<Acl> sacl;

    /// STATUS_INVALID_SECURITY_DESCR, _INVALID_SID, _INVALID_ACL when malformed.
    [[nodiscard]] static Result<Descriptor> parse(glue::ByteSpan self_relative);
    [[nodiscard]] glue::ByteVector self_relative() const;
    friend bool operator==(const Descriptor&, const Descriptor&) = default;
};

/// What a pipe gets whose creator names none (SEMANTICS 6.2): full control to LocalSystem, Administrators and the creator,
/// read to Everyone and Anonymous.
[[nodiscard]] Descriptor default_descriptor(const Token& creator);

/// The descriptor to store for a new pipe: owner, group and DACL filled in where it has none, generic bits of its ACEs mapped.
[[nodiscard]] Descriptor complete_descriptor(Descriptor descriptor, const Token& creator);

} // namespace ntpipe::security
