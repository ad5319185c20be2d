// SPDX-License-Identifier: LGPL-2.1-or-later
// access_check.cc: the access check.
#include "security/access_check.hpp"

#include <algorithm>

namespace ntpipe::security {
namespace {

// What the owner may always do, unless the DACL speaks of owner rights itself.
AccessMask implicit_owner_rights(const Descriptor& descriptor, const Token& token)
{
    if (!descriptor.owner || !token.has(*descriptor.owner)) {
        return 0;
    }
    const bool spoken_of = std::any_of(descriptor.dacl->aces.begin(), descriptor.dacl->aces.end(), [](const Ace& ace) {
        return ace.simple() && (ace.flags & ace_flag::inherit_only) == 0 && ace.sid == well_known::owner_rights;
    });
    return spoken_of ? 0 : access::read_control | access::write_dac;
}

bool applies(const Ace& ace, const Descriptor& descriptor, const Token& token)
{
    if (!ace.simple() || (ace.flags & ace_flag::inherit_only) != 0) {
        return false;
    }
    if (ace.sid == well_known::owner_rights) {
        return descriptor.owner && token.has(*descriptor.owner);
    }
    return token.has(ace.sid);
}

// Every right is decided by the first entry that speaks of it.
AccessMask allowed_by(const Descriptor& descriptor, const Token& token)
{
    AccessMask allowed = implicit_owner_rights(descriptor, token);
    AccessMask denied = 0;
    for (const Ace& ace : descriptor.dacl->aces) {
        if (!applies(ace, descriptor, token)) {
            continue;
        }
        const AccessMask mask = map_generic(ace.mask);
        if (ace.type == ace_type::access_allowed) {
            allowed |= mask & ~denied;
        } else {
            denied |= mask & ~allowed;
        }
    }
    return allowed;
}

} // namespace

Result<AccessMask> check_access(const Descriptor& descriptor, const Token& token, AccessMask desired)
{
    AccessMask wanted = map_generic(desired);
    if ((wanted & access::access_system_security) != 0) {
        return Status::privilege_not_held;
    }
    const bool maximum = (wanted & access::maximum_allowed) != 0;
    wanted &= ~access::maximum_allowed;
    const AccessMask allowed =
        descriptor.dacl_present && descriptor.dacl ? allowed_by(descriptor, token) : access::file_all;
    if ((wanted & ~allowed) != 0) {
        return Status::access_denied;
    }
    return maximum ? (wanted | allowed) : wanted;
}

} // namespace ntpipe::security
