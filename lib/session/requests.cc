// SPDX-License-Identifier: LGPL-2.1-or-later
// requests.cc: a session's requests to the broker and their answers.
#include "namespace/types.hpp"
#include "session/convert.hpp"
#include "session/mapping.hpp"
#include "session/random.hpp"
#include "session/session.hpp"

#include <limits>
#include <tuple>

namespace ntpipe::session {
namespace {

std::optional<wire::Identity> stated(const std::shared_ptr<const security::Identity>& identity)
{
    return identity == nullptr ? std::nullopt : std::optional(identity_to(*identity));
}

space::PipeListing listing_from(const wire::Listing& in)
{
    space::PipeListing out;
    out.name = in.name;
    out.scope = in.scope;
    out.owner = in.owner;
    out.process = in.process;
    out.type = static_cast<end::PipeType>(in.type);
    out.configuration = static_cast<end::Configuration>(in.configuration);
    out.maximum_instances = in.maximum_instances;
    out.instances = {0, in.disconnected, in.listening, in.connected, in.closing};
    out.origin = in.origin;
    out.offered = in.offered;
    return out;
}

} // namespace

// ---- starting ----

Session::Pending& Session::add_request(Request& request, std::function<wire::Message()> make,
                                       std::function<void(wire::Message&)> answered, std::uint16_t since)
{
    const space::RequestId id = next_request_++;
    begin(request, id);
    Pending pending;
    pending.request = &request;
    pending.make = std::move(make);
    pending.answered = std::move(answered);
    pending.since = since;
    Pending& added = requests_.emplace(id, std::move(pending)).first->second;
    if (state_ == State::idle) {
        connect_soon_.schedule();
    } else if (state_ == State::open) {
        try {
            send_requests();
        } catch (const std::bad_alloc&) {
            abandon(request); // who hears of it does not wait
            throw;
        }
    }
    return added;
}

void Session::send_requests()
{
    for (auto it = requests_.begin(); it != requests_.end();) {
        Pending& pending = (it++)->second;
        if (!pending.sent && pending.since > version_) {
            Request* request = pending.request;
            requests_.erase(std::prev(it));
            complete(*request, Status::not_supported);
        } else if (!pending.sent && pending.make) {
            const bool is_broken = !send(pending.make());
            pending.sent = true;
            if (is_broken) {
                return; // lost: the socket says so, and all is sent anew
            }
        }
    }
    if (!watchers_.empty() && !watching_) {
        wire::Watch message;
        message.request = next_request_++;
        Pending pending;
        pending.sent = true;
        pending.answered = [this](wire::Message& answer) {
            const auto* done = std::get_if<wire::Done>(&answer);
            if (done == nullptr || done->status != raw(Status::success)) {
                return; // the user has too many sessions that watch
            }
            names_complete_ = true;
            for (NameWatcher* watcher = watchers_.front(); watcher != nullptr; watcher = watchers_.after(*watcher)) {
                watcher->complete();
            }
        };
        const auto added = requests_.emplace(message.request, std::move(pending)).first;
        try {
            (void)send(std::move(message));
            watching_ = added->first;
        } catch (const std::bad_alloc&) {
            requests_.erase(added);
            throw;
        }
    }
}

Session::Pending Session::take_pending(space::RequestId id)
{
    const auto found = requests_.find(id);
    if (found == requests_.end()) {
        return {};
    }
    Pending pending = std::move(found->second);
    requests_.erase(found);
    return pending;
}

void Session::cancel(Request& request)
{
    errand_over(id_of(request), Status::cancelled, end::no_context);
    const auto found = requests_.find(id_of(request));
    if (found == requests_.end()) {
        return;
    }
    if (!found->second.sent) {
        requests_.erase(found);
        complete(request, Status::cancelled);
        return;
    }
    found->second.cancelled = true;
    wire::Cancel message;
    message.request = found->first;
    tell(std::move(message));
}

// Its owner does not wait any more. The answer is still taken in, and undone if there is something to undo.
void Session::abandon(Request& request)
{
    errands_.erase(id_of(request));
    const auto found = requests_.find(id_of(request));
    if (found == requests_.end()) {
        return;
    }
    if (!found->second.sent) {
        requests_.erase(found);
        return;
    }
    found->second.request = nullptr;
    found->second.answered = [this](const wire::Message& message) { undo(message); };
    wire::Cancel message;
    message.request = found->first;
    tell(std::move(message));
}

void Session::undo(const wire::Message& answer)
{
    if (const auto* created = std::get_if<wire::Created>(&answer);
        created != nullptr && created->status == raw(Status::success)) {
        wire::Closed closed;
        closed.handle = created->request; // create uses its request number as the handle
        tell(std::move(closed));
    }
    if (const auto* opened = std::get_if<wire::Opened>(&answer);
        opened != nullptr && opened->status == raw(Status::success)) {
        release_client(opened->connection);
    }
}

// ---- create ----

void Session::start(CreateRequest& request)
{
    // The proof is this side's own, so that a create whose answer was lost with the broker finds its pipe again.
    const wire::Id16 secret = random_id();
    const space::InstanceHandle handle = next_request_;
    CreateRequest* owner = &request;
    add_request(
        request,
        [owner, handle, secret] {
            const space::CreateParameters& parameters = owner->parameters;
            wire::Create message;
            message.request = id_of(*owner);
            message.handle = handle;
            message.name = parameters.name.spelling;
            message.desired_access = parameters.desired_access;
            message.share_access = parameters.share_access;
            message.disposition = parameters.disposition;
            message.options = parameters.options;
            message.type = parameters.type;
            message.read_mode = parameters.read_mode;
            message.completion_mode = parameters.completion_mode;
            message.maximum_instances = parameters.maximum_instances;
            message.inbound_quota = parameters.inbound_quota;
            message.outbound_quota = parameters.outbound_quota;
            message.default_timeout = parameters.default_timeout;
            if (parameters.descriptor) {
                message.descriptor = parameters.descriptor->self_relative();
            }
            message.scope = static_cast<std::uint8_t>(parameters.scope);
            message.secret = secret;
            message.gateway = parameters.gateway;
            message.question = parameters.question;
            return wire::Message(std::move(message));
        },
        [this, owner, handle](wire::Message& message) {
            if (auto* created = std::get_if<wire::Created>(&message)) {
                answer_created(*owner, handle, *created);
            } else {
                complete(*owner, Status::internal_error);
            }
        });
}

void Session::answer_created(CreateRequest& request, space::InstanceHandle handle, wire::Created& created)
{
    if (created.status != raw(Status::success)) {
        complete(request, static_cast<Status>(created.status));
        return;
    }
    std::shared_ptr<ServedPipe> served = served_pipe(created, std::move(created.descriptors[0]));
    if (served == nullptr) {
        wire::Closed closed;
        closed.handle = handle;
        tell(std::move(closed));
        complete(request, Status::insufficient_resources);
        return;
    }
    auto pipe = std::make_unique<RemoteEnd>(*this, handle, served, request.parameters.question.has_value());
    const end::PipeInformation modes{static_cast<end::ReadMode>(request.parameters.read_mode),
                                     static_cast<end::CompletionMode>(request.parameters.completion_mode)};
    pipe->begin_server(attributes_from(created.attributes, request.parameters.options, served->page),
                       created.attributes.granted_access, modes, maximum_overflow_);
    request.pipe = std::move(pipe);
    request.information = created.information;
    complete(request, Status::success);
}

// All instances of a pipe that this process serves share one.
std::shared_ptr<ServedPipe> Session::served_pipe(const wire::Created& created, glue::UniqueFd page)
{
    std::weak_ptr<ServedPipe>& known = served_[created.attributes.pipe];
    if (auto served = known.lock()) {
        return served;
    }
    auto view = pipe_view(created.attributes.pipe, page.get());
    if (!view) {
        return nullptr;
    }
    auto served = std::make_shared<ServedPipe>();
    served->id = created.attributes.pipe;
    served->secret = created.secret;
    served->page = *view;
    served->page_descriptor = std::move(page);
    known = served;
    std::erase_if(served_, [](const auto& entry) { return entry.second.expired(); });
    return served;
}

Result<std::shared_ptr<const channel::PipeView>> Session::pipe_view(space::PipeId pipe, int descriptor)
{
    std::weak_ptr<const channel::PipeView>& known = views_[pipe];
    if (auto view = known.lock()) {
        recent_views_.use(view);
        return view;
    }
    auto memory = map_memory(descriptor, channel::pipe_page_size, channel::pipe_page_size, Access::read_only);
    if (!memory) {
        return memory.status();
    }
    auto view = std::make_shared<const channel::PipeView>(std::shared_ptr<const channel::Memory>(*std::move(memory)));
    known = view;
    recent_views_.use(view);
    std::erase_if(views_, [](const auto& entry) { return entry.second.expired(); });
    return view;
}

// ---- open ----

void Session::start(OpenRequest& request)
{
    OpenRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::Open message;
            message.request = id_of(*owner);
            message.name = owner->name.spelling;
            message.instance = owner->instance;
            message.desired_access = owner->desired_access;
            message.disposition = owner->disposition;
            message.impersonation_level = owner->impersonation_level;
            message.dynamic_tracking = owner->dynamic_tracking;
            message.effective_only = owner->effective_only;
            message.process_id = owner->process_id;
            message.session_id = owner->session_id;
            message.identity = stated(owner->identity);
            return wire::Message(std::move(message));
        },
        [this, owner](wire::Message& message) {
            if (auto* opened = std::get_if<wire::Opened>(&message)) {
                answer_opened(*owner, *opened);
            } else {
                complete(*owner, Status::internal_error);
            }
        });
}

