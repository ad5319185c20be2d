// SPDX-License-Identifier: LGPL-2.1-or-later
// end_system.cc: a server end and its clients over plain memory.
#include "end_system.hpp"

#include "unit/end_pair.hpp"

#include <map>
#include <utility>

namespace ntpipe::model {
namespace {

using unit::HeapMemory;

constexpr std::size_t maximum_overflow = std::size_t{1} << 20;

std::uint32_t specific_rights(std::uint32_t access)
{
    return security::map_generic(access);
}

struct Doorbell final : end::Doorbell {
    explicit Doorbell(std::shared_ptr<bool> bell) : rung(std::move(bell)) {}
    void ring() override { *rung = true; }
    std::shared_ptr<bool> rung;
};

struct Operator final : end::Operation {
    void completed() override { finished->push_back(this); }
    std::vector<Operator*>* finished = nullptr;
    model::Kind kind = model::Kind::read;
    Id id = 0;
    Bytes buffer;
};

/// An end with the flags that stand for its descriptors.
struct Party final : end::Host {
    void take_in() override {}
    void listening(std::uint64_t at) override { period = at; }
    void disconnected() override {}
    void released() override {}
    [[nodiscard]] bool request_overflow(std::size_t size) override
    {
        overflow_wanted = size;
        return true;
    }
    std::unique_ptr<end::End> end;
    std::uint64_t period = 1;
    std::size_t overflow_wanted = 0;
    std::shared_ptr<bool> bell;
    Id peer = 0;
};

} // namespace

class EndSystem::World {
public:
    explicit World(std::size_t ring_size) : ring_size_(ring_size) {}

    Effects carry_out(const Operation& operation)
    {
        effects_.clear();
        switch (operation.kind) {
        case Kind::create:
            create(operation);
            break;
        case Kind::open:
            open(operation);
            break;
        case Kind::cancel:
        case Kind::abandon:
            cancel(operation);
            break;
        case Kind::close:
            close(operation);
            break;
        case Kind::read:
        case Kind::write:
        case Kind::transceive:
        case Kind::flush:
        case Kind::listen:
            start(operation);
            break;
        default:
            at_once(operation);
        }
        run_until_idle();
        return std::exchange(effects_, {});
    }

private:
    void report(Id id, Status status, std::uint64_t information = 0, Bytes data = {},
                std::vector<std::uint64_t> values = {})
    {
        effects_.push_back({id, status, information, std::move(data), std::move(values)});
    }
    static Status raw(ntpipe::Status status) { return ntpipe::raw(status); }

    void create(const Operation& operation)
    {
        if (server_ != 0) {
            report(operation.id, NTPIPE_STATUS_INSTANCE_NOT_AVAILABLE);
            return;
        }
        const CreateParameters& wanted = operation.parameters;
        attributes_ = {};
        attributes_.type = static_cast<end::PipeType>(wanted.type);
        attributes_.configuration = wanted.share == 1   ? end::Configuration::outbound
                                    : wanted.share == 2 ? end::Configuration::inbound
                                                        : end::Configuration::full_duplex;
        attributes_.maximum_instances = wanted.max_instances;
        attributes_.inbound_quota = wanted.inbound_quota;
        attributes_.outbound_quota = wanted.outbound_quota;
        attributes_.path = u"\\p";
        const auto page = std::make_shared<HeapMemory>(channel::pipe_page_size);
        page_ = channel::PipePageWriter(page->share(), operation.id);
        page_.set_current_instances(1);
        attributes_.pipe =
            std::make_shared<const channel::PipeView>(std::shared_ptr<const channel::Memory>(page->share()));
        Party& party = parties_[operation.end];
        party.end = end::End::server(
            party, queue_, attributes_, specific_rights(wanted.access),
            {static_cast<end::ReadMode>(wanted.read_mode), static_cast<end::CompletionMode>(wanted.completion_mode)},
            maximum_overflow);
        server_ = operation.end;
        report(operation.id, NTPIPE_STATUS_SUCCESS, 2);
    }

    void open(const Operation& operation)
    {
        const std::uint32_t access = specific_rights(operation.access);
        const bool allowed =
            (end::has_direction(attributes_.configuration, end::Direction::outbound) || (access & 1) == 0) &&
            (end::has_direction(attributes_.configuration, end::Direction::inbound) || (access & 2) == 0);
        if (server_ == 0) {
            report(operation.id, NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND);
        } else if (!allowed) {
            report(operation.id, NTPIPE_STATUS_ACCESS_DENIED);
        } else if (parties_.at(server_).end->state() != end::PipeState::listening) {
            report(operation.id, NTPIPE_STATUS_PIPE_NOT_AVAILABLE);
        } else {
            connect(operation, access);
            report(operation.id, NTPIPE_STATUS_SUCCESS);
        }
    }

