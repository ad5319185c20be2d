// SPDX-License-Identifier: LGPL-2.1-or-later
// broker.hpp: the namespace engine behind a Unix socket: it knows names, matches clients with servers, makes their shared
// memory and hands it over. It never sees data.
//
// Order: what one process has said before another one asks counts for the answer (a server that has closed its pipe is gone for
// a client that opens after that), though the two come over different sockets. So all that has arrived on any socket is read
// before anything is carried out, and statements are carried out before requests: a request that was sent before such a
// statement has not been answered yet, so either order is right for it.
//
//   broker.cc   sessions, effects of the namespace, time
//   messages.cc what each message does
//   security.cc security descriptors and contexts
//   gateway.cc  gateways
//   handover.cc making connections and overflow segments
//   turns.cc    reading from sessions so that each user has their turn, and no more than their limits
#pragma once

#include "journal.hpp"
#include "memory_reserve.hpp"
#include "peer.hpp"

#include "channel/page.hpp"
#include "glue/loop.hpp"
#include "namespace/namespace.hpp"
#include "session/packet_socket.hpp"
#include "wire/messages.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

namespace ntpipe::broker {

struct BrokerOptions {
    std::string directory;
    bool user_scopes = false;
    std::optional<std::uint32_t> trusted_group; ///< its members may speak for others, as root may
    std::optional<std::uint32_t> global_group;  ///< its members may create global pipes, as root may
    std::optional<std::uint32_t> gateway_group; ///< its members' gateways resolve for everybody, as root's do
    std::vector<std::string> reserved_names;
    std::vector<space::Alias> aliases;
    std::uint64_t idle_timeout = 0;       ///< nanoseconds without a session until idle() is called; 0: never
    std::uint64_t grace = 10'000'000'000; ///< nanoseconds in which servers may come back after a restart
    std::size_t maximum_overflow = std::size_t{1} << 20;
    space::Limits limits;
};

/// The security context that every connection begins with.
inline constexpr std::uint32_t context_of_open = 1;

[[nodiscard]] wire::Name name_message(const space::PipeRecord& record, bool present);
[[nodiscard]] wire::Name name_message(const space::OfferedName& name, bool present);

/// When there are no descriptors or no memory left, who does not depend on a session waits this long for some, in nanoseconds.
inline constexpr std::uint64_t short_pause = 100'000'000;

class Broker {
public:
    Broker(glue::Loop& loop, BrokerOptions options, std::function<void()> idle);
    ~Broker();
    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    /// Reads the journal.
    [[nodiscard]] Status restore();
    /// Serves on a listening, non-blocking SOCK_SEQPACKET socket.
    void serve(glue::UniqueFd listener);
    /// From now on; what there is already stays.
    void set_limits(space::Limits limits) { accounts_.set_limits(std::move(limits)); }

private:
    /// A process's session.
    struct Client {
        space::SessionId id = 0;
        Peer peer;
        std::shared_ptr<const security::Identity> identity;
        space::Party party;
        session::PacketSocket socket;
        std::deque<wire::Message> inbox; ///< read, not yet carried out
        bool hung_up = false;
        const char* why_hung_up = nullptr;
        std::unique_ptr<glue::Loop::Watch> process_watch;
        std::unique_ptr<glue::Loop::Timer> greeting_timer; ///< until HELLO
        bool greeted = false;
        std::uint16_t version = 0;
        Status refused = Status::success; ///< what its HELLO will be answered with
        space::Charge charge;
        space::Charge watching;
        space::Charge descriptors; ///< that it has not taken
        bool silenced = false;     ///< it is not looked at for now
        bool backlogged = false;   ///< nothing is read from it until it has read
        bool wants_to_write = false;
        std::set<wire::Id16> connections; ///< that it has an end of
        std::set<std::uint64_t> opens;    ///< requests that are answered with OPENED, not DONE
        explicit Client(glue::UniqueFd descriptor) : socket(std::move(descriptor)) {}
    };

    struct Page {
        channel::PipePageWriter writer;
        glue::UniqueFd read_only;
        space::PipeRecord record;
        bool has_name = true; ///< false: only ends have it
    };

