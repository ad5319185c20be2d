// SPDX-License-Identifier: LGPL-2.1-or-later
// namespace.cc: sessions, the states of instances, listing.
#include "namespace/namespace.hpp"

#include "name/samba_names.hpp"
#include "namespace/objects.hpp"

#include <algorithm>
#include <utility>

namespace ntpipe::space {

PipeRecord Namespace::Pipe::record() const
{
    PipeRecord record;
    record.id = id;
    record.name = name.spelling;
    record.scope = scope;
    record.owner = owner;
    for (const auto& [process, count] : servers) {
        record.servers.push_back(process);
    }
    for (const std::uint32_t process : expected) {
        record.servers.push_back(process);
    }
    record.type = type;
    record.configuration = configuration;
    record.reject_remote = reject_remote;
    record.maximum_instances = maximum_instances;
    record.default_timeout = default_timeout;
    record.descriptor = descriptor.self_relative();
    record.secret = secret;
    record.origin = origin;
    return record;
}

InstanceAttributes Namespace::Instance::attributes(security::AccessMask granted) const
{
    return {pipe->id,
            pipe->has_name() ? "\\" + pipe->name.spelling : "",
            pipe->type,
            pipe->configuration,
            pipe->maximum_instances,
            inbound_quota,
            outbound_quota,
            granted};
}

Namespace::Namespace(Policy policy, PipeId first_pipe_id)
    : policy_(std::move(policy)), next_pipe_id_(first_pipe_id), next_question_(first_pipe_id)
{
    for (const Alias& alias : policy_.aliases) {
        fixed_aliases_[alias.alias.folded] = alias.real;
    }
}

Namespace::~Namespace() = default;

std::vector<Effect> Namespace::take_effects()
{
    while (!listening_again_.empty()) {
        for (const PipeId pipe : std::exchange(listening_again_, {})) {
            retry_questions(pipe);
        }
    }
    const auto before = static_cast<std::ptrdiff_t>(effects_.size());
    publish_changes();
    // A gateway knows a name before one of its clients is connected with it.
    const auto published = effects_.begin() + before;
    std::rotate(std::find_if(effects_.begin(), published,
                             [](const Effect& effect) { return std::holds_alternative<Connect>(effect); }),
                published, effects_.end());
    return std::exchange(effects_, {});
}

// ---- limits ----

Result<Charge> Namespace::charge(std::uint32_t user, Resource resource, std::uint64_t amount) const
{
    return policy_.accounts == nullptr ? Result<Charge>(Charge()) : policy_.accounts->charge(user, resource, amount);
}

Charge Namespace::charge_anyway(std::uint32_t user, Resource resource, std::uint64_t amount) const
{
    return policy_.accounts == nullptr ? Charge() : policy_.accounts->charge_anyway(user, resource, amount);
}

// Who speaks for others has their requests counted as theirs.
Result<Charge> Namespace::charge_request(const Session& session, const security::Identity* stated) const
{
    const security::Identity& identity = stated == nullptr ? session.party.identity : *stated;
    return charge(identity.credentials.uid, Resource::requests);
}

void Namespace::answer(SessionId session, RequestId request, Status status)
{
    effects_.emplace_back(Answer{session, request, status});
}

// ---- finding ----

Namespace::Session* Namespace::find_session(SessionId session)
{
    const auto found = sessions_.find(session);
    return found == sessions_.end() ? nullptr : found->second.get();
}

Namespace::Instance* Namespace::find_instance(SessionId session, InstanceHandle handle)
{
    Session* owner = find_session(session);
    if (owner == nullptr) {
        return nullptr;
    }
    const auto found = owner->instances.find(handle);
    return found == owner->instances.end() ? nullptr : found->second.get();
}

Namespace::Pipe* Namespace::find_pipe(PipeId pipe)
{
    const auto found = pipes_by_id_.find(pipe);
    return found == pipes_by_id_.end() ? nullptr : found->second;
}

Scope Namespace::scope_of(const security::Identity& identity) const
{
    return policy_.user_scopes ? scope_of_user(identity.credentials.uid) : global_scope;
}

// A client looks in its own scope, then in the global one.
Namespace::Pipe* Namespace::find_pipe(const name::Name& name, const security::Identity& identity) const
{
    for (const Scope scope : {scope_of(identity), global_scope}) {
        const auto found = pipes_.find(Key{name.folded, scope});
        if (found != pipes_.end()) {
            return found->second.get();
        }
    }
    return nullptr;
}

// The same, but for what must not be reached over the network by way of a gateway: what Samba serves itself.
Namespace::Pipe* Namespace::find_for_client(const name::Name& name, const security::Identity& identity,
                                            bool stated) const
{
    Pipe* pipe = find_pipe(name, identity);
    const bool hidden = pipe != nullptr && stated && !pipe->origin.native() && name::is_samba_name(name.folded);
    return hidden ? nullptr : pipe;
}

// ---- sessions ----

void Namespace::add_session(SessionId session, Party party)
{
    auto added = std::make_unique<Session>();
    added->id = session;
    added->party = std::move(party);
    sessions_.emplace(session, std::move(added));
}

void Namespace::remove_session(SessionId session)
{
    Session* gone = find_session(session);
    if (gone == nullptr) {
        return;
    }
    const auto of_session = [session](const auto& entry) { return entry.session == session; };
    for (const Waiter& waiter : waiters_) {
        if (of_session(waiter)) {
            end_waiting(waiter);
        }
    }
    waiters_.remove_if(of_session);
    notifiers_.remove_if(of_session);
    std::erase_if(session_aliases_, [session](const auto& entry) { return entry.second.first == session; });
    parked_opens_.remove_if(of_session);
    parked_creates_.remove_if(of_session);
    for (auto crowded = crowded_.begin(); crowded != crowded_.end();) {
        Session* other = find_session(*crowded);
        if (other != nullptr) {
            other->parked_opens.remove_if(of_session);
        }
        crowded = other == nullptr || other->parked_opens.empty() ? crowded_.erase(crowded) : std::next(crowded);
    }
    end_questions(session);
    std::list<ParkedOpen> parked = std::move(gone->parked_opens);
    while (!gone->instances.empty()) {
        remove_instance(*gone->instances.begin()->second);
    }
    while (!gone->client_ends.empty()) {
        client_end_closed(*gone->client_ends.begin());
    }
    sessions_.erase(session);
    drop_gateways(session);
    retry_parked(parked); // they find another instance, or hear that there is none
}

// ---- states of instances (SEMANTICS 2.3) ----

void Namespace::set_state(Instance& instance, InstanceState state)
{
    instance.state = state;
    notify_of(*instance.pipe, false);
}

void Namespace::enter_listening(Instance& instance)
{
    Pipe& pipe = *instance.pipe;
    set_state(instance, InstanceState::listening);
    pipe.listening.push_back(&instance);
    instance.place_in_queue = std::prev(pipe.listening.end());
    wake_waiters(pipe, Status::success);
    if (!questions_.empty()) {
        listening_again_.push_back(pipe.id);
    }
}

void Namespace::leave_listening(Instance& instance)
{
    if (instance.state == InstanceState::listening) {
        instance.pipe->listening.erase(instance.place_in_queue);
    }
}

bool Namespace::listening(SessionId session, InstanceHandle handle, std::uint64_t period)
{
    Instance* instance = find_instance(session, handle);
    if (instance == nullptr) {
        return false;
    }
    // In a new period it stands at the tail of the queue, whatever the namespace believed before.
    leave_listening(*instance);
    instance->period = period;
    if (instance->bound) { // its client did not come, and it is for nobody else
        set_state(*instance, InstanceState::disconnected);
        effects_.emplace_back(Unserved{session, handle});
        return true;
    }
    enter_listening(*instance);
    return true;
}

bool Namespace::disconnected(SessionId session, InstanceHandle handle)
{
    Instance* instance = find_instance(session, handle);
    if (instance == nullptr) {
        return false;
    }
    leave_listening(*instance);
    set_state(*instance, InstanceState::disconnected);
    return true;
}

bool Namespace::closed(SessionId session, InstanceHandle handle)
{
    Instance* instance = find_instance(session, handle);
    if (instance == nullptr) {
        return false;
    }
    remove_instance(*instance);
    return true;
}

void Namespace::client_closed(SessionId session, InstanceHandle handle, std::uint64_t period)
{
    Instance* instance = find_instance(session, handle);
    if (instance != nullptr && instance->state == InstanceState::connected && instance->period == period) {
        set_state(*instance, InstanceState::closing);
    }
}

void Namespace::handover_taken(SessionId session)
{
    Session* server = find_session(session);
    if (server == nullptr || server->handovers == 0) {
        return;
    }
    --server->handovers;
    retry_parked(server->parked_opens);
}

void Namespace::instances_changed(Pipe& pipe)
{
    effects_.emplace_back(PipeChanged{pipe.id, static_cast<std::uint32_t>(pipe.instances.size())});
    notify_of(pipe, false);
}

// SEMANTICS 2.2: with its last server end the pipe leaves the namespace at once.
void Namespace::remove_instance(Instance& instance)
{
    Pipe& pipe = *instance.pipe;
    leave_listening(instance);
    pipe.instances.remove(&instance);
    const auto server = pipe.servers.find(instance.session->party.identity.process_id);
    const bool last = --server->second == 0;
    if (last) {
        pipe.servers.erase(server);
    }
    instance.session->instances.erase(instance.handle);
    instances_changed(pipe);
    if (last && !pipe.instances.empty()) {
        effects_.emplace_back(ServersChanged{pipe.record()});
    }
    if (pipe.instances.empty() && !pipe.reserved_until) {
        remove_pipe(pipe);
    }
}

void Namespace::remove_pipe(Pipe& pipe)
{
    wake_waiters(pipe, Status::object_name_not_found);
    effects_.emplace_back(PipeGone{pipe.record()});
    notify_of(pipe, true);
    pipes_by_id_.erase(pipe.id);
    if (pipe.has_name()) {
        let_go(std::move(pipes_.extract(Key{pipe.name.folded, pipe.scope}).mapped()));
    } else {
        let_go(std::move(unnamed_pipes_.extract(pipe.id).mapped()));
    }
}

// ---- requests that wait ----

void Namespace::cancel(SessionId session, RequestId request)
{
    const auto is_it = [&](const auto& entry) { return entry.session == session && entry.request == request; };
    const auto remove_from = [&](auto& list) {
        const auto found = std::find_if(list.begin(), list.end(), is_it);
        if (found == list.end()) {
            return false;
        }
        list.erase(found);
        return true;
    };
    if (const auto waiter = std::ranges::find_if(waiters_, is_it); waiter != waiters_.end()) {
        (void)end_wait(waiter, Status::cancelled);
        return;
    }
    bool found = cancel_question(session, request) || remove_from(notifiers_) || remove_from(parked_opens_) ||
                 remove_from(parked_creates_);
    for (auto it = crowded_.begin(); !found && it != crowded_.end(); ++it) {
        if (Session* other = find_session(*it)) {
            found = remove_from(other->parked_opens);
        }
    }
    if (found) {
        answer(session, request, Status::cancelled);
    }
}

std::optional<Nanoseconds> Namespace::next_deadline() const
{
    std::optional<Nanoseconds> next;
    const auto consider = [&next](const std::optional<Nanoseconds>& deadline) {
        if (deadline && (!next || *deadline < *next)) {
            next = deadline;
        }
    };
    consider(waiters_until_);
    consider(reservations_until_);
    consider(next_question_deadline());
    return next;
}

void Namespace::expire(Nanoseconds now)
{
    now_ = now;
    expire_questions(now);
    if (waiters_until_ && *waiters_until_ <= now) {
        expire_waiters(now);
    }
    if (reservations_until_ && *reservations_until_ <= now) {
        expire_reservations(now);
    }
}

namespace {

void keep_earliest(std::optional<Nanoseconds>& earliest, const std::optional<Nanoseconds>& deadline)
{
    if (deadline) {
        earliest = std::min(*deadline, earliest.value_or(*deadline));
    }
}

} // namespace

void Namespace::expire_waiters(Nanoseconds now)
{
    waiters_until_.reset();
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        if (waiter->deadline && *waiter->deadline <= now) {
            waiter = end_wait(waiter, Status::io_timeout);
        } else {
            keep_earliest(waiters_until_, waiter->deadline);
            ++waiter;
        }
    }
}

