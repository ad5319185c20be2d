// SPDX-License-Identifier: GPL-3.0-or-later
// session_info.cc: from a pipe's identity to an auth_session_info.
#include "session_info.hpp"

#include "rpc_version.hpp"

#include <pwd.h>

#include <algorithm>
#include <span>

namespace ntpipe::rpc {
namespace {

using Blob = std::span<const std::uint8_t>;

/// nullptr: there is none, or it is not what smbd of this version packs.
auth_session_info* unpack(TALLOC_CTX* memory, Blob bytes)
{
    if (bytes.empty()) {
        return nullptr;
    }
    const DATA_BLOB blob{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    auto* transport = talloc_zero(memory, auth_session_info_transport);
    const auto pull = reinterpret_cast<ndr_pull_flags_fn_t>(ndr_pull_auth_session_info_transport);
    const bool done =
        transport != nullptr && NDR_ERR_CODE_IS_SUCCESS(ndr_pull_struct_blob_all(&blob, transport, transport, pull));
    auth_session_info* info = done ? talloc_move(memory, &transport->session_info) : nullptr;
    // Services look into these without asking.
    const bool is_whole = info != nullptr && info->security_token != nullptr && info->unix_token != nullptr &&
                          info->info != nullptr && info->unix_info != nullptr;
    if (info != nullptr && is_whole) {
        // They may still refer to the memory that they were unpacked into.
        (void)talloc_steal(info, transport);
        return info;
    }
    talloc_free(info);
    talloc_free(transport);
    return nullptr;
}

// ---- who has not come through smbd ----

security_token* make_token(TALLOC_CTX* memory, const ntpipe_identity& client)
{
    auto* token = talloc_zero(memory, security_token);
    if (token == nullptr) {
        return nullptr;
    }
    token->sids = talloc_array(token, dom_sid, static_cast<unsigned>(client.num_sids));
    token->privilege_mask = client.privileges;
    if (token->sids == nullptr) {
        return nullptr;
    }
    for (const char* sid : std::span(client.sids, client.num_sids)) {
        if (!dom_sid_parse(sid, &token->sids[token->num_sids])) {
            return nullptr;
        }
        ++token->num_sids;
    }
    return token;
}

/// True for S-1-22-2-gid, as Samba writes the Unix groups that it has not mapped.
bool is_unix_group(const dom_sid& sid)
{
    return sid.id_auth[5] == 22 && sid.num_auths == 2 && sid.sub_auths[0] == 2 &&
           std::all_of(sid.id_auth, sid.id_auth + 5, [](std::uint8_t part) { return part == 0; });
}

security_unix_token* make_unix_token(TALLOC_CTX* memory, const ntpipe_identity& client, const security_token& token)
{
    auto* unix_token = talloc_zero(memory, security_unix_token);
    if (unix_token == nullptr) {
        return nullptr;
    }
    unix_token->uid = client.uid;
    unix_token->gid = client.gid;
    unix_token->groups = talloc_array(unix_token, gid_t, token.num_sids);
    for (const dom_sid& sid : std::span(token.sids, token.num_sids)) {
        if (unix_token->groups != nullptr && is_unix_group(sid)) {
            unix_token->groups[unix_token->ngroups] = sid.sub_auths[1];
            ++unix_token->ngroups;
        }
    }
    return unix_token->groups == nullptr ? nullptr : unix_token;
}

bool is_anonymous(const ntpipe_identity& client)
{
    return (client.flags & NTPIPE_IDENTITY_ANONYMOUS) != 0;
}

/// The account's name: what the broker says; else what the machine calls that Unix user, else its number.
const char* account_of(TALLOC_CTX* memory, const ntpipe_identity& client)
{
    if (client.account != nullptr && *client.account != '\0') {
        return talloc_strdup(memory, client.account);
    }
    if (is_anonymous(client)) {
        return talloc_strdup(memory, "ANONYMOUS LOGON");
    }
    const passwd* user = ::getpwuid(client.uid);
    return user == nullptr ? talloc_asprintf(memory, "%u", client.uid) : talloc_strdup(memory, user->pw_name);
}

const char* domain_of(const ntpipe_identity& client)
{
    if (client.domain != nullptr && *client.domain != '\0') {
        return client.domain;
    }
    return is_anonymous(client) ? "NT AUTHORITY" : "Unix User"; // as Samba names the domain S-1-22-1
}

auth_session_info* make_from_unix(TALLOC_CTX* memory, const ntpipe_identity& client)
{
    auto* info = talloc_zero(memory, auth_session_info);
    if (info == nullptr) {
        return nullptr;
    }
    info->security_token = make_token(info, client);
    info->unix_token = info->security_token == nullptr ? nullptr : make_unix_token(info, client, *info->security_token);
    info->info = talloc_zero(info, auth_user_info);
    info->unix_info = talloc_zero(info, auth_user_info_unix);
    const char* account = account_of(info, client);
    if (info->unix_token == nullptr || info->info == nullptr || info->unix_info == nullptr || account == nullptr) {
        talloc_free(info);
        return nullptr;
    }
    info->info->account_name = account;
    info->info->domain_name = talloc_strdup(info, domain_of(client));
    set_authenticated(*info->info, !is_anonymous(client), (client.flags & NTPIPE_IDENTITY_GUEST) != 0);
    info->unix_info->unix_name = account;
    info->unix_info->sanitized_username = account;
    info->unique_session_token = GUID_random();
    return info;
}

} // namespace

NTSTATUS make_session_info(TALLOC_CTX* memory, const ntpipe_identity& client, auth_session_info*& info)
{
    info = unpack(memory, {client.secret_authorization, client.secret_authorization_length});
    if (info == nullptr) {
        info = unpack(memory, {client.authorization, client.authorization_length});
    }
    if (info == nullptr) {
        info = make_from_unix(memory, client);
    }
    if (info == nullptr) {
        return NT_STATUS_NO_MEMORY;
    }
    const bool is_remote = (client.flags & NTPIPE_IDENTITY_REMOTE) != 0;
    return is_remote && security_token_is_system(info->security_token) ? NT_STATUS_ACCESS_DENIED : NT_STATUS_OK;
}

} // namespace ntpipe::rpc
