// SPDX-License-Identifier: LGPL-2.1-or-later
// identity.cc: who somebody is.
#include "security/identity.hpp"

#include <algorithm>

namespace ntpipe::security {

bool Token::has(const Sid& sid) const
{
    return std::find(sids.begin(), sids.end(), sid) != sids.end();
}

Token unix_token(const UnixCredentials& credentials)
{
    Token token;
    if (credentials.uid == 0) {
        token.sids = {well_known::local_system, well_known::administrators, well_known::unix_user(0)};
        token.privileges = privilege::all;
    } else {
        token.sids = {well_known::unix_user(credentials.uid)};
    }
    token.sids.push_back(well_known::unix_group(credentials.gid));
    for (const std::uint32_t group : credentials.groups) {
        const Sid sid = well_known::unix_group(group);
        if (!token.has(sid)) {
            token.sids.push_back(sid);
        }
    }
    for (const Sid& sid :
         {well_known::everyone, well_known::authenticated_users, well_known::local, well_known::users}) {
        token.sids.push_back(sid);
    }
    return token;
}

Identity anonymous_identity()
{
    constexpr auto nobody = static_cast<std::uint32_t>(-1); // what no user has
    Identity identity;
    identity.token.sids = {well_known::anonymous, well_known::everyone};
    identity.credentials.uid = identity.credentials.gid = nobody;
    identity.flags = identity_flag::anonymous;
    return identity;
}

Identity unix_identity(const UnixCredentials& credentials, std::uint32_t process_id)
{
    Identity identity;
    identity.token = unix_token(credentials);
    identity.credentials = credentials;
    identity.process_id = process_id;
    return identity;
}

} // namespace ntpipe::security