void Namespace::expire_reservations(Nanoseconds now)
{
    reservations_until_.reset();
    std::vector<PipeId> over;
    for (const auto& [id, pipe] : pipes_by_id_) {
        if (pipe->reserved_until && *pipe->reserved_until <= now) {
            over.push_back(id);
        } else {
            keep_earliest(reservations_until_, pipe->reserved_until);
        }
    }
    for (const PipeId pipe : over) {
        lapsed_[pipe] = find_pipe(pipe)->record();
        end_reservation(pipe);
    }
}

// ---- listing ----

bool Namespace::sees(SessionId session, Scope scope) const
{
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) {
        return false;
    }
    const Party& party = found->second->party;
    return scope == global_scope || scope == scope_of(party.identity) || party.privileged || party.trusted_front;
}

std::vector<PipeListing> Namespace::list(SessionId session, std::u16string_view pattern, bool reachable,
                                         const std::optional<Key>& after, std::size_t most, bool& more) const
{
    std::vector<std::pair<Key, PipeListing>> lines;
    more = false;
    const auto looking = sessions_.find(session);
    if (looking == sessions_.end()) {
        return {};
    }
    list_offers(session, pattern, reachable, after, most, lines);
    const std::size_t offers = lines.size();
    const security::Identity& identity = looking->second->party.identity;
    const auto is_shown = [&](const Pipe& pipe) {
        return reachable ? find_pipe(pipe.name, identity) == &pipe : sees(session, pipe.scope);
    };
    for (auto it = after ? pipes_.upper_bound(*after) : pipes_.begin(); it != pipes_.end(); ++it) {
        const Pipe& pipe = *it->second;
        if (!is_shown(pipe) || pipe.instances.empty() || !name::matches(pattern, it->first.first)) {
            continue;
        }
        if (lines.size() - offers > most) {
            break;
        }
        PipeListing& listing = lines.emplace_back(it->first, PipeListing()).second;
        listing.name = pipe.name.spelling;
        listing.scope = pipe.scope;
        listing.owner = pipe.owner;
        listing.type = pipe.type;
        listing.configuration = pipe.configuration;
        listing.maximum_instances = pipe.maximum_instances;
        listing.process = pipe.instances.front()->session->party.identity.process_id;
        for (const Instance* instance : pipe.instances) {
            ++listing.instances[static_cast<std::size_t>(instance->state)];
        }
        listing.origin = pipe.origin.label;
    }
    const auto by_key = [](const auto& one, const auto& other) { return one.first < other.first; };
    std::inplace_merge(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(offers), lines.end(), by_key);
    more = lines.size() > most;
    std::vector<PipeListing> listings;
    for (std::size_t i = 0; i < std::min(lines.size(), most); ++i) {
        listings.push_back(std::move(lines[i].second));
    }
    return listings;
}

} // namespace ntpipe::space
