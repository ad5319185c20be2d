// SPDX-License-Identifier: LGPL-2.1-or-later
// gateway.cc: names that live elsewhere. Whom a gateway is asked for, in which order, and what its answer does; what it offers;
// which pipes it is told of. A gateway is neither told of nor asked for what came from itself, and nobody is asked because of
// an open by a process that is itself being asked about that name: so nothing goes round in a circle.
#include "name/samba_names.hpp"
#include "namespace/objects.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace ntpipe::space {
namespace {

bool is_label(const std::string& label)
{
    return !label.empty() && label.size() <= longest_label &&
           std::ranges::all_of(label, [](char c) { return c > ' ' && c <= '~'; });
}

// Beyond the end of time: never.
std::optional<Nanoseconds> end_of(Nanoseconds began, Nanoseconds duration)
{
    return duration > std::numeric_limits<Nanoseconds>::max() - began ? std::nullopt : std::optional(began + duration);
}

} // namespace

GatewayRecord Namespace::Gateway::record() const
{
    return {parameters.number, parameters.label, parameters.flags, user, process, global, privileged};
}

// ---- coming and going ----

Namespace::Gateway* Namespace::find_gateway(SessionId session, GatewayHandle handle)
{
    const auto found = std::ranges::find_if(gateways_, [&](const Gateway& gateway) {
        return gateway.session == session && gateway.parameters.handle == handle;
    });
    return found == gateways_.end() || session == 0 ? nullptr : &*found;
}

Status Namespace::check_gateway(SessionId session, const GatewayParameters& parameters)
{
    constexpr std::uint32_t something = gateway_flag::publish | gateway_flag::resolve;
    const bool flags_ok = (parameters.flags & something) != 0 && (parameters.flags & ~gateway_flag::known) == 0;
    const bool deadline_ok = parameters.deadline != 0 && parameters.deadline <= longest_gateway_deadline;
    return flags_ok && deadline_ok && is_label(parameters.label) && find_gateway(session, parameters.handle) == nullptr
               ? Status::success
               : Status::invalid_parameter;
}

Status Namespace::add_gateway(SessionId session_id, const GatewayParameters& parameters)
{
    const Session* session = find_session(session_id);
    if (session == nullptr || check_gateway(session_id, parameters) != Status::success) {
        return Status::invalid_parameter;
    }
    const Party& party = session->party;
    const std::uint32_t user = party.identity.credentials.uid;
    auto place = std::ranges::find_if(gateways_, [&](const Gateway& gateway) {
        return gateway.session == 0 && gateway.user == user && gateway.parameters.number == parameters.number;
    });
    if (place == gateways_.end()) {
        const auto of_user = [user](const Gateway& gateway) { return gateway.user == user; };
        if (static_cast<std::size_t>(std::ranges::count_if(gateways_, of_user)) >= policy_.gateways_per_user) {
            return Status::quota_exceeded;
        }
        place = gateways_.emplace(gateways_.end());
    }
    Gateway& gateway = *place;
    gateway.session = session_id;
    gateway.parameters = parameters;
    gateway.user = user;
    gateway.process = party.identity.process_id;
    gateway.global = party.privileged || party.global_gateway;
    gateway.privileged = party.privileged;
    gateway.expected_until.reset();
    effects_.emplace_back(GatewayChanged{gateway.record(), true});
    if (gateway.has(gateway_flag::publish)) {
        for (const auto& [key, pipe] : pipes_) {
            publish(gateway, *pipe);
        }
        for (const auto& [key, offer] : offers_) {
            publish(gateway, key, offer);
        }
    }
    for (auto& [id, question] : questions_) {
        if (question.gateway == &gateway) { // they have waited for it to come back
            question.deadline = now_ + parameters.deadline;
        }
    }
    send_questions(gateway);
    return Status::success;
}

void Namespace::expect_gateway(const GatewayRecord& record, Nanoseconds deadline)
{
    Gateway& gateway = gateways_.emplace_back();
    gateway.parameters.number = record.number;
    gateway.parameters.label = record.label;
    gateway.parameters.flags = record.flags;
    gateway.user = record.user;
    gateway.process = record.process;
    gateway.global = record.global;
    gateway.privileged = record.privileged;
    gateway.expected_until = deadline;
}

void Namespace::gateway_gone(std::uint32_t process)
{
    for (auto gateway = gateways_.begin(); gateway != gateways_.end();) {
        const auto next = std::next(gateway);
        if (gateway->session == 0 && gateway->process == process) {
            drop_gateway(gateway);
        }
        gateway = next;
    }
}

