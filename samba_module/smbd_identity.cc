// SPDX-License-Identifier: GPL-3.0-or-later
// smbd_identity.cc: the user of an SMB session as a pipe's server gets to know it.
#include "smbd_request.hpp"

namespace ntpipe::samba::smbd {
namespace {

const char** sids_of(TALLOC_CTX* memory, const security_token& token)
{
    const char** sids = talloc_array(memory, const char*, token.num_sids);
    for (std::uint32_t i = 0; sids != nullptr && i < token.num_sids; ++i) {
        sids[i] = dom_sid_string(static_cast<void*>(sids), &token.sids[i]);
        if (sids[i] == nullptr) {
            return nullptr;
        }
    }
    return sids;
}

// As smbd does for its own pipes: one SID more says how the connection is encrypted, so that a security descriptor can ask for it.
bool add_encryption_sid(TALLOC_CTX* memory, const Caller& caller, security_token& token)
{
    const auto& server = caller.connection->smb2.server;
    dom_sid sid = global_sid_Samba_SMB3;
    if (!sid_append_rid(&sid, server.dialect) || !sid_append_rid(&sid, DCERPC_SMB_ENCRYPTION_REQUIRED) ||
        !sid_append_rid(&sid, server.cipher)) {
        return false;
    }
    token.sids = static_cast<dom_sid*>(talloc_memdup(memory, token.sids, token.num_sids * sizeof(dom_sid)));
    return token.sids != nullptr &&
           NT_STATUS_IS_OK(add_sid_to_array_unique(memory, &sid, &token.sids, &token.num_sids));
}

std::uint32_t flags_of(const Caller& caller)
{
    std::uint32_t flags = NTPIPE_IDENTITY_REMOTE;
    switch (security_session_user_level(caller.user, nullptr)) {
    case SECURITY_ANONYMOUS:
        flags |= NTPIPE_IDENTITY_ANONYMOUS;
        break;
    case SECURITY_GUEST:
        flags |= NTPIPE_IDENTITY_GUEST;
        break;
    default:
        break;
    }
    if (caller.is_signed || caller.is_encrypted) {
        flags |= NTPIPE_IDENTITY_SIGNED; // encryption authenticates as well
    }
    if (caller.is_encrypted) {
        flags |= NTPIPE_IDENTITY_ENCRYPTED;
    }
    return flags;
}

// The session as Samba's own services get it; the session key is for servers that the broker trusts. Left out if it cannot be packed.
DATA_BLOB authorization_of(TALLOC_CTX* memory, const auth_session_info& user, security_token& token,
                           DATA_BLOB session_key)
{
    auth_session_info copy = user;
    copy.security_token = &token;
    copy.session_key = session_key;
    copy.credentials = nullptr;
    copy.torture = nullptr;
    auth_session_info_transport transport{};
    transport.session_info = &copy;
    DATA_BLOB blob = data_blob_null;
    const auto push = reinterpret_cast<ndr_push_flags_fn_t>(ndr_push_auth_session_info_transport);
    const auto result = ndr_push_struct_blob(&blob, memory, &transport, push);
    return NDR_ERR_CODE_IS_SUCCESS(result) ? blob : data_blob_null;
}

} // namespace

ntpipe_identity* identity_of(TALLOC_CTX* memory, const Caller& caller)
{
    const auth_session_info* user = caller.user;
    const auth_user_info& info = *user->info;
    security_token token = *user->security_token;
    ntpipe_identity* identity = talloc_zero(memory, ntpipe_identity);
    if (identity == nullptr || (caller.has_smb3_encryption && !add_encryption_sid(identity, caller, token))) {
        talloc_free(identity);
        return nullptr;
    }
    identity->size = sizeof(*identity);
    identity->flags = flags_of(caller);
    identity->uid = user->unix_token->uid;
    identity->gid = user->unix_token->gid;
    identity->process_id = caller.process_id;
    identity->privileges = token.privilege_mask;
    identity->num_sids = token.num_sids;
    identity->sids = sids_of(identity, token);
    identity->account = talloc_strdup(identity, info.account_name == nullptr ? "" : info.account_name);
    identity->domain = talloc_strdup(identity, info.domain_name == nullptr ? "" : info.domain_name);
    identity->computer = talloc_strdup(identity, get_remote_machine_name());
    identity->address = tsocket_address_inet_addr_string(caller.connection->client->sconn->remote_address, identity);
    const DATA_BLOB authorization = authorization_of(identity, *user, token, data_blob_null);
    identity->authorization = authorization.data;
    identity->authorization_length = authorization.length;
    const DATA_BLOB secret = authorization_of(identity, *user, token, user->session_key);
    identity->secret_authorization = secret.data;
    identity->secret_authorization_length = secret.length;
    if (identity->sids == nullptr || identity->account == nullptr || identity->domain == nullptr ||
        identity->computer == nullptr) {
        talloc_free(identity);
        return nullptr;
    }
    return identity;
}

} // namespace ntpipe::samba::smbd
