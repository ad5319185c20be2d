// SPDX-License-Identifier: LGPL-2.1-or-later
// model.cc: the rules of NPFS, one function for each operation. The numbers are sections of docs/SEMANTICS.md.
#include "model.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ntpipe::model {
namespace {

constexpr std::uint32_t read_data = 0x1;
constexpr std::uint32_t write_data = 0x2;
constexpr std::uint32_t append_data = 0x4;
constexpr std::uint32_t read_attributes = 0x80;
constexpr std::uint32_t write_attributes = 0x100;
constexpr std::uint32_t full_duplex = 2;

// 0.1: the generic rights of a file.
std::uint32_t specific_rights(std::uint32_t access)
{
    std::uint32_t rights = access & 0x01FFFFFFU;
    rights |= (access & 0x80000000U) != 0 ? 0x00120089U : 0;
    rights |= (access & 0x40000000U) != 0 ? 0x00120116U : 0;
    rights |= (access & 0x10000000U) != 0 ? 0x001F01FFU : 0;
    return rights;
}

// 1.2: names are compared without regard to case.
std::string upcase(std::string name)
{
    for (char& letter : name) {
        letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return name;
}

// 2.1: what is wrong whether the pipe exists or not.
bool valid(const CreateParameters& parameters)
{
    return parameters.share >= 1 && parameters.share <= 3 && parameters.disposition >= 1 &&
           parameters.disposition <= 3 && parameters.type <= 3 && parameters.read_mode <= 1 &&
           parameters.completion_mode <= 1 && (parameters.read_mode == 0 || (parameters.type & 1) == 1);
}

// 2.1: share access says the direction; 0.3: its number.
std::uint32_t configuration_of(std::uint32_t share)
{
    return share == 1 ? 1 : share == 2 ? 0 : full_duplex;
}

std::uint64_t unread(const Queue& queue)
{
    return std::accumulate(queue.entries.begin(), queue.entries.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Entry& entry) { return sum + entry.unread.size(); });
}

std::uint64_t room_of_reads(const Queue& queue)
{
    return std::accumulate(queue.reads.begin(), queue.reads.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const PendingRead& read) { return sum + read.room; });
}

std::uint64_t minus(std::uint64_t a, std::uint64_t b)
{
    return a > b ? a - b : 0;
}

Bytes cut_front(Bytes& bytes, std::size_t count)
{
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(count);
    Bytes front(bytes.begin(), end);
    bytes.erase(bytes.begin(), end);
    return front;
}

} // namespace

Effects Model::apply(const Operation& operation)
{
    effects_.clear();
    switch (operation.kind) {
    case Kind::create:
        create(operation);
        break;
    case Kind::open:
        open(operation);
        break;
    case Kind::wait:
        wait(operation);
        break;
    case Kind::listen:
        listen(operation);
        break;
    case Kind::disconnect:
        disconnect(operation);
        break;
    case Kind::close:
        close(operation);
        break;
    case Kind::read:
    case Kind::try_read:
        read(operation);
        break;
    case Kind::write:
    case Kind::try_write:
        write(operation);
        break;
    case Kind::transceive:
        transceive(operation);
        break;
    case Kind::flush:
        flush(operation);
        break;
    case Kind::peek:
        peek(operation);
        break;
    case Kind::set_modes:
        set_modes(operation);
        break;
    case Kind::query_modes:
        query_modes(operation);
        break;
    case Kind::query_local:
        query_local(operation);
        break;
    case Kind::query_standard:
        query_standard(operation);
        break;
    case Kind::cancel:
    case Kind::abandon:
        cancel(operation);
        break;
    }
    return std::exchange(effects_, {});
}

void Model::complete(Id operation, Status status, std::uint64_t information, Bytes data,
                     std::vector<std::uint64_t> values)
{
    effects_.push_back({operation, status, information, std::move(data), std::move(values)});
}

// ---- names, creation, opening, waiting (2.1, 2.2, 2.7, 4.3) ----