bool Namespace::remove_gateway(SessionId session, GatewayHandle handle)
{
    const auto found = std::ranges::find_if(gateways_, [&](const Gateway& gateway) {
        return gateway.session == session && gateway.parameters.handle == handle;
    });
    if (found == gateways_.end()) {
        return false;
    }
    drop_gateway(found);
    return true;
}

void Namespace::drop_gateways(SessionId session)
{
    std::vector<std::list<Gateway>::iterator> gone;
    for (auto gateway = gateways_.begin(); gateway != gateways_.end(); ++gateway) {
        if (gateway->session == session) {
            gateway->session = 0; // all, before the questions of one are passed on
            gone.push_back(gateway);
        }
    }
    for (const auto gateway : gone) {
        drop_gateway(gateway);
    }
}

// What it was asked the next one is asked.
void Namespace::drop_gateway(std::list<Gateway>::iterator gateway)
{
    gateway->session = 0;
    while (!gateway->offers.empty()) {
        withdraw(*gateway, *gateway->offers.begin());
    }
    std::vector<Question> left;
    for (auto it = questions_.begin(); it != questions_.end();) {
        const QuestionId id = (it++)->first;
        if (questions_.at(id).gateway == &*gateway) {
            left.push_back(take_question(id, true));
        }
    }
    effects_.emplace_back(GatewayChanged{gateway->record(), false});
    gateways_.erase(gateway);
    for (Question& question : left) {
        pass_on(std::move(question));
    }
}

// ---- who is asked ----

bool Namespace::is_reserved(const name::Name& name) const
{
    return std::ranges::find(policy_.reserved_names, name.folded) != policy_.reserved_names.end();
}

bool Namespace::may_be_asked(const Gateway& gateway, const Question& question) const
{
    if (!gateway.has(gateway_flag::resolve) || gateway.process == question.process) {
        return false;
    }
    if (!gateway.global && gateway.user != question.identity->credentials.uid) {
        return false;
    }
    if (is_reserved(question.name) && !gateway.privileged) {
        return false;
    }
    if (question.only && *question.only != gateway.parameters.number) {
        return false;
    }
    const bool tried = std::ranges::find(question.tried, gateway.parameters.number) != question.tried.end();
    // What one that is expected offers is not known yet.
    const bool offers = !gateway.has(gateway_flag::offered_only) || gateway.session == 0 ||
                        gateway.offers.contains(question.name.folded);
    return !tried && offers;
}

// The user's own first, then those for everybody.
Namespace::Gateway* Namespace::next_gateway(const Question& question)
{
    const auto is_own = [&](const Gateway& gateway) { return gateway.user == question.identity->credentials.uid; };
    for (const bool own : {true, false}) {
        for (Gateway& gateway : gateways_) {
            if (is_own(gateway) == own && may_be_asked(gateway, question)) {
                return &gateway;
            }
        }
    }
    return nullptr;
}

bool Namespace::is_asked_already(std::uint32_t process, const name::Name& name) const
{
    return std::ranges::any_of(questions_, [&](const auto& entry) {
        return entry.second.gateway->process == process && entry.second.name.folded == name.folded;
    });
}

bool Namespace::ask(Question question, Pipe* pipe)
{
    const bool native = pipe != nullptr && pipe->origin.native();
    if (gateways_.empty() || native || (question.stated && name::is_samba_name(question.name.folded)) ||
        is_asked_already(question.process, question.name)) {
        return false;
    }
    if (pipe != nullptr) {
        question.only = pipe->origin.gateway;
    }
    Gateway* gateway = next_gateway(question);
    if (gateway == nullptr) {
        return false;
    }
    const std::uint32_t user = question.identity->credentials.uid;
    const auto of_user = [user](const auto& entry) { return entry.second.identity->credentials.uid == user; };
    if (static_cast<std::size_t>(std::ranges::count_if(questions_, of_user)) >= policy_.questions_per_user) {
        answer(question.session, question.request, Status::insufficient_resources);
        return true;
    }
    put_to(*gateway, std::move(question));
    return true;
}

bool Namespace::ask_about_open(Session& session, RequestId request, const OpenParameters& parameters, Pipe* pipe)
{
    Question question;
    question.session = session.id;
    question.request = request;
    question.name = translated(parameters.name);
    question.identity = parameters.identity;
    question.stated = parameters.stated;
    question.process = session.party.identity.process_id;
    question.open = parameters;
    question.began = now_;
    return ask(std::move(question), pipe);
}

