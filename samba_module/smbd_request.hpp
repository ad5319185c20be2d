// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_request.hpp: what we need to know of a request of smbd's, and of the connection that it came over.
#pragma once

#include "smb2_dispatch.hpp"

#include "samba.h"

namespace ntpipe::samba::smbd {

[[nodiscard]] inline NTSTATUS to_nt(Status status)
{
    return NT_STATUS(raw(status));
}

[[nodiscard]] inline Status from_nt(NTSTATUS status)
{
    return static_cast<Status>(NT_STATUS_V(status));
}

/// The request's fixed part must be that long (smbd_smb2_request_verify_sizes()).
[[nodiscard]] smb2::Message message_of(smbd_smb2_request* request);
/// It is for a tree that is IPC$, and smbd's objects are as we know them.
[[nodiscard]] bool is_for_pipes(smbd_smb2_request* request);
[[nodiscard]] bool is_for_pipes(const smb_request* request);
/// The file whose id is there in the fixed part. nullptr: there is none.
[[nodiscard]] files_struct* file_of(smbd_smb2_request* request, std::size_t id_at);

/// This process's gateway, with smb.conf as it is now. nullptr: nothing is exported.
[[nodiscard]] Gateway* gateway_for(smbXsrv_connection* connection);

/// Whom a request comes from, and how.
struct Caller {
    auth_session_info* user;
    smbXsrv_connection* connection;
    std::uint32_t process_id; ///< the client's
    bool is_signed;
    bool is_encrypted;
    bool has_smb3_encryption; ///< the request was encrypted, as SMB3 does it
};
[[nodiscard]] Caller caller_of(smbd_smb2_request* request);
[[nodiscard]] Caller caller_of(smb_request* request);

/// Who that is for a pipe's server, on `memory`. nullptr: out of memory.
[[nodiscard]] ntpipe_identity* identity_of(TALLOC_CTX* memory, const Caller& caller);
/// The Unix user that the client is mapped to.
[[nodiscard]] std::uint32_t user_of(const Caller& caller);

/// Answers with an error. An error that comes back is one of the transport.
[[nodiscard]] NTSTATUS answer_error(smbd_smb2_request* request, Status status);
/// A connection is dead: ends what cannot be answered any more, from the event loop.
void end_unanswerable_soon(smbXsrv_connection* connection);
/// Ends the connection if there is an error of the transport. For answers that smbd has not asked for.
void check_transport(smbXsrv_connection* connection, NTSTATUS error);

/// Runs a redirected function's body; no exception reaches smbd.
template <typename Body>
[[nodiscard]] NTSTATUS guarded(smbd_smb2_request* request, Body&& body)
{
    try {
        return body();
    } catch (...) {
        return answer_error(request, Status::no_memory); // there is no other reason
    }
}

} // namespace ntpipe::samba::smbd
