// SPDX-License-Identifier: LGPL-2.1-or-later
// handover.cc: making connections and overflow segments, and handing them to the two ends.
#include "broker.hpp"

#include "session/convert.hpp"
#include "session/doorbell.hpp"
#include "session/mapping.hpp"
#include "session/random.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

namespace ntpipe::broker {
namespace {

constexpr std::size_t smallest_ring = std::size_t{64} * 1024;
constexpr std::size_t largest_ring = std::size_t{1} << 20;

// A ring should hold the quota's worth of messages with their headers. Pages are taken only as far as they are used.
std::size_t ring_size(std::uint32_t quota)
{
    const std::size_t wanted = std::size_t{quota} * 2 + channel::segment_header_size;
    return std::clamp(std::bit_ceil(wanted), smallest_ring, largest_ring);
}

struct Half {
    glue::UniqueFd doorbell;
    glue::UniqueFd memory;
    glue::UniqueFd inbound;
    glue::UniqueFd outbound;
    glue::UniqueFd peer_process;
};

// Sizes of the rings that lie in the memory of the connection: those that both ends use.
struct SharedRings {
    std::uint32_t inbound = 0;
    std::uint32_t outbound = 0;
};

glue::UniqueFd copy_of(const glue::UniqueFd& descriptor)
{
    return glue::UniqueFd(::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0));
}

// The ring of a direction: both ends' is a part of the memory of the connection, one end's own has memory of its own.
Status make_ring(const space::DirectionUse& use, std::uint32_t quota, std::uint32_t& shared, glue::UniqueFd& writer,
                 glue::UniqueFd& reader)
{
    if (use.written && use.read) {
        shared = static_cast<std::uint32_t>(ring_size(quota));
        return Status::success;
    }
    if (!use.written && !use.read) {
        return Status::success;
    }
    auto ring = session::make_memory("ntpipe-ring", ring_size(quota));
    if (!ring) {
        return ring.status();
    }
    (use.written ? writer : reader) = *std::move(ring);
    return Status::success;
}

Status make_halves(const space::Connect& connect, Half& client, Half& server, SharedRings& shared)
{
    const space::DirectionUse inbound = space::use_of(channel::Direction::inbound, connect);
    const space::DirectionUse outbound = space::use_of(channel::Direction::outbound, connect);
    if (!session::make_doorbell(client.doorbell, server.doorbell)) {
        return status_from_errno(errno);
    }
    if (const Status status =
            make_ring(inbound, connect.attributes.inbound_quota, shared.inbound, client.inbound, server.inbound);
        status != Status::success) {
        return status;
    }
    if (const Status status =
            make_ring(outbound, connect.attributes.outbound_quota, shared.outbound, server.outbound, client.outbound);
        status != Status::success) {
        return status;
    }
    const std::array<std::size_t, 3> parts{channel::connection_page_size, shared.inbound, shared.outbound};
    auto memory = session::make_memory("ntpipe-connection", parts);
    if (!memory) {
        return memory.status();
    }
    client.memory = copy_of(*memory);
    server.memory = *std::move(memory);
    return client.memory ? Status::success : status_from_errno(errno);
}

template <typename Message>
void put_half(Message& message, Half half, const SharedRings& shared)
{
    using namespace wire::handover;
    message.inbound_ring = shared.inbound;
    message.outbound_ring = shared.outbound;
    message.descriptors[doorbell] = std::move(half.doorbell);
    message.descriptors[connection_memory] = std::move(half.memory);
    message.descriptors[inbound] = std::move(half.inbound);
    message.descriptors[outbound] = std::move(half.outbound);
    message.descriptors[peer_process] = std::move(half.peer_process);
}

} // namespace