void Namespace::put_to(Gateway& gateway, Question question)
{
    question.id = next_question_++;
    question.gateway = &gateway;
    question.sent = question.held = false;
    question.tried.push_back(gateway.parameters.number);
    question.deadline = gateway.expected_until ? *gateway.expected_until : now_ + gateway.parameters.deadline;
    gateway.waiting.push_back(question.id);
    questions_.emplace(question.id, std::move(question));
    send_questions(gateway);
}

Scope Namespace::scope_of(const Gateway& gateway, std::uint32_t user) const
{
    return !policy_.user_scopes || gateway.global ? global_scope : scope_of_user(user);
}

// A gateway that does not answer has so many questions, and no more.
void Namespace::send_questions(Gateway& gateway)
{
    while (gateway.session != 0 && gateway.asked < policy_.questions_per_gateway && !gateway.waiting.empty()) {
        Question& question = questions_.at(gateway.waiting.front());
        gateway.waiting.pop_front();
        ++gateway.asked;
        question.sent = true;
        const Party& party = find_session(gateway.session)->party;
        Ask ask;
        ask.session = gateway.session;
        ask.gateway = gateway.parameters.handle;
        ask.question = question.id;
        ask.name = question.name.spelling;
        ask.is_wait = !question.open;
        ask.global = scope_of(gateway, question.identity->credentials.uid) == global_scope;
        ask.identity = question.identity;
        constexpr std::uint32_t identification = 1;
        ask.level = identification;
        if (question.open) {
            ask.desired_access = question.open->desired_access;
            ask.level =
                level_for_server(*question.identity, question.open->impersonation_level,
                                 party.trusted_front || party.identity.token.may(security::privilege::impersonate),
                                 party.identity.credentials.uid);
        } else if (question.timeout) {
            const Nanoseconds gone = now_ - std::min(now_, question.began);
            ask.timeout = *question.timeout == std::numeric_limits<Nanoseconds>::max()
                              ? *question.timeout
                              : *question.timeout - std::min(*question.timeout, gone);
        }
        ask.deadline = *question.deadline - std::min(*question.deadline, now_);
        effects_.emplace_back(std::move(ask));
    }
}

// ---- what comes of it ----

// `tell`: the gateway hears that its answer is not wanted any more.
Namespace::Question Namespace::take_question(QuestionId id, bool tell)
{
    Question question = std::move(questions_.extract(id).mapped());
    Gateway& gateway = *question.gateway;
    if (!question.sent) {
        gateway.waiting.remove(id);
    } else {
        --gateway.asked;
        if (tell && gateway.session != 0) {
            effects_.emplace_back(Unask{gateway.session, id});
        }
        send_questions(gateway);
    }
    return question;
}

// This one has it not.
void Namespace::pass_on(Question question)
{
    if (Gateway* next = next_gateway(question)) {
        put_to(*next, std::move(question));
    } else {
        resume(question, true);
    }
}

// Decides what was asked as if it came now. `unresolved`: no gateway has it.
void Namespace::resume(const Question& question, bool unresolved)
{
    Session* session = find_session(question.session);
    if (session == nullptr) {
        return;
    }
    Pipe* pipe = find_for_client(question.name, *question.identity, question.stated);
    const bool available = pipe != nullptr && !pipe->listening.empty();
    if (question.open && (available || !unresolved)) {
        try_open(*session, question.request, *question.open);
    } else if (question.open) {
        answer(question.session, question.request,
               pipe == nullptr ? Status::object_name_not_found : Status::pipe_not_available);
    } else if (available) {
        answer(question.session, question.request, Status::success);
    } else if (pipe == nullptr) {
        answer(question.session, question.request, Status::object_name_not_found);
    } else {
        wait_for(*pipe, *session, question.request, question.stated ? question.identity.get() : nullptr,
                 question.timeout, question.began);
    }
}

bool Namespace::answer_question(SessionId session, QuestionId question, Status status)
{
    const auto found = questions_.find(question);
    if (found == questions_.end()) {
        return true; // it was over before its gateway could know
    }
    Question& asked = found->second;
    if (!asked.sent || asked.gateway->session != session) {
        return false;
    }
    if (status == Status::pending && !asked.open) {
        asked.held = true;
        asked.deadline = asked.timeout ? end_of(asked.began, *asked.timeout) : std::nullopt;
        return true;
    }
    Question over = take_question(question, false);
    const bool final = status == Status::success ? !over.open : is_error(status);
    if (final && status != Status::object_name_not_found) {
        answer(over.session, over.request, status);
    } else {
        pass_on(std::move(over));
    }
    return true;
}