    /// What overflow segments need to know.
    struct ConnectionEnd {
        space::SessionId session = 0;
        bool reads = false;
        bool writes = false;
    };
    struct Connection {
        std::array<ConnectionEnd, 2> ends; ///< by channel::Side; session 0: gone, or not back yet
        space::InstanceHandle instance = 0;
        std::uint64_t period = 0;
        space::ClientEndId client_end = 0;
        std::uint32_t last_context = 0;
        std::uint32_t impersonation_level = 0;
        space::Charge charge; ///< the client's, and when it has gone the server's
        space::Charge memory;
        std::array<std::array<space::Charge, 2>, 2> overflow; ///< by direction: the segment, and the one before
    };
    using Connections = std::map<wire::Id16, Connection>;
    using Clients = std::map<space::SessionId, std::unique_ptr<Client>>;

    // broker.cc
    /// Does what `session` wants, or what is due (0), and closes the session if there was not enough memory for it.
    template <typename Work>
    void within_memory(space::SessionId session, Work&& work) noexcept;
    void accept();
    void add_client(glue::UniqueFd socket);
    void carry_out_inbox(space::SessionId session, std::size_t count);
    // turns.cc
    void serve_ready();
    [[nodiscard]] bool collect();
    void collect_from(Client& client);
    void flush(Client& client);
    void await_writable(Client& client);
    /// False: there is no memory for that.
    bool watch_socket(Client& client, bool add = false) const;
    void silence(Client& client);
    void listen_again();
    // broker.cc
    void forget_ends(const wire::Id16& id, space::SessionId session);
    void release_end(Connections::iterator place, std::size_t side);
    [[nodiscard]] Status charge_handover(Client& to, std::size_t descriptors);
    void drop(space::SessionId session, const char* why);
    void send(space::SessionId session, wire::Message message);
    void carry_out_effects();
    /// All but the connections, which are for later.
    [[nodiscard]] std::vector<space::Connect> carry_out_effects_but_connections();
    void carry_out(space::Connect& connect);
    void carry_out(space::Answer& answer);
    void carry_out(space::Retry& retry);
    void carry_out(space::PipeAppeared& appeared);
    void carry_out(space::ServersChanged& changed);
    void carry_out(space::PipeChanged& changed);
    void carry_out(space::PipeGone& gone);
    void carry_out(space::PipeForgotten& forgotten);
    void carry_out(space::DescriptorChanged& changed);
    // gateway.cc
    void carry_out(space::Ask& ask);
    void carry_out(space::Unask& unask);
    void carry_out(space::Publish& publish);
    void carry_out(space::Unpublish& unpublish);
    void carry_out(space::OfferChanged& changed);
    void carry_out(space::Unserved& unserved);
    void carry_out(space::GatewayChanged& changed);
    void expect_gateways();
    void tell_watchers(const wire::Name& name);
    void set_timer();
    void watch_expected(space::PipeId pipe, std::uint32_t process);
    void consider_idle();
    [[nodiscard]] Client* find(space::SessionId session);

    // messages.cc. False: the session broke the protocol.
    [[nodiscard]] bool handle(Client& client, wire::Message message);
    [[nodiscard]] bool on(Client& client, wire::Hello& message);
    [[nodiscard]] bool on(Client& client, wire::Create& message);
    [[nodiscard]] bool on(Client& client, wire::Open& message);
    [[nodiscard]] bool on(Client& client, wire::Wait& message);
    [[nodiscard]] bool on(Client& client, wire::Cancel& message);
    [[nodiscard]] bool on(Client& client, wire::Taken& message);
    [[nodiscard]] bool on(Client& client, wire::Listening& message);
    [[nodiscard]] bool on(Client& client, wire::Disconnected& message);
    [[nodiscard]] bool on(Client& client, wire::Closed& message);
    [[nodiscard]] bool on(Client& client, wire::Released& message);
    [[nodiscard]] bool on(Client& client, wire::Overflow& message);
    [[nodiscard]] bool on(Client& client, wire::List& message);
    [[nodiscard]] bool on(Client& client, wire::Watch& message);
    [[nodiscard]] bool on(Client& client, wire::ComeBack& message);
    [[nodiscard]] bool on(Client& client, wire::Held& message);
    [[nodiscard]] bool on(Client& client, wire::Ping& message);
    [[nodiscard]] bool on(Client& client, wire::Usage& message);
    // security.cc
    [[nodiscard]] bool on(Client& client, wire::SetSecurity& message);
    [[nodiscard]] bool on(Client& client, wire::SetContext& message);
    /// What a server is told of a client that allows it this level.
    [[nodiscard]] static wire::Identity told_to(const Client& server, const security::Identity& identity,
                                                std::uint32_t level);
    [[nodiscard]] std::shared_ptr<const security::Identity> context_identity(const Client& client,
                                                                             wire::SetContext& message,
                                                                             const Connection& connection,
                                                                             Status& status) const;
    [[nodiscard]] bool on(Client& client, wire::Notify& message);
    [[nodiscard]] bool on(Client& client, wire::Alias& message);
    // gateway.cc
    [[nodiscard]] bool on(Client& client, wire::GatewayHere& message);
    [[nodiscard]] bool on(Client& client, wire::GatewayGone& message);
    [[nodiscard]] bool on(Client& client, wire::Offer& message);
    [[nodiscard]] bool on(Client& client, wire::Answered& message);
    template <typename NotForTheBroker>
    [[nodiscard]] bool on(Client& /*client*/, NotForTheBroker& /*message*/)
    {
        return false;
    }
    [[nodiscard]] std::shared_ptr<const security::Identity>
    speak_for(const Client& client, std::optional<wire::Identity> stated, Status& status) const;
    void answer(Client& client, std::uint64_t request, Status status);

