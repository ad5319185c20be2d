// SPDX-License-Identifier: LGPL-2.1-or-later
// turns.cc: reading from sessions so that each user has their turn. In a round a user's sessions together may say so much, and then
// the others have theirs; who says more in a second than the limit has to wait. So has a session that lets answers pile up.
#include "broker.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <limits>

namespace ntpipe::broker {
namespace {

/// So many messages of one user are carried out before others have their turn.
constexpr std::size_t messages_in_turn = 256;
/// From a session that so many packets wait for nothing is read.
constexpr std::size_t most_unread = 256;
/// Who was too fast, or has to wait for descriptors, is looked at again after this time.
constexpr std::uint64_t pause = 5'000'000;

// What a session tells and gets no answer to.
bool is_statement(const wire::Message& message)
{
    return std::holds_alternative<wire::Listening>(message) || std::holds_alternative<wire::Disconnected>(message) ||
           std::holds_alternative<wire::Closed>(message) || std::holds_alternative<wire::Released>(message) ||
           std::holds_alternative<wire::Taken>(message) || std::holds_alternative<wire::Cancel>(message) ||
           std::holds_alternative<wire::Held>(message) || std::holds_alternative<wire::GatewayGone>(message);
}

} // namespace

bool Broker::watch_socket(Client& client, bool add) const
{
    epoll_event event{};
    event.events = (client.backlogged ? 0U : EPOLLIN) | (client.wants_to_write ? EPOLLOUT : 0U);
    event.data.u64 = client.id;
    return ::epoll_ctl(ready_.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, client.socket.descriptor(), &event) == 0;
}

// For a moment. Its socket stays ready, so it must not be looked at.
void Broker::silence(Client& client)
{
    client.silenced = true;
    ::epoll_ctl(ready_.get(), EPOLL_CTL_DEL, client.socket.descriptor(), nullptr);
    if (silenced_.empty()) {
        listen_again_.set(glue::Loop::now() + pause);
    }
    silenced_.insert(client.id);
}

void Broker::listen_again()
{
    for (const space::SessionId session : std::exchange(silenced_, {})) {
        if (Client* client = find(session)) {
            client->silenced = false;
            watch_socket(*client, true);
            flush(*client);
        }
    }
}

// Called when something is queued.
void Broker::await_writable(Client& client)
{
    if (client.silenced) {
        return;
    }
    if (client.socket.must_pause()) { // it would be writable at once, and nothing could be written
        silence(client);
    } else if (!client.wants_to_write) {
        client.wants_to_write = true;
        watch_socket(client);
    }
}

void Broker::flush(Client& client)
{
    if (client.socket.queued() == 0) {
        return;
    }
    switch (client.socket.flush()) {
    case session::PacketSocket::Sent::queued:
        await_writable(client);
        break;
    case session::PacketSocket::Sent::all:
        client.wants_to_write = false;
        watch_socket(client);
        break;
    case session::PacketSocket::Sent::broken:
        client.hung_up = true;
        busy_.insert(client.id);
        break;
    }
}

void Broker::serve_ready()
{
    namespace_.set_time(glue::Loop::now());
    if (!collect()) {
        return;
    }
    std::vector<std::pair<space::SessionId, std::size_t>> statements;
    for (const space::SessionId id : std::exchange(busy_, {})) {
        const Client* client = find(id);
        if (client == nullptr) {
            continue;
        }
        // Hanging up is a statement, too: whoever comes after it must not find what the process had.
        const auto last = client->hung_up ? client->inbox.rbegin()
                                          : std::find_if(client->inbox.rbegin(), client->inbox.rend(), is_statement);
        statements.emplace_back(id, static_cast<std::size_t>(client->inbox.rend() - last));
    }
    for (const auto& [id, count] : statements) {
        carry_out_inbox(id, count);
    }
    for (const auto& [id, count] : statements) {
        carry_out_inbox(id, std::numeric_limits<std::size_t>::max());
    }
}

// Reads what has arrived on any socket, of each user so much. False: nothing has.
bool Broker::collect()
{
    constexpr std::size_t least_at_once = 64;
    std::vector<epoll_event> events(std::max(least_at_once, clients_.size()));
    turns_.clear();
    for (;;) {
        const int count = ::epoll_wait(ready_.get(), events.data(), static_cast<int>(events.size()), 0);
        bool progress = false;
        for (int i = 0; i < count; ++i) {
            const space::SessionId session = events[static_cast<std::size_t>(i)].data.u64;
            if (Client* client = find(session); client != nullptr && !client->hung_up) {
                const std::size_t before = client->inbox.size();
                within_memory(session, [&] { collect_from(*client); });
                client = find(session);
                if (client == nullptr) {
                    progress = true;
                } else if (client->inbox.size() != before || client->hung_up) {
                    busy_.insert(client->id);
                    progress = true;
                }
            }
        }
        if (!progress) {
            return !busy_.empty();
        }
    }
}

void Broker::collect_from(Client& client)
{
    flush(client);
    const bool backlogged = client.socket.queued() > most_unread;
    if (backlogged != client.backlogged && !client.silenced) {
        client.backlogged = backlogged;
        watch_socket(client);
    }
    if (backlogged || client.hung_up) {
        return;
    }
    std::size_t& left = turns_.try_emplace(client.peer.credentials.uid, messages_in_turn).first->second;
    while (left > 0 && !client.silenced) {
        if (accounts_.take_messages(client.peer.credentials.uid, 1, glue::Loop::now()) == 0) {
            silence(client);
            return;
        }
        wire::Packet packet;
        const session::PacketSocket::Received received = client.socket.receive(packet);
        if (received == session::PacketSocket::Received::none) {
            accounts_.give_back_message(client.peer.credentials.uid);
            return;
        }
        --left;
        auto message = received == session::PacketSocket::Received::packet
                           ? wire::decode(std::move(packet))
                           : Result<wire::Message>(Status::unsuccessful);
        if (!message) {
            client.hung_up = true;
            client.why_hung_up = received == session::PacketSocket::Received::closed ? nullptr
                                 : received == session::PacketSocket::Received::nonsense
                                     ? "it sent a packet that is too large"
                                     : "it sent a message that is malformed or unknown";
            return;
        }
        client.inbox.push_back(*std::move(message));
    }
}

} // namespace ntpipe::broker