// Of that session.
void Namespace::end_questions(SessionId session)
{
    for (auto it = questions_.begin(); it != questions_.end();) {
        const QuestionId id = (it++)->first;
        if (questions_.at(id).session == session) {
            (void)take_question(id, true);
        }
    }
}

bool Namespace::cancel_question(SessionId session, RequestId request)
{
    const auto found = std::ranges::find_if(questions_, [&](const auto& entry) {
        return entry.second.session == session && entry.second.request == request;
    });
    if (found == questions_.end()) {
        return false;
    }
    (void)take_question(found->first, true);
    return true;
}

// An instance of that pipe listens: who would find it needs no gateway.
void Namespace::retry_questions(PipeId pipe)
{
    std::vector<QuestionId> about;
    Pipe* found = find_pipe(pipe);
    for (const auto& [number, question] : questions_) {
        if (found != nullptr && question.name.folded == found->name.folded &&
            find_for_client(question.name, *question.identity, question.stated) == found) {
            about.push_back(number);
        }
    }
    for (const QuestionId number : about) {
        found = find_pipe(pipe);
        if (found != nullptr && !found->listening.empty() && questions_.contains(number)) {
            resume(take_question(number, true), false);
        }
    }
}

std::optional<Nanoseconds> Namespace::next_question_deadline() const
{
    std::optional<Nanoseconds> next;
    const auto consider = [&next](const std::optional<Nanoseconds>& deadline) {
        if (deadline && (!next || *deadline < *next)) {
            next = deadline;
        }
    };
    for (const auto& [id, question] : questions_) {
        consider(question.deadline);
    }
    for (const Gateway& gateway : gateways_) {
        consider(gateway.expected_until);
    }
    return next;
}

void Namespace::expire_questions(Nanoseconds now)
{
    for (auto gateway = gateways_.begin(); gateway != gateways_.end();) {
        const auto next = std::next(gateway);
        if (gateway->expected_until && *gateway->expected_until <= now) {
            drop_gateway(gateway);
        }
        gateway = next;
    }
    std::vector<QuestionId> over;
    for (const auto& [id, question] : questions_) {
        if (question.deadline && *question.deadline <= now) {
            over.push_back(id);
        }
    }
    for (const QuestionId id : over) {
        if (!questions_.contains(id)) {
            continue;
        }
        Question question = take_question(id, true);
        if (question.held) {
            answer(question.session, question.request, Status::io_timeout);
        } else {
            pass_on(std::move(question));
        }
    }
}

// ---- serving ----

Result<Origin> Namespace::origin_of(const Session& session, const CreateParameters& parameters)
{
    if (!parameters.gateway) {
        return Origin();
    }
    const Gateway* gateway = find_gateway(session.id, *parameters.gateway);
    if (gateway == nullptr) {
        return Status::invalid_handle;
    }
    return gateway->origin();
}

// An instance for exactly the client that was asked about. It connects at once, or there is no instance.
Result<Created> Namespace::serve(Session& session, InstanceHandle handle, const CreateParameters& given)
{
    const Gateway* gateway = given.gateway ? find_gateway(session.id, *given.gateway) : nullptr;
    const auto found = questions_.find(*given.question);
    if (gateway == nullptr || found == questions_.end() || found->second.gateway != gateway || !found->second.sent) {
        settle_lost_answer(given, session.party.identity.process_id);
        return Status::not_found;
    }
    if (!found->second.open || given.name.folded != found->second.name.folded) {
        return Status::invalid_parameter;
    }
    const Scope scope = scope_of(*gateway, found->second.identity->credentials.uid);
    const Secret number = gateway->parameters.number;
    Question question = take_question(*given.question, false);
    const auto place = pipes_.find(Key{given.name.folded, scope});
    Pipe* pipe = place == pipes_.end() ? nullptr : place->second.get();
    const Pipe* in_the_way = find_pipe(question.name, *question.identity);
    if (pipe != nullptr && pipe->origin.gateway != number) {
        in_the_way = pipe;
    }
    if (in_the_way != nullptr && in_the_way->origin.gateway != number) {
        resume(question, false);
        return Status::object_name_collision;
    }
    const security::Descriptor descriptor =
        pipe == nullptr ? descriptor_for(given, session.party.identity.token) : pipe->descriptor;
    const Result<security::AccessMask> granted = check_client(
        descriptor, pipe == nullptr ? configuration_of(given.share_access) : pipe->configuration,
        pipe == nullptr ? (given.type & end::reject_remote_clients) != 0 : pipe->reject_remote, *question.open);
    if (!granted) {
        answer(question.session, question.request, granted.status());
        return granted.status();
    }
    constexpr std::uint32_t file_open_if = 3;
    CreateParameters parameters = given;
    parameters.disposition = file_open_if;
    Result<Created> created = pipe == nullptr ? create_pipe(session, handle, scope, parameters)
                                              : create_instance(session, handle, *pipe, parameters);
    Session* client = find_session(question.session);
    if (created && client != nullptr) {
        connect(*client, question.request, *question.open, *find_instance(session.id, handle), *granted);
    } else if (created.status() == Status::instance_not_available) {
        answer(question.session, question.request, Status::pipe_not_available);
    } else {
        pass_on(std::move(question));
    }
    return created;
}

