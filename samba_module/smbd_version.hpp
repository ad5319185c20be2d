// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_version.hpp: what differs between the versions of Samba that the module can be built for.
#pragma once

#include "samba.h"

namespace ntpipe::samba::smbd {

/// Since 4.22 it takes a file, which may be NULL.
template <typename Request>
[[nodiscard]] smb_request* smb1_view_of(Request* request)
{
    if constexpr (requires { smbd_smb2_fake_smb_request(request, nullptr); }) {
        return smbd_smb2_fake_smb_request(request, nullptr);
    } else {
        return smbd_smb2_fake_smb_request(request);
    }
}

} // namespace ntpipe::samba::smbd
