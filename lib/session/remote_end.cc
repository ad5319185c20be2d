// SPDX-License-Identifier: LGPL-2.1-or-later
// remote_end.cc: an end whose pipe is kept by the broker.
#include "session/remote_end.hpp"

#include "session/convert.hpp"
#include "session/mapping.hpp"
#include "session/process.hpp"
#include "session/session.hpp"

#include <array>

namespace ntpipe::session {

PeerProcess::PeerProcess(Session& session, std::uint64_t peer_session, glue::UniqueFd descriptor)
    : peer_session_(peer_session), descriptor_(std::move(descriptor))
{
    if (descriptor_) {
        watch_ = std::make_unique<glue::Loop::Watch>(session.loop(), descriptor_.get(), [&session, peer_session] {
            // Without memory it is told again.
            session.dispatcher().handle([&] { session.peer_process_gone(peer_session); }, [] {});
        });
    }
}

RemoteEnd::RemoteEnd(Session& session, space::InstanceHandle handle, std::shared_ptr<ServedPipe> served, bool bound)
    : session_(&session), handle_(handle), bound_(bound), served_(std::move(served))
{
    ++served_->instances;
    session.add_end(*this);
}

RemoteEnd::RemoteEnd(Session& session) : session_(&session)
{
    session.add_end(*this);
}

RemoteEnd::~RemoteEnd()
{
    close();
    if (session_ != nullptr) {
        session_->remove_end(*this);
    }
}

// The broker hears of it first: a client that sees the end closed must not find the name any more.
void RemoteEnd::close()
{
    if (session_ != nullptr && handle_ != 0 && !closed_) {
        closed_ = true;
        wire::Closed message;
        message.handle = handle_;
        session_->tell(std::move(message));
        if (--served_->instances == 0) {
            session_->give_back(served_);
        }
    }
    if (end_ != nullptr) {
        end_->close();
    }
    drop_connection();
}

void RemoteEnd::begin_server(end::Attributes attributes, security::AccessMask granted, end::PipeInformation modes,
                             std::size_t maximum_overflow)
{
    attributes.server_process_id = static_cast<std::uint32_t>(::getpid());
    attributes.server_session_id = login_session_of(attributes.server_process_id);
    end_ = end::End::server(*this, session_->dispatcher(), std::move(attributes), granted, modes, maximum_overflow);
}

// Maps what this end was handed. Rings that it was not handed it has no access to.
template <typename Handover>
Result<end::Connection> RemoteEnd::make_connection(channel::Side side, Handover& handover,
                                                   std::shared_ptr<DoorbellSocket> socket) const
{
    const std::array<std::size_t, 3> parts{channel::connection_page_size, handover.inbound_ring,
                                           handover.outbound_ring};
    auto memory = map_parts(handover.descriptors[wire::handover::connection_memory].get(), parts);
    if (!memory) {
        return memory.status();
    }
    end::Connection connection;
    connection.page = std::make_unique<channel::ConnectionView>(std::move((*memory)[0]), side);
    for (const channel::Direction direction : {channel::Direction::inbound, channel::Direction::outbound}) {
        const bool is_inbound = direction == channel::Direction::inbound;
        std::unique_ptr<channel::Memory> ring = std::move((*memory)[is_inbound ? 1 : 2]);
        const glue::UniqueFd& own =
            handover.descriptors[is_inbound ? wire::handover::inbound : wire::handover::outbound];
        if (ring == nullptr && own) {
            auto mapped =
                map_memory(own.get(), channel::minimum_segment_size, channel::maximum_segment_size, Access::read_write);
            if (!mapped) {
                return mapped.status();
            }
            ring = *std::move(mapped);
        }
        if (ring == nullptr) {
            continue;
        }
        if (!channel::Segment::acceptable(ring->bytes().size())) {
            return Status::invalid_parameter;
        }
        if (direction == channel::incoming_direction(side)) {
            connection.incoming.emplace(std::move(ring));
        } else {
            connection.outgoing.emplace(std::move(ring));
        }
    }
    connection.doorbell = std::make_unique<SharedDoorbell>(std::move(socket), session_->loop());
    return connection;
}

Result<bool> RemoteEnd::begin_client(wire::Opened opened, const OpenRequest& request,
                                     std::shared_ptr<const channel::PipeView> page,
                                     std::shared_ptr<const security::Identity> identity, std::size_t maximum_overflow)
{
    using namespace wire::handover;
    auto socket = std::make_shared<DoorbellSocket>(std::move(opened.descriptors[doorbell]));
    auto connection = make_connection(channel::Side::client, opened, socket);
    if (!connection) {
        return connection.status();
    }
    if (!connection->page->attach()) {
        return false;
    }
    connection->peer_maps_incoming = opened.peer_writes;
    connection->peer_maps_outgoing = opened.peer_reads;
    connection->context = opened.context;
    connection->opened_as.identity = std::move(identity);
    connection->opened_as.level = request.impersonation_level;
    connection->dynamic_tracking = request.dynamic_tracking;
    connection->server_process_id = opened.server_process;
    connection->server_session_id = opened.server_login_session;
    end::Attributes attributes = attributes_from(opened.attributes, request.options, std::move(page));
    end_ = end::End::client(*this, session_->dispatcher(), std::move(attributes), opened.attributes.granted_access,
                            maximum_overflow, *std::move(connection));
    pipe_ = opened.attributes.pipe;
    auto peer = session_->peer_process(opened.server_session, std::move(opened.descriptors[peer_process]));
    adopt(opened.connection, socket, std::move(peer), watch_doorbell(*socket));
    socket->ring(); // the server may have been waiting for this
    return true;
}

void RemoteEnd::take_handover(wire::Connected connected)
{
    using namespace wire::handover;
    auto socket = std::make_shared<DoorbellSocket>(std::move(connected.descriptors[doorbell]));
    auto connection = make_connection(channel::Side::server, connected, socket);
    if (!connection) {
        end_->offer_failed(connected.period);
        return;
    }
    connection->peer_maps_incoming = connected.peer_writes;
    connection->peer_maps_outgoing = connected.peer_reads;
    connection->opened_as.identity = std::make_shared<security::Identity>(identity_from(std::move(connected.identity)));
    connection->opened_as.level = connected.level;
    connection->dynamic_tracking = connected.dynamic_tracking;
    connection->effective_only = connected.effective_only;
    connection->server_process_id = end_->attributes().server_process_id;
    connection->server_session_id = end_->attributes().server_session_id;
    // An end that has its connection must hear of it: what that needs comes first.
    auto peer = session_->peer_process(connected.client_session, std::move(connected.descriptors[peer_process]));
    auto watch = watch_doorbell(*socket);
    if (end_->offer(*std::move(connection), connected.period)) {
        adopt(connected.connection, std::move(socket), std::move(peer), std::move(watch));
    }
}

void RemoteEnd::adopt(const wire::Id16& connection, std::shared_ptr<DoorbellSocket> socket,
                      std::shared_ptr<PeerProcess> peer, std::unique_ptr<glue::Loop::Watch> watch)
{
    connection_ = connection;
    watch_ = std::move(watch);
    socket_ = std::move(socket);
    peer_ = std::move(peer);
}

std::unique_ptr<glue::Loop::Watch> RemoteEnd::watch_doorbell(const DoorbellSocket& socket)
{
    return std::make_unique<glue::Loop::Watch>(session_->loop(), socket.descriptor(), [this] {
        const auto lose_peer = [this] {
            watch_.reset(); // an end-of-file would be told again and again
            end_->peer_gone();
        };
        session_->dispatcher().handle(
            [&] {
                if (socket_->answer()) {
                    end_->wake();
                } else {
                    lose_peer();
                }
            },
            lose_peer);
    });
}

void RemoteEnd::peer_gone()
{
    end_->peer_gone();
}

void RemoteEnd::drop_connection()
{
    looker_.unlink();
    watch_.reset();
    socket_.reset();
    peer_.reset();
}

void RemoteEnd::take_segment(wire::Segment segment)
{
    if (!has_connection()) {
        return;
    }
    if (segment.status != raw(Status::success)) {
        end_->refuse_overflow();
        return;
    }
    auto memory = map_memory(segment.descriptors[0].get(), channel::minimum_segment_size, channel::maximum_segment_size,
                             Access::read_write);
    const auto direction = static_cast<channel::Direction>(segment.direction);
    const bool added = memory && end_->add_overflow(direction, *std::move(memory)) == Status::success;
    if (!added && direction == channel::outgoing_direction(end_->side())) {
        end_->refuse_overflow();
    } else if (!added) {
        end_->peer_gone(); // its records will come in memory that this process does not have
    }
}

void RemoteEnd::take_context(wire::Context context)
{
    const auto identity = std::make_shared<const security::Identity>(identity_from(std::move(context.identity)));
    end_->add_context({context.context, context.level, identity});
}

void RemoteEnd::broker_lost(bool drained)
{
    if (has_connection() && !drained) {
        end_->miss_overflow();
    }
    if (has_connection()) {
        end_->forget_overflow_request();
    }
}

wire::ReturnedInstance RemoteEnd::returned() const
{
    wire::ReturnedInstance instance;
    instance.handle = handle_;
    instance.state = static_cast<std::uint8_t>(end_->last_state());
    instance.period = end_->listening_period();
    instance.inbound_quota = end_->attributes().inbound_quota;
    instance.outbound_quota = end_->attributes().outbound_quota;
    instance.granted_access = end_->granted_access();
    instance.bound = bound_;
    return instance;
}

wire::Held RemoteEnd::held() const
{
    const security::AccessMask access = end_->granted_access();
    wire::Held held;
    held.connection = connection_;
    held.side = static_cast<std::uint8_t>(end_->side());
    held.reads = (access & security::access::read_data) != 0;
    held.writes = (access & security::access::write_data) != 0;
    held.handle = handle_;
    held.period = end_->listening_period();
    held.pipe = served_ != nullptr ? served_->id : pipe_;
    held.granted_access = access;
    held.context = end_->last_context();
    held.impersonation_level = end_->allowed_level();
    return held;
}

void RemoteEnd::detach_from_session(bool forked)
{
    if (end_ != nullptr) {
        if (forked) {
            end_->disown();
        } else {
            end_->close();
        }
    }
    drop_connection();
    session_ = nullptr;
}

// ---- end::Host ----

void RemoteEnd::take_in()
{
    if (session_ != nullptr) {
        session_->take_in();
    }
}

void RemoteEnd::listening(std::uint64_t period)
{
    if (bound_) {
        end_->orphan();
        disconnected();
        return;
    }
    if (session_ != nullptr) {
        wire::Listening message;
        message.handle = handle_;
        message.period = period;
        session_->tell(std::move(message));
    }
}

void RemoteEnd::disconnected()
{
    if (session_ != nullptr) {
        wire::Disconnected message;
        message.handle = handle_;
        session_->tell(std::move(message));
    }
}

void RemoteEnd::released()
{
    if (socket_ == nullptr) {
        return;
    }
    drop_connection();
    if (session_ != nullptr) {
        wire::Released message;
        message.connection = connection_;
        message.side = static_cast<std::uint8_t>(end_->side());
        session_->tell(std::move(message));
    }
}

bool RemoteEnd::request_overflow(std::size_t size)
{
    if (session_ == nullptr) {
        return false;
    }
    wire::Overflow message;
    message.connection = connection_;
    message.side = static_cast<std::uint8_t>(end_->side());
    message.size = size;
    return session_->tell(std::move(message));
}

bool RemoteEnd::arms_later()
{
    if (session_ == nullptr || !session_->loop().looks_before_waiting()) {
        return false;
    }
    session_->loop().add(looker_);
    return true;
}

} // namespace ntpipe::session