// ---- offering ----

Status Namespace::offer(SessionId session, GatewayHandle handle, const std::vector<name::Name>& names)
{
    Gateway* gateway = find_gateway(session, handle);
    if (gateway == nullptr) {
        return Status::invalid_handle;
    }
    if (!gateway->has(gateway_flag::resolve)) {
        return Status::access_denied;
    }
    for (const name::Name& name : names) {
        if (is_reserved(name) && !gateway->privileged) {
            return Status::access_denied;
        }
        if (gateway->offers.contains(name.folded)) {
            continue;
        }
        if (gateway->offers.size() >= policy_.names_per_gateway) {
            return Status::quota_exceeded;
        }
        const Key key{name.folded, scope_of(*gateway, gateway->user)};
        constexpr std::uint64_t objects = 512;
        Result<Charge> memory = charge(gateway->user, Resource::memory, objects + 4 * name.spelling.size());
        if (!memory) {
            return memory.status();
        }
        gateway->offers.insert(name.folded);
        Offer& offer = offers_[key];
        if (offer.by.empty()) {
            offer.id = next_pipe_id_++;
            notify_of_name(key.second, true);
        }
        offer.by.push_back({gateway, name.spelling, *std::move(memory)});
        changed_offers_[offer.id] = key;
    }
    return Status::success;
}

void Namespace::withdraw(SessionId session, GatewayHandle handle, const std::vector<name::Name>& names)
{
    Gateway* gateway = find_gateway(session, handle);
    for (const name::Name& name : names) {
        if (gateway != nullptr && gateway->offers.contains(name.folded)) {
            withdraw(*gateway, std::u16string(name.folded));
        }
    }
}

void Namespace::withdraw(Gateway& gateway, const std::u16string& folded)
{
    const Key key{folded, scope_of(gateway, gateway.user)};
    gateway.offers.erase(key.first); // the name that was given may be the one in the set
    const auto found = offers_.find(key);
    if (found == offers_.end()) {
        return;
    }
    Offer& offer = found->second;
    changed_offers_[offer.id] = key;
    offer.by.remove_if([&](const Offer::By& by) { return by.gateway == &gateway; });
    if (offer.by.empty()) {
        offers_.erase(found);
        notify_of_name(key.second, true);
    }
}

std::vector<OfferedName> Namespace::offered_names(SessionId session) const
{
    std::vector<OfferedName> names;
    for (const auto& [key, offer] : offers_) {
        if (sees(session, key.second)) {
            names.push_back({offer.id, offer.by.front().name, key.second, offer.by.front().gateway->user});
        }
    }
    return names;
}

// Those of which there is no pipe.
void Namespace::list_offers(SessionId session, std::u16string_view pattern, bool reachable,
                            const std::optional<Key>& after, std::size_t most,
                            std::vector<std::pair<Key, PipeListing>>& lines) const
{
    const security::Identity& identity = sessions_.at(session)->party.identity;
    for (auto it = after ? offers_.upper_bound(*after) : offers_.begin(); it != offers_.end() && lines.size() <= most;
         ++it) {
        const auto& [key, offer] = *it;
        const Offer::By& by = offer.by.front();
        const auto pipe = pipes_.find(key);
        bool shown = pipe == pipes_.end() || pipe->second->instances.empty();
        if (reachable) {
            const Scope own = scope_of(identity);
            shown = find_pipe({by.name, key.first}, identity) == nullptr &&
                    (key.second == own || (key.second == global_scope && !offers_.contains(Key{key.first, own})));
        }
        if (!shown || !sees(session, key.second) || !name::matches(pattern, key.first)) {
            continue;
        }
        PipeListing& listing = lines.emplace_back(key, PipeListing()).second;
        listing.name = by.name;
        listing.scope = key.second;
        listing.owner = by.gateway->user;
        listing.process = by.gateway->process;
        listing.maximum_instances = end::unlimited_instances;
        listing.origin = by.gateway->parameters.label;
        listing.offered = true;
    }
}

