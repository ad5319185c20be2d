// SPDX-License-Identifier: LGPL-2.1-or-later
// incoming.cc: a direction as its reader sees it.
#include "channel/incoming.hpp"

#include <algorithm>
#include <cassert>

namespace ntpipe::channel {
namespace {

/// More of them are nonsense: the claim that was not expected, and one question.
constexpr int most_claim_changes = 2;

std::uint64_t entry_of(std::uint32_t length, bool message_mode)
{
    return ledger_bit::posted | (message_mode ? ledger_bit::message_mode : 0) | length;
}

} // namespace

Incoming::Incoming(std::unique_ptr<Memory> ring)
{
    segments_[0] = std::make_unique<SegmentReader>(std::move(ring));
}

bool Incoming::check_sequence(const RecordFields& fields) const
{
    const bool continuation = (fields.flags & record_flag::continuation) != 0;
    if ((fields.flags & record_flag::cut) != 0) {
        return fields.size == 0 && fields.rest == 0;
    }
    if (continuation) {
        return rest_ != 0 && std::uint64_t{fields.size} + fields.rest == rest_;
    }
    return rest_ == 0 || discarding_;
}

// Where the record with the expected sequence number is.
Look Incoming::look(Record& record)
{
    for (std::size_t n = 0; n < segments_.size(); ++n) {
        const std::size_t i = (hint_ + n) % segments_.size();
        SegmentReader* segment = segments_[i].get();
        if (segment == nullptr) {
            continue;
        }
        if (segment->head() == segment->tail() && !segment->refresh()) {
            return Look::broken;
        }
        if (segment->head() == segment->tail()) {
            continue;
        }
        if (!load_fields(*segment, segment->head(), segment->tail(), record) || record.sequence < sequence_) {
            return Look::broken;
        }
        if (record.sequence == sequence_) {
            hint_ = i;
            record.segment = i;
            record.position = segment->head();
            record.consumed = front_consumed_;
            return check_sequence(record) && front_consumed_ <= record.size ? Look::record : Look::broken;
        }
    }
    return Look::none;
}

Look Incoming::front(Record& record)
{
    for (;;) {
        const Look seen = look(record);
        if (seen != Look::record) {
            return seen;
        }
        if ((record.flags & record_flag::continuation) == 0) {
            discarding_ = false; // the write that was taken back is over,
            rest_ = 0;           // and none of it is to come, however often this record is looked at
        }
        if ((record.flags & record_flag::cut) != 0) {
            pass(record, 0);
            continue;
        }
        if (discarding_) {
            pass(record, record.unread());
            continue;
        }
        if ((record.flags & record_flag::revocable) == 0) {
            record.tentative = false;
            return Look::record;
        }
        const std::uint64_t state =
            segments_[record.segment]->record(record.position).progress.load(std::memory_order_seq_cst) &
            record_state::mask;
        if (state == record_state::live) {
            record.tentative = false;
            return Look::record;
        }
        if (state == record_state::tentative) {
            return Look::none;
        }
        if (state == record_state::done) {
            return Look::broken;
        }
        // Revoked. What was read of it stays read; the rest of its write is passed over, too.
        discarding_ = record.rest != 0;
        pass(record, record.unread());
    }
}

void Incoming::copy(const Record& record, std::span<std::byte> to) const
{
    assert(to.size() <= record.unread());
    segments_[record.segment]->copy_out(record.position + sizeof(RecordHeader) + record.consumed, to);
}

Take Incoming::take(const Record& record, std::uint32_t count)
{
    assert(count <= record.unread());
    const std::uint32_t consumed = record.consumed + count;
    const bool whole = consumed == record.size;
    Shared<std::uint64_t>& progress = segments_[record.segment]->record(record.position).progress;
    if ((record.flags & record_flag::revocable) != 0) {
        const std::uint64_t unclaimed = record_state::live | record.consumed;
        std::uint64_t expected = unclaimed;
        const auto swap = [&] {
            const std::uint64_t claim = expected & record_claim::mask;
            const std::uint64_t desired = (whole ? record_state::done : record_state::live | claim) | consumed;
            return progress.compare_exchange_strong(expected, desired, std::memory_order_seq_cst);
        };
        // A claim on it is this reader's own, and its writer may just be asking for it.
        for (int attempts = 0; !swap(); ++attempts) {
            if ((expected & ~record_claim::mask) != unclaimed || attempts == most_claim_changes) {
                return (expected & record_state::mask) == record_state::revoked ? Take::revoked : Take::broken;
            }
        }
    } else if (!whole) {
        progress.store(record_state::live | consumed, std::memory_order_relaxed);
    }
    consumed_bytes_ += count;
    front_consumed_ = consumed;
    unpublished_ = true;
    if (whole) {
        pass(record, 0);
    }
    return Take::taken;
}

bool Incoming::claim(const Record& record)
{
    Shared<std::uint64_t>& progress = segments_[record.segment]->record(record.position).progress;
    std::uint64_t seen = progress.load(std::memory_order_acquire);
    for (int attempts = 0; attempts <= most_claim_changes; ++attempts) {
        if ((seen & record_state::mask) != record_state::live) {
            return false;
        }
        if ((seen & record_claim::mask) != record_claim::none ||
            progress.compare_exchange_strong(seen, seen | record_claim::claimed, std::memory_order_seq_cst)) {
            return true;
        }
    }
    return false;
}

void Incoming::answer(const Record& record, bool give_back)
{
    Shared<std::uint64_t>& progress = segments_[record.segment]->record(record.position).progress;
    std::uint64_t seen = progress.load(std::memory_order_acquire);
    if ((seen & (record_state::mask | record_claim::mask)) == (record_state::live | record_claim::asked)) {
        const std::uint64_t answer = give_back ? record_state::revoked : record_state::live | record_claim::kept;
        progress.compare_exchange_strong(seen, answer | record.consumed, std::memory_order_seq_cst);
    }
}

// Goes behind `record`. `skipped` bytes of it were not read; the writer's byte positions count them nonetheless.
void Incoming::pass(const Record& record, std::uint32_t skipped)
{
    consumed_bytes_ += skipped;
    segments_[record.segment]->pass(record.position + record_span(record.size));
    ++sequence_;
    front_consumed_ = 0;
    last_size_ = record.size;
    rest_ = record.rest;
    unpublished_ = true;
}

bool Incoming::has_news() const
{
    return std::any_of(segments_.begin(), segments_.end(),
                       [](const auto& segment) { return segment != nullptr && segment->has_news(); });
}

bool Incoming::drained() const
{
    return std::all_of(segments_.begin(), segments_.end(),
                       [](const auto& segment) { return segment == nullptr || segment->head() == segment->tail(); });
}

void Incoming::publish()
{
    if (!unpublished_) {
        return;
    }
    unpublished_ = false;
    SegmentHeader& shared = segments_[0]->header();
    shared.consumed_bytes.store(consumed_bytes_, std::memory_order_release);
    shared.consumed_records.store(sequence_, std::memory_order_release);
    for (auto& segment : segments_) {
        if (segment != nullptr) {
            segment->release();
        }
    }
    drop_drained_overflow();
}

// Slot 2 holds the overflow segment that the one in slot 1 has replaced. This end was handed the new one first: until the writer
// uses it, too, records may come in the old one.
void Incoming::drop_drained_overflow()
{
    SegmentReader* old = segments_[2].get();
    if (old == nullptr || segments_[0]->header().overflows.load(std::memory_order_acquire) < overflows_) {
        return;
    }
    if (old->refresh() && old->head() == old->tail()) {
        segments_[2].reset();
    }
}

Walk Incoming::walk()
{
    std::array<Walk::Part, maximum_segments> parts;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (segments_[i] != nullptr && segments_[i]->refresh()) {
            parts[i] = {segments_[i].get(), segments_[i]->head(), segments_[i]->tail()};
        }
    }
    return Walk(parts, Walk::Front{sequence_, front_consumed_}, discarding_);
}

