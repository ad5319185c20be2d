// SPDX-License-Identifier: LGPL-2.1-or-later
// session.hpp: a process's connection with the broker: starts one on demand, returns after a loss with what it held, and takes
// part in hand-overs.
//
//   session.cc    connecting, losing, returning; messages in and out
//   requests.cc   requests and their answers
//   remote_end.cc ends
//   security.cc   security descriptors, contexts
//   gateway.cc    this process as a gateway
//   fork.cc       what a fork of the process must not do
#pragma once

#include "glue/recent.hpp"
#include "session/gate.hpp"
#include "session/packet_socket.hpp"
#include "session/remote_end.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace ntpipe::session {

struct SessionOptions {
    std::string directory;                ///< empty: default_directory()
    std::optional<bool> start_broker;     ///< none: may_start_broker_in(directory)
    bool root_only = false;               ///< trust no broker but root's
    std::function<void()> before_connect; ///< called around each attempt to connect
    std::function<void()> after_connect;
};

class Session final : public Gate {
public:
    Session(std::unique_ptr<glue::Loop> loop, SessionOptions options);
    ~Session() override;

    void start(CreateRequest& request) override;
    void start(OpenRequest& request) override;
    void start(WaitRequest& request) override;
    void start(ListRequest& request) override;
    void start(PingRequest& request) override;
    void start(NotifyRequest& request) override;
    void start(AliasRequest& request) override;
    void start(SetSecurityRequest& request) override;
    void start(SetContextRequest& request) override;
    void start(UsageRequest& request) override;
    void cancel(Request& request) override;
    void watch(NameWatcher& watcher) override;
    [[nodiscard]] Status add(Gateway& gateway) override;
    void remove(Gateway& gateway) override;
    void offer(Gateway& gateway, const name::Name& name, bool present) override;
    bool answer(space::QuestionId question, Status status) override;
    void take_in() override;

    [[nodiscard]] const std::string& directory() const { return options_.directory; }
    [[nodiscard]] bool connected() const { return state_ == State::open; }

    // ---- for ends ----

    /// False: there is no broker to hear it; what it must know of ends it is told when it is back.
    bool tell(wire::Message message) noexcept;
    void add_end(RemoteEnd& end);
    void remove_end(RemoteEnd& end);
    /// The last instance of this pipe here is closed.
    void give_back(const std::shared_ptr<ServedPipe>& served) noexcept;
    [[nodiscard]] std::shared_ptr<PeerProcess> peer_process(std::uint64_t session, glue::UniqueFd descriptor);
    void peer_process_gone(std::uint64_t session);

    // ---- fork.cc ----

    /// Called in the child of a fork: gives up everything that belongs to the parent, without a sign to anybody.
    void disown();

private:
    enum class State { idle, connecting, greeting, open };

    struct Pending {
        Request* request = nullptr; ///< nullptr: abandoned, the answer still comes
        bool cancelled = false;     ///< the broker was told
        std::function<wire::Message()> make;
        std::function<void(wire::Message&)> answered; ///< nullptr: a plain DONE
        bool sent = false;
        bool over_when_lost = false;               ///< successfully
        std::uint16_t since = wire::first_version; ///< that the protocol has it
    };

    // session.cc
    void connect_or_retry();
    void connect();
    [[nodiscard]] Result<glue::UniqueFd> try_to_connect();
    void retry_later(Status reason);
    void opened(glue::UniqueFd socket);
    void receive();
    void handle(wire::Message message);
    void handle_welcome(const wire::Welcome& welcome);
    void come_back();
    [[nodiscard]] bool come_back_without();
    void confirm_departures();
    /// `drained`: all that the broker has said was heard.
    void lost(bool drained);
    void lost_in_the_middle();
    void give_up(Status status);
    void send_requests();
    [[nodiscard]] bool holds_anything() const;
    [[nodiscard]] bool send(wire::Message message);

