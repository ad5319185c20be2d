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
inline constexpr std::uint8_t system_audit = 2;
inline constexpr std::uint8_t system_alarm = 3;
inline constexpr std::uint8_t access_denied_object = 6;
inline constexpr std::uint8_t access_denied_callback = 10;
inline constexpr std::uint8_t access_denied_callback_object = 12;
inline constexpr std::uint8_t mandatory_label = 17;
} // namespace ace_type

namespace ace_flag {
inline constexpr std::uint8_t inherit_only = 0x08;
inline constexpr std::uint8_t successful_access = 0x40; ///< audited
inline constexpr std::uint8_t failed_access = 0x80;
} // namespace ace_flag

/// One entry. All types of [MS-DTYP] 2.4.4 but the compound one have a mask and an identifier.
struct Ace {
    std::uint8_t type = ace_type::access_allowed;
    std::uint8_t flags = 0;
    AccessMask mask = 0;
    glue::ByteVector object; ///< of the object types: flags and GUIDs, which stand between mask and identifier
    Sid sid;
    glue::ByteVector body; ///< what stands behind the identifier; of a type that is not known: all behind the header

    /// Of a type that has a mask and an identifier.
    [[nodiscard]] bool known() const;
    /// The object types, which have GUIDs.
    [[nodiscard]] bool about_objects() const;
    /// Takes access away. A condition cannot be evaluated here; then its entry takes away, as [MS-DTYP] 2.5.3.1.5 says for
    /// one that is unknown. An entry about a part of the object is taken for one about the whole.
    [[nodiscard]] bool denies() const;
    [[nodiscard]] bool allows() const { return type == ace_type::access_allowed; }
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

/// The parts of a descriptor, as NtQuerySecurityObject and NtSetSecurityObject name them. Other bits are ignored.
namespace security_information {
inline constexpr std::uint32_t owner = 1;
inline constexpr std::uint32_t group = 2;
inline constexpr std::uint32_t dacl = 4;
inline constexpr std::uint32_t sacl = 8;
} // namespace security_information

/// What a handle must have been granted to query, or to set, these parts.
[[nodiscard]] AccessMask access_to_query(std::uint32_t information);
[[nodiscard]] AccessMask access_to_set(std::uint32_t information);

/// These parts of it, and nothing else.
[[nodiscard]] Descriptor parts_of(const Descriptor& descriptor, std::uint32_t information);

/// `current` with these parts of `replacement`; generic bits of its entries mapped. Without a DACL in `replacement` the DACL
/// becomes the one that lets everybody do everything, as NT has it. STATUS_INVALID_OWNER: none, or one that `setter` may not
/// make an owner: that is itself, Administrators if it is one, with the privilege Restore anybody.
/// STATUS_INVALID_PRIMARY_GROUP: none.
[[nodiscard]] Result<Descriptor> replace_parts(Descriptor current, std::uint32_t information, Descriptor replacement,
                                               const Token& setter);

/// What a pipe gets whose creator names none (SEMANTICS 6.2): full control to LocalSystem, Administrators and the creator,
/// read to Everyone and Anonymous.
[[nodiscard]] Descriptor default_descriptor(const Token& creator);

/// The other default: what NtCreateNamedPipeFile gives without a descriptor, the default DACL of the creator's token: full
/// control to the creator and to LocalSystem.
[[nodiscard]] Descriptor native_default_descriptor(const Token& creator);

/// The descriptor to store for a new pipe: owner, group and DACL filled in where it has none, generic bits of its ACEs mapped.
[[nodiscard]] Descriptor complete_descriptor(Descriptor descriptor, const Token& creator);

} // namespace ntpipe::security