    // handover.cc
    [[nodiscard]] Status hand_over(const space::Connect& connect);
    [[nodiscard]] Status charge(const space::Connect& connect, Connection& connection);
    [[nodiscard]] Status make_page(const space::PipeRecord& record);
    void adopt_page(space::PipeId pipe, glue::UniqueFd descriptor);

    glue::Loop& loop_;
    MemoryReserve reserve_;
    BrokerOptions options_;
    std::function<void()> idle_;
    std::uint64_t number_; ///< of this start of a broker
    space::Accounts accounts_;
    space::Namespace namespace_;
    Journal journal_;
    glue::UniqueFd listener_;
    std::unique_ptr<glue::Loop::Watch> listener_watch_;
    glue::UniqueFd ready_; ///< epoll set of the sessions' sockets
    std::unique_ptr<glue::Loop::Watch> ready_watch_;
    glue::Loop::Timer timer_;
    glue::Loop::Timer idle_timer_;
    glue::Loop::Timer accept_again_;
    glue::Loop::Timer listen_again_;
    space::SessionId next_session_; ///< processes that outlive this broker still have numbers of it
    Clients clients_;
    std::set<space::SessionId> busy_; ///< something was read from these that has not been carried out
    std::set<space::SessionId> silenced_;
    std::set<space::SessionId> watchers_;
    std::map<std::uint32_t, std::size_t> turns_;       ///< by user: what may still be read in this round
    std::map<std::uint32_t, std::size_t> turned_away_; ///< by user: sessions that are there to be refused
    std::vector<std::unique_ptr<Client>> dropped_;     ///< may still be on the stack
    glue::Loop::Soon forget_dropped_{loop_, [this] { dropped_.clear(); }};
    std::unordered_map<space::PipeId, Page> pages_;
    Connections connections_;
    std::map<std::pair<space::SessionId, std::uint64_t>, wire::Create> waiting_creates_;
    std::map<std::pair<space::PipeId, std::uint32_t>, std::pair<glue::UniqueFd, std::unique_ptr<glue::Loop::Watch>>>
        expected_servers_;
    std::map<std::uint32_t, std::pair<glue::UniqueFd, std::unique_ptr<glue::Loop::Watch>>>
        expected_gateways_; ///< by process
};

// bad_alloc: the reserve was not enough, or not for operator new to use. Whatever else is thrown is a fault of ours, after which nothing is
// sure: a new broker begins with what its sessions know.
template <typename Work>
// NOLINTNEXTLINE(bugprone-exception-escape)
void Broker::within_memory(space::SessionId session, Work&& work) noexcept
{
    bool enough = true;
    try {
        if (reserve_.refill()) {
            work();
        }
    } catch (const std::bad_alloc&) {
        enough = false;
    }
    if (enough && !reserve_.was_used()) {
        return;
    }
    (void)reserve_.refill();
    if (session == 0) {
        timer_.set(glue::Loop::now() + short_pause);
        return;
    }
    try {
        drop(session, "there is not enough memory");
    } catch (const std::bad_alloc&) {
        (void)reserve_.refill(); // it is out of the list
    }
}

} // namespace ntpipe::broker
