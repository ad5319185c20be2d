// SPDX-License-Identifier: LGPL-2.1-or-later
// access_check.cc: the access check.
#include "security/access_check.hpp"

#include <algorithm>

namespace ntpipe::security {
namespace {

bool effective(const Ace& ace)
{
    return ace.known() && (ace.flags & ace_flag::inherit_only) == 0;
}

bool is_owner(const Descriptor& descriptor, const Token& token)
{
    return descriptor.owner && token.has(*descriptor.owner);
}

// What the owner may always do, unless the DACL speaks of owner rights itself.
AccessMask implicit_owner_rights(const Descriptor& descriptor, const Token& token)
{
    const bool spoken_of = std::any_of(descriptor.dacl->aces.begin(), descriptor.dacl->aces.end(), [](const Ace& ace) {
        return effective(ace) && ace.sid == well_known::owner_rights;
    });
    return spoken_of || !is_owner(descriptor, token) ? 0 : access::read_control | access::write_dac;
}

bool applies(const Ace& ace, const Descriptor& descriptor, const Token& token)
{
    return effective(ace) &&
           (token.has(ace.sid) || (ace.sid == well_known::owner_rights && is_owner(descriptor, token)));
}

// Every right is decided by the first entry that speaks of it. ACCESS_SYSTEM_SECURITY is no entry's to give.
AccessMask allowed_by(const Descriptor& descriptor, const Token& token)
{
    AccessMask allowed = implicit_owner_rights(descriptor, token);
    AccessMask denied = 0;
    for (const Ace& ace : descriptor.dacl->aces) {
        if (!applies(ace, descriptor, token)) {
            continue;
        }
        const AccessMask mask = map_generic(ace.mask);
        if (ace.allows()) {
            allowed |= mask & ~denied;
        } else if (ace.denies()) {
            denied |= mask & ~allowed;
        }
    }
    return allowed & ~access::access_system_security;
}

} // namespace

Result<AccessMask> check_access(const Descriptor& descriptor, const Token& token, AccessMask desired)
{
    AccessMask wanted = map_generic(desired);
    const bool maximum = (wanted & access::maximum_allowed) != 0;
    wanted &= ~access::maximum_allowed;
    AccessMask by_privilege = 0;
    if ((wanted & access::access_system_security) != 0) {
        if (!token.may(privilege::security)) {
            return Status::privilege_not_held;
        }
        by_privilege |= access::access_system_security;
    }
    if (token.may(privilege::take_ownership)) {
        by_privilege |= wanted & access::write_owner;
    }
    if (!descriptor.dacl_present || !descriptor.dacl) { // everybody may do everything
        return maximum ? (wanted | access::file_all) : wanted;
    }
    const AccessMask allowed = allowed_by(descriptor, token);
    if ((wanted & ~(allowed | by_privilege)) != 0) {
        return Status::access_denied;
    }
    return maximum ? (wanted | allowed) : wanted;
}

} // namespace ntpipe::security
