// SPDX-License-Identifier: GPL-3.0-or-later
// server_core.cc: what Samba's RPC server core asks of the program that it runs in.
#include "server_core.hpp"

#include "glue/talloc.hpp"
#include "pipe_stream.hpp"
#include "rpc_version.hpp"
#include "session_info.hpp"

#include <cstring>

// In no header of samba-dev, and in the tree only in one that its build makes.
extern "C" loadparm_context* loadparm_init_s3(TALLOC_CTX* memory, const struct loadparm_s3_helpers* helpers);

namespace ntpipe::rpc {
namespace {

// ---- the process ----

// Samba's functions take temporary memory from the innermost frame, and complain if there is none.
void ensure_stack_frame()
{
    if (!talloc_stackframe_exists()) {
        (void)talloc_stackframe();
    }
}

bool load_configuration(const char* configuration)
{
    if (lp_loaded()) {
        return true;
    }
    return lp_load_global(configuration == nullptr ? get_dyn_CONFIGFILE() : configuration) || configuration == nullptr;
}

// ---- association groups: the connections that share context handles ----

int forget_group(dcesrv_assoc_group* group)
{
    (void)idr_remove(group->dce_ctx->assoc_groups_idr, static_cast<int>(group->id));
    return 0;
}

NTSTATUS make_group(dcesrv_connection* connection)
{
    dcesrv_context* context = connection->dce_ctx;
    auto* group = talloc_zero(connection, dcesrv_assoc_group);
    if (group == nullptr) {
        return NT_STATUS_NO_MEMORY;
    }
    const int id = random_number(context->assoc_groups_idr, group, UINT16_MAX);
    if (id < 0) {
        talloc_free(group);
        return NT_STATUS_RPC_OUT_OF_RESOURCES;
    }
    group->id = static_cast<std::uint32_t>(id);
    group->transport = NCACN_NP;
    group->dce_ctx = context;
    talloc_set_destructor(group, forget_group);
    connection->assoc_group = group;
    return NT_STATUS_OK;
}

// A handle belongs to the SID that it was made for, so whoever names a group of somebody else gets nothing by it.
NTSTATUS find_group(dcesrv_call_state* call, void* /*private_data*/)
{
    dcesrv_connection* connection = call->conn;
    const std::uint32_t id = call->pkt.u.bind.assoc_group_id;
    if (id == 0) {
        return make_group(connection);
    }
    void* found = id > UINT16_MAX ? nullptr : idr_find(connection->dce_ctx->assoc_groups_idr, static_cast<int>(id));
    if (found == nullptr) {
        return NT_STATUS_NOT_FOUND;
    }
    // The group lives as long as any of its connections.
    connection->assoc_group = talloc_reference(connection, static_cast<dcesrv_assoc_group*>(found));
    return connection->assoc_group == nullptr ? NT_STATUS_NO_MEMORY : NT_STATUS_OK;
}

// ---- authentication within DCE/RPC, by smb.conf's means ----

NTSTATUS prepare_authentication(TALLOC_CTX* memory, dcesrv_call_state* call, gensec_security** security,
                                void* /*private_data*/)
{
    return auth_generic_prepare(memory, call->conn->remote_address, call->conn->local_address, "DCE/RPC", security);
}

/// Samba has a pointer to it for as long as there is a context.
dcesrv_context_callbacks* callbacks()
{
    static dcesrv_context_callbacks table = [] {
        dcesrv_context_callbacks made{};
        made.auth.gensec_prepare = prepare_authentication;
        made.auth.become_root = become_root;
        made.auth.unbecome_root = unbecome_root;
        made.assoc_group.find = find_group;
        return made;
    }();
    return &table;
}

/// Frees the list of endpoints, which is global, with the context that it was for.
int shut_down(dcesrv_context* context)
{
    (void)dcesrv_shutdown_registered_ep_servers(context);
    return 0;
}

// ---- connections ----

void terminate(dcesrv_connection* connection, const char* reason)
{
    DEBUG(4, ("ntpipe-rpc: %s\n", reason));
    talloc_free(connection->transport.private_data);
}

/// The address of a client that came over the network, or that of nobody in particular on this machine.
const tsocket_address* address_of(TALLOC_CTX* memory, const char* address)
{
    tsocket_address* made = nullptr;
    if (address != nullptr && *address != '\0' &&
        tsocket_address_inet_from_strings(memory, "ip", address, 0, &made) == 0) {
        return made;
    }
    return tsocket_address_unix_from_path(memory, "", &made) == 0 ? made : nullptr;
}

} // namespace

NTSTATUS make_context(TALLOC_CTX* memory, const char* configuration, dcesrv_context*& context)
{
    ensure_stack_frame();
    if (!load_configuration(configuration)) {
        return NT_STATUS_INVALID_PARAMETER;
    }
    loadparm_context* parameters = loadparm_init_s3(memory, loadparm_s3_helpers());
    if (parameters == nullptr) {
        return NT_STATUS_NO_MEMORY;
    }
    NTSTATUS status = dcesrv_init_context(memory, parameters, callbacks(), &context);
    if (!NT_STATUS_IS_OK(status)) {
        talloc_free(parameters);
        return status;
    }
    (void)talloc_steal(context, parameters);
    talloc_set_destructor(context, shut_down);
    status = dcesrv_init_registered_ep_servers(context);
    if (!NT_STATUS_IS_OK(status)) {
        talloc_free(context);
        context = nullptr;
    }
    return status;
}

const char* pipe_of(const ServedEndpoint& endpoint)
{
    constexpr const char* prefix = "\\pipe\\";
    if (dcerpc_binding_get_transport(endpoint.ep_description) != NCACN_NP) {
        return nullptr;
    }
    const char* name = dcerpc_binding_get_string_option(endpoint.ep_description, "endpoint");
    if (name != nullptr && strncasecmp_m(name, prefix, std::strlen(prefix)) == 0) {
        return name + std::strlen(prefix);
    }
    return name;
}

NTSTATUS Connection::start(TALLOC_CTX* memory, dcesrv_context* context, const ServedEndpoint* endpoint,
                           tevent_context* events, ntpipe_end* end, std::function<void()> over)
{
    // Connections that have ended while calls of theirs were pending.
    dcesrv_cleanup_broken_connections(context);
    auto* connection = glue::make_talloc<Connection>(memory, "struct ntpipe_rpc_connection", end, std::move(over));
    if (connection == nullptr) {
        talloc_free(end);
        return NT_STATUS_NO_MEMORY;
    }
    (void)talloc_steal(connection, end);
    const NTSTATUS status = connection->connect(context, endpoint, events);
    if (!NT_STATUS_IS_OK(status)) {
        talloc_free(connection);
    }
    return status;
}

NTSTATUS Connection::connect(dcesrv_context* context, const ServedEndpoint* endpoint, tevent_context* events)
{
    ntpipe_identity* client = nullptr;
    if (const ntpipe_status gone = ntpipe_get_client_info(end_, this, &client)) {
        return NT_STATUS(gone);
    }
    auth_session_info* session = nullptr;
    NTSTATUS status = make_session_info(this, *client, session);
    if (!NT_STATUS_IS_OK(status)) {
        return status;
    }
    dcesrv_connection* connection = nullptr;
    status = dcesrv_endpoint_connect(context, this, reinterpret_cast<const dcesrv_endpoint*>(endpoint), session, events,
                                     DCESRV_CALL_STATE_FLAG_MAY_ASYNC, &connection);
    if (!NT_STATUS_IS_OK(status)) {
        return status;
    }
    connection->transport.private_data = this;
    connection->transport.report_output_data = dcesrv_sock_report_output_data;
    connection->transport.terminate_connection = terminate;
    connection->send_queue = tevent_queue_create(connection, "ntpipe-rpc");
    connection->remote_address = address_of(connection, client->address);
    connection->local_address = address_of(connection, nullptr);
    connection->stream = make_pipe_stream(connection, end_);
    talloc_free(client);
    if (connection->send_queue == nullptr || connection->remote_address == nullptr ||
        connection->local_address == nullptr || connection->stream == nullptr) {
        return NT_STATUS_NO_MEMORY;
    }
    return dcesrv_connection_loop_start(connection);
}

} // namespace ntpipe::rpc