// Whoever opens has the memory, which the server cannot do anything about.
Status Broker::charge(const space::Connect& connect, Connection& connection)
{
    std::uint64_t bytes = channel::connection_page_size;
    const auto add = [&](channel::Direction direction, std::uint32_t quota) {
        const space::DirectionUse use = space::use_of(direction, connect);
        bytes += use.written || use.read ? ring_size(quota) : 0;
    };
    add(channel::Direction::inbound, connect.attributes.inbound_quota);
    add(channel::Direction::outbound, connect.attributes.outbound_quota);
    const std::uint32_t user = connect.identity->credentials.uid;
    auto charge = accounts_.charge(user, space::Resource::connections);
    if (!charge) {
        return charge.status();
    }
    auto memory = accounts_.charge(user, space::Resource::memory, bytes);
    if (!memory) {
        return memory.status();
    }
    connection.charge = *std::move(charge);
    connection.memory = *std::move(memory);
    return Status::success;
}

// The server gets its half first: when the client knows that it is connected, the server can know it, too.
Status Broker::hand_over(const space::Connect& connect)
{
    Client* server = find(connect.server);
    Client* client = find(connect.client);
    const auto page = pages_.find(connect.attributes.pipe);
    if (server == nullptr || client == nullptr || page == pages_.end()) {
        return Status::insufficient_resources;
    }
    constexpr std::size_t descriptors_each = 6;
    Connection connection;
    Status charged = charge_handover(*client, descriptors_each);
    charged = charged == Status::success ? charge_handover(*server, descriptors_each) : charged;
    charged = charged == Status::success ? charge(connect, connection) : charged;
    if (charged != Status::success) {
        return charged;
    }
    Half client_half;
    Half server_half;
    SharedRings shared;
    if (const Status status = make_halves(connect, client_half, server_half, shared); status != Status::success) {
        return status;
    }
    client_half.peer_process = copy_of(server->peer.process);
    server_half.peer_process = copy_of(client->peer.process);
    glue::UniqueFd pipe_page = copy_of(page->second.read_only);
    if (!client_half.peer_process || !server_half.peer_process || !pipe_page) {
        return status_from_errno(errno);
    }
    const space::DirectionUse inbound = space::use_of(channel::Direction::inbound, connect);
    const space::DirectionUse outbound = space::use_of(channel::Direction::outbound, connect);
    const wire::Id16 id = session::random_id();

    wire::Connected connected;
    connected.handle = connect.instance;
    connected.period = connect.period;
    connected.connection = id;
    connected.client_session = connect.client;
    connected.context = context_of_open;
    connected.peer_reads = outbound.read;
    connected.peer_writes = inbound.written;
    connected.level = space::level_for_server(*connect.identity, connect.impersonation_level,
                                              connect.server_impersonates, connect.server_user);
    connected.identity = told_to(*server, *connect.identity, connected.level);
    connected.dynamic_tracking = connect.dynamic_tracking;
    connected.effective_only = connect.effective_only;
    put_half(connected, std::move(server_half), shared);

    wire::Opened opened;
    opened.request = connect.request;
    opened.connection = id;
    opened.attributes = session::attributes_to(connect.attributes);
    opened.context = context_of_open;
    opened.server_process = connect.server_process;
    opened.server_session = connect.server;
    opened.server_login_session = connect.server_login_session;
    opened.peer_reads = inbound.read;
    opened.peer_writes = outbound.written;
    opened.identity = connected.identity;
    opened.identity->secret_authorization.clear(); // it knows, and has use for nothing of it
    put_half(opened, std::move(client_half), shared);
    opened.descriptors[wire::handover::pipe_page] = std::move(pipe_page);

    connection.instance = connect.instance;
    connection.period = connect.period;
    connection.client_end = connect.client_end;
    connection.last_context = context_of_open;
    connection.impersonation_level = connect.impersonation_level;
    connection.ends[static_cast<std::size_t>(channel::Side::client)] = {connect.client, outbound.read, inbound.written};
    connection.ends[static_cast<std::size_t>(channel::Side::server)] = {connect.server, inbound.read, outbound.written};
    connections_.emplace(id, std::move(connection));
    server->connections.insert(id);
    client->connections.insert(id);
    send(connect.server, std::move(connected));
    send(connect.client, std::move(opened));
    return Status::success;
}

// ---- pages of pipes ----