// ---- publishing ----

bool Namespace::sees(const Gateway& gateway, Scope scope) const
{
    return scope == global_scope || gateway.global || scope == scope_of(gateway, gateway.user);
}

void Namespace::publish(Gateway& gateway, const Pipe& pipe)
{
    if (pipe.instances.empty() || !sees(gateway, pipe.scope) || pipe.origin.gateway == gateway.parameters.number) {
        return;
    }
    const Instance& oldest = *pipe.instances.front();
    PublishedPipe out;
    out.id = pipe.id;
    out.name = pipe.name.spelling;
    out.origin = pipe.origin.label;
    out.reject_remote = pipe.reject_remote;
    out.scope = pipe.scope;
    out.owner = pipe.owner;
    out.type = static_cast<std::uint32_t>(pipe.type);
    out.configuration = static_cast<std::uint32_t>(pipe.configuration);
    out.maximum_instances = pipe.maximum_instances;
    out.inbound_quota = oldest.inbound_quota;
    out.outbound_quota = oldest.outbound_quota;
    out.default_timeout = pipe.default_timeout;
    out.current_instances = static_cast<std::uint32_t>(pipe.instances.size());
    out.listening_instances = static_cast<std::uint32_t>(pipe.listening.size());
    gateway.told.insert(pipe.id);
    effects_.emplace_back(Publish{gateway.session, gateway.parameters.handle, std::move(out)});
}

// Of a name that several offer, one hears of the first of the others.
void Namespace::publish(Gateway& gateway, const Key& key, const Offer& offer)
{
    const auto other =
        std::ranges::find_if(offer.by, [&gateway](const Offer::By& by) { return by.gateway != &gateway; });
    if (!sees(gateway, key.second) || other == offer.by.end()) {
        return;
    }
    PublishedPipe out;
    out.id = offer.id;
    out.name = other->name;
    out.origin = other->gateway->parameters.label;
    out.offered = true;
    out.scope = key.second;
    out.owner = other->gateway->user;
    gateway.told.insert(offer.id);
    effects_.emplace_back(Publish{gateway.session, gateway.parameters.handle, std::move(out)});
}

void Namespace::unpublish(PipeId pipe)
{
    for (Gateway& gateway : gateways_) {
        if (gateway.told.erase(pipe) != 0 && gateway.session != 0) {
            effects_.emplace_back(Unpublish{gateway.session, gateway.parameters.handle, pipe});
        }
    }
}

// Changes that come together are told as one.
void Namespace::publish_changes()
{
    const auto for_publishers = [this](const auto& what) {
        for (Gateway& gateway : gateways_) {
            if (gateway.session != 0 && gateway.has(gateway_flag::publish)) {
                what(gateway);
            }
        }
    };
    for (const PipeId id : std::exchange(changed_pipes_, {})) {
        const Pipe* pipe = find_pipe(id);
        if (pipe == nullptr || pipe->instances.empty()) {
            unpublish(id);
        } else {
            for_publishers([&](Gateway& gateway) { publish(gateway, *pipe); });
        }
    }
    for (const auto& [id, key] : std::exchange(changed_offers_, {})) {
        const auto found = offers_.find(key);
        OfferedName name{id, "", key.second, 0};
        if (found == offers_.end() || found->second.id != id) {
            unpublish(id);
            effects_.emplace_back(OfferChanged{std::move(name), false});
            continue;
        }
        const Offer& offer = found->second;
        name.name = offer.by.front().name;
        name.owner = offer.by.front().gateway->user;
        effects_.emplace_back(OfferChanged{std::move(name), true});
        for_publishers([&](Gateway& gateway) {
            const bool others =
                std::ranges::any_of(offer.by, [&gateway](const Offer::By& by) { return by.gateway != &gateway; });
            if (!others && gateway.told.erase(id) != 0) {
                effects_.emplace_back(Unpublish{gateway.session, gateway.parameters.handle, id});
            }
            publish(gateway, key, offer);
        });
    }
}

} // namespace ntpipe::space