void Session::answer_opened(OpenRequest& request, wire::Opened& opened)
{
    if (opened.status != raw(Status::success)) {
        complete(request, static_cast<Status>(opened.status));
        return;
    }
    auto view = pipe_view(opened.attributes.pipe, opened.descriptors[wire::handover::pipe_page].get());
    if (!view) {
        complete(request, view.status());
        return;
    }
    auto identity = std::make_shared<security::Identity>();
    if (opened.identity) {
        *identity = identity_from(*std::move(opened.identity));
    }
    auto pipe = std::make_unique<RemoteEnd>(*this);
    const wire::Id16 connection = opened.connection;
    const Result<bool> attached =
        pipe->begin_client(std::move(opened), request, *view, std::move(identity), maximum_overflow_);
    if (!attached || !*attached) {
        release_client(connection);
    }
    if (!attached) {
        complete(request, attached.status());
        return;
    }
    if (!*attached) {
        start(request); // the server took this one back; there may be another instance
        return;
    }
    request.pipe = std::move(pipe);
    complete(request, Status::success);
}

// A client end that came to nothing.
void Session::release_client(const wire::Id16& connection)
{
    wire::Released message;
    message.connection = connection;
    message.side = static_cast<std::uint8_t>(channel::Side::client);
    tell(std::move(message));
}

