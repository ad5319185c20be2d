// SPDX-License-Identifier: GPL-3.0-or-later
// rpc_version.hpp: what differs between the versions of Samba that the RPC library can be built for.
#pragma once

#include "rpc.h"

namespace ntpipe::rpc {

/// Until 4.19 a flag says that somebody has proved who he is; since then one of [MS-SAMR]'s user flags says that it is the guest.
template <typename Info>
void set_authenticated(Info& info, bool authenticated, bool guest)
{
    if constexpr (requires { info.authenticated; }) {
        info.authenticated = authenticated && !guest ? 1 : 0;
    } else {
        constexpr std::uint32_t netlogon_guest = 1;
        info.user_flags = guest ? netlogon_guest : 0;
    }
}

/// A number for an object, from 1 to `limit`; negative: there is none. Since 4.19 the lowest one is a parameter.
template <typename Numbers>
[[nodiscard]] int random_number(Numbers* numbers, void* object, int limit)
{
    if constexpr (requires { idr_get_new_random(numbers, object, 1, limit); }) {
        return idr_get_new_random(numbers, object, 1, limit);
    } else {
        return idr_get_new_random(numbers, object, limit);
    }
}

} // namespace ntpipe::rpc