Id Model::find_name(const std::string& name) const
{
    const auto found = names_.find(upcase(name));
    return found == names_.end() ? 0 : found->second;
}

// 2.2, in the order of the table. Nobody is refused by a security descriptor here.
Status Model::refusal_of(const CreateParameters& wanted, const Pipe* existing) const
{
    if (!valid(wanted)) {
        return NTPIPE_STATUS_INVALID_PARAMETER;
    }
    if (existing == nullptr) {
        if (wanted.disposition == 1) {
            return NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND;
        }
        return wanted.default_timeout >= 0 || wanted.max_instances == 0 ? NTPIPE_STATUS_INVALID_PARAMETER
                                                                        : NTPIPE_STATUS_SUCCESS;
    }
    if (existing->instances >= existing->max_instances) {
        return NTPIPE_STATUS_INSTANCE_NOT_AVAILABLE;
    }
    if (wanted.disposition == 2 || configuration_of(wanted.share) != existing->configuration) {
        return NTPIPE_STATUS_ACCESS_DENIED;
    }
    return wanted.read_mode == 1 && existing->type == 0 ? NTPIPE_STATUS_INVALID_PARAMETER : NTPIPE_STATUS_SUCCESS;
}

void Model::create(const Operation& operation)
{
    const CreateParameters& wanted = operation.parameters;
    Id pipe = find_name(operation.name);
    const bool is_new = pipe == 0;
    const Status refusal = refusal_of(wanted, is_new ? nullptr : &pipes_.at(pipe));
    if (refusal != NTPIPE_STATUS_SUCCESS) {
        complete(operation.id, refusal);
        return;
    }
    if (is_new) {
        pipe = next_id_++;
        pipes_[pipe] = {operation.name, wanted.type & 1, configuration_of(wanted.share), wanted.max_instances, 0};
        names_[upcase(operation.name)] = pipe;
    }
    new_instance(operation, pipe);
    if (!is_new) {
        // The access that is checked, and so granted, contains FILE_CREATE_PIPE_INSTANCE, which is the right to append.
        ends_.at(operation.end).access |= append_data;
    }
    complete(operation.id, NTPIPE_STATUS_SUCCESS, is_new ? 2 : 1);
}

void Model::new_instance(const Operation& operation, Id pipe)
{
    const CreateParameters& wanted = operation.parameters;
    const Id id = next_id_++;
    Instance& instance = instances_[id];
    instance.pipe = pipe;
    instance.server = operation.end;
    instance.inbound.quota = wanted.inbound_quota;
    instance.outbound.quota = wanted.outbound_quota;
    ends_[operation.end] = {true, false, specific_rights(wanted.access), wanted.read_mode, wanted.completion_mode, id};
    ++pipes_.at(pipe).instances;
    enter_listening(instance); // 2.3: the initial state
}

// 2.3, 4.3: whoever waits for an instance of the pipe wakes.
void Model::enter_listening(Instance& instance)
{
    instance.state = State::listening;
    instance.listening_since = ++clock_;
    for (const PendingWait& wait : std::exchange(waits_, {})) {
        if (wait.pipe == instance.pipe) {
            complete(wait.operation, NTPIPE_STATUS_SUCCESS);
        } else {
            waits_.push_back(wait);
        }
    }
}

// 2.7: which instance: the one that entered LISTENING first.
Instance* Model::first_listening(Id pipe)
{
    Instance* first = nullptr;
    for (auto& [id, instance] : instances_) {
        if (instance.pipe == pipe && instance.state == State::listening &&
            (first == nullptr || instance.listening_since < first->listening_since)) {
            first = &instance;
        }
    }
    return first;
}

