// SPDX-License-Identifier: LGPL-2.1-or-later
// security.cc: security descriptors that ends set, and security contexts that clients take on.
#include "broker.hpp"

#include "session/convert.hpp"

#include <limits>

namespace ntpipe::broker {

namespace {

constexpr auto client_side = static_cast<std::size_t>(channel::Side::client);
constexpr auto server_side = static_cast<std::size_t>(channel::Side::server);

} // namespace

bool Broker::on(Client& client, wire::SetSecurity& message)
{
    const auto descriptor = security::Descriptor::parse(message.descriptor);
    Status status = descriptor.status();
    if (descriptor && message.handle != 0) {
        status = namespace_.set_security(client.id, message.handle, message.information, *descriptor);
    } else if (descriptor) {
        const auto found = connections_.find(message.connection);
        const bool own = found != connections_.end() && found->second.ends[client_side].session == client.id;
        status = own ? namespace_.set_security(found->second.client_end, message.information, *descriptor)
                     : Status::invalid_handle;
    }
    carry_out_effects(); // who hears of it finds it in the page
    answer(client, message.request, status);
    return true;
}

// A trusted front states for whom its end writes. Anybody else is who the kernel says, by a session that was made for that;
// process and login session stay those of the open, which may have stated them.
std::shared_ptr<const security::Identity> Broker::context_identity(const Client& client, wire::SetContext& message,
                                                                   const Connection& connection, Status& status) const
{
    auto identity = speak_for(client, std::move(message.identity), status);
    const auto opener = namespace_.identity_of(connection.client_end);
    if (identity != client.identity || opener == nullptr) {
        return identity;
    }
    auto own = std::make_shared<security::Identity>(*identity);
    own->process_id = opener->process_id;
    own->session_id = opener->session_id;
    return own;
}

// Secrets are for whom the client lets act for it, and who might speak for it even without them.
wire::Identity Broker::told_to(const Client& server, const security::Identity& identity, std::uint32_t level)
{
    constexpr std::uint32_t impersonation = 2;
    wire::Identity told = session::identity_to(identity);
    if (!server.party.trusted_front || level < impersonation) {
        told.secret_authorization.clear();
    }
    return told;
}

// The server hears of the context before the client does, so that no record of it comes too early.
bool Broker::on(Client& client, wire::SetContext& message)
{
    wire::ContextSet set;
    set.request = message.request;
    Status status = Status::success;
    const auto found = connections_.find(message.connection);
    const Client* server = found == connections_.end() ? nullptr : find(found->second.ends[server_side].session);
    const bool full =
        found != connections_.end() && found->second.last_context == std::numeric_limits<std::uint32_t>::max();
    if (found == connections_.end()) {
        status = Status::invalid_handle;
    } else if (server == nullptr || full) {
        status = full ? Status::insufficient_resources : Status::connection_disconnected;
    }
    std::shared_ptr<const security::Identity> identity;
    if (status == Status::success) {
        identity = context_identity(client, message, found->second, status);
    }
    if (status == Status::success) {
        Connection& connection = found->second;
        const security::Token& token = server->party.identity.token;
        const bool impersonates = server->party.trusted_front || token.may(security::privilege::impersonate);
        wire::Context context;
        context.connection = message.connection;
        context.context = set.context = ++connection.last_context;
        context.level = space::level_for_server(*identity, connection.impersonation_level, impersonates,
                                                server->party.identity.credentials.uid);
        context.identity = told_to(*server, *identity, context.level);
        send(server->id, std::move(context));
    }
    set.status = raw(status);
    send(client.id, std::move(set));
    return true;
}

} // namespace ntpipe::broker
