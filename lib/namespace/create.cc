// SPDX-License-Identifier: LGPL-2.1-or-later
// create.cc: new pipes and further instances (SEMANTICS 2.1, 2.2); the way back after a restart of the broker.
#include "channel/layout.hpp"
#include "end/doubt.hpp"
#include "namespace/doubt.hpp"
#include "namespace/objects.hpp"
#include "security/access_check.hpp"

#include <algorithm>

namespace ntpipe::space {
namespace {

constexpr std::uint32_t share_read = 1;
constexpr std::uint32_t share_write = 2;

constexpr std::uint32_t file_open = 1;
constexpr std::uint32_t file_create = 2;
constexpr std::uint32_t file_open_if = 3;

constexpr std::uint32_t information_opened = 1;
constexpr std::uint32_t information_created = 2;

constexpr std::uint32_t type_mask = 3;

// SEMANTICS 2.3: the initial state is LISTENING.
ReturnedInstance fresh_instance(const CreateParameters& parameters)
{
    ReturnedInstance instance;
    const bool takes_clients = !doubt::server_without_data_access_needs_listen ||
                               security::has_data_access(security::map_generic(parameters.desired_access));
    instance.bound = parameters.question.has_value();
    instance.state = takes_clients && !instance.bound ? InstanceState::listening : InstanceState::disconnected;
    instance.period = 1;
    instance.inbound_quota = parameters.inbound_quota;
    instance.outbound_quota = parameters.outbound_quota;
    return instance;
}

// The creator gets what it asks for.
security::AccessMask access_of_creator(std::uint32_t desired_access)
{
    const security::AccessMask granted = security::map_generic(desired_access);
    return (granted & security::access::maximum_allowed) == 0
               ? granted
               : (granted & ~security::access::maximum_allowed) | security::access::file_all;
}

// What a pipe takes in the broker and in its page: its name and its descriptor are there several times.
std::uint64_t memory_of(const name::Name& name, const security::Descriptor& descriptor)
{
    constexpr std::uint64_t objects = 8192;
    constexpr std::uint64_t copies = 4;
    return objects + copies * (2 * name.spelling.size() + descriptor.self_relative().size());
}

end::PipeType type_of(std::uint32_t type)
{
    return static_cast<end::PipeType>(type & ~end::reject_remote_clients);
}

} // namespace

// SEMANTICS 2.1: share access defines the direction.
end::Configuration configuration_of(std::uint32_t share_access)
{
    switch (share_access) {
    case share_read:
        return end::Configuration::outbound;
    case share_write:
        return end::Configuration::inbound;
    default:
        return end::Configuration::full_duplex;
    }
}

// What is wrong whether the pipe exists or not.
Status Namespace::check_parameters(const CreateParameters& parameters)
{
    const bool share_ok = parameters.share_access != 0 && (parameters.share_access & ~(share_read | share_write)) == 0;
    const bool disposition_ok = parameters.disposition >= file_open && parameters.disposition <= file_open_if;
    const bool modes_ok = (parameters.type & ~type_mask) == 0 && parameters.read_mode <= 1 &&
                          parameters.completion_mode <= 1 &&
                          !(parameters.read_mode == 1 && type_of(parameters.type) == end::PipeType::byte);
    return share_ok && disposition_ok && modes_ok ? Status::success : Status::invalid_parameter;
}

Result<Scope> Namespace::scope_for_create(const Party& party, const CreateParameters& parameters)
{
    if (!party.privileged && is_reserved(parameters.name)) {
        return Status::access_denied;
    }
    if (!policy_.user_scopes) {
        return global_scope;
    }
    const Scope own = scope_of_user(party.identity.credentials.uid);
    switch (parameters.scope) {
    case ScopeChoice::user:
        return own;
    case ScopeChoice::global:
        if (!party.privileged && !party.may_create_global) {
            return Status::access_denied;
        }
        return global_scope;
    case ScopeChoice::by_default:
        return party.privileged ? global_scope : own;
    }
    return Status::invalid_parameter;
}

Result<Created> Namespace::create(SessionId session_id, RequestId request, InstanceHandle handle,
                                  const CreateParameters& parameters)
{
    Session* session = find_session(session_id);
    if (session == nullptr || session->instances.contains(handle)) {
        return Status::invalid_parameter;
    }
    if (const Status status = check_parameters(parameters); status != Status::success) {
        return status;
    }
    if (parameters.question) {
        return serve(*session, handle, parameters);
    }
    const Result<Scope> scope = scope_for_create(session->party, parameters);
    const Result<Origin> origin = origin_of(*session, parameters);
    if (!scope || !origin) {
        return scope ? origin.status() : scope.status();
    }
    Pipe* found = find_for_create(parameters, *scope);
    if (found == nullptr) {
        return create_pipe(*session, handle, *scope, parameters);
    }
    Pipe& pipe = *found;
    if (pipe.origin.gateway != origin->gateway) {
        return origin->native() ? Status::access_denied : Status::object_name_collision;
    }
    if (pipe.reserved_until && pipe.instances.empty() && pipe.secret == parameters.secret) {
        // Its own first create, whose answer was lost with the broker.
        CreateParameters again = parameters;
        again.disposition = file_open_if;
        Result<Created> created = create_instance(*session, handle, pipe, again);
        server_settled(pipe, session->party.identity.process_id);
        if (created) {
            created->information = information_created;
        }
        return created;
    }
    if (pipe.reserved_until) {
        if (pipe.owner != session->party.identity.credentials.uid) {
            return Status::access_denied;
        }
        Result<Charge> charged = charge_request(*session, nullptr);
        if (!charged) {
            return charged.status();
        }
        parked_creates_.push_back({session_id, request, pipe.id, *std::move(charged)});
        return Status::pending;
    }
    return create_instance(*session, handle, pipe, parameters);
}

// The pipe that the new instance belongs to. An unnamed one is always new (SEMANTICS 1.5), unless it is this very create whose
// answer was lost with the broker.
Namespace::Pipe* Namespace::find_for_create(const CreateParameters& parameters, Scope scope)
{
    if (!parameters.name.spelling.empty()) {
        const auto found = pipes_.find(Key{parameters.name.folded, scope});
        return found == pipes_.end() ? nullptr : found->second.get();
    }
    const auto found = std::find_if(unnamed_pipes_.begin(), unnamed_pipes_.end(), [&](const auto& entry) {
        return entry.second->reserved_until && entry.second->secret == parameters.secret;
    });
    return found == unnamed_pipes_.end() ? nullptr : found->second.get();
}

void Namespace::keep(std::unique_ptr<Pipe> owned)
{
    Pipe& pipe = *owned;
    pipes_by_id_.emplace(pipe.id, &pipe);
    if (pipe.has_name()) {
        pipes_.emplace(Key{pipe.name.folded, pipe.scope}, std::move(owned));
    } else {
        unnamed_pipes_.emplace(pipe.id, std::move(owned));
    }
}

// SEMANTICS 6.2: CreateNamedPipe has a default of its own; a pipe without a name gets that of its creator's token.
security::Descriptor descriptor_for(const CreateParameters& parameters, const security::Token& creator)
{
    if (parameters.descriptor) {
        return security::complete_descriptor(*parameters.descriptor, creator);
    }
    return parameters.name.spelling.empty() ? security::native_default_descriptor(creator)
                                            : security::default_descriptor(creator);
}

Result<Created> Namespace::create_pipe(Session& session, InstanceHandle handle, Scope scope,
                                       const CreateParameters& parameters)
{
    if (parameters.disposition == file_open) {
        return Status::object_name_not_found;
    }
    if (!parameters.default_timeout || *parameters.default_timeout >= 0 || parameters.maximum_instances == 0) {
        return Status::invalid_parameter;
    }
    const security::Token& creator = session.party.identity.token;
    if ((parameters.desired_access & security::access::access_system_security) != 0 &&
        !creator.may(security::privilege::security)) {
        return Status::privilege_not_held;
    }
    security::Descriptor descriptor = descriptor_for(parameters, creator);
    if (descriptor.self_relative().size() > channel::maximum_descriptor_size) {
        return Status::invalid_security_descr;
    }
    auto owned = std::make_unique<Pipe>();
    Pipe& pipe = *owned;
    pipe.id = next_pipe_id_++;
    pipe.name = parameters.name;
    pipe.scope = scope;
    pipe.owner = session.party.identity.credentials.uid;
    pipe.type = type_of(parameters.type);
    pipe.configuration = configuration_of(parameters.share_access);
    pipe.reject_remote = (parameters.type & end::reject_remote_clients) != 0;
    pipe.maximum_instances = parameters.maximum_instances;
    pipe.default_timeout = *parameters.default_timeout;
    pipe.descriptor = std::move(descriptor);
    pipe.secret = parameters.secret;
    if (const Result<Origin> origin = origin_of(session, parameters)) {
        pipe.origin = *origin;
    }
    Result<Charge> charged = charge(pipe.owner, Resource::instances);
    const Status status = charged ? charge_pipe(pipe) : charged.status();
    if (status != Status::success) {
        return status;
    }
    keep(std::move(owned));

    Instance& instance = add_instance(session, handle, pipe, fresh_instance(parameters));
    instance.charge = *std::move(charged);
    instance.granted_access = access_of_creator(parameters.desired_access);
    return Created{information_created, instance.attributes(instance.granted_access), pipe.secret};
}

Status Namespace::charge_pipe(Pipe& pipe) const
{
    Result<Charge> charged = charge(pipe.owner, Resource::pipes);
    if (!charged) {
        return charged.status();
    }
    Result<Charge> memory = charge(pipe.owner, Resource::memory, memory_of(pipe.name, pipe.descriptor));
    if (!memory) {
        return memory.status();
    }
    pipe.charge = *std::move(charged);
    pipe.memory = *std::move(memory);
    return Status::success;
}

// SEMANTICS 2.2, in its order: access, number of instances, disposition, direction.
Result<Created> Namespace::create_instance(Session& session, InstanceHandle handle, Pipe& pipe,
                                           const CreateParameters& parameters)
{
    // What a gateway serves is its own, whatever the descriptor lets others do.
    Result<security::AccessMask> granted = access_of_creator(parameters.desired_access);
    if (pipe.origin.native()) {
        granted = security::check_access(pipe.descriptor, session.party.identity.token,
                                         parameters.desired_access | security::access::create_pipe_instance);
    }
    if (!granted) {
        return granted.status();
    }
    if (pipe.maximum_instances != end::unlimited_instances && pipe.instances.size() >= pipe.maximum_instances) {
        return Status::instance_not_available;
    }
    if (parameters.disposition == file_create) {
        return Status::access_denied;
    }
    if (configuration_of(parameters.share_access) != pipe.configuration ||
        (!doubt::later_descriptor_is_ignored && parameters.descriptor)) {
        return Status::access_denied;
    }
    if (parameters.read_mode == 1 && pipe.type == end::PipeType::byte) {
        return Status::invalid_parameter;
    }
    Result<Charge> charged = charge(session.party.identity.credentials.uid, Resource::instances);
    if (!charged) {
        return charged.status();
    }
    Instance& instance = add_instance(session, handle, pipe, fresh_instance(parameters));
    instance.charge = *std::move(charged);
    instance.granted_access = *granted;
    return Created{information_opened, instance.attributes(*granted), pipe.secret};
}

Namespace::Instance& Namespace::add_instance(Session& session, InstanceHandle handle, Pipe& pipe,
                                             const ReturnedInstance& as)
{
    auto owned = std::make_unique<Instance>();
    Instance& instance = *owned;
    instance.session = &session;
    instance.pipe = &pipe;
    instance.handle = handle;
    instance.period = as.period;
    instance.inbound_quota = as.inbound_quota;
    instance.outbound_quota = as.outbound_quota;
    instance.bound = as.bound;
    const bool new_pipe = pipe.instances.empty() && !pipe.reserved_until;
    session.instances.emplace(handle, std::move(owned));
    pipe.instances.push_back(&instance);
    const bool new_server = ++pipe.servers[session.party.identity.process_id] == 1;
    if (new_pipe) {
        effects_.emplace_back(PipeAppeared{pipe.record()});
        notify_of(pipe, true);
    } else if (new_server) {
        effects_.emplace_back(ServersChanged{pipe.record()});
    }
    instances_changed(pipe);
    if (as.state == InstanceState::listening &&
        as.bound) { // it was made by an earlier broker, for a client that it lost
        set_state(instance, InstanceState::disconnected);
        effects_.emplace_back(Unserved{session.id, handle});
    } else if (as.state == InstanceState::listening) {
        enter_listening(instance);
    } else {
        set_state(instance, as.state);
    }
    return instance;
}

// ---- after a restart of the broker ----

// nullptr: the record is of no use, or somebody has the name.
Namespace::Pipe* Namespace::add_pipe(const PipeRecord& record)
{
    const auto name = record.name.empty() ? Result<name::Name>(name::Name()) : name::parse_bare(record.name);
    const auto descriptor = security::Descriptor::parse(record.descriptor);
    if (!name || !descriptor || pipes_.contains(Key{name->folded, record.scope})) {
        return nullptr;
    }
    auto owned = std::make_unique<Pipe>();
    Pipe& pipe = *owned;
    pipe.id = record.id;
    pipe.name = *name;
    pipe.scope = record.scope;
    pipe.owner = record.owner;
    pipe.type = record.type;
    pipe.configuration = record.configuration;
    pipe.reject_remote = record.reject_remote;
    pipe.maximum_instances = record.maximum_instances;
    pipe.default_timeout = record.default_timeout;
    pipe.descriptor = *descriptor;
    pipe.secret = record.secret;
    pipe.origin = record.origin;
    take_over_departed(pipe);
    pipe.charge = charge_anyway(pipe.owner, Resource::pipes);
    pipe.memory = charge_anyway(pipe.owner, Resource::memory, memory_of(pipe.name, pipe.descriptor));
    keep(std::move(owned));
    next_pipe_id_ = std::max(next_pipe_id_, record.id + 1);
    return &pipe;
}

void Namespace::reserve(const PipeRecord& record, Nanoseconds deadline)
{
    if (Pipe* pipe = add_pipe(record)) {
        pipe->reserved_until = deadline;
        reservations_until_ = std::min(deadline, reservations_until_.value_or(deadline));
        pipe->expected = record.servers;
        effects_.emplace_back(PipeAppeared{pipe->record()});
    }
}

void Namespace::server_gone(PipeId id, std::uint32_t process)
{
    if (Pipe* pipe = find_pipe(id)) {
        server_settled(*pipe, process);
    }
}

void Namespace::server_settled(Pipe& pipe, std::uint32_t process)
{
    std::erase(pipe.expected, process);
    if (pipe.reserved_until && pipe.expected.empty()) {
        end_reservation(pipe.id);
    }
}

// Whoever waited for the servers' return tries again.
void Namespace::end_reservation(PipeId id)
{
    Pipe* pipe = find_pipe(id);
    pipe->reserved_until.reset();
    pipe->expected.clear();
    if (pipe->instances.empty()) {
        remove_pipe(*pipe);
    }
    for (auto parked = parked_creates_.begin(); parked != parked_creates_.end();) {
        if (parked->pipe == id) {
            effects_.emplace_back(Retry{parked->session, parked->request});
            parked = parked_creates_.erase(parked);
        } else {
            ++parked;
        }
    }
    retry_parked(parked_opens_);
}

Status Namespace::come_back(SessionId session_id, PipeId pipe_id, const Secret& secret,
                            const std::vector<ReturnedInstance>& instances)
{
    Session* session = find_session(session_id);
    if (session != nullptr && instances.empty()) {
        return come_back_without(pipe_id, secret, session->party.identity.process_id);
    }
    Pipe* pipe = find_pipe(pipe_id);
    const auto lapsed = lapsed_.find(pipe_id);
    if (pipe == nullptr && lapsed != lapsed_.end() && lapsed->second.secret == secret) {
        pipe = add_pipe(lapsed->second); // late, but nobody has taken the name
        lapsed_.erase(lapsed);
    }
    if (session == nullptr || pipe == nullptr || pipe->secret != secret) {
        return Status::access_denied;
    }
    const std::uint32_t process = session->party.identity.process_id;
    const Result<security::AccessMask> most =
        security::check_access(pipe->descriptor, session->party.identity.token, security::access::maximum_allowed);
    for (const ReturnedInstance& returned : instances) {
        if (session->instances.contains(returned.handle)) {
            return Status::invalid_parameter;
        }
        Result<Charge> charged = charge(session->party.identity.credentials.uid, Resource::instances);
        if (!charged) {
            return charged.status();
        }
        Instance& instance = add_instance(*session, returned.handle, *pipe, returned);
        instance.charge = *std::move(charged);
        // The creator got what it asked for; others cannot have got more than the descriptor gives them.
        const bool owner = session->party.identity.credentials.uid == pipe->owner;
        instance.granted_access = owner ? returned.granted_access : returned.granted_access & (most ? *most : 0);
    }
    server_settled(*pipe, process);
    return Status::success;
}

// The process has closed all that it had while there was no broker. Another session of it may have some left.
Status Namespace::come_back_without(PipeId id, const Secret& secret, std::uint32_t process)
{
    Pipe* pipe = find_pipe(id);
    if (pipe == nullptr || pipe->secret != secret) {
        return Status::access_denied;
    }
    if (pipe->reserved_until && pipe->instances.empty()) {
        lapsed_[id] = pipe->record();
    }
    server_settled(*pipe, process);
    return Status::success;
}

// The answer to a create was lost with the broker, and it cannot be done again: nobody will come back for what it has made.
void Namespace::settle_lost_answer(const CreateParameters& parameters, std::uint32_t process)
{
    if (!reservations_until_) {
        return;
    }
    const auto made = std::ranges::find_if(pipes_by_id_, [&](const auto& entry) {
        const Pipe& pipe = *entry.second;
        return pipe.reserved_until && pipe.instances.empty() && pipe.secret == parameters.secret;
    });
    if (made != pipes_by_id_.end()) {
        server_settled(*made->second, process);
    }
}

} // namespace ntpipe::space