    // requests.cc
    Pending& add_request(Request& request, std::function<wire::Message()> make,
                         std::function<void(wire::Message&)> answered, std::uint16_t since = wire::first_version);
    [[nodiscard]] Pending take_pending(space::RequestId id);
    void take_answer(Pending& pending, wire::Message& message);
    /// Nobody wants what that has brought about.
    void undo(const wire::Message& answer);
    void answer_created(CreateRequest& request, space::InstanceHandle handle, wire::Created& created);
    void answer_opened(OpenRequest& request, wire::Opened& opened);
    void release_client(const wire::Id16& connection);
    void answer_listed(ListRequest& request, wire::Listed& listed);
    [[nodiscard]] bool bring_back_aliases();
    void abandon(Request& request) override;
    [[nodiscard]] std::shared_ptr<ServedPipe> served_pipe(const wire::Created& created, glue::UniqueFd page);
    [[nodiscard]] Result<std::shared_ptr<const channel::PipeView>> pipe_view(space::PipeId pipe, int descriptor);
    void handle_name(const wire::Name& message);
    void handle_connected(wire::Connected connected);
    void handle_segment(wire::Segment segment);

    // gateway.cc
    void register_gateways();
    void register_gateway(Gateway& gateway);
    [[nodiscard]] bool send_offers(Gateway& gateway);
    [[nodiscard]] bool send_offer(Gateway& gateway, std::vector<std::u16string> folded);
    void offer_answered(space::GatewayHandle handle, const std::vector<std::u16string>& folded, Status status);
    void gateway_answered(space::GatewayHandle handle, Status status);
    void reset_gateways();
    void refuse_gateways(Status status);
    [[nodiscard]] Gateway* find_gateway(space::GatewayHandle handle);
    void handle_published(wire::Published message);
    void handle_asked(wire::Asked message);

    // security.cc
    class Errand;
    void handle_context(wire::Context context);
    void answer_context(SetContextRequest& request, const wire::Id16& connection, const wire::ContextSet& answer);
    void start_errand(SetContextRequest& request, const wire::Id16& connection);
    void errand_over(space::RequestId id, Status status, std::uint32_t context);
    void end_errands(Status status);
    [[nodiscard]] RemoteEnd* find_connection(const wire::Id16& connection, channel::Side side);

    SessionOptions options_;
    State state_ = State::idle;
    std::unique_ptr<PacketSocket> socket_;
    std::unique_ptr<glue::Loop::Watch> watch_;
    glue::Loop::Timer retry_;
    glue::Loop::Soon connect_soon_;
    std::uint64_t retry_delay_ = 0;
    std::optional<std::uint64_t>
        give_up_at_; ///< of the first connect; later ones go on for as long as something is held
    bool was_open_ = false;
    std::uint64_t welcomed_at_ = 0; ///< by the broker that is, or was, connected
    bool broker_started_ = false;
    std::size_t maximum_overflow_ = 0;
    std::uint16_t version_ = 0; ///< of the protocol, with the broker that is connected
    bool receiving_ = false;

    space::RequestId next_request_ = 1;
    std::map<space::RequestId, Pending> requests_;
    std::map<space::RequestId, std::shared_ptr<Errand>> errands_;
    std::vector<std::shared_ptr<Errand>> ended_errands_; ///< may still be on the stack
    glue::List<RemoteEnd> ends_;
    std::unordered_map<space::InstanceHandle, RemoteEnd*> servers_;
    std::unordered_map<space::PipeId, std::weak_ptr<ServedPipe>> served_;
    std::vector<std::shared_ptr<ServedPipe>> departed_; ///< given back, and the broker may not know it yet
    bool confirming_ = false;                           ///< the broker was asked whether it does
    std::unordered_map<space::PipeId, std::weak_ptr<const channel::PipeView>> views_;
    std::unordered_map<std::uint64_t, std::weak_ptr<PeerProcess>> peers_;
    /// Programs open the same few pipes again and again, and servers are opened by the same few programs.
    static constexpr std::size_t kept = 4;
    glue::Recent<const channel::PipeView, kept> recent_views_;
    glue::Recent<PeerProcess, kept> recent_peers_;
    glue::List<NameWatcher> watchers_;
    glue::List<Gateway> gateways_;
    space::GatewayHandle next_gateway_ = 1;
    std::optional<space::RequestId> watching_;
    bool names_complete_ = false;
    std::map<space::PipeId, NameWatcher::Name> names_;
    std::map<std::u16string, space::Alias> aliases_; ///< that this session has added, by their folded form
};

} // namespace ntpipe::session
