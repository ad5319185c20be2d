// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_request.cc: looking into smbd's structures.
#include "smbd_request.hpp"

#include "glue/talloc.hpp"

#include <array>
#include <cstring>

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

bool check_objects(const smbd_smb2_request* request)
{
    const auto* session = request->session;
    const auto* xconn = request->xconn;
    // From the outside to the inside: each is looked into only if its own layout is right.
    if (!fits({request, sizeof(*request), "struct smbd_smb2_request"}) ||
        !fits({session, sizeof(*session), "struct smbXsrv_session"}) ||
        !fits({xconn, sizeof(*xconn), "struct smbXsrv_connection"}) ||
        !fits({request->tcon, sizeof(*request->tcon), "struct smbXsrv_tcon"})) {
        return false;
    }
    const std::array inner{
        Known{request->sconn, sizeof(*request->sconn), "struct smbd_server_connection"},
        Known{xconn->client, sizeof(*xconn->client), "struct smbXsrv_client"},
        Known{session->global, sizeof(*session->global), "struct smbXsrv_session_global0"},
        Known{request->tcon->compat, sizeof(*request->tcon->compat), "connection_struct"},
    };
    for (const Known& known : inner) {
        if (!fits(known)) {
            return false;
        }
    }
    const auto* user = request->tcon->compat->session_info;
    return fits({user, sizeof(*user), "struct auth_session_info"});
}

// Once they do not fit they never do: nothing of smbd is touched any more.
bool objects_fit(const smbd_smb2_request* request)
{
    static const bool fit = [request] {
        const bool good = check_objects(request);
        if (!good) {
            log_error("not active: smbd's objects have other sizes than those that the module was built for");
        }
        return good;
    }();
    return fit;
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

files_struct* file_of(smbd_smb2_request* request, std::size_t id_at)
{
    const std::uint8_t* body = SMBD_SMB2_IN_BODY_PTR(request);
    return file_fsp_smb2(request, BVAL(body, id_at), BVAL(body, id_at + 8));
}

std::uint32_t user_of(const smbd_smb2_request* request)
{
    return request->tcon->compat->session_info->unix_token->uid;
}

// It ends with the client: before that smbd's event context is there, afterwards it is not.
Gateway* gateway_for(smbd_smb2_request* request)
{
    static Gateway* gateway = nullptr;
    const Settings settings = read_settings();
    if (gateway == nullptr) {
        if (settings.exports.empty()) {
            return nullptr;
        }
        gateway = glue::make_talloc<Gateway>(request->xconn->client, "struct ntpipe_gateway", request->sconn->ev_ctx);
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
    }
}

} // namespace ntpipe::samba::smbd
