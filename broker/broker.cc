// SPDX-License-Identifier: LGPL-2.1-or-later
// broker.cc: sessions, the effects of the namespace, time.
#include "broker.hpp"

#include "name/samba_names.hpp"
#include "session/random.hpp"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

namespace ntpipe::broker {
namespace {

constexpr std::uint64_t second = 1'000'000'000;
/// A session that says nothing for so long after its connect is closed.
constexpr std::uint64_t greeting_time = 30 * second;
/// A session that does not read what it is sent is closed at this many packets, and as many as there are names to tell.
constexpr std::size_t longest_queue = 4096;
/// So many processes of one user that has too many sessions are told so; further ones find their connection closed.
constexpr std::size_t most_turned_away = 64;

space::Policy policy_of(const BrokerOptions& options, space::Accounts& accounts)
{
    space::Policy policy;
    policy.accounts = &accounts;
    policy.user_scopes = options.user_scopes;
    for (const std::string& name : options.reserved_names) {
        if (const auto parsed = name::parse(name)) {
            policy.reserved_names.push_back(parsed->folded);
        } else {
            spdlog::warn("the reserved name '{}' is no pipe name", name);
        }
    }
    policy.aliases = options.aliases;
    if (options.user_scopes) { // programs rely on these being Samba's, whoever asks
        for (const std::string_view name : name::samba_names()) {
            policy.reserved_names.push_back(name::parse_bare(name)->folded);
        }
    }
    return policy;
}

} // namespace

Broker::Broker(glue::Loop& loop, BrokerOptions options, std::function<void()> idle)
    : loop_(loop),
      options_(std::move(options)),
      idle_(std::move(idle)),
      number_(session::random_number()),
      accounts_(options_.limits),
      namespace_(policy_of(options_, accounts_),
                 number_ >> 16), // numbers of this start do not meet those of the one before
      timer_(loop,
             [this] {
                 within_memory(0, [this] {
                     namespace_.expire(glue::Loop::now());
                     carry_out_effects();
                 });
             }),
      idle_timer_(loop, [this] { idle_(); }),
      accept_again_(loop, [this] { accept(); }),
      listen_again_(loop, [this] { within_memory(0, [this] { listen_again(); }); }),
      next_session_(number_ >> 1)
{
    ready_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!ready_) {
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    }
    ready_watch_ = std::make_unique<glue::Loop::Watch>(loop_, ready_.get(),
                                                       [this] { within_memory(0, [this] { serve_ready(); }); });
    timer_.set(std::numeric_limits<std::uint64_t>::max()); // what that needs, it has from now on
    timer_.clear();
}

Broker::~Broker() = default;

// Names that an earlier broker gave out stay reserved for those of their servers that live.
Status Broker::restore()
{
    if (const Status status = journal_.open(options_.directory); status != Status::success) {
        return status;
    }
    const std::uint64_t deadline = glue::Loop::now() + options_.grace;
    for (const space::PipeRecord& record : journal_.take_records()) {
        spdlog::info("'{}' stays reserved for the servers that had it", record.name);
        namespace_.reserve(record, deadline);
        for (const std::uint32_t process : record.servers) {
            watch_expected(record.id, process);
        }
    }
    expect_gateways();
    carry_out_effects();
    return Status::success;
}

void Broker::watch_expected(space::PipeId pipe, std::uint32_t process)
{
    glue::UniqueFd descriptor = open_process(process);
    if (!descriptor) {
        namespace_.server_gone(pipe, process);
        return;
    }
    auto watch = std::make_unique<glue::Loop::Watch>(loop_, descriptor.get(), [this, pipe, process] {
        within_memory(0, [&] {
            namespace_.server_gone(pipe, process);
            expected_servers_.erase({pipe, process});
            carry_out_effects();
        });
    });
    expected_servers_[{pipe, process}] = {std::move(descriptor), std::move(watch)};
}

// ---- sessions ----

void Broker::serve(glue::UniqueFd listener)
{
    listener_ = std::move(listener);
    listener_watch_ = std::make_unique<glue::Loop::Watch>(loop_, listener_.get(), [this] { accept(); });
    consider_idle();
}

