// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_version.hpp: what differs between the versions of Samba that the module can be built for.
#pragma once

#include "smbd_request.hpp"

// A header of its own since 4.20; before, all of smbd's had one.
#if __has_include("smbd/smbXsrv_session.h")
extern "C" {
#include "smbd/smbXsrv_session.h"
}
#endif

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

/// Answers with an error and data, which belong to the request then. Since 4.21 it may have error contexts, which are for links.
template <typename Request>
[[nodiscard]] NTSTATUS answer_error_with(Request* request, Status status, std::span<const std::uint8_t> data)
{
    DATA_BLOB blob = data_blob_talloc(request, data.data(), data.size()); // smbd sends it later, from there
    if (blob.data == nullptr) {
        return answer_error(request, Status::no_memory);
    }
    if constexpr (requires { smbd_smb2_request_error_ex(request, to_nt(status), 0, &blob, __location__); }) {
        return smbd_smb2_request_error_ex(request, to_nt(status), 0, &blob, __location__);
    } else {
        return smbd_smb2_request_error_ex(request, to_nt(status), &blob, __location__);
    }
}

/// Sends a packet of SMB1. Until 4.19 smbd also counted it (perfcount). False: the connection is dead.
template <typename Request>
[[nodiscard]] bool send_packet(Request* request, std::uint8_t* packet, bool is_signed, std::uint32_t number,
                               bool is_encrypted)
{
    auto* bytes = reinterpret_cast<char*>(packet);
    if constexpr (requires { smb1_srv_send(request->xconn, bytes, is_signed, number, is_encrypted, &request->pcd); }) {
        return smb1_srv_send(request->xconn, bytes, is_signed, number, is_encrypted, &request->pcd);
    } else {
        return smb1_srv_send(request->xconn, bytes, is_signed, number, is_encrypted);
    }
}

} // namespace ntpipe::samba::smbd
