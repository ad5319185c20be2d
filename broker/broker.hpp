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
};

/// The security context that every connection begins with.
inline constexpr std::uint32_t context_of_open = 1;

[[nodiscard]] wire::Name name_message(const space::PipeRecord& record, bool present);
[[nodiscard]] wire::Name name_message(const space::OfferedName& name, bool present);

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
        bool watching = false;
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
    };

    // broker.cc
    /// Does what `session` wants, or what is due (0), and closes the session if there was not enough memory for it.
    template <typename Work>
    void within_memory(space::SessionId session, Work&& work) noexcept;
    void accept();
    void add_client(glue::UniqueFd socket);
    void serve_ready();
    [[nodiscard]] bool collect();
    void collect_from(Client& client);
    void carry_out_inbox(space::SessionId session, std::size_t count);
    /// False: there is no memory for that.
    bool watch_socket(Client& client, bool writable, bool add) const;
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
    [[nodiscard]] Status make_page(const space::PipeRecord& record);
    void adopt_page(space::PipeId pipe, glue::UniqueFd descriptor);

    glue::Loop& loop_;
    MemoryReserve reserve_;
    BrokerOptions options_;
    std::function<void()> idle_;
    std::uint64_t number_; ///< of this start of a broker
    space::Namespace namespace_;
    Journal journal_;
    glue::UniqueFd listener_;
    std::unique_ptr<glue::Loop::Watch> listener_watch_;
    glue::UniqueFd ready_; ///< epoll set of the sessions' sockets
    std::unique_ptr<glue::Loop::Watch> ready_watch_;
    glue::Loop::Timer timer_;
    glue::Loop::Timer idle_timer_;
    glue::Loop::Timer accept_again_;
    space::SessionId next_session_; ///< processes that outlive this broker still have numbers of it
    std::map<space::SessionId, std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Client>> dropped_; ///< may still be on the stack
    std::unordered_map<space::PipeId, Page> pages_;
    std::map<wire::Id16, Connection> connections_;
    std::map<std::pair<space::SessionId, std::uint64_t>, wire::Create> waiting_creates_;
    std::set<std::pair<space::SessionId, std::uint64_t>> open_requests_; ///< answered with OPENED, not DONE
    std::map<std::pair<space::PipeId, std::uint32_t>, std::pair<glue::UniqueFd, std::unique_ptr<glue::Loop::Watch>>>
        expected_servers_;
    std::map<std::uint32_t, std::pair<glue::UniqueFd, std::unique_ptr<glue::Loop::Watch>>>
        expected_gateways_; ///< by process
};

} // namespace ntpipe::broker