void Broker::accept()
{
    for (;;) {
        glue::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (socket) {
            within_memory(next_session_, [&] { add_client(std::move(socket)); });
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            spdlog::error("cannot take in another process: {}", std::strerror(errno));
            listener_watch_.reset();
            accept_again_.set(glue::Loop::now() + short_pause);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED) {
            break;
        }
    }
    if (listener_watch_ == nullptr) {
        listener_watch_ = std::make_unique<glue::Loop::Watch>(loop_, listener_.get(), [this] { accept(); });
    }
}

void Broker::add_client(glue::UniqueFd socket)
{
    auto peer = peer_of(socket.get());
    if (!peer) {
        return;
    }
    const space::SessionId id = next_session_++;
    auto client = std::make_unique<Client>(std::move(socket));
    client->id = id;
    client->peer = *std::move(peer);
    const security::UnixCredentials& credentials = client->peer.credentials;
    if (auto charge = accounts_.charge(credentials.uid, space::Resource::sessions)) {
        client->charge = *std::move(charge);
        client->descriptors = accounts_.charge_anyway(credentials.uid, space::Resource::descriptors, 0);
    } else if (const auto others = turned_away_.find(credentials.uid);
               others == turned_away_.end() || others->second < most_turned_away) {
        client->refused = charge.status();
    } else {
        return;
    }
    const auto in_group = [&credentials](const std::optional<std::uint32_t>& group) {
        return group && is_in_group(credentials, *group);
    };
    client->party.identity = security::unix_identity(credentials, client->peer.process_id);
    client->party.identity.session_id = client->peer.login_session;
    client->identity = std::make_shared<const security::Identity>(client->party.identity);
    client->party.privileged = credentials.uid == 0;
    client->party.may_alias = credentials.uid == 0 || (!options_.user_scopes && credentials.uid == ::geteuid());
    client->party.trusted_front = credentials.uid == 0 || in_group(options_.trusted_group);
    client->party.may_create_global = credentials.uid == 0 || in_group(options_.global_group);
    client->party.global_gateway = credentials.uid == 0 || in_group(options_.gateway_group);
    client->process_watch = std::make_unique<glue::Loop::Watch>(
        loop_, client->peer.process.get(), [this, id] { within_memory(id, [&] { drop(id, nullptr); }); });
    client->greeting_timer = std::make_unique<glue::Loop::Timer>(
        loop_, [this, id] { within_memory(id, [&] { drop(id, "it connected and said nothing"); }); });
    client->greeting_timer->set(glue::Loop::now() + greeting_time);
    if (!watch_socket(*client, true)) {
        return; // nobody would hear it
    }
    const bool turned_away = client->refused != Status::success;
    clients_.emplace(id, std::move(client));
    if (turned_away) {
        ++turned_away_[credentials.uid];
    }
    idle_timer_.clear();
}

Broker::Client* Broker::find(space::SessionId session)
{
    const auto found = clients_.find(session);
    return found == clients_.end() ? nullptr : found->second.get();
}

void Broker::carry_out_inbox(space::SessionId session, std::size_t count)
{
    for (Client* client = find(session); client != nullptr && count > 0 && !client->inbox.empty();
         client = find(session), --count) {
        within_memory(session, [&] {
            wire::Message message = std::move(client->inbox.front());
            client->inbox.pop_front();
            const char* title = wire::title_of(message);
            if (!handle(*client, std::move(message))) {
                spdlog::warn("process {} broke the protocol with {}", client->peer.process_id, title);
                drop(session, "it broke the protocol");
            }
            carry_out_effects();
        });
    }
    if (Client* client = find(session); client != nullptr && client->hung_up && client->inbox.empty()) {
        within_memory(session, [&] { drop(session, client->why_hung_up); });
    }
}