// 2.7
void Model::open(const Operation& operation)
{
    const Id pipe = find_name(operation.name);
    if (pipe == 0) {
        complete(operation.id, NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND);
        return;
    }
    const std::uint32_t access = specific_rights(operation.access);
    const std::uint32_t configuration = pipes_.at(pipe).configuration;
    if ((configuration == 0 && (access & read_data) != 0) || (configuration == 1 && (access & write_data) != 0)) {
        complete(operation.id, NTPIPE_STATUS_ACCESS_DENIED);
        return;
    }
    Instance* instance = first_listening(pipe);
    if (instance == nullptr) {
        complete(operation.id, NTPIPE_STATUS_PIPE_NOT_AVAILABLE);
        return;
    }
    instance->state = State::connected;
    instance->client = operation.end;
    ends_[operation.end] = {false, false, access, 0, 0, ends_.at(instance->server).instance};
    complete(operation.id, NTPIPE_STATUS_SUCCESS);
    end_listens(*instance, NTPIPE_STATUS_SUCCESS);
}

// 4.3
void Model::wait(const Operation& operation)
{
    const Id pipe = find_name(operation.name);
    if (pipe == 0) {
        complete(operation.id, NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND);
    } else if (first_listening(pipe) != nullptr) {
        complete(operation.id, NTPIPE_STATUS_SUCCESS);
    } else {
        waits_.push_back({operation.id, pipe});
    }
}

// ---- states (2.3 to 2.6) ----

// What every operation on an end checks first (3.9): its access, then whether the client was disconnected. A closed end is not
// NT's: there the handle is gone.
bool Model::begin(const Operation& operation, std::uint32_t access)
{
    const auto found = ends_.find(operation.end);
    if (found == ends_.end() || found->second.closed) {
        complete(operation.id, NTPIPE_STATUS_FILE_CLOSED);
    } else if ((found->second.access & access) != access) {
        complete(operation.id, NTPIPE_STATUS_ACCESS_DENIED);
    } else if (found->second.instance == 0 && operation.kind != Kind::listen && operation.kind != Kind::disconnect) {
        complete(operation.id, NTPIPE_STATUS_PIPE_DISCONNECTED);
    } else {
        return true;
    }
    return false;
}

Queue& Model::incoming(Instance& instance, const End& end)
{
    return end.server ? instance.inbound : instance.outbound;
}

Queue& Model::outgoing(Instance& instance, const End& end)
{
    return end.server ? instance.outbound : instance.inbound;
}

const End* Model::peer_of(const Instance& instance, const End& end) const
{
    const auto found = ends_.find(end.server ? instance.client : instance.server);
    return found == ends_.end() ? nullptr : &found->second;
}

bool Model::message_type(const Instance& instance) const
{
    return pipes_.at(instance.pipe).type == 1;
}