Status Broker::make_page(const space::PipeRecord& record)
{
    auto memory = session::make_memory("ntpipe-pipe", channel::pipe_page_size);
    if (!memory) {
        return memory.status();
    }
    auto read_only = session::read_only_descriptor(memory->get());
    auto mapped = session::map_memory(memory->get(), channel::pipe_page_size, channel::pipe_page_size,
                                      session::Access::read_write);
    if (!read_only || !mapped) {
        return read_only ? mapped.status() : read_only.status();
    }
    Page& page = pages_[record.id];
    page.writer = channel::PipePageWriter(*std::move(mapped), record.id);
    page.writer.set_attributes(record.default_timeout, record.descriptor);
    page.read_only = *std::move(read_only);
    page.record = record;
    return Status::success;
}

// A server that is back brings the page that its clients have mapped. It could bring anything: only memory of our own user
// that says of itself that it is this pipe's page is taken, and nobody else can have written that: memory that is handed out for
// writing has another mode (session::read_only_descriptor).
void Broker::adopt_page(space::PipeId pipe, glue::UniqueFd descriptor)
{
    struct stat status{};
    const auto found = pages_.find(pipe);
    if (found == pages_.end() || !descriptor || ::fstat(descriptor.get(), &status) != 0 ||
        status.st_uid != ::geteuid() || (status.st_mode & ACCESSPERMS) != (S_IRUSR | S_IWUSR)) {
        return;
    }
    glue::UniqueFd writable = session::writable_descriptor(descriptor.get());
    if (!writable) {
        return;
    }
    auto mapped = session::map_memory(writable.get(), channel::pipe_page_size, channel::pipe_page_size,
                                      session::Access::read_write);
    if (!mapped) {
        return;
    }
    channel::PipePageWriter writer = channel::PipePageWriter::adopt(*std::move(mapped), pipe);
    if (writer) {
        const space::PipeRecord& record = found->second.record;
        writer.set_attributes(record.default_timeout, record.descriptor); // it may have been set meanwhile
        found->second.writer = std::move(writer);
        found->second.read_only = std::move(descriptor);
    }
}

// ---- overflow ----

// The reader hears of the segment first, so that it is never behind what the writer puts into it.
bool Broker::on(Client& client, wire::Overflow& message)
{
    if (message.side > 1) {
        return false;
    }
    const auto found = connections_.find(message.connection);
    const auto side = static_cast<channel::Side>(message.side);
    const auto direction = channel::outgoing_direction(side);
    wire::Segment segment;
    segment.connection = message.connection;
    segment.direction = static_cast<std::uint8_t>(direction);
    const auto refuse = [&](Status status) {
        segment.side = message.side;
        segment.status = raw(status);
        send(client.id, std::move(segment));
        return true;
    };
    if (found == connections_.end() || found->second.ends[message.side].session != client.id) {
        return refuse(Status::not_found);
    }
    const ConnectionEnd& writer = found->second.ends[message.side];
    const ConnectionEnd& reader = found->second.ends[static_cast<std::size_t>(channel::other(side))];
    if (!writer.writes || !std::has_single_bit(message.size) || message.size < channel::minimum_segment_size ||
        message.size > options_.maximum_overflow) {
        return refuse(Status::invalid_parameter);
    }
    if (reader.session == 0) {
        return refuse(Status::not_found); // not back yet, or gone
    }
    auto charge = accounts_.charge(client.peer.credentials.uid, space::Resource::memory, message.size);
    if (!charge) {
        return refuse(charge.status());
    }
    auto memory = session::make_memory("ntpipe-overflow", message.size);
    if (!memory) {
        return refuse(memory.status());
    }
    if (reader.reads) {
        wire::Segment for_reader;
        for_reader.connection = message.connection;
        for_reader.side = static_cast<std::uint8_t>(channel::other(side));
        for_reader.direction = segment.direction;
        for_reader.descriptors[0] = copy_of(*memory);
        if (!for_reader.descriptors[0]) {
            return refuse(status_from_errno(errno));
        }
        send(reader.session, std::move(for_reader));
    }
    auto& charges = found->second.overflow[static_cast<std::size_t>(direction)];
    charges[1] = std::move(charges[0]);
    charges[0] = *std::move(charge);
    segment.side = message.side;
    segment.descriptors[0] = *std::move(memory);
    send(client.id, std::move(segment));
    return true;
}

} // namespace ntpipe::broker
