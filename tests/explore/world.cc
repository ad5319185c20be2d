// SPDX-License-Identifier: LGPL-2.1-or-later
// world.cc: a connection whose two ends are driven by two fibers, and what must hold when nothing happens any more.
#include "world.hpp"

#include <algorithm>
#include <type_traits>

namespace ntpipe::explore {
namespace {

using channel::Direction;
using channel::Side;
using unit::HeapMemory;

constexpr std::size_t client_index = 0;

/// Three bits are the number of the write, five say where in the write.
std::byte content(std::size_t write, std::size_t at)
{
    return static_cast<std::byte>(write % 8 << 5 | (at + at / 32) % 32);
}

struct Bell : end::Doorbell {
    explicit Bell(Actor& whose) : actor(whose) {}
    void ring() override { actor.ring(); }
    Actor& actor;
};

void require(bool condition, const char* what)
{
    if (!condition) {
        throw Failure(what);
    }
}

/// `what` makes the text, which costs more than most of what is looked at.
template <typename What>
void require(bool condition, const What& what)
    requires std::is_invocable_v<What>
{
    if (!condition) {
        throw Failure(what());
    }
}

std::size_t writer_of(Direction direction)
{
    return direction == Direction::inbound ? 0 : 1;
}

} // namespace

std::size_t number_of_write(std::byte byte)
{
    return std::to_integer<std::size_t>(byte >> 5);
}

void Op::completed()
{
    require(!over, "an operation completed twice");
    over = true;
    ended = world->tick();
    result = status();
    count = information();
}

// ---- an end and its process ----

void Actor::ring()
{
    if (Scheduler* scheduler = Scheduler::running()) {
        scheduler->touch(&bell_);
        scheduler->note("rings");
    }
    bell_ = true;
}

Op& Actor::start(Op::Kind kind, std::size_t size)
{
    Op& op = world_.ops_.emplace_back();
    op.kind = kind;
    op.actor = index_;
    op.size = size;
    op.world = &world_;
    op.id = world_.ops_.size();
    op.began = world_.tick();
    if (Scheduler* scheduler = Scheduler::running()) {
        scheduler->note("starts " + world_.describe(op));
    }
    return op;
}

Op& Actor::started(Op& op, Status status)
{
    op.returned = world_.tick();
    if (status != Status::pending) {
        op.over = true;
        op.result = status;
        op.count = op.information();
        op.ended = op.returned;
    }
    if (Scheduler* scheduler = Scheduler::running()) {
        scheduler->note("has " + world_.describe(op));
    }
    return op;
}

Op& Actor::write(std::size_t size)
{
    const std::size_t number = world_.of(index_, true).size();
    Op& op = start(Op::Kind::write, size);
    for (std::size_t i = 0; i < size; ++i) {
        op.data.push_back(content(number, i));
    }
    op.without_queueing = modes_.completion_mode == end::CompletionMode::complete;
    return started(op, end->write(op, op.data));
}

Op& Actor::read(std::size_t size)
{
    Op& op = start(Op::Kind::read, size);
    op.buffer.resize(size);
    op.by_message = modes_.read_mode == end::ReadMode::message;
    return started(op, end->read(op, op.buffer));
}

bool Actor::try_to_write(std::size_t size)
{
    const std::size_t number = world_.of(index_, true).size();
    Op& op = start(Op::Kind::write, size);
    for (std::size_t i = 0; i < size; ++i) {
        op.data.push_back(content(number, i));
    }
    op.without_queueing = op.tried = true;
    std::size_t count = 0;
    started(op, end->try_write(op.data, count));
    op.count = count;
    return count == size;
}

bool Actor::try_to_read(std::size_t size)
{
    Op& op = start(Op::Kind::read, size);
    op.buffer.resize(size);
    op.by_message = modes_.read_mode == end::ReadMode::message;
    op.tried = true;
    std::size_t count = 0;
    started(op, end->try_read(op.buffer, count));
    op.count = count;
    return op.result != Status::pipe_empty;
}

void Actor::await_readiness(std::uint32_t what)
{
    for (;;) {
        fire();
        if ((readiness.told & what) != 0) {
            readiness.told &= ~what;
            return;
        }
        require(pause(), "nobody says when to try again");
    }
}

void Actor::keep_writing(std::size_t size)
{
    end->set_readiness(&readiness);
    while (!try_to_write(size)) {
        await_readiness(channel::want::room);
    }
}

void Actor::keep_reading(std::size_t size)
{
    end->set_readiness(&readiness);
    while (!try_to_read(size)) {
        await_readiness(channel::want::data);
    }
}

Op& Actor::transceive(std::size_t size, std::size_t room)
{
    const std::size_t number = world_.of(index_, true).size();
    Op& op = start(Op::Kind::transceive, size);
    for (std::size_t i = 0; i < size; ++i) {
        op.data.push_back(content(number, i));
    }
    op.buffer.resize(room);
    op.by_message = true;
    return started(op, end->transceive(op, op.data, op.buffer));
}

Op& Actor::flush()
{
    const std::size_t writes = world_.of(index_, true).size();
    Op& op = start(Op::Kind::flush, 0);
    op.earlier_writes = writes;
    return started(op, end->flush(op));
}

Op& Actor::listen()
{
    Op& op = start(Op::Kind::listen, 0);
    return started(op, end->listen(op));
}

Op& Actor::cancel(Op& op)
{
    op.cancel_requested = op.cancel_requested || !op.over;
    Op& own = start(Op::Kind::cancel, 0);
    own.target = &op;
    started(own, end->cancel(op));
    fire();
    return own;
}

void Actor::abandon(Op& op)
{
    op.abandon();
    fire();
    if (!op.over) {
        op.over = true;
        op.cancel_requested = true;
        op.result = Status::cancelled;
        world_.excess_.at(index_) = true;
    }
}

Op& Actor::look(std::size_t size)
{
    Op& op = start(Op::Kind::look, size);
    op.buffer.resize(size);
    return started(op, end->look(op, op.buffer));
}

void Actor::deliver(const Op& look)
{
    Op& op = start(Op::Kind::read, look.size);
    op.buffer = look.buffer;
    op.by_message = world_.setup().type == end::PipeType::message;
    op.over = true;
    op.result = look.result;
    op.count = look.count;
}

void Actor::settle(bool given_back)
{
    (void)end->settle_revoked(0, SIZE_MAX, given_back);
    fire();
}

bool Actor::claim_read()
{
    std::uint32_t length = 0;
    counts_on_read_ = end->posted_read(length) == Status::success;
    return counts_on_read_;
}

void Actor::release_read()
{
    counts_on_read_ = false;
    (void)end->release_posted_read();
}

Actor& Actor::peer()
{
    return world_.actor(1 - index_);
}

void Actor::await(Op& op)
{
    while (!op.over) {
        if (!pause()) {
            throw Stuck();
        }
    }
}

Op& Actor::peek(std::size_t room)
{
    Op& op = start(Op::Kind::peek, room);
    op.buffer.resize(room);
    started(op, end->peek(op.buffer, op.seen));
    op.count = op.seen.copied;
    if (op.seen.read_data_available == 0) {
        world_.excess_.at(index_) = false;
    }
    return op;
}

Op& Actor::close()
{
    Op& op = start(Op::Kind::close, 0);
    world_.closed_[index_] = true;
    end->close();
    started(op, Status::success);
    fire();
    return op;
}

Op& Actor::disconnect()
{
    Op& op = start(Op::Kind::disconnect, 0);
    started(op, end->disconnect());
    world_.disconnected_ = world_.disconnected_ || op.result == Status::success;
    fire();
    return op;
}

bool Actor::attach()
{
    world_.attach_client();
    return end != nullptr;
}

void Actor::set_modes(end::ReadMode read, end::CompletionMode completion)
{
    modes_ = {read, completion};
    require(end->set(modes_) == Status::success, "the modes cannot be set");
}

void Actor::fire()
{
    while (queue_.fire_one()) {}
}

void Actor::take_in()
{
    if (Scheduler* scheduler = Scheduler::running()) {
        scheduler->touch(&letters_);
    }
    while (!letters_.empty() && end != nullptr) {
        const Letter letter = letters_.front();
        letters_.pop_front();
        if (letter.memory == nullptr) {
            end->refuse_overflow();
        } else {
            (void)end->add_overflow(letter.direction, letter.memory->share());
        }
    }
}

// The broker answers: to the reader, then to the writer.
bool Actor::request_overflow(std::size_t size)
{
    if (world_.setup_.maximum_overflow == 0) {
        return false;
    }
    Actor& reader = world_.actor(1 - index_);
    const Direction direction = channel::outgoing_direction(index_ == client_index ? Side::client : Side::server);
    const auto memory = world_.memory("overflow" + std::to_string(world_.memories_.size()), size);
    for (Actor* to : {&reader, this}) {
        if (Scheduler* scheduler = Scheduler::running()) {
            scheduler->touch(&to->letters_);
        }
        to->letters_.push_back({direction, memory});
    }
    return true;
}

bool Actor::arms_later()
{
    return world_.setup_.arms_later;
}

bool Actor::handle()
{
    bool any = !queue_.empty();
    fire();
    if (bell_) {
        bell_ = false;
        any = true;
        if (end != nullptr) {
            end->wake();
        }
    }
    if (!letters_.empty()) {
        any = true;
        take_in();
        if (end == nullptr) {
            letters_.clear();
        }
    }
    fire();
    return any;
}

bool Actor::pause()
{
    fire();
    if (world_.setup_.arms_later && end != nullptr) {
        end->arm();
        if (!queue_.empty()) {
            fire();
            return true;
        }
    }
    const bool come = Scheduler::running()->wait(&bell_, [this] { return bell_ || !letters_.empty(); });
    if (come) {
        Scheduler::running()->note("wakes up");
        (void)handle();
    }
    return come;
}

void Actor::serve()
{
    while (pause()) {}
}

// ---- a connection ----

World::World(const Setup& setup) : client(*this, 0), server(*this, 1), setup_(setup)
{
    attributes_.type = setup.type;
    attributes_.inbound_quota = attributes_.outbound_quota = setup.quota;
    attributes_.path = u"\\explored";
    const bool messages = setup.type == end::PipeType::message;
    server.end = end::End::server(server, server.queue_, attributes_, security::access::file_all,
                                  {messages ? end::ReadMode::message : end::ReadMode::byte, end::CompletionMode::queue},
                                  setup.maximum_overflow);
    server.modes_.read_mode = messages ? end::ReadMode::message : end::ReadMode::byte;
    (void)memory("page", channel::connection_page_size);
    (void)memory("inbound", setup.ring_size);
    (void)memory("outbound", setup.ring_size);
    if (setup.attached && !setup.listening) {
        attach_client();
        (void)server.end->offer(half(Side::server), 1);
    } else {
        (void)server.end->offer(half(Side::server), 1);
        if (setup.attached) {
            attach_client();
        }
    }
    client.bell_ = server.bell_ = false;
}

// Operations leave their ends before these go, and the ends before the memory.
World::~World()
{
    server.end.reset();
    client.end.reset();
}

std::shared_ptr<HeapMemory> World::memory(const std::string& name, std::size_t size)
{
    return memories_[name] = std::make_shared<HeapMemory>(size);
}

end::Connection World::half(Side side)
{
    end::Connection half;
    half.page = std::make_unique<channel::ConnectionView>(memories_["page"]->share(), side);
    half.incoming.emplace(memories_[side == Side::client ? "outbound" : "inbound"]->share());
    half.outgoing.emplace(memories_[side == Side::client ? "inbound" : "outbound"]->share());
    half.doorbell = std::make_unique<Bell>(side == Side::client ? server : client);
    half.opened_as.identity = std::make_shared<security::Identity>();
    return half;
}

void World::attach_client()
{
    end::Connection own = half(Side::client);
    if (!own.page->attach()) {
        return;
    }
    client.end = end::End::client(client, client.queue_, attributes_, security::access::file_all,
                                  setup_.maximum_overflow, std::move(own));
    if (setup_.type == end::PipeType::message) {
        client.modes_.read_mode = end::ReadMode::message;
        (void)client.end->set(client.modes_); // a server that has gone already is told of by all that follows
    }
    server.ring();
}

void World::run_until_idle()
{
    for (bool again = true; again;) {
        again = client.handle();
        again = server.handle() || again;
    }
}

std::vector<Op*> World::of(std::size_t actor, bool writing)
{
    std::vector<Op*> found;
    for (Op& op : ops_) {
        const bool transceive = op.kind == Op::Kind::transceive;
        if (op.actor == actor && (op.kind == (writing ? Op::Kind::write : Op::Kind::read) || transceive)) {
            found.push_back(&op);
        }
    }
    return found;
}

std::string World::describe(const Op& op) const
{
    static constexpr std::array kinds = {"read",   "write", "transceive", "flush",      "listen",
                                         "cancel", "peek",  "close",      "disconnect", "look"};
    std::string text = std::string(op.actor == client_index ? "client's " : "server's ") +
                       kinds.at(static_cast<std::size_t>(op.kind)) + " #" + std::to_string(op.id) + " of " +
                       std::to_string(op.size);
    if (op.over) {
        text += ": " + std::string(ntpipe_status_name(raw(op.result))) + " " + std::to_string(op.count);
    }
    return text;
}

std::string World::name_of(const void* word) const
{
    const auto* at = static_cast<const std::byte*>(word);
    for (const auto& [name, memory] : memories_) {
        const std::span<std::byte> bytes = memory->bytes();
        if (at >= bytes.data() && at < bytes.data() + bytes.size()) {
            return name + "+" + std::to_string(at - bytes.data());
        }
    }
    return "something else";
}

// ---- what must hold ----

std::string World::judge()
{
    try {
        check_wakeups();
        check_statuses();
        check_direction(Direction::inbound);
        check_direction(Direction::outbound);
    } catch (const Failure& failure) {
        return failure.what();
    }
    return "";
}

// Nobody has been rung for, so what an end would do if it were woken is what it has missed.
void World::check_wakeups()
{
    for (const std::size_t index : {0U, 1U}) {
        Actor& actor = this->actor(index);
        require(!actor.handle(), "something was left to be handled");
        if (actor.end == nullptr || closed_.at(index)) {
            continue;
        }
        std::vector<const Op*> pending;
        for (const Op& op : ops_) {
            if (op.actor == index && !op.over) {
                pending.push_back(&op);
            }
        }
        actor.end->wake();
        actor.fire();
        for (const Op* op : pending) {
            require(!op->over, [&] { return "lost wake-up: completes only now: " + describe(*op); });
        }
        require(!client.bell_ && !server.bell_, "lost wake-up: an end had something to say only now");
        require(client.letters_.empty() && server.letters_.empty(), "lost wake-up: an end asks for memory only now");
    }
}

void World::check_statuses()
{
    for (const Op& op : ops_) {
        if (op.kind >= Op::Kind::cancel) {
            continue;
        }
        if (!op.over) {
            require(op.kind == Op::Kind::listen || !closed_.at(1 - op.actor),
                    [&] { return "pending though the other end is closed: " + describe(op); });
            require(!closed_.at(op.actor), [&] { return "pending on a closed end: " + describe(op); });
            require(op.actor != client_index || !disconnected_,
                    [&] { return "pending on a detached end: " + describe(op); });
            continue;
        }
        const bool peer_left = closed_.at(1 - op.actor) || closed_.at(op.actor);
        bool allowed = false;
        switch (op.result) {
        case Status::success:
            allowed = true;
            break;
        case Status::buffer_overflow:
            allowed = op.by_message;
            break;
        case Status::cancelled:
            allowed = op.cancel_requested;
            break;
        case Status::pipe_broken:
            allowed = peer_left && (op.kind != Op::Kind::transceive || peer_left);
            break;
        case Status::pipe_closing:
            allowed = peer_left && op.kind != Op::Kind::read;
            break;
        case Status::pipe_disconnected:
            allowed = disconnected_;
            break;
        case Status::pipe_empty:
        case Status::pipe_busy:
        case Status::pipe_listening:
        case Status::pipe_connected:
            allowed = true;
            break;
        case Status::invalid_pipe_state:
            allowed = peer_left || disconnected_;
            break;
        case Status::file_closed:
            allowed = closed_.at(op.actor);
            break;
        default:
            break;
        }
        require(allowed, [&] { return "a status that cannot be: " + describe(op); });
        if (op.kind == Op::Kind::write && op.result == Status::success && !op.without_queueing) {
            require(op.count == op.size, [&] { return "a write that is complete, but not whole: " + describe(op); });
        }
    }
}

bool World::may_be_lost(const Op& write) const
{
    return disconnected_ || (write.over && write.result != Status::success && write.kind != Op::Kind::transceive) ||
           closed_.at(1 - write.actor) || (closed_.at(write.actor) && !write.over);
}

// It was pending when its end was closed: so were all behind it, and no later read finds it.
bool World::went_with_its_end(const Op& write) const
{
    return write.kind == Op::Kind::write && write.over && write.result == Status::pipe_broken &&
           closed_.at(write.actor);
}

// How much of a write its reader is to see.
static std::size_t extent(const Op& write)
{
    if (write.without_queueing) {
        return write.over && write.result == Status::success ? write.count : 0;
    }
    const bool refused =
        write.over && (write.result == Status::pipe_closing || write.result == Status::pipe_listening ||
                       write.result == Status::pipe_busy || write.result == Status::invalid_pipe_state ||
                       write.result == Status::file_closed);
    return refused ? 0 : write.data.size();
}

// Holds what `read` brought against what was written, from `at` on.
void World::follow(const std::vector<Op*>& writes, const Op& read, Position& at) const
{
    std::size_t message = writes.size();
    for (std::size_t i = 0; i < read.count; ++i) {
        for (;; ++at.write, at.byte = 0) {
            require(at.write < writes.size(),
                    [&] { return "bytes that were not written, or twice, or in wrong order: " + describe(read); });
            if (at.byte < extent(*writes[at.write]) && content(at.write, at.byte) == read.buffer.at(i)) {
                break;
            }
            const Op& passed = *writes[at.write];
            require(at.byte == extent(passed) || (may_be_lost(passed) && !went_with_its_end(passed)),
                    [&] { return "bytes are lost of " + describe(passed) + " before " + describe(read); });
        }
        const Op& write = *writes[at.write];
        require(!went_with_its_end(write) || read.began < write.ended,
                [&] { return "was written by an end that took it back before " + describe(read); });
        require(!read.by_message || i == 0 || message == at.write,
                [&] { return "a read of two messages: " + describe(read); });
        message = at.write;
        ++at.byte;
    }
    if (read.by_message && read.count > 0) {
        const bool whole = at.byte == extent(*writes[message]);
        require(read.result == Status::success ? whole : !whole || read.result != Status::buffer_overflow,
                [&] { return "the end of a message is not where it was: " + describe(read); });
    }
}

void World::check_direction(Direction direction)
{
    Actor& writer = actor(writer_of(direction));
    Actor& reader = actor(1 - writer_of(direction));
    const std::vector<Op*> writes = of(writer_of(direction), true);
    std::vector<Op*> reads = of(1 - writer_of(direction), false);
    Position at;
    std::vector<std::size_t> left;
    bool read_pending = false;
    for (const Op* read : reads) {
        read_pending = read_pending || !read->over;
        if (read->over && (read->result == Status::success || read->result == Status::buffer_overflow)) {
            follow(writes, *read, at);
        }
    }
    std::size_t unread = 0;
    std::size_t messages = 0;
    for (std::size_t i = 0; i < writes.size(); ++i) {
        const Op& write = *writes[i];
        const std::size_t passed = i < at.write ? extent(write) : i == at.write ? at.byte : 0;
        const bool taken_back = write.over && write.result != Status::success && write.kind != Op::Kind::transceive;
        require(!taken_back || write.result != Status::cancelled || i != at.write || at.byte < extent(write),
                [&] { return "cancelled, but wholly read: " + describe(write); });
        const std::size_t rest = taken_back ? 0 : extent(write) - passed;
        unread += rest;
        messages += rest > 0 ? 1 : 0;
        left.push_back(unread);
        if (!write.over && write.kind == Op::Kind::write && writer.end->state() == end::PipeState::connected) {
            require(unread > setup_.quota,
                    [&] { return "lost wake-up: within the quota, but pending: " + describe(write); });
        }
    }
    if (closed_.at(0) || closed_.at(1) || disconnected_ || reader.end == nullptr || writer.end == nullptr) {
        if (!disconnected_ && reader.end != nullptr && !closed_.at(reader.index_) && closed_.at(writer.index_)) {
            unread = 0;
            messages = 0;
            for (std::size_t i = at.write; i < writes.size(); ++i) {
                const std::size_t rest =
                    may_be_lost(*writes[i]) ? 0 : extent(*writes[i]) - (i == at.write ? at.byte : 0);
                unread += rest;
                messages += rest > 0 ? 1 : 0;
            }
        } else {
            return;
        }
    }
    const bool never_queued =
        std::all_of(writes.begin(), writes.end(), [](const Op* write) { return write->without_queueing; });
    // An abandoned read leaves its data to the next one, but what a peek has not seen after that did not count on it.
    require(!never_queued || excess_.at(reader.index_) || unread <= setup_.quota,
            "a write that was not to wait is there beyond the quota");
    const bool has_empty =
        std::any_of(writes.begin(), writes.end(), [](const Op* write) { return write->data.empty(); });
    const end::PeekInformation seen = reader.peek().seen;
    if (setup_.maximum_overflow == 0 && unread + 64 * writes.size() < setup_.ring_size - channel::segment_header_size) {
        require(seen.read_data_available == unread, [&] {
            return "peek says " + std::to_string(seen.read_data_available) + ", but " + std::to_string(unread) +
                   " are unread";
        });
        require(setup_.type == end::PipeType::byte || has_empty || seen.number_of_messages == messages,
                "peek counts the wrong number of messages");
    }
    const bool told_of_end = std::any_of(
        reads.begin(), reads.end(), [](const Op* read) { return read->over && read->result == Status::pipe_broken; });
    require(!told_of_end || unread == 0, "a read was told of the end before what is left was read");
    require(!read_pending || seen.read_data_available == 0, "lost wake-up: a read waits for data that is there");
    require(!read_pending || unread == 0, "a read waits for data that was written");
    if (writer.end->state() == end::PipeState::connected && !closed_.at(writer.index_)) {
        end::PipeLocalInformation local;
        (void)writer.end->query(local);
        const std::uint32_t available = local.write_quota_available;
        if (!read_pending) {
            require(available == setup_.quota - std::min<std::size_t>(setup_.quota, unread), [&] {
                return "WriteQuotaAvailable is " + std::to_string(available) + ", but " + std::to_string(unread) +
                       " are unread";
            });
        }
        for (const Op& op : ops_) {
            if (op.kind == Op::Kind::flush && op.actor == writer.index_) {
                const std::size_t before = op.earlier_writes == 0 ? 0 : left.at(op.earlier_writes - 1);
                require(op.over || before > 0 || has_empty, "lost wake-up: a flush waits for nothing");
                require(op.result != Status::success || before == 0, "a flush is over before all is read");
            }
        }
    }
    if (read_pending) {
        return;
    }
    for (;;) {
        Op& read = reader.read(4096);
        run_until_idle();
        if (!read.over) {
            reader.cancel(read);
            break;
        }
        if (read.result != Status::success && read.result != Status::buffer_overflow) {
            break;
        }
        follow(writes, read, at);
        require(read.count > 0 || has_empty, "a read of nothing");
        require(read.count == 0 || writes[at.write]->result != Status::pipe_broken || !closed_.at(writer.index_),
                "a write that was pending when its end was closed is still there");
    }
    for (; at.write < writes.size(); ++at.write, at.byte = 0) {
        require(at.byte == extent(*writes[at.write]) || may_be_lost(*writes[at.write]),
                [&] { return "bytes are lost of " + describe(*writes[at.write]); });
    }
}

} // namespace ntpipe::explore