// 2.3, 2.4
void Model::listen(const Operation& operation)
{
    if (!begin(operation, 0)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    if (!end.server) {
        complete(operation.id, NTPIPE_STATUS_ILLEGAL_FUNCTION);
        return;
    }
    Instance& instance = instances_.at(end.instance);
    if (instance.state == State::connected) {
        complete(operation.id, NTPIPE_STATUS_PIPE_CONNECTED);
        return;
    }
    if (instance.state == State::closing) {
        complete(operation.id, NTPIPE_STATUS_PIPE_CLOSING);
        return;
    }
    if (instance.state == State::disconnected) {
        enter_listening(instance);
    }
    if (end.completion_mode == 1) {
        complete(operation.id, NTPIPE_STATUS_PIPE_LISTENING); // 3.4
    } else {
        instance.listens.push_back(operation.id);
    }
}

// 2.3, 2.5, D2
void Model::disconnect(const Operation& operation)
{
    if (!begin(operation, 0)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    if (!end.server) {
        complete(operation.id, NTPIPE_STATUS_ILLEGAL_FUNCTION);
        return;
    }
    Instance& instance = instances_.at(end.instance);
    if (instance.state == State::disconnected) {
        complete(operation.id, NTPIPE_STATUS_PIPE_DISCONNECTED);
        return;
    }
    complete(operation.id, NTPIPE_STATUS_SUCCESS);
    end_listens(instance, NTPIPE_STATUS_PIPE_DISCONNECTED);
    for (Queue* queue : {&instance.inbound, &instance.outbound}) {
        end_reads(*queue, NTPIPE_STATUS_PIPE_DISCONNECTED);
        end_writes_and_flushes(*queue, NTPIPE_STATUS_PIPE_DISCONNECTED);
    }
    if (instance.client != 0) {
        ends_.at(instance.client).instance = 0; // detached for ever
    }
    instance.client = 0;
    instance.state = State::disconnected;
}

// 2.6
void Model::close(const Operation& operation)
{
    const auto found = ends_.find(operation.end);
    if (found == ends_.end() || found->second.closed) {
        complete(operation.id, NTPIPE_STATUS_FILE_CLOSED);
        return;
    }
    End& end = found->second;
    end.closed = true;
    complete(operation.id, NTPIPE_STATUS_SUCCESS);
    if (end.instance == 0) {
        return; // a detached client: nothing
    }
    Instance& instance = instances_.at(end.instance);
    end_listens(instance, NTPIPE_STATUS_PIPE_BROKEN);
    // What waits for the closer is discarded. What it has written completely stays, its pending writes are taken back (D6).
    end_reads(incoming(instance, end), NTPIPE_STATUS_PIPE_BROKEN);
    end_writes_and_flushes(incoming(instance, end), NTPIPE_STATUS_PIPE_BROKEN);
    take_back_pending_writes(outgoing(instance, end));
    end_reads(outgoing(instance, end), NTPIPE_STATUS_PIPE_BROKEN);
    instance.state = State::closing;
    (end.server ? instance.server : instance.client) = 0;
    if (end.server) {
        // 2.2: without a server end the name is gone at once, even if clients remain.
        Pipe& pipe = pipes_.at(instance.pipe);
        if (--pipe.instances == 0) {
            names_.erase(upcase(pipe.name));
            for (const PendingWait& wait : std::exchange(waits_, {})) {
                if (wait.pipe == instance.pipe) {
                    complete(wait.operation, NTPIPE_STATUS_OBJECT_NAME_NOT_FOUND); // 4.3
                } else {
                    waits_.push_back(wait);
                }
            }
        }
    }
    forget_if_unused(end.instance);
}

void Model::end_listens(Instance& instance, Status status)
{
    for (const Id listen : std::exchange(instance.listens, {})) {
        complete(listen, status);
    }
}

void Model::end_reads(Queue& queue, Status status)
{
    for (const PendingRead& read : std::exchange(queue.reads, {})) {
        complete(read.operation, status);
    }
}

// 2.5, 2.6: the data is discarded with them.
void Model::end_writes_and_flushes(Queue& queue, Status status)
{
    for (const Entry& entry : std::exchange(queue.entries, {})) {
        if (entry.pending != 0) {
            complete(entry.pending, status);
        }
    }
    for (const PendingFlush& flush : std::exchange(queue.flushes, {})) {
        complete(flush.operation, status);
    }
}

// 2.6, D6
void Model::take_back_pending_writes(Queue& queue)
{
    for (Entry& entry : std::exchange(queue.entries, {})) {
        if (entry.pending != 0) {
            complete(entry.pending, NTPIPE_STATUS_PIPE_BROKEN);
        } else {
            queue.entries.push_back(std::move(entry));
        }
    }
    for (const PendingFlush& flush : std::exchange(queue.flushes, {})) {
        complete(flush.operation, NTPIPE_STATUS_PIPE_BROKEN);
    }
}

void Model::forget_if_unused(Id instance_id)
{
    const Instance& instance = instances_.at(instance_id);
    if (instance.server == 0 && instance.client == 0) {
        const Id pipe = instance.pipe;
        instances_.erase(instance_id);
        const bool used = std::any_of(instances_.begin(), instances_.end(),
                                      [pipe](const auto& other) { return other.second.pipe == pipe; });
        if (!used) {
            pipes_.erase(pipe);
        }
    }
}

// ---- data (3) ----

// What was read to its end: u(i) is 0 for it, so it is complete (3.3 rule 2).
void Model::pop_front(Queue& queue)
{
    const Entry& entry = queue.entries.front();
    if (entry.pending != 0) {
        complete(entry.pending, NTPIPE_STATUS_SUCCESS, entry.size);
    }
    queue.entries.pop_front();
}

// 3.2: what a read takes from a queue that has something.
Status Model::take(Queue& queue, bool by_message, std::uint32_t room, Bytes& data)
{
    if (queue.entries.front().unread.empty()) {
        pop_front(queue); // an empty message satisfies one read
        return NTPIPE_STATUS_SUCCESS;
    }
    if (by_message) {
        Bytes& message = queue.entries.front().unread;
        data = cut_front(message, std::min<std::size_t>(room, message.size()));
        if (!message.empty()) {
            return NTPIPE_STATUS_BUFFER_OVERFLOW; // also for room 0 (D5)
        }
        pop_front(queue);
        return NTPIPE_STATUS_SUCCESS;
    }
    // Byte mode crosses messages and skips empty ones (3.1, D15). The text does not say what becomes of an empty message behind
    // the last byte: while there is room, reading goes on and passes it.
    while (!queue.entries.empty() && data.size() < room) {
        Bytes& message = queue.entries.front().unread;
        const Bytes taken = cut_front(message, std::min<std::size_t>(room - data.size(), message.size()));
        data.insert(data.end(), taken.begin(), taken.end());
        if (message.empty()) {
            pop_front(queue);
        }
    }
    return NTPIPE_STATUS_SUCCESS;
}

// 3.2, 3.4, 3.9
void Model::read(const Operation& operation)
{
    if (!begin(operation, read_data)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    Queue& queue = incoming(instance, end);
    if (end.server && pipes_.at(instance.pipe).configuration == 1) {
        complete(operation.id, NTPIPE_STATUS_INVALID_PARAMETER); // 10, case 138: no such direction
    } else if (instance.state == State::listening) {
        complete(operation.id, NTPIPE_STATUS_PIPE_LISTENING);
    } else if (instance.state == State::disconnected) {
        complete(operation.id, NTPIPE_STATUS_PIPE_DISCONNECTED);
    } else if (!queue.entries.empty()) {
        Bytes data;
        const Status status = take(queue, end.read_mode == 1, operation.room, data);
        const std::size_t count = data.size();
        complete(operation.id, status, count, std::move(data));
        settle(queue);
    } else if (instance.state == State::closing) {
        complete(operation.id, NTPIPE_STATUS_PIPE_BROKEN);
    } else if (end.completion_mode == 1 || operation.kind == Kind::try_read) {
        complete(operation.id, NTPIPE_STATUS_PIPE_EMPTY);
    } else {
        queue.reads.push_back({operation.id, operation.room, false});
    }
}

// 3.3 rule 1, 3.3 rule 9, 3.2: a write that is not empty goes to pending reads first, in order. `rest` becomes what they leave. The
// mode is that which the reader's end has now (3.1: the mode belongs to the end), but a transceive reads a message (3.7).
void Model::satisfy_reads(Queue& queue, const End& reader, Bytes& rest)
{
    while (!queue.reads.empty() && !rest.empty()) {
        const PendingRead read = queue.reads.front();
        queue.reads.pop_front();
        Bytes data = cut_front(rest, std::min<std::size_t>(read.room, rest.size()));
        const bool more = !rest.empty() && (read.transceive || reader.read_mode == 1);
        const std::size_t count = data.size();
        complete(read.operation, more ? NTPIPE_STATUS_BUFFER_OVERFLOW : NTPIPE_STATUS_SUCCESS, count, std::move(data));
    }
}

void Model::append(Queue& queue, Bytes rest, std::size_t size, Id pending)
{
    queue.entries.push_back({std::move(rest), size, pending, queue.next_sequence++});
}

// 3.3 rule 2: writes whose last byte has come within the quota are complete. 3.6: so are flushes whose data is read; an empty
// message holds a flush back like any other (the text leaves it open; D7).
void Model::settle(Queue& queue)
{
    std::uint64_t bytes = 0;
    for (Entry& entry : queue.entries) {
        bytes += entry.unread.size();
        if (entry.pending != 0 && bytes <= queue.quota) {
            complete(std::exchange(entry.pending, 0), NTPIPE_STATUS_SUCCESS, entry.size);
        }
    }
    for (const PendingFlush& flush : std::exchange(queue.flushes, {})) {
        if (queue.entries.empty() || queue.entries.front().sequence >= flush.marker) {
            complete(flush.operation, NTPIPE_STATUS_SUCCESS);
        } else {
            queue.flushes.push_back(flush);
        }
    }
}

// 3.3, 3.4, 3.9
void Model::write(const Operation& operation)
{
    if (!begin(operation, write_data)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    Queue& queue = outgoing(instance, end);
    const std::size_t size = operation.data.size();
    if (end.server && pipes_.at(instance.pipe).configuration == 0) {
        complete(operation.id, NTPIPE_STATUS_INVALID_PARAMETER); // 10, case 138
        return;
    }
    if (instance.state != State::connected) { // also without bytes (D21)
        complete(operation.id, instance.state == State::listening      ? NTPIPE_STATUS_PIPE_LISTENING
                               : instance.state == State::disconnected ? NTPIPE_STATUS_PIPE_DISCONNECTED
                                                                       : NTPIPE_STATUS_PIPE_CLOSING);
        return;
    }
    if (size == 0) {
        complete(operation.id, NTPIPE_STATUS_SUCCESS);
        if (!message_type(instance)) {
            return; // 3.1: no effect
        }
        if (queue.reads.empty()) {
            append(queue, {}, 0, 0); // 3.3 rule 6
            return;
        }
        const PendingRead read = queue.reads.front(); // 3.2: exactly one read
        queue.reads.pop_front();
        complete(read.operation, NTPIPE_STATUS_SUCCESS);
        return;
    }
    Bytes rest = operation.data;
    const bool at_once = end.completion_mode == 1 || operation.kind == Kind::try_write;
    if (at_once && minus(size, room_of_reads(queue)) > minus(queue.quota, unread(queue))) {
        // 3.4: it does not fit. A message is written as a whole or not at all; of bytes, as many as pending reads take. The text
        // does not say what becomes of a pending read without room: here it is as if only those bytes had been written, so it ends
        // only if one of them comes behind it. No byte stays for which it could be the signal.
        if (!message_type(instance)) {
            rest.resize(room_of_reads(queue));
            complete(operation.id, NTPIPE_STATUS_SUCCESS, rest.size());
            satisfy_reads(queue, *peer_of(instance, end), rest);
        } else {
            complete(operation.id, NTPIPE_STATUS_SUCCESS);
        }
        return;
    }
    satisfy_reads(queue, *peer_of(instance, end), rest);
    if (rest.empty()) {
        complete(operation.id, NTPIPE_STATUS_SUCCESS, size);
        return;
    }
    append(queue, std::move(rest), size, operation.id);
    settle(queue);
}

// 3.7
void Model::transceive(const Operation& operation)
{
    if (!begin(operation, read_data | write_data)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    if (instance.state != State::connected || pipes_.at(instance.pipe).configuration != full_duplex ||
        end.read_mode != 1) {
        complete(operation.id, NTPIPE_STATUS_INVALID_PIPE_STATE); // D1
        return;
    }
    Queue& in = incoming(instance, end);
    Queue& out = outgoing(instance, end);
    if (!in.entries.empty() || !in.reads.empty()) {
        complete(operation.id, NTPIPE_STATUS_PIPE_BUSY); // D16
        return;
    }
    if (operation.data.empty() && !out.reads.empty()) {
        complete(out.reads.front().operation, NTPIPE_STATUS_SUCCESS);
        out.reads.pop_front();
    } else {
        Bytes rest = operation.data;
        satisfy_reads(out, *peer_of(instance, end), rest);
        if (operation.data.empty() || !rest.empty()) {
            append(out, std::move(rest), operation.data.size(), 0); // it ignores quota and never blocks
        }
    }
    in.reads.push_back({operation.id, operation.room, true});
}

// 3.6, D7. NtFlushBuffersFile wants the right to write or to append; FSCTL_PIPE_FLUSH (4), which is the same, does not say the second.
void Model::flush(const Operation& operation)
{
    const auto found = ends_.find(operation.end);
    const bool may_append = found != ends_.end() && (found->second.access & append_data) != 0;
    if (!begin(operation, may_append ? 0 : write_data)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    Queue& queue = outgoing(instance, end);
    if (instance.state != State::connected || queue.entries.empty()) {
        complete(operation.id, NTPIPE_STATUS_SUCCESS);
    } else {
        queue.flushes.push_back({operation.id, queue.next_sequence});
    }
}

// 3.8
void Model::peek(const Operation& operation)
{
    if (!begin(operation, read_data)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    const Queue& queue = incoming(instance, end);
    if (end.server && pipes_.at(instance.pipe).configuration == 1) {
        // No such direction. The text says so of a write only (10, case 138); a read and a peek are taken alike.
        complete(operation.id, NTPIPE_STATUS_INVALID_PARAMETER);
        return;
    }
    if (instance.state == State::listening || instance.state == State::disconnected) {
        complete(operation.id, NTPIPE_STATUS_INVALID_PIPE_STATE);
        return;
    }
    if (instance.state == State::closing && queue.entries.empty()) {
        complete(operation.id, NTPIPE_STATUS_PIPE_BROKEN);
        return;
    }
    const bool messages = message_type(instance);
    Bytes readable;
    for (const Entry& entry : queue.entries) {
        readable.insert(readable.end(), entry.unread.begin(), entry.unread.end());
        if (messages) {
            break; // only the first message
        }
    }
    const std::size_t count = std::min<std::size_t>(operation.room, readable.size());
    const bool more = count < readable.size() && (messages || operation.room == 0); // D10
    std::vector<std::uint64_t> values = {static_cast<std::uint64_t>(instance.state), unread(queue),
                                         messages ? queue.entries.size() : 0, messages ? readable.size() : 0};
    readable.resize(count);
    complete(operation.id, more ? NTPIPE_STATUS_BUFFER_OVERFLOW : NTPIPE_STATUS_SUCCESS, count, std::move(readable),
             std::move(values));
}

// ---- information (5.1, 5.2) ----

void Model::set_modes(const Operation& operation)
{
    if (!begin(operation, write_attributes)) {
        return;
    }
    End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    const Queue& out = outgoing(instance, end);
    const bool writes =
        std::any_of(out.entries.begin(), out.entries.end(), [](const Entry& entry) { return entry.pending != 0; });
    const bool busy = writes || !incoming(instance, end).reads.empty();
    if (operation.read_mode > 1 || operation.completion_mode > 1 ||
        (operation.read_mode == 1 && !message_type(instance))) {
        complete(operation.id, NTPIPE_STATUS_INVALID_PARAMETER);
    } else if (busy && end.completion_mode == 0 && operation.completion_mode == 1) {
        complete(operation.id, NTPIPE_STATUS_PIPE_BUSY); // 3.4, D14
    } else {
        end.read_mode = operation.read_mode;
        end.completion_mode = operation.completion_mode;
        complete(operation.id, NTPIPE_STATUS_SUCCESS);
    }
}

void Model::query_modes(const Operation& operation)
{
    if (begin(operation, read_attributes)) {
        const End& end = ends_.at(operation.end);
        complete(operation.id, NTPIPE_STATUS_SUCCESS, 0, {}, {end.read_mode, end.completion_mode});
    }
}

// 5.1, D12, D13. The text does not say what WriteQuotaAvailable is without a peer: nothing is unread then.
void Model::query_local(const Operation& operation)
{
    if (!begin(operation, read_attributes)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    const Pipe& pipe = pipes_.at(instance.pipe);
    const Queue& out = outgoing(instance, end);
    const std::uint64_t room = minus(minus(out.quota, unread(out)), room_of_reads(out));
    complete(operation.id, NTPIPE_STATUS_SUCCESS, 0, {},
             {pipe.type, pipe.configuration, pipe.max_instances, pipe.instances, instance.inbound.quota,
              unread(incoming(instance, end)), instance.outbound.quota, room,
              static_cast<std::uint64_t>(instance.state), end.server ? 1U : 0U});
}

// 5.2
void Model::query_standard(const Operation& operation)
{
    if (!begin(operation, read_attributes)) {
        return;
    }
    const End& end = ends_.at(operation.end);
    Instance& instance = instances_.at(end.instance);
    const std::uint64_t quotas = std::uint64_t{instance.inbound.quota} + instance.outbound.quota;
    complete(operation.id, NTPIPE_STATUS_SUCCESS, 0, {}, {quotas, unread(incoming(instance, end)), 1, 1, 0});
}

// ---- cancelling (3.5) ----

void Model::cancel(const Operation& operation)
{
    const bool found = cancel_anywhere(operation.target);
    if (operation.kind == Kind::abandon) {
        std::erase_if(effects_, [&operation](const Completion& one) { return one.operation == operation.target; });
    }
    complete(operation.id, found ? NTPIPE_STATUS_SUCCESS : NTPIPE_STATUS_NOT_FOUND);
}

bool Model::cancel_anywhere(Id target)
{
    const auto wait = std::find_if(waits_.begin(), waits_.end(),
                                   [target](const PendingWait& one) { return one.operation == target; });
    if (wait != waits_.end()) {
        waits_.erase(wait);
        complete(target, NTPIPE_STATUS_CANCELLED);
        return true;
    }
    for (auto& [id, instance] : instances_) {
        const auto listen = std::find(instance.listens.begin(), instance.listens.end(), target);
        if (listen != instance.listens.end()) {
            instance.listens.erase(listen);
            complete(target, NTPIPE_STATUS_CANCELLED);
            return true;
        }
        if (cancel_in_queue(instance.inbound, target) || cancel_in_queue(instance.outbound, target)) {
            return true;
        }
    }
    return false;
}

bool Model::cancel_in_queue(Queue& queue, Id target)
{
    // A read, or the read half of a transceive: its message stays with the peer.
    const auto read = std::find_if(queue.reads.begin(), queue.reads.end(),
                                   [target](const PendingRead& one) { return one.operation == target; });
    if (read != queue.reads.end()) {
        queue.reads.erase(read);
        complete(target, NTPIPE_STATUS_CANCELLED);
        return true;
    }
    const auto flush = std::find_if(queue.flushes.begin(), queue.flushes.end(),
                                    [target](const PendingFlush& one) { return one.operation == target; });
    if (flush != queue.flushes.end()) {
        queue.flushes.erase(flush);
        complete(target, NTPIPE_STATUS_CANCELLED);
        return true;
    }
    // A write: all of its unread bytes go, even if part was read.
    const auto entry = std::find_if(queue.entries.begin(), queue.entries.end(),
                                    [target](const Entry& one) { return one.pending == target; });
    if (entry != queue.entries.end()) {
        queue.entries.erase(entry);
        complete(target, NTPIPE_STATUS_CANCELLED);
        settle(queue);
        return true;
    }
    return false;
}

} // namespace ntpipe::model