// `why`: nullptr when it has left as it may.
void Broker::drop(space::SessionId session, const char* why)
{
    const auto found = clients_.find(session);
    if (found == clients_.end()) {
        return;
    }
    if (why != nullptr) {
        spdlog::warn("closed the session of process {} of user {}: {}", found->second->peer.process_id,
                     found->second->peer.credentials.uid, why);
    }
    ::epoll_ctl(ready_.get(), EPOLL_CTL_DEL, found->second->socket.descriptor(), nullptr);
    found->second->process_watch.reset();
    found->second->greeting_timer.reset();
    const std::set<wire::Id16> connections = std::move(found->second->connections);
    if (found->second->refused != Status::success && --turned_away_[found->second->peer.credentials.uid] == 0) {
        turned_away_.erase(found->second->peer.credentials.uid);
    }
    found->second->charge.release();
    found->second->watching.release();
    found->second->descriptors.release();
    watchers_.erase(session);
    silenced_.erase(session);
    dropped_.push_back(std::move(found->second));
    forget_dropped_.schedule(); // its socket must not stay open until somebody has something to say
    clients_.erase(found);
    for (const wire::Id16& connection : connections) {
        forget_ends(connection, session);
    }
    std::erase_if(waiting_creates_, [session](const auto& entry) { return entry.first.first == session; });
    namespace_.remove_session(session);
    carry_out_effects();
    consider_idle();
}

// That session has no end of the connection any more.
void Broker::forget_ends(const wire::Id16& id, space::SessionId session)
{
    for (std::size_t side = 0; side < 2; ++side) {
        const auto found = connections_.find(id);
        if (found != connections_.end() && found->second.ends[side].session == session) {
            release_end(found, side);
        }
    }
}

void Broker::release_end(Connections::iterator place, std::size_t side)
{
    Connection& connection = place->second;
    connection.ends[side].session = 0;
    const Client* left = find(connection.ends[1 - side].session);
    if (static_cast<channel::Side>(side) == channel::Side::client) {
        connection.client_end = 0; // went with its session
        if (left != nullptr) {     // who still holds the memory has it from now on
            connection.charge.move_to(left->peer.credentials.uid);
            connection.memory.move_to(left->peer.credentials.uid);
        }
    }
    if (left == nullptr) {
        connections_.erase(place);
    }
}

// What was handed over to the user's sessions before may have been taken meanwhile.
Status Broker::charge_handover(Client& to, std::size_t descriptors)
{
    const std::uint32_t user = to.peer.credentials.uid;
    to.descriptors.set(to.socket.descriptors_under_way());
    if (accounts_.allows(user, space::Resource::descriptors, descriptors) != Status::success) {
        for (const auto& [id, client] : clients_) {
            if (client->descriptors.amount() != 0) {
                client->descriptors.set(client->socket.descriptors_under_way());
            }
        }
    }
    auto charge = accounts_.charge(user, space::Resource::descriptors, descriptors);
    if (charge) {
        to.descriptors.set(to.descriptors.amount() + descriptors);
    }
    return charge.status();
}

void Broker::consider_idle()
{
    if (options_.idle_timeout != 0 && clients_.empty()) {
        idle_timer_.set(glue::Loop::now() + options_.idle_timeout);
    }
}

void Broker::send(space::SessionId session, wire::Message message)
{
    Client* client = find(session);
    if (client == nullptr) {
        return;
    }
    auto packet = wire::encode(std::move(message));
    if (!packet) {
        spdlog::error("a message to process {} is too large", client->peer.process_id);
        return;
    }
    const session::PacketSocket::Sent sent = client->socket.send(*std::move(packet));
    if (sent == session::PacketSocket::Sent::queued) {
        await_writable(*client);
        if (client->socket.queued() > longest_queue + pages_.size()) {
            drop(session, "it does not read what it is sent");
        }
    } // a broken socket says so to receive()
}

// ---- what the namespace wants done ----

void Broker::carry_out_effects()
{
    for (auto effects = namespace_.take_effects(); !effects.empty(); effects = namespace_.take_effects()) {
        for (space::Effect& effect : effects) {
            std::visit([this](auto& what) { carry_out(what); }, effect);
        }
    }
    set_timer();
}

std::vector<space::Connect> Broker::carry_out_effects_but_connections()
{
    std::vector<space::Connect> connections;
    for (auto effects = namespace_.take_effects(); !effects.empty(); effects = namespace_.take_effects()) {
        for (space::Effect& effect : effects) {
            if (auto* connect = std::get_if<space::Connect>(&effect)) {
                connections.push_back(std::move(*connect));
            } else {
                std::visit([this](auto& what) { carry_out(what); }, effect);
            }
        }
    }
    set_timer();
    return connections;
}

