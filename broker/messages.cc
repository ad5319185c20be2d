// SPDX-License-Identifier: LGPL-2.1-or-later
// messages.cc: what each message of a session does.
#include "broker.hpp"

#include "session/convert.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

namespace ntpipe::broker {
namespace {

constexpr std::size_t pipes_per_listing = 256;
constexpr std::size_t bytes_per_listing = std::size_t{128} * 1024;

wire::Listing listing_to(const space::PipeListing& in)
{
    wire::Listing out;
    out.name = in.name;
    out.scope = in.scope;
    out.owner = in.owner;
    out.process = in.process;
    out.type = static_cast<std::uint32_t>(in.type);
    out.configuration = static_cast<std::uint32_t>(in.configuration);
    out.maximum_instances = in.maximum_instances;
    out.disconnected = in.instances[static_cast<std::size_t>(space::InstanceState::disconnected)];
    out.listening = in.instances[static_cast<std::size_t>(space::InstanceState::listening)];
    out.connected = in.instances[static_cast<std::size_t>(space::InstanceState::connected)];
    out.closing = in.instances[static_cast<std::size_t>(space::InstanceState::closing)];
    out.origin = in.origin;
    out.offered = in.offered;
    return out;
}

/// Empty is a name here: that of a pipe without one.
Result<name::Name> name_or_none(const std::string& text)
{
    return text.empty() ? Result<name::Name>(name::Name()) : name::parse_bare(text);
}

constexpr std::uint32_t highest_impersonation_level = 3;

bool has_disposition_to_open(std::uint32_t disposition)
{
    constexpr std::uint32_t last_disposition = 5;
    return disposition <= last_disposition;
}

} // namespace

wire::Name name_message(const space::PipeRecord& record, bool present)
{
    wire::Name message;
    message.pipe = record.id;
    message.present = present;
    message.name = record.name;
    message.scope = record.scope;
    message.owner = record.owner;
    return message;
}

wire::Name name_message(const space::OfferedName& name, bool present)
{
    wire::Name message;
    message.pipe = name.id;
    message.present = present;
    message.name = name.name;
    message.scope = name.scope;
    message.owner = name.owner;
    message.offered = true;
    return message;
}

bool Broker::handle(Client& client, wire::Message message)
{
    if (!client.greeted && !std::holds_alternative<wire::Hello>(message)) {
        return false;
    }
    if (client.greeted && wire::version_of(message) > client.version) {
        return false;
    }
    return std::visit([this, &client](auto& fields) { return on(client, fields); }, message);
}

void Broker::answer(Client& client, std::uint64_t request, Status status)
{
    wire::Done message;
    message.request = request;
    message.status = raw(status);
    send(client.id, std::move(message));
}

bool Broker::on(Client& client, wire::Hello& message)
{
    if (client.greeted || message.magic != wire::hello_magic || message.lowest > message.highest) {
        return false;
    }
    wire::Welcome welcome;
    welcome.layout = channel::layout_version;
    welcome.broker = number_;
    welcome.maximum_overflow = options_.maximum_overflow;
    welcome.user_scopes = options_.user_scopes;
    welcome.trusted_front = client.party.trusted_front;
    if (client.refused != Status::success) {
        welcome.status = raw(client.refused);
    } else if (message.lowest > wire::highest_version || message.highest < wire::lowest_version ||
               message.layout != channel::layout_version) {
        welcome.status = raw(Status::revision_mismatch);
        spdlog::warn("process {} speaks protocol versions {} to {} and layout {}; this broker speaks {} to {} and {}",
                     client.peer.process_id, message.lowest, message.highest, message.layout, wire::lowest_version,
                     wire::highest_version, channel::layout_version);
    } else {
        welcome.version = std::min(message.highest, wire::highest_version);
        client.greeted = true;
        client.version = welcome.version;
        client.greeting_timer.reset();
        namespace_.add_session(client.id, client.party);
    }
    send(client.id, std::move(welcome));
    return true;
}

// ---- requests ----

bool Broker::on(Client& client, wire::Create& message)
{
    wire::Created created;
    created.request = message.request;
    space::CreateParameters parameters;
    const auto name = name_or_none(message.name);
    Status status = name.status();
    if (name) {
        parameters.name = *name;
    }
    if (status == Status::success && message.descriptor) {
        auto descriptor = security::Descriptor::parse(*message.descriptor);
        status = descriptor.status();
        if (descriptor) {
            parameters.descriptor = *std::move(descriptor);
        }
    }
    if (status == Status::success && message.scope > static_cast<std::uint8_t>(space::ScopeChoice::global)) {
        status = Status::invalid_parameter;
    }
    if (status != Status::success) {
        created.status = raw(status);
        send(client.id, std::move(created));
        return true;
    }
    parameters.desired_access = message.desired_access;
    parameters.share_access = message.share_access;
    parameters.disposition = message.disposition;
    parameters.options = message.options;
    parameters.type = message.type;
    parameters.read_mode = message.read_mode;
    parameters.completion_mode = message.completion_mode;
    parameters.maximum_instances = message.maximum_instances;
    parameters.inbound_quota = message.inbound_quota;
    parameters.outbound_quota = message.outbound_quota;
    parameters.default_timeout = message.default_timeout;
    parameters.scope = static_cast<space::ScopeChoice>(message.scope);
    parameters.secret = message.secret;
    parameters.gateway = message.gateway;
    parameters.question = message.question;
    auto result = namespace_.create(client.id, message.request, message.handle, parameters);
    if (result.status() == Status::pending) {
        waiting_creates_[{client.id, message.request}] = std::move(message);
        return true;
    }
    // Whoever watches hears of the name, and it is written down, before its creator does. Its creator hears of it before a client
    // comes.
    std::vector<space::Connect> connections = carry_out_effects_but_connections();
    created.status = raw(result.status());
    if (result) {
        created.information = result->information;
        created.attributes = session::attributes_to(result->attributes);
        created.secret = result->secret;
        const auto page = pages_.find(result->attributes.pipe);
        if (page == pages_.end()) {
            (void)namespace_.closed(client.id, message.handle);
            created = {};
            created.request = message.request;
            created.status = raw(Status::insufficient_resources);
        } else {
            created.descriptors[0].reset(::dup(page->second.read_only.get()));
        }
    }
    const space::SessionId session = client.id;
    send(session, std::move(created));
    for (space::Connect& connect : connections) {
        carry_out(connect);
    }
    return true;
}

// Whom a request is for. Only a trusted front may state that; others may say for which process and session they act.
std::shared_ptr<const security::Identity> Broker::speak_for(const Client& client, std::optional<wire::Identity> stated,
                                                            Status& status) const
{
    if (!stated) {
        return client.identity;
    }
    if (!client.party.trusted_front || stated->sids.empty() || (stated->flags & ~security::identity_flag::known) != 0) {
        status = client.party.trusted_front ? Status::invalid_parameter : Status::access_denied;
        return nullptr;
    }
    return std::make_shared<const security::Identity>(session::identity_from(*std::move(stated)));
}

bool Broker::on(Client& client, wire::Open& message)
{
    Status status = Status::success;
    space::OpenParameters parameters;
    const auto name = message.instance ? name_or_none(message.name) : name::parse_bare(message.name);
    if (!name || !has_disposition_to_open(message.disposition)) {
        status = name ? Status::invalid_parameter : name.status();
    } else {
        parameters.name = *name;
        parameters.instance = message.instance;
        parameters.stated = message.identity.has_value();
        parameters.identity = speak_for(client, std::move(message.identity), status);
    }
    if (status != Status::success) {
        wire::Opened opened;
        opened.request = message.request;
        opened.status = raw(status);
        send(client.id, std::move(opened));
        return true;
    }
    if (message.process_id || message.session_id) {
        auto identity = std::make_shared<security::Identity>(*parameters.identity);
        identity->process_id = message.process_id.value_or(identity->process_id);
        identity->session_id = message.session_id.value_or(identity->session_id);
        parameters.identity = std::move(identity);
    }
    parameters.desired_access = message.desired_access;
    parameters.disposition = message.disposition;
    parameters.impersonation_level = message.impersonation_level;
    parameters.dynamic_tracking = message.dynamic_tracking;
    parameters.effective_only = message.effective_only;
    client.opens.insert(message.request);
    namespace_.open(client.id, message.request, parameters);
    return true;
}

bool Broker::on(Client& client, wire::Wait& message)
{
    Status status = Status::success;
    const auto name = name::parse_bare(message.name);
    const bool stated = message.identity.has_value();
    const auto identity = speak_for(client, std::move(message.identity), status);
    if (!name || status != Status::success) {
        answer(client, message.request, name ? status : name.status());
        return true;
    }
    namespace_.wait(client.id, message.request, *name, identity, message.timeout, glue::Loop::now(), stated);
    return true;
}

bool Broker::on(Client& client, wire::Cancel& message)
{
    namespace_.cancel(client.id, message.request);
    return true;
}

bool Broker::on(Client& client, wire::List& message)
{
    wire::Listed listed;
    listed.request = message.request;
    std::u16string pattern;
    std::u16string after;
    if (!name::to_utf16(message.pattern.empty() ? "*" : message.pattern, pattern) ||
        !name::to_utf16(message.after, after)) {
        listed.status = raw(Status::object_name_invalid);
        send(client.id, std::move(listed));
        return true;
    }
    std::optional<space::Namespace::Key> behind;
    if (!after.empty()) {
        behind = {name::fold(after), message.after_scope};
    }
    const auto pipes =
        namespace_.list(client.id, name::fold(pattern), message.reachable, behind, pipes_per_listing, listed.more);
    std::size_t bytes = 0;
    for (const space::PipeListing& pipe : pipes) {
        if (bytes > bytes_per_listing) {
            listed.more = true;
            break;
        }
        listed.pipes.push_back(listing_to(pipe));
        bytes += pipe.name.size();
    }
    send(client.id, std::move(listed));
    return true;
}

bool Broker::on(Client& client, wire::Watch& message)
{
    const space::SessionId session = client.id;
    if (!watchers_.contains(session)) {
        auto charge = accounts_.charge(client.peer.credentials.uid, space::Resource::watches);
        if (!charge) {
            answer(client, message.request, charge.status());
            return true;
        }
        client.watching = *std::move(charge);
        watchers_.insert(session);
    }
    std::vector<space::PipeRecord> records;
    for (const auto& [id, page] : pages_) {
        if (page.has_name && !page.record.name.empty() && namespace_.sees(session, page.record.scope)) {
            records.push_back(page.record);
        }
    }
    for (const space::PipeRecord& record : records) {
        send(session, name_message(record, true));
    }
    for (const space::OfferedName& name : namespace_.offered_names(session)) {
        send(session, name_message(name, true));
    }
    answer(client, message.request, Status::success);
    return true;
}

bool Broker::on(Client& client, wire::Notify& message)
{
    namespace_.notify(client.id, message.request, message.names_only);
    return true;
}

bool Broker::on(Client& client, wire::Alias& message)
{
    const auto alias = name::parse_bare(message.alias);
    const auto real = name_or_none(message.real);
    Status status = alias ? real.status() : alias.status();
    if (status == Status::success) {
        status = message.real.empty() ? namespace_.remove_alias(client.id, *alias)
                                      : namespace_.add_alias(client.id, *alias, *real);
    }
    answer(client, message.request, status);
    return true;
}

bool Broker::on(Client& client, wire::Ping& message)
{
    answer(client, message.request, Status::success);
    return true;
}

// Of others only who could look anyway.
bool Broker::on(Client& client, wire::Usage& message)
{
    wire::Used used;
    used.request = message.request;
    const bool may_see_all = client.party.privileged || client.peer.credentials.uid == ::geteuid();
    if (!may_see_all && message.user != client.peer.credentials.uid) {
        used.status = raw(Status::access_denied);
        send(client.id, std::move(used));
        return true;
    }
    for (const auto& line : message.user ? accounts_.lines_of(*message.user) : accounts_.lines_of_all()) {
        const auto& traits = space::resource_traits[static_cast<std::size_t>(line.resource)];
        used.lines.push_back({std::string(traits.name), line.used, line.limit, line.refused});
    }
    if (!message.user) {
        used.users = accounts_.users();
        used.users.resize(std::min(used.users.size(), wire::maximum_users));
    }
    send(client.id, std::move(used));
    return true;
}

// ---- instances ----

bool Broker::on(Client& client, wire::Taken& /*message*/)
{
    namespace_.handover_taken(client.id);
    return true;
}

bool Broker::on(Client& client, wire::Listening& message)
{
    return namespace_.listening(client.id, message.handle, message.period);
}

bool Broker::on(Client& client, wire::Disconnected& message)
{
    return namespace_.disconnected(client.id, message.handle);
}

bool Broker::on(Client& client, wire::Closed& message)
{
    return namespace_.closed(client.id, message.handle);
}

bool Broker::on(Client& client, wire::Released& message)
{
    const auto found = connections_.find(message.connection);
    if (message.side > 1) {
        return false;
    }
    if (found == connections_.end() || found->second.ends[message.side].session != client.id) {
        return true; // of an earlier broker
    }
    Connection& connection = found->second;
    const space::SessionId server = connection.ends[static_cast<std::size_t>(channel::Side::server)].session;
    if (message.side == static_cast<std::uint8_t>(channel::Side::client)) {
        namespace_.client_closed(server, connection.instance, connection.period);
        namespace_.client_end_closed(connection.client_end);
        connection.client_end = 0;
    }
    if (connection.ends[1 - message.side].session != client.id) {
        client.connections.erase(message.connection);
    }
    release_end(found, message.side);
    return true;
}

// ---- after a restart of the broker ----

bool Broker::on(Client& client, wire::ComeBack& message)
{
    std::vector<space::ReturnedInstance> instances;
    for (const wire::ReturnedInstance& returned : message.instances) {
        if (returned.state < 1 || returned.state > static_cast<std::uint8_t>(space::InstanceState::closing)) {
            return false;
        }
        space::ReturnedInstance instance;
        instance.handle = returned.handle;
        instance.state = static_cast<space::InstanceState>(returned.state);
        instance.period = returned.period;
        instance.inbound_quota = returned.inbound_quota;
        instance.outbound_quota = returned.outbound_quota;
        instance.granted_access = returned.granted_access;
        instance.bound = returned.bound;
        instances.push_back(instance);
    }
    const Status status = namespace_.come_back(client.id, message.pipe, message.secret, instances);
    if (status == Status::success) {
        expected_servers_.erase({message.pipe, client.peer.process_id});
        if (!instances.empty()) {
            adopt_page(message.pipe, std::move(message.descriptors[0]));
        }
        carry_out_effects();
        spdlog::info("process {} is back with {} instances", client.peer.process_id, instances.size());
    } else if (!instances.empty()) { // else the broker before has known that it has none any more
        spdlog::warn("process {} wanted to come back to a pipe that it has no proof of", client.peer.process_id);
    }
    answer(client, message.request, status);
    return true;
}

bool Broker::on(Client& client, wire::Held& message)
{
    if (message.side > 1) {
        return false;
    }
    auto found = connections_.find(message.connection);
    if (found == connections_.end()) {
        auto charge = accounts_.charge(client.peer.credentials.uid, space::Resource::connections);
        if (!charge) {
            return true; // it gets no overflow memory for it
        }
        found = connections_.try_emplace(message.connection).first;
        found->second.charge = *std::move(charge);
    }
    Connection& connection = found->second;
    ConnectionEnd& end = connection.ends[message.side];
    if (end.session != 0) {
        return true; // whoever says so first; what can be had by it is overflow memory of a connection of one's own
    }
    end = {client.id, message.reads, message.writes};
    client.connections.insert(message.connection);
    connection.last_context = std::max({connection.last_context, message.context, context_of_open});
    if (message.side == static_cast<std::uint8_t>(channel::Side::server)) {
        connection.instance = message.handle;
        connection.period = message.period;
    } else {
        connection.client_end = namespace_.client_end_back(client.id, message.pipe, message.granted_access);
        connection.impersonation_level = std::min(message.impersonation_level, highest_impersonation_level);
    }
    return true;
}

} // namespace ntpipe::broker
