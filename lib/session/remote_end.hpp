// SPDX-License-Identifier: LGPL-2.1-or-later
// remote_end.hpp: an end whose pipe is kept by the broker: its doorbell, its peer's process, and what it tells the broker.
#pragma once

#include "glue/loop.hpp"
#include "session/doorbell.hpp"
#include "session/gate.hpp"
#include "wire/messages.hpp"

#include <memory>

namespace ntpipe::session {

class Session;

/// A process at the other end of connections, seen by its pidfd: a socket may be kept open by a fork of it.
class PeerProcess {
public:
    PeerProcess(Session& session, std::uint64_t peer_session, glue::UniqueFd descriptor);
    [[nodiscard]] std::uint64_t peer_session() const { return peer_session_; }

private:
    std::uint64_t peer_session_;
    glue::UniqueFd descriptor_;
    std::unique_ptr<glue::Loop::Watch> watch_;
};

/// A pipe that this process serves: what it needs to bring its instances back after a restart of the broker.
struct ServedPipe {
    space::PipeId id = 0;
    wire::Id16 secret{};
    glue::UniqueFd page_descriptor;
    std::shared_ptr<const channel::PipeView> page;
    std::size_t instances = 0; ///< that are not closed
};

class RemoteEnd final : public PipeEnd, public glue::ListNode {
public:
    /// A server end. `bound`: for one client, who is on the way, and never for another.
    RemoteEnd(Session& session, space::InstanceHandle handle, std::shared_ptr<ServedPipe> served, bool bound);
    /// A client end.
    explicit RemoteEnd(Session& session);
    ~RemoteEnd() override;

    [[nodiscard]] space::InstanceHandle instance() const override { return handle_; }
    void close() override;
    void begin_server(end::Attributes attributes, security::AccessMask granted, end::PipeInformation modes,
                      std::size_t maximum_overflow);
    /// False: the server has withdrawn the connection; ask the broker again.
    [[nodiscard]] Result<bool> begin_client(wire::Opened opened, const OpenRequest& request,
                                            std::shared_ptr<const channel::PipeView> page,
                                            std::shared_ptr<const security::Identity> identity,
                                            std::size_t maximum_overflow);
    void take_handover(wire::Connected connected);
    void take_segment(wire::Segment segment);
    void take_context(wire::Context context);
    /// Requests of the end to the broker will not be answered. Not `drained`: it may have said something that was not heard.
    void broker_lost(bool drained);

    [[nodiscard]] space::InstanceHandle handle() const { return handle_; }
    /// nullptr for a client end and for an instance that is closed.
    [[nodiscard]] std::shared_ptr<ServedPipe> served() const { return closed_ ? nullptr : served_; }
    [[nodiscard]] bool has_connection() const { return socket_ != nullptr; }
    [[nodiscard]] const wire::Id16& connection() const { return connection_; }
    [[nodiscard]] const PeerProcess* peer() const { return peer_.get(); }
    [[nodiscard]] wire::ReturnedInstance returned() const;
    [[nodiscard]] wire::Held held() const;
    void forget_peer() { peer_.reset(); }
    void peer_gone();
    /// The session is going, or belongs to another process: nothing may be sent or rung any more.
    void detach_from_session(bool forked);

    // end::Host
    void take_in() override;
    void listening(std::uint64_t period) override;
    void disconnected() override;
    void released() override;
    [[nodiscard]] bool request_overflow(std::size_t size) override;
    [[nodiscard]] bool arms_later() override;

private:
    template <typename Handover>
    [[nodiscard]] Result<end::Connection> make_connection(channel::Side side, Handover& handover,
                                                          std::shared_ptr<DoorbellSocket> socket) const;
    void adopt(const wire::Id16& connection, std::shared_ptr<DoorbellSocket> socket, std::shared_ptr<PeerProcess> peer,
               std::unique_ptr<glue::Loop::Watch> watch);
    [[nodiscard]] std::unique_ptr<glue::Loop::Watch> watch_doorbell(const DoorbellSocket& socket);
    void drop_connection();

    Session* session_;
    space::InstanceHandle handle_ = 0;
    bool bound_ = false;
    bool closed_ = false; ///< and the broker was told
    std::shared_ptr<ServedPipe> served_;
    wire::Id16 connection_{};
    space::PipeId pipe_ = 0; ///< client end: of its pipe
    std::shared_ptr<DoorbellSocket> socket_;
    std::unique_ptr<glue::Loop::Watch> watch_;
    std::shared_ptr<PeerProcess> peer_;
    struct Looker final : glue::Loop::Looker {
        explicit Looker(RemoteEnd& owner) : end(owner) {}
        void look() override { end.end_->look(); }
        void arm() override { end.end_->arm(); }
        RemoteEnd& end;
    };
    Looker looker_{*this};
};

} // namespace ntpipe::session