// ---- the others ----

void Session::start(WaitRequest& request)
{
    WaitRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::Wait message;
            message.request = id_of(*owner);
            message.name = owner->name.spelling;
            if (owner->for_ever) {
                message.timeout = std::numeric_limits<std::uint64_t>::max();
            } else if (owner->deadline) {
                // What is left: the request may be sent again after the loss of a broker.
                const std::uint64_t now = glue::Loop::now();
                message.timeout = *owner->deadline > now ? *owner->deadline - now : 0;
            }
            message.identity = stated(owner->identity);
            return wire::Message(std::move(message));
        },
        nullptr);
}

void Session::start(ListRequest& request)
{
    ListRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::List message;
            message.request = id_of(*owner);
            message.pattern = owner->pattern;
            message.reachable = owner->reachable;
            if (!owner->pipes.empty()) {
                message.after = owner->pipes.back().name;
                message.after_scope = owner->pipes.back().scope;
            } else if (owner->after) {
                std::tie(message.after, message.after_scope) = *owner->after;
            }
            return wire::Message(std::move(message));
        },
        [this, owner](wire::Message& message) {
            if (auto* listed = std::get_if<wire::Listed>(&message)) {
                answer_listed(*owner, *listed);
            } else {
                complete(*owner, Status::internal_error);
            }
        });
}