void Broker::set_timer()
{
    const auto deadline = namespace_.next_deadline();
    if (deadline) {
        timer_.set(*deadline);
    } else {
        timer_.clear();
    }
}

void Broker::carry_out(space::Connect& connect)
{
    if (Client* client = find(connect.client)) {
        client->opens.erase(connect.request);
    }
    const Status status = hand_over(connect);
    if (status == Status::success) {
        return;
    }
    if (status != Status::quota_exceeded) {
        spdlog::error("cannot make a connection: {}", ntpipe_status_text(raw(status)));
    }
    namespace_.client_end_closed(connect.client_end);
    // The server has heard nothing of it.
    namespace_.handover_taken(connect.server);
    (void)namespace_.listening(connect.server, connect.instance, connect.period);
    wire::Opened message;
    message.request = connect.request;
    message.status = raw(status);
    send(connect.client, std::move(message));
}

void Broker::carry_out(space::Answer& answer)
{
    Client* client = find(answer.session);
    if (client != nullptr && client->opens.erase(answer.request) != 0) {
        wire::Opened message;
        message.request = answer.request;
        message.status = raw(answer.status);
        send(answer.session, std::move(message));
        return;
    }
    if (waiting_creates_.erase({answer.session, answer.request}) != 0) {
        wire::Created message;
        message.request = answer.request;
        message.status = raw(answer.status);
        send(answer.session, std::move(message));
        return;
    }
    wire::Done message;
    message.request = answer.request;
    message.status = raw(answer.status);
    send(answer.session, std::move(message));
}

void Broker::carry_out(space::Retry& retry)
{
    const auto found = waiting_creates_.find({retry.session, retry.request});
    Client* client = find(retry.session);
    if (found == waiting_creates_.end() || client == nullptr) {
        return;
    }
    wire::Create message = std::move(found->second);
    waiting_creates_.erase(found);
    (void)on(*client, message);
}

void Broker::carry_out(space::PipeAppeared& appeared)
{
    journal_.put(appeared.record);
    if (!pages_.contains(appeared.record.id)) {
        if (const Status status = make_page(appeared.record); status != Status::success) {
            spdlog::error("no page for '{}': {}", appeared.record.name, ntpipe_status_text(raw(status)));
        }
    }
    if (const auto found = pages_.find(appeared.record.id); found != pages_.end()) {
        found->second.has_name = true; // again, if its servers came back late
    }
    tell_watchers(name_message(appeared.record, true));
}

void Broker::carry_out(space::ServersChanged& changed)
{
    journal_.put(changed.record);
}

void Broker::carry_out(space::PipeChanged& changed)
{
    const auto found = pages_.find(changed.pipe);
    if (found != pages_.end() && found->second.writer) {
        found->second.writer.set_current_instances(changed.current_instances);
    }
}

void Broker::carry_out(space::PipeGone& gone)
{
    journal_.remove(gone.record.id);
    if (const auto found = pages_.find(gone.record.id); found != pages_.end()) {
        found->second.has_name = false;
    }
    tell_watchers(name_message(gone.record, false));
}

void Broker::carry_out(space::PipeForgotten& forgotten)
{
    pages_.erase(forgotten.pipe);
}

void Broker::carry_out(space::DescriptorChanged& changed)
{
    if (changed.has_instances) {
        journal_.put(changed.record);
    }
    const auto found = pages_.find(changed.record.id);
    if (found != pages_.end() && found->second.writer) {
        found->second.writer.set_attributes(changed.record.default_timeout, changed.record.descriptor);
        found->second.record = changed.record;
    }
}

void Broker::tell_watchers(const wire::Name& name)
{
    if (name.name.empty() && name.present) {
        return;
    }
    const std::vector<space::SessionId> watchers(watchers_.begin(), watchers_.end()); // some may be dropped
    for (const space::SessionId watcher : watchers) {
        if (namespace_.sees(watcher, name.scope)) {
            send(watcher, wire::Name(name));
        }
    }
}

} // namespace ntpipe::broker