void Incoming::abort_tentative()
{
    Record record;
    (void)front(record); // passes over what was revoked before: the writer may have tried more than once
    if (look(record) != Look::record || (record.flags & record_flag::revocable) == 0) {
        return;
    }
    std::uint64_t expected = record_state::tentative;
    segments_[record.segment]
        ->record(record.position)
        .progress.compare_exchange_strong(expected, record_state::revoked, std::memory_order_seq_cst);
}

void Incoming::revoke_for_writer(const Record& record)
{
    Shared<std::uint64_t>& progress = segments_[record.segment]->record(record.position).progress;
    progress.store(record_state::revoked | record.consumed, std::memory_order_seq_cst);
}

bool Incoming::lacks_overflow() const
{
    return segments_[0]->header().overflows.load(std::memory_order_acquire) > overflows_;
}

bool Incoming::add_overflow(std::unique_ptr<Memory> memory)
{
    drop_drained_overflow();
    if (!Segment::acceptable(memory->bytes().size()) || segments_[2] != nullptr) {
        return false;
    }
    auto segment = std::make_unique<SegmentReader>(std::move(memory));
    segments_[2] = std::move(segments_[1]);
    segments_[1] = std::move(segment);
    ++overflows_;
    return true;
}

bool Incoming::post_read(std::uint32_t length, bool message_mode, std::uint64_t& index)
{
    if (reads_posted_ - reads_resolved_ >= ledger_slots) {
        return false;
    }
    index = reads_posted_++;
    open_reads_[index % ledger_slots] = true;
    ledger_entry(index).store(entry_of(length, message_mode), std::memory_order_seq_cst);
    segments_[0]->header().reads_posted.store(reads_posted_, std::memory_order_seq_cst);
    return true;
}

