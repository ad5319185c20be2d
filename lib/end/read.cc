// SPDX-License-Identifier: LGPL-2.1-or-later
// read.cc: reads and peek: what a read takes from the queue (SEMANTICS 3.1, 3.2, 3.8).
#include "end/doubt.hpp"
#include "end/end.hpp"

#include <algorithm>
#include <limits>

namespace ntpipe::end {
namespace {

std::uint32_t saturated(std::uint64_t value)
{
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

} // namespace

Status End::read(Operation& operation, std::span<std::byte> buffer)
{
    if (const Status status = begin(operation, Operation::Kind::read); status != Status::success) {
        return status;
    }
    const Status status = check_read(reads_.empty());
    return status != Status::success ? status : start_read(operation, buffer);
}

Status End::read_whole(Operation& operation, std::span<std::byte> buffer)
{
    if (const Status status = begin(operation, Operation::Kind::read); status != Status::success) {
        return status;
    }
    if (const Status status = check_read(reads_.empty()); status != Status::success) {
        return status;
    }
    operation.whole_only_ = true;
    return start_read(operation, buffer);
}

// `from_front`: for who begins with the next record, and sees by himself that it is not there.
Status End::check_read(bool from_front)
{
    if (const Status status = check(security::access::read_data, from_front); status != Status::success) {
        return status;
    }
    if (!has_direction(attributes_.configuration, channel::incoming_direction(side_))) {
        return doubt::missing_direction;
    }
    if (phase_ == Phase::listening) {
        return Status::pipe_listening;
    }
    return phase_ == Phase::disconnected ? Status::pipe_disconnected : Status::success;
}

void End::wait_to_read(Operation& operation, std::span<std::byte> buffer, Operation::Kind kind)
{
    operation.kind_ = kind;
    operation.read_into(buffer);
    pend(operation, reads_);
}

Status End::start_read(Operation& operation, std::span<std::byte> buffer)
{
    operation.read_into(buffer);
    const Status status = modes_.completion_mode == CompletionMode::complete ? read_without_waiting(operation)
                          : reads_.empty()                                   ? read_what_is_there(operation)
                                                                             : Status::pending;
    if (status == Status::pending) {
        pend(operation, reads_);
        settle();
        return finish_start(operation);
    }
    complete(operation, status, operation.filled_);
    operation.starting_ = false;
    return status;
}

// As non-blocking mode has it. What earlier reads wait for is theirs.
Status End::read_without_waiting(Operation& operation)
{
    if (!reads_.empty()) {
        settle();
    }
    Status status = reads_.empty() ? read_what_is_there(operation) : Status::pending;
    if (status == Status::pending) {
        status = operation.filled_ == 0 ? Status::pipe_empty : Status::buffer_overflow;
        show_consumed();
    }
    return status;
}

// What a read gets that is the only one. Pending: it has to wait; what it has got is not shown to the writer yet.
Status End::read_what_is_there(Operation& operation)
{
    Status status = Status::success;
    const auto advance_if_any = [&] {
        return connection_->incoming ? advance_read(operation, status) : Advance::waiting;
    };
    Advance advance = advance_if_any();
    if (advance == Advance::waiting && connection_->incoming && connection_->incoming->lacks_overflow()) {
        take_in_overflow();
        if (!has_channel()) {
            return check_handle();
        }
        advance = advance_if_any();
    }
    if (advance == Advance::broken) {
        break_connection();
        return Status::pipe_broken;
    }
    if (advance == Advance::waiting) {
        if (phase_ == Phase::connected) {
            return Status::pending;
        }
        status = operation.filled_ == 0 ? Status::pipe_broken : Status::buffer_overflow;
    }
    show_consumed();
    if (!looks_.empty() || !outstanding_.empty() || !flushes_.empty()) {
        settle(); // any call gives what is pending its chance
    }
    return status;
}

bool End::reads_by_message(const Operation& operation) const
{
    return operation.kind_ == Operation::Kind::transceive || modes_.read_mode == ReadMode::message;
}

// Takes for `operation` what there is for it. SEMANTICS 3.2, the table.
End::Advance End::advance_read(Operation& operation, Status& status)
{
    channel::Incoming& incoming = *connection_->incoming;
    const bool by_message = reads_by_message(operation);
    const auto finished = [&status](Status with) {
        status = with;
        return Advance::finished;
    };
    for (;;) {
        channel::Record record;
        const channel::Look seen = incoming.front(record);
        if (seen == channel::Look::broken) {
            return Advance::broken;
        }
        if (operation.filled_ > 0 && by_message && !incoming.awaiting_rest()) {
            return finished(Status::buffer_overflow); // the message's writer took the rest back
        }
        if (seen == channel::Look::none) {
            return operation.filled_ > 0 && !by_message ? finished(Status::success) : Advance::waiting;
        }
        const std::size_t room = operation.buffer_.size() - operation.filled_;
        const std::uint32_t count = saturated(std::min<std::uint64_t>(room, record.unread()));
        const std::uint64_t left = std::uint64_t{record.unread()} + record.rest - count;
        const bool empty_message = record.size == 0;
        if (operation.whole_only_ && by_message && left != 0) {
            return finished(Status::buffer_overflow);
        }
        if (room == 0 && !empty_message) {
            return finished(by_message ? doubt::empty_read_of_message : Status::success);
        }
        incoming.copy(record, operation.buffer_.subspan(operation.filled_, count));
        const channel::Take taken = incoming.take(record, count);
        if (taken == channel::Take::broken) {
            return Advance::broken;
        }
        if (taken == channel::Take::revoked) {
            continue;
        }
        read_context_ = record.context;
        const bool first = operation.filled_ == 0;
        operation.filled_ += count;
        const bool full = operation.filled_ == operation.buffer_.size();
        if (empty_message && (first || !doubt::empty_message_in_the_middle_is_skipped)) {
            return finished(Status::success); // one empty message satisfies one read
        }
        if (by_message && left == 0) {
            return finished(Status::success);
        }
        if (full) {
            return finished(by_message ? Status::buffer_overflow : Status::success);
        }
    }
}

// What a writer may count on that a pending read takes.
std::uint32_t End::posted_size(const Operation& read) const
{
    if (read.whole_only_ && reads_by_message(read)) {
        return 0; // that depends on the message
    }
    return saturated(read.buffer_.size() - read.filled_);
}

// Posts reads in the ledger, then serves them: whoever writes in between sees them or is seen.
void End::serve_reads()
{
    post_reads();
    if (leaving_reads_ != 0) {
        end_released_reads();
    }
    serve_pending_reads();
}

void End::post_reads()
{
    if (!connection_->incoming) {
        return;
    }
    bool posted = false;
    for (Operation* read = reads_.front(); read != nullptr; read = reads_.after(*read)) {
        if (read->posted_) {
            continue;
        }
        if (!connection_->incoming->post_read(posted_size(*read), reads_by_message(*read), read->ledger_index_)) {
            break; // the ledger is full: later, in order
        }
        read->posted_ = true;
        posted = true;
    }
    if (posted && connection_->page->take_peer_wants(channel::want::room)) {
        connection_->doorbell->ring(); // a write that was tried in vain may count on these reads
    }
}

void End::serve_pending_reads()
{
    while (connection_->incoming) {
        Operation* read = reads_.front();
        if (read == nullptr) {
            channel::Record record;
            if (connection_->incoming->front(record) == channel::Look::broken) { // passes over what was revoked
                break_connection();
                return;
            }
            break;
        }
        Status status = Status::success;
        const Advance advance = advance_read(*read, status);
        if (advance == Advance::broken) {
            break_connection();
            return;
        }
        if (advance == Advance::waiting) {
            if (read->leaving_ && read->filled_ > 0) {
                settle_posted(*read);
                complete(*read, Status::buffer_overflow, read->filled_); // that is what there is for it
                continue;
            }
            if (read->posted_ && read->filled_ > 0) {
                // The writer must not count on room that is used up. Said before it learns what was consumed.
                connection_->incoming->repost_read(read->ledger_index_, posted_size(*read), reads_by_message(*read));
            }
            break;
        }
        settle_posted(*read);
        complete(*read, status, read->filled_);
    }
    if (phase_ == Phase::closing) {
        // Drained. A message that was still arriving is what there is of it.
        while (Operation* read = reads_.front()) {
            settle_posted(*read);
            complete(*read, read->filled_ == 0 ? Status::pipe_broken : Status::buffer_overflow, read->filled_);
        }
    }
    show_consumed();
}

void End::settle_posted(Operation& operation)
{
    if (operation.posted_) {
        connection_->incoming->settle_read(operation.ledger_index_);
        operation.posted_ = false;
    }
}

// Whether a peer that wants space should be woken. One that wants room, when much was consumed since it began to, a large message at
// least, or nothing is left.
bool End::enough_consumed()
{
    const std::uint64_t consumed = connection_->incoming->consumed_bytes();
    if (!connection_->page->peer_wants(channel::want::room)) {
        room_mark_ = consumed;
        return true;
    }
    const std::uint64_t last = connection_->incoming->last_size();
    return consumed - room_mark_ >= incoming_quota() / 2 || last >= incoming_quota() / few_messages ||
           connection_->incoming->drained();
}

void End::show_consumed()
{
    if (!connection_->incoming) {
        return;
    }
    if (connection_->incoming->unpublished()) {
        connection_->incoming->publish();
        if (enough_consumed() && connection_->page->take_peer_wants(channel::want::space)) {
            connection_->doorbell->ring();
        }
    }
    if (!connection_->peer_maps_incoming) {
        std::uint64_t posted = 0;
        for (const Operation* read = reads_.front(); read != nullptr; read = reads_.after(*read)) {
            posted += posted_size(*read);
        }
        connection_->page->mirror(channel::incoming_direction(side_)).posted.store(posted, std::memory_order_relaxed);
    }
}

// A writer may have counted on this read. If its data is there, the read takes it: it happened before the cancel. If the
// writer is only about to decide, that is undone and it decides anew. One that hands on may have let a third count on it: it is asked.
void End::cancel_read(Operation& operation)
{
    if (operation.leaving_) {
        return;
    }
    const bool was_posted = operation.posted_;
    if (was_posted && operation.filled_ == 0) {
        if (!connection_->incoming->withdraw_read(operation.ledger_index_)) {
            operation.leaving_ = true;
            ++leaving_reads_;
            connection_->doorbell->ring();
            return;
        }
        operation.posted_ = false;
    }
    if (was_posted && connection_->page->take_peer_wants(channel::want::data)) {
        connection_->doorbell->ring(); // it may count on this read
    }
    end_cancelled_read(operation);
}

void End::end_cancelled_read(Operation& operation)
{
    settle_posted(operation);
    connection_->incoming->abort_tentative();
    serve_pending_reads();
    if (operation.pending()) {
        complete(operation, operation.filled_ == 0 ? Status::cancelled : Status::buffer_overflow, operation.filled_);
    }
}

// Those that were to be cancelled and that the other end has let go.
void End::end_released_reads()
{
    for (Operation* read = reads_.front(); leaving_reads_ != 0 && read != nullptr;) {
        if (read->leaving_ && connection_->incoming && connection_->incoming->released(read->ledger_index_)) {
            end_cancelled_read(*read);
            read = reads_.front();
        } else {
            read = reads_.after(*read);
        }
    }
}

// SEMANTICS 2.6, process termination: its pending writes go, also those that are partly read. A write was pending when what
// was unread up to its end exceeded the quota, or when it was not wholly there.
void End::drop_pending_of_dead_writer()
{
    if (!connection_->incoming) {
        return;
    }
    std::vector<channel::Record> write;
    std::uint64_t unread = 0;
    const auto drop_if_pending = [&](bool whole) {
        std::uint64_t size = 0;
        bool revocable = false;
        for (const channel::Record& record : write) {
            size += record.unread();
            revocable = revocable || (record.flags & channel::record_flag::revocable) != 0;
        }
        if (whole && !(revocable && unread + size > incoming_quota())) {
            unread += size;
            return;
        }
        for (const channel::Record& record : write) {
            connection_->incoming->revoke_for_writer(record);
        }
    };
    channel::Walk walk = connection_->incoming->walk();
    for (channel::Record record; walk.next(record);) {
        if ((record.flags & channel::record_flag::continuation) == 0 && !write.empty()) {
            drop_if_pending(true);
            write.clear();
        }
        write.push_back(record);
    }
    if (!write.empty()) {
        drop_if_pending(write.back().rest == 0 && !write.back().tentative);
    }
}

std::uint64_t End::unread_incoming()
{
    if (!connection_->incoming) {
        const channel::DirectionMirror& mirror = connection_->page->mirror(channel::incoming_direction(side_));
        return mirror.unread.load(std::memory_order_relaxed);
    }
    std::uint64_t unread = 0;
    channel::Walk walk = connection_->incoming->walk();
    for (channel::Record record; walk.next(record);) {
        if (!record.tentative) {
            unread += record.unread();
        }
    }
    return unread;
}

Status End::peek(std::span<std::byte> buffer, PeekInformation& information)
{
    if (const Status status = check(security::access::read_data); status != Status::success) {
        return status;
    }
    if (!has_direction(attributes_.configuration, channel::incoming_direction(side_))) {
        return doubt::missing_direction;
    }
    if (!reads_.empty()) {
        settle(); // what they wait for is theirs
    }
    if (!has_channel()) {
        return Status::invalid_pipe_state;
    }
    PeekInformation seen;
    seen.named_pipe_state =
        static_cast<std::uint32_t>(phase_ == Phase::closing ? PipeState::closing : PipeState::connected);
    const bool messages = attributes_.type == PipeType::message;
    std::uint64_t available = 0;
    std::uint32_t count = 0;
    std::uint64_t first_message = 0;
    bool any = false;
    std::uint32_t first_context = no_context;
    if (connection_->incoming && reads_.empty()) {
        channel::Walk walk = connection_->incoming->walk();
        for (channel::Record record; walk.next(record) && !record.tentative;) {
            // What is left of a message that was begun counts as the first one.
            const bool begins = !any || (record.flags & channel::record_flag::continuation) == 0;
            count += begins ? 1 : 0;
            if (count == 1 && begins) {
                first_message = std::uint64_t{record.unread()} + record.rest;
            }
            if (!messages || count == 1) {
                const std::size_t n = std::min<std::size_t>(record.unread(), buffer.size() - seen.copied);
                connection_->incoming->copy(record, buffer.subspan(seen.copied, n));
                seen.copied += n;
            }
            available += record.unread();
            first_context = any ? first_context : record.context;
            any = true;
        }
    }
    if (!any && phase_ == Phase::closing) {
        return Status::pipe_broken;
    }
    if (doubt::peek_moves_context && any) {
        read_context_ = first_context;
    }
    seen.read_data_available = saturated(available);
    if (messages) {
        seen.number_of_messages = count;
        seen.message_length = saturated(first_message);
    }
    information = seen;
    if (messages) {
        return first_message > seen.copied ? Status::buffer_overflow : Status::success;
    }
    return available > 0 && buffer.empty() ? doubt::peek_of_bytes_without_room : Status::success;
}

} // namespace ntpipe::end
