// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_request.cc: looking into smbd's structures.
#include "smbd_request.hpp"

#include "glue/talloc.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>

namespace ntpipe::samba::smbd {
namespace {

/// An object of smbd's as talloc knows it, and as our headers do.
struct Known {
    const void* object;
    std::size_t size;
    const char* name;
};

// Headers that do not fit would make us write into the wrong members. What talloc has noted tells.
bool fits(const Known& known)
{
    return known.object != nullptr && talloc_get_size(known.object) == known.size &&
           std::strcmp(talloc_get_name(known.object), known.name) == 0;
}

bool fit(std::initializer_list<Known> objects)
{
    return std::ranges::all_of(objects, [](const Known& known) { return fits(known); });
}

// From the outside to the inside: each is looked into only if its own layout is right.
bool check_objects(smbXsrv_connection* xconn, const smbXsrv_session* session, const smbXsrv_tcon* tcon)
{
    if (!fit({{session, sizeof(*session), "struct smbXsrv_session"},
              {xconn, sizeof(*xconn), "struct smbXsrv_connection"},
              {tcon, sizeof(*tcon), "struct smbXsrv_tcon"}}) ||
        !fit({{xconn->client, sizeof(*xconn->client), "struct smbXsrv_client"},
              {session->global, sizeof(*session->global), "struct smbXsrv_session_global0"},
              {tcon->compat, sizeof(*tcon->compat), "connection_struct"}})) {
        return false;
    }
    const auto* sconn = xconn->client->sconn;
    const auto* user = tcon->compat->session_info;
    return fit(
        {{sconn, sizeof(*sconn), "struct smbd_server_connection"}, {user, sizeof(*user), "struct auth_session_info"}});
}

bool check_objects(const smbd_smb2_request* request)
{
    return fits({request, sizeof(*request), "struct smbd_smb2_request"}) &&
           check_objects(request->xconn, request->session, request->tcon);
}

bool check_objects(const smb_request* request)
{
    return fits({request, sizeof(*request), "struct smb_request"}) &&
           fits({request->conn, sizeof(*request->conn), "connection_struct"}) &&
           check_objects(request->xconn, request->session, request->conn->tcon);
}

// Once they do not fit they never do: nothing of smbd is touched any more. A process serves one dialect.
template <typename Request>
bool objects_fit(const Request* request)
{
    static const bool good = [request] {
        const bool checked = check_objects(request);
        if (!checked) {
            log_error("not active: smbd's objects have other sizes than those that the module was built for");
        }
        return checked;
    }();
    return good;
}

} // namespace

smb2::Message message_of(smbd_smb2_request* request)
{
    const auto& server = request->xconn->smb2.server;
    return {{SMBD_SMB2_IN_BODY_PTR(request), SMBD_SMB2_IN_BODY_LEN(request)},
            {SMBD_SMB2_IN_DYN_PTR(request), SMBD_SMB2_IN_DYN_LEN(request)},
            server.dialect,
            server.max_read,
            server.max_write,
            server.max_trans};
}

bool is_for_pipes(smbd_smb2_request* request)
{
    if (request->tcon == nullptr || request->tcon->compat == nullptr || request->session == nullptr) {
        return false;
    }
    return objects_fit(request) && IS_IPC(request->tcon->compat);
}

bool is_for_pipes(const smb_request* request)
{
    if (request->conn == nullptr || request->conn->tcon == nullptr || request->session == nullptr) {
        return false;
    }
    return objects_fit(request) && IS_IPC(request->conn);
}

files_struct* file_of(smbd_smb2_request* request, std::size_t id_at)
{
    const std::uint8_t* body = SMBD_SMB2_IN_BODY_PTR(request);
    return file_fsp_smb2(request, BVAL(body, id_at), BVAL(body, id_at + 8));
}

Caller caller_of(smbd_smb2_request* request)
{
    const bool is_encrypted = request->do_encryption || request->was_encrypted;
    return {request->tcon->compat->session_info,
            request->xconn,
            IVAL(SMBD_SMB2_IN_HDR_PTR(request), SMB2_HDR_PID),
            request->do_signing || is_encrypted, // encryption authenticates as well
            is_encrypted,
            request->was_encrypted};
}

// smbd has set the tree's user to the request's.
Caller caller_of(smb_request* request)
{
    const bool is_encrypted = request->encrypted || IS_CONN_ENCRYPTED(request->conn);
    const std::uint32_t process_id = request->smbpid | static_cast<std::uint32_t>(SVAL(request->inbuf, smb_pidhigh))
                                                           << 16;
    return {request->conn->session_info,
            request->xconn,
            process_id,
            smb1_srv_is_signing_active(request->xconn) || is_encrypted,
            is_encrypted,
            false};
}

std::uint32_t user_of(const Caller& caller)
{
    return caller.user->unix_token->uid;
}

// It ends with the client: before that smbd's event context is there, afterwards it is not.
Gateway* gateway_for(smbXsrv_connection* connection)
{
    static Gateway* gateway = nullptr;
    const Settings settings = read_settings();
    if (gateway == nullptr) {
        if (settings.exports.empty()) {
            return nullptr;
        }
        gateway =
            glue::make_talloc<Gateway>(connection->client, "struct ntpipe_gateway", connection->client->sconn->ev_ctx);
    }
    if (gateway == nullptr) {
        return nullptr;
    }
    gateway->use(settings);
    return settings.exports.empty() ? nullptr : gateway;
}

NTSTATUS answer_error(smbd_smb2_request* request, Status status)
{
    return smbd_smb2_request_error(request, to_nt(status));
}

void check_transport(smbXsrv_connection* connection, NTSTATUS error)
{
    if (!NT_STATUS_IS_OK(error)) {
        smbd_server_connection_terminate(connection, nt_errstr(error));
        end_unanswerable_soon(connection);
    }
}

} // namespace ntpipe::samba::smbd