// A claim on it stays.
void Incoming::repost_read(std::uint64_t index, std::uint32_t length, bool message_mode)
{
    const std::uint64_t entry = entry_of(length, message_mode);
    std::uint64_t seen = ledger_entry(index).load(std::memory_order_relaxed);
    for (int attempts = 0; attempts <= most_claim_changes; ++attempts) {
        const std::uint64_t claim = seen & (ledger_bit::claimed | ledger_bit::asked);
        if (ledger_entry(index).compare_exchange_strong(seen, entry | claim, std::memory_order_seq_cst)) {
            return;
        }
    }
    ledger_entry(index).store(entry, std::memory_order_seq_cst); // the writer plays with it
}

void Incoming::settle_read(std::uint64_t index)
{
    SegmentHeader& shared = segments_[0]->header();
    open_reads_[index % ledger_slots] = false;
    ledger_entry(index).store(0, std::memory_order_seq_cst);
    while (reads_resolved_ < reads_posted_ && !open_reads_[reads_resolved_ % ledger_slots]) {
        ++reads_resolved_;
    }
    shared.reads_resolved.store(reads_resolved_, std::memory_order_release);
}

bool Incoming::withdraw_read(std::uint64_t index)
{
    std::uint64_t entry = ledger_entry(index).load(std::memory_order_seq_cst);
    for (int attempts = 0; attempts <= most_claim_changes; ++attempts) {
        const bool asks = (entry & ledger_bit::claimed) != 0;
        if (asks && (entry & ledger_bit::asked) != 0) {
            return false;
        }
        if (ledger_entry(index).compare_exchange_strong(entry, asks ? entry | ledger_bit::asked : 0,
                                                        std::memory_order_seq_cst)) {
            if (!asks) {
                settle_read(index);
            }
            return !asks;
        }
    }
    settle_read(index); // the writer plays with it
    return true;
}

bool Incoming::released(std::uint64_t index) const
{
    return (ledger_entry(index).load(std::memory_order_seq_cst) & ledger_bit::claimed) == 0;
}

} // namespace ntpipe::channel