    void connect(const Operation& operation, std::uint32_t access)
    {
        Party& server = parties_.at(server_);
        Party& client = parties_[operation.end];
        server.peer = operation.end;
        client.peer = server_;
        const HeapMemory page(channel::connection_page_size);
        const HeapMemory inbound(ring_size_);
        const HeapMemory outbound(ring_size_);
        server.bell = std::make_shared<bool>(true);
        client.bell = std::make_shared<bool>(true);
        end::Connection server_half;
        end::Connection client_half;
        server_half.page = std::make_unique<channel::ConnectionView>(page.share(), channel::Side::server);
        client_half.page = std::make_unique<channel::ConnectionView>(page.share(), channel::Side::client);
        server_half.doorbell = std::make_unique<Doorbell>(client.bell);
        client_half.doorbell = std::make_unique<Doorbell>(server.bell);
        server_half.opened_as.identity = client_half.opened_as.identity = std::make_shared<security::Identity>();
        const std::uint32_t rights = server.end->granted_access();
        hand_over(end::Direction::inbound, inbound, client_half, (access & 2) != 0, server_half, (rights & 1) != 0);
        hand_over(end::Direction::outbound, outbound, server_half, (rights & 2) != 0, client_half, (access & 1) != 0);
        server.end->offer(std::move(server_half), server.period);
        (void)client_half.page->attach();
        client.end = end::End::client(client, queue_, attributes_, access, maximum_overflow, std::move(client_half));
    }

    void hand_over(end::Direction direction, const HeapMemory& ring, end::Connection& writer, bool written,
                   end::Connection& reader, bool read) const
    {
        written = written && end::has_direction(attributes_.configuration, direction);
        read = read && end::has_direction(attributes_.configuration, direction);
        writer.peer_maps_outgoing = read;
        reader.peer_maps_incoming = written;
        if (written) {
            writer.outgoing.emplace(ring.share());
        }
        if (read) {
            reader.incoming.emplace(ring.share());
        }
    }

    void start(const Operation& operation)
    {
        end::End& end = *parties_.at(operation.end).end;
        Operator& place = operators_[operation.id];
        place.finished = &finished_;
        place.kind = operation.kind;
        place.id = operation.id;
        place.buffer.resize(operation.room);
        const std::span<std::byte> buffer = std::as_writable_bytes(std::span(place.buffer));
        const glue::ByteSpan data = std::as_bytes(std::span(operation.data));
        ntpipe::Status status = ntpipe::Status::success;
        switch (operation.kind) {
        case Kind::read:
            status = end.read(place, buffer);
            break;
        case Kind::write:
            status = end.write(place, data);
            break;
        case Kind::transceive:
            status = end.transceive(place, data, buffer);
            break;
        case Kind::flush:
            status = end.flush(place);
            break;
        default:
            status = end.listen(place);
        }
        if (status != ntpipe::Status::pending) {
            over(place, status);
        }
    }

    void over(Operator& place, ntpipe::Status status)
    {
        const bool carries = status == ntpipe::Status::success || status == ntpipe::Status::buffer_overflow;
        const bool reads = place.kind == Kind::read || place.kind == Kind::transceive;
        const std::size_t count = carries && (reads || place.kind == Kind::write) ? place.information() : 0;
        place.buffer.resize(carries && reads ? count : 0);
        report(place.id, raw(status), count, std::move(place.buffer));
        operators_.erase(place.id);
    }

    void cancel(const Operation& operation)
    {
        const auto target = operators_.find(operation.target);
        report(operation.id, target == operators_.end() ? NTPIPE_STATUS_NOT_FOUND : NTPIPE_STATUS_SUCCESS);
        if (target == operators_.end()) {
            return;
        }
        if (operation.kind == Kind::cancel) {
            target->second.cancel();
        } else {
            operators_.erase(target);
        }
    }

    void close(const Operation& operation)
    {
        parties_.at(operation.end).end->close();
        if (operation.end == server_) {
            server_ = 0;
            page_.set_current_instances(0);
        }
        report(operation.id, NTPIPE_STATUS_SUCCESS);
    }

    void at_once(const Operation& operation)
    {
        end::End& end = *parties_.at(operation.end).end;
        switch (operation.kind) {
        case Kind::disconnect:
            report(operation.id, raw(end.disconnect()));
            return;
        case Kind::peek:
            peek(end, operation);
            return;
        case Kind::try_read:
            try_read(end, operation);
            return;
        case Kind::try_write: {
            std::size_t written = 0;
            const ntpipe::Status status = end.try_write(std::as_bytes(std::span(operation.data)), written);
            report(operation.id, raw(status), status == ntpipe::Status::success ? written : 0);
            return;
        }
        case Kind::set_modes:
            report(operation.id, raw(end.set({static_cast<end::ReadMode>(operation.read_mode),
                                              static_cast<end::CompletionMode>(operation.completion_mode)})));
            return;
        case Kind::query_modes:
            query_modes(end, operation);
            return;
        case Kind::query_local:
            query_local(end, operation);
            return;
        default:
            query_standard(end, operation);
        }
    }

