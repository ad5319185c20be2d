// SPDX-License-Identifier: LGPL-2.1-or-later
// look.cc: looking ahead and taking later, for who hands the data on to somebody else: a writer sees its data consumed (quota,
// flush: SEMANTICS 3.3, 3.6) when that one has read it, and not before.
#include "end/end.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <memory>

namespace ntpipe::end {

Status End::look(Operation& operation, std::span<std::byte> buffer)
{
    if (const Status status = begin(operation, Operation::Kind::look); status != Status::success) {
        return status;
    }
    if (const Status status = check_read(); status != Status::success) {
        return status;
    }
    if (buffer.empty()) {
        return Status::invalid_parameter; // it would never get on
    }
    operation.read_into(buffer);
    pend(operation, looks_);
    settle();
    return finish_start(operation);
}

// Looks at what there is for `operation`: of a message pipe bytes of one message, of a byte pipe whatever there is.
End::Advance End::advance_look(Operation& operation, Status& status)
{
    channel::Incoming& incoming = *connection_->incoming;
    channel::Record front;
    if (incoming.front(front) == channel::Look::broken) {
        return Advance::broken;
    }
    const bool by_message = attributes_.type == PipeType::message;
    std::size_t filled = 0;
    std::uint32_t rest = 0;
    bool any = false;
    // Without memory nothing was looked at.
    const auto go_back = [this, parts = looked_.size(), sequence = look_sequence_,
                          offset = look_offset_](const bool* seen) {
        if (!*seen) {
            looked_.resize(parts);
            look_sequence_ = sequence;
            look_offset_ = offset;
        }
    };
    bool seen_all = false;
    const std::unique_ptr<bool, decltype(go_back)> undo(&seen_all, go_back);
    channel::Walk walk = incoming.walk();
    for (channel::Record record; walk.next(record) && !record.tentative;) {
        if (record.consumed > record.size) {
            return Advance::broken;
        }
        const std::uint32_t seen = record.sequence == look_sequence_ ? look_offset_ : 0;
        const std::uint32_t from = std::max(record.consumed, seen);
        const bool empty_message = record.size == 0;
        if (record.sequence < look_sequence_ || (from >= record.size && !(empty_message && seen == 0))) {
            continue;
        }
        const bool continues = (record.flags & channel::record_flag::continuation) != 0 || from > 0;
        if (by_message && any && !continues) {
            break; // the rest of the message was taken back
        }
        const bool revocable = (record.flags & channel::record_flag::revocable) != 0;
        if (!by_message && any && revocable && !continues) {
            break; // who hands on what may be taken back must be able to take it back there
        }
        if (revocable && !incoming.claim(record)) {
            break; // it is just being taken back, and then this end is rung
        }
        if (!any) {
            operation.continued_ = continues && look_within_message_;
        }
        const std::uint32_t count =
            std::min<std::uint32_t>(record.size - from, static_cast<std::uint32_t>(operation.buffer_.size() - filled));
        record.consumed = from;
        incoming.copy(record, operation.buffer_.subspan(filled, count));
        filled += count;
        any = true;
        looked_.push_back({record.sequence, from, count, revocable, false});
        const std::uint32_t left = record.size - from - count;
        look_sequence_ = record.sequence + (left == 0 ? 1 : 0);
        look_offset_ = left == 0 ? 0 : from + count;
        rest = by_message ? left + record.rest : 0;
        if (left != 0 || filled == operation.buffer_.size() || (by_message && rest == 0) ||
            (revocable && record.rest == 0)) {
            break;
        }
    }
    seen_all = true;
    if (!any) {
        return Advance::waiting;
    }
    look_within_message_ = rest != 0;
    operation.filled_ = filled;
    operation.rest_ = rest;
    status = rest == 0 ? Status::success : Status::buffer_overflow;
    return Advance::finished;
}

// What the writer wants back of what was looked at and is not taken, or has revoked, is told once, by the next look, before what has come
// since. It stays among what was looked at.
bool End::tell_what_is_revoked(Operation& operation)
{
    if (std::none_of(looked_.begin(), looked_.end(), [](const Looked& part) { return part.revocable && !part.told; })) {
        return false;
    }
    channel::Walk walk = connection_->incoming->walk();
    channel::Record record;
    bool some = walk.next(record);
    std::size_t before = 0;
    for (Looked& part : looked_) {
        while (some && record.sequence < part.sequence) {
            some = walk.next(record);
        }
        const bool is_there = some && record.sequence == part.sequence;
        const bool wanted = part.revocable && !part.told && (!is_there || record.asked);
        if (!wanted && operation.revoked_ != 0) {
            break; // further ones are the next look's
        }
        if (wanted) {
            operation.revoked_at_ = operation.revoked_ == 0 ? before : operation.revoked_at_;
            operation.revoked_ += part.size;
            part.told = true;
        }
        before += part.size;
    }
    return operation.revoked_ != 0;
}

// The record of `part`, unless it has gone.
std::optional<channel::Record> End::find_looked(const Looked& part)
{
    channel::Walk walk = connection_->incoming->walk();
    channel::Record record;
    while (walk.next(record)) {
        if (record.sequence == part.sequence) {
            return record;
        }
    }
    return std::nullopt;
}

Status End::settle_revoked(std::size_t at, std::size_t length, bool given_back)
{
    if (const Status status = check_read(true); status != Status::success) {
        return status;
    }
    if (!connection_->incoming) {
        return Status::success;
    }
    const std::size_t end = at + std::min(length, std::numeric_limits<std::size_t>::max() - at);
    std::size_t begin = 0;
    for (auto part = looked_.begin(); part != looked_.end() && begin < end;) {
        const std::size_t size = part->size;
        const bool is_within = begin >= at && size <= end - begin && size != 0;
        begin += size;
        std::optional<channel::Record> record = is_within ? find_looked(*part) : std::nullopt;
        if (record) {
            connection_->incoming->answer(*record, given_back);
            record = given_back ? find_looked(*part) : record;
        }
        part = is_within && given_back && !record ? looked_.erase(part) : std::next(part);
    }
    connection_->doorbell->ring(); // the writer waits for it
    settle();
    return Status::success;
}

// What the next write will find there. It has to be all that it finds: what is unread goes first.
Status End::posted_read(std::uint32_t& length)
{
    length = 0;
    if (phase_ != Phase::connected || !connection_->outgoing || !outstanding_.empty() ||
        !connection_->outgoing->refresh() ||
        connection_->outgoing->consumed_records() != connection_->outgoing->produced_records()) {
        return Status::not_found;
    }
    const std::optional<channel::ClaimedRead> claimed = connection_->outgoing->claim_posted_read();
    if (!claimed) {
        return Status::not_found;
    }
    claimed_read_ = claimed;
    withdrawal_told_ = false;
    length = claimed->length;
    return Status::success;
}

Status End::release_posted_read()
{
    const Status status = check(0);
    if (claimed_read_ && connected() && connection_->outgoing->release(*claimed_read_)) {
        connection_->doorbell->ring();
    }
    claimed_read_.reset();
    return status;
}

bool End::tell_what_is_withdrawn(Operation& operation)
{
    operation.withdrawn_ = claimed_read_ && connected() && !withdrawal_told_ &&
                           connection_->outgoing->claim_on(*claimed_read_) != channel::Claim::holds;
    withdrawal_told_ = withdrawal_told_ || operation.withdrawn_;
    return operation.withdrawn_;
}

void End::serve_looks()
{
    while (Operation* look = looks_.front()) {
        Status status = Status::pipe_broken;
        if (tell_what_is_withdrawn(*look)) {
            complete(*look, Status::success, 0);
            continue;
        }
        if (connection_->incoming && tell_what_is_revoked(*look)) {
            complete(*look, Status::success, 0);
            continue;
        }
        if (connection_->incoming) {
            const Advance advance = advance_look(*look, status);
            if (advance == Advance::broken) {
                break_connection();
                return;
            }
            if (advance == Advance::waiting) {
                break;
            }
        }
        complete(*look, status, look->filled_);
    }
    if (phase_ == Phase::closing) {
        complete_all(looks_, Status::pipe_broken); // all of it was looked at
    }
}

Status End::take(std::size_t length)
{
    if (const Status status = check_read(true); status != Status::success) {
        return status;
    }
    while (connection_->incoming && !looked_.empty() && length != 0) {
        if (take_looked(length) == Advance::broken) {
            break_connection();
            return Status::success;
        }
    }
    show_consumed();
    settle();
    return Status::success;
}

// Takes what it may of the first part that was looked at, or drops the part if its record is not there any more.
End::Advance End::take_looked(std::size_t& length)
{
    Looked& part = looked_.front();
    const std::uint32_t count = static_cast<std::uint32_t>(std::min<std::size_t>(length, part.size));
    channel::Record record;
    const channel::Look seen = connection_->incoming->front(record);
    if (seen == channel::Look::broken) {
        return Advance::broken;
    }
    if (seen == channel::Look::record && record.sequence == part.sequence) {
        const std::uint32_t end = part.from + count;
        const channel::Take taken =
            connection_->incoming->take(record, end > record.consumed ? end - record.consumed : 0);
        if (taken == channel::Take::broken) {
            return Advance::broken;
        }
        if (taken == channel::Take::revoked) {
            return Advance::waiting; // the next round sees that it is gone
        }
        read_context_ = record.context;
    }
    length -= length == std::numeric_limits<std::size_t>::max() ? 0 : count;
    part.from += count;
    part.size -= count;
    if (part.size == 0) {
        looked_.pop_front();
    }
    return Advance::finished;
}

void End::forget_looks()
{
    looked_.clear();
    look_sequence_ = 0;
    look_offset_ = 0;
    look_within_message_ = false;
    claimed_read_.reset();
}

} // namespace ntpipe::end