void Session::answer_listed(ListRequest& request, wire::Listed& listed)
{
    for (const wire::Listing& listing : listed.pipes) {
        request.pipes.push_back(listing_from(listing));
    }
    request.more = listed.more && !listed.pipes.empty();
    if (listed.status == raw(Status::success) && request.more && !request.one_page) {
        start(request); // goes on behind the last name
        return;
    }
    complete(request, static_cast<Status>(listed.status));
}

void Session::start(PingRequest& request)
{
    PingRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::Ping message;
            message.request = id_of(*owner);
            return wire::Message(std::move(message));
        },
        nullptr);
}

void Session::start(UsageRequest& request)
{
    UsageRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::Usage message;
            message.request = id_of(*owner);
            message.user = owner->user;
            return wire::Message(std::move(message));
        },
        [this, owner](wire::Message& message) {
            auto* used = std::get_if<wire::Used>(&message);
            if (used == nullptr) {
                complete(*owner, Status::internal_error);
                return;
            }
            for (wire::UsageLine& line : used->lines) {
                owner->lines.push_back({std::move(line.resource), line.used, line.limit, line.refused});
            }
            owner->users = std::move(used->users);
            complete(*owner, static_cast<Status>(used->status));
        },
        wire::Usage::since);
}

void Session::start(NotifyRequest& request)
{
    NotifyRequest* owner = &request;
    Pending& pending = add_request(
        request,
        [owner] {
            wire::Notify message;
            message.request = id_of(*owner);
            message.names_only = owner->names_only;
            return wire::Message(std::move(message));
        },
        nullptr);
    pending.over_when_lost = true; // what happens until there is a broker again nobody would tell
}

namespace {

wire::Alias alias_to(const space::Alias& alias)
{
    wire::Alias message;
    message.alias = alias.alias.spelling;
    message.real = alias.real.spelling;
    return message;
}

} // namespace

void Session::start(AliasRequest& request)
{
    AliasRequest* owner = &request;
    add_request(
        request,
        [owner] {
            wire::Alias message = alias_to({owner->alias, owner->real.value_or(name::Name())});
            message.request = id_of(*owner);
            return wire::Message(std::move(message));
        },
        [this, owner](wire::Message& message) {
            const auto* done = std::get_if<wire::Done>(&message);
            const auto status = done == nullptr ? Status::internal_error : static_cast<Status>(done->status);
            if (status == Status::success) {
                aliases_.erase(owner->alias.folded);
                if (owner->real) {
                    aliases_.emplace(owner->alias.folded, space::Alias{owner->alias, *owner->real});
                }
            }
            complete(*owner, status);
        });
}

bool Session::bring_back_aliases()
{
    for (const auto& [folded, alias] : aliases_) {
        wire::Alias message = alias_to(alias);
        message.request = next_request_++;
        if (!send(std::move(message))) {
            return false;
        }
    }
    return true;
}

// ---- names ----

void Session::watch(NameWatcher& watcher)
{
    watchers_.push_back(watcher);
    for (const auto& [id, name] : names_) {
        watcher.appeared(name);
    }
    if (names_complete_) {
        watcher.complete();
    }
    if (state_ == State::open) {
        send_requests();
    } else if (state_ == State::idle) {
        connect_soon_.schedule();
    }
}

void Session::handle_name(const wire::Name& message)
{
    const NameWatcher::Name name{message.pipe, message.name, message.scope, message.owner, message.offered};
    if (message.present) {
        names_[message.pipe] = name;
    } else {
        names_.erase(message.pipe);
    }
    for (NameWatcher* watcher = watchers_.front(); watcher != nullptr; watcher = watchers_.after(*watcher)) {
        if (message.present) {
            watcher->appeared(name);
        } else {
            watcher->gone(name);
        }
    }
}

} // namespace ntpipe::session