    void try_read(end::End& end, const Operation& operation)
    {
        Bytes buffer(operation.room);
        std::size_t count = 0;
        const ntpipe::Status status = end.try_read(std::as_writable_bytes(std::span(buffer)), count);
        const bool carries = status == ntpipe::Status::success || status == ntpipe::Status::buffer_overflow;
        count = carries ? count : 0;
        buffer.resize(count);
        report(operation.id, raw(status), count, std::move(buffer));
    }

    void peek(end::End& end, const Operation& operation)
    {
        Bytes buffer(operation.room);
        end::PeekInformation seen;
        const ntpipe::Status status = end.peek(std::as_writable_bytes(std::span(buffer)), seen);
        if (status != ntpipe::Status::success && status != ntpipe::Status::buffer_overflow) {
            report(operation.id, raw(status));
            return;
        }
        buffer.resize(seen.copied);
        report(operation.id, raw(status), seen.copied, std::move(buffer),
               {seen.named_pipe_state, seen.read_data_available, seen.number_of_messages, seen.message_length});
    }

    void query_modes(end::End& end, const Operation& operation)
    {
        end::PipeInformation modes;
        const ntpipe::Status status = end.query(modes);
        std::vector<std::uint64_t> values;
        if (status == ntpipe::Status::success) {
            values = {static_cast<std::uint64_t>(modes.read_mode), static_cast<std::uint64_t>(modes.completion_mode)};
        }
        report(operation.id, raw(status), 0, {}, values);
    }

    void query_local(end::End& end, const Operation& operation)
    {
        end::PipeLocalInformation of;
        const ntpipe::Status status = end.query(of);
        std::vector<std::uint64_t> values;
        if (status == ntpipe::Status::success) {
            values = {of.named_pipe_type,   of.named_pipe_configuration,
                      of.maximum_instances, of.current_instances,
                      of.inbound_quota,     of.read_data_available,
                      of.outbound_quota,    of.write_quota_available,
                      of.named_pipe_state,  of.named_pipe_end};
        }
        report(operation.id, raw(status), 0, {}, values);
    }

    // The bytes of the structure are looked at where the C API is driven; here only what can change.
    void query_standard(end::End& end, const Operation& operation)
    {
        std::array<std::uint8_t, 24> bytes{};
        std::size_t size = 0;
        const ntpipe::Status status = end.query_information(5, std::as_writable_bytes(std::span(bytes)), size);
        std::vector<std::uint64_t> values;
        if (status == ntpipe::Status::success) {
            const auto number = [&bytes](std::size_t at) {
                return std::uint64_t{bytes.at(at)} | std::uint64_t{bytes.at(at + 1)} << 8 |
                       std::uint64_t{bytes.at(at + 2)} << 16 | std::uint64_t{bytes.at(at + 3)} << 24;
            };
            values = {number(0), number(8), number(16), bytes.at(20), bytes.at(21)};
        }
        report(operation.id, raw(status), 0, {}, values);
    }

    void run_until_idle()
    {
        for (bool again = true; again;) {
            again = queue_.fire_one();
            for (Operator* place : std::exchange(finished_, {})) {
                over(*place, place->status());
            }
            for (auto& [id, party] : parties_) {
                if (party.bell && *party.bell) {
                    *party.bell = false;
                    party.end->wake();
                    again = true;
                }
                again = grant(party) || again;
            }
        }
    }

    // As the broker does: to the reader first.
    bool grant(Party& writer)
    {
        if (writer.overflow_wanted == 0) {
            return false;
        }
        const HeapMemory memory(std::exchange(writer.overflow_wanted, 0));
        const end::Direction direction = channel::outgoing_direction(writer.end->side());
        const auto reader = parties_.find(writer.peer);
        if (reader != parties_.end() && reader->second.peer != 0 &&
            parties_.at(reader->second.peer).end == writer.end) {
            (void)reader->second.end->add_overflow(direction, memory.share());
        }
        if (writer.end->add_overflow(direction, memory.share()) != ntpipe::Status::success) {
            writer.end->refuse_overflow();
        }
        return true;
    }

    std::size_t ring_size_;
    end::Attributes attributes_;
    channel::PipePageWriter page_;
    unit::Queue queue_;
    std::map<Id, Party> parties_;
    std::vector<Operator*> finished_;
    std::map<Id, Operator> operators_;
    Id server_ = 0;
    Effects effects_;
};

EndSystem::EndSystem(std::size_t ring_size) : ring_size_(ring_size) {}

EndSystem::~EndSystem() = default;

void EndSystem::begin(std::size_t /*worlds*/)
{
    world_ = std::make_unique<World>(ring_size_);
}

void EndSystem::finish()
{
    world_.reset();
}

std::vector<Effects> EndSystem::carry_out(const std::vector<Task>& tasks)
{
    return {world_->carry_out(*tasks.front().operation)};
}

} // namespace ntpipe::model
