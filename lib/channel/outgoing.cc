// SPDX-License-Identifier: LGPL-2.1-or-later
// outgoing.cc: a direction as its writer sees it.
#include "channel/outgoing.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace ntpipe::channel {

Outgoing::Outgoing(std::unique_ptr<Memory> ring)
{
    segments_[0] = std::make_unique<Numbered>(next_number_++, SegmentWriter(std::move(ring)));
}

bool Outgoing::refresh()
{
    const SegmentHeader& shared = segments_[0]->writer.header();
    const std::uint64_t records = shared.consumed_records.load(std::memory_order_acquire);
    const std::uint64_t bytes = shared.consumed_bytes.load(std::memory_order_acquire);
    if (records < consumed_records_ || records > sequence_ || bytes < consumed_bytes_ || bytes > produced_bytes_) {
        return false;
    }
    consumed_records_ = records;
    consumed_bytes_ = bytes;
    for (auto& segment : segments_) {
        if (segment != nullptr && !segment->writer.refresh()) {
            return false;
        }
    }
    if (segments_[2] != nullptr && segments_[2]->writer.drained()) {
        segments_[2].reset();
    }
    return true;
}

std::optional<std::uint32_t> Outgoing::room() const
{
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < 2; ++i) {
        if (segments_[i] != nullptr) {
            most = std::max(most, segments_[i]->writer.free_space());
        }
    }
    if (most < sizeof(RecordHeader)) {
        return std::nullopt;
    }
    const std::uint64_t payload = most - sizeof(RecordHeader);
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(payload, std::numeric_limits<std::uint32_t>::max()));
}

// The ring if it has room, else the overflow segment in use.
SegmentWriter* Outgoing::place_for(std::uint32_t size, std::size_t& index)
{
    for (index = 0; index < 2; ++index) {
        if (segments_[index] == nullptr) {
            continue;
        }
        SegmentWriter& writer = segments_[index]->writer;
        if (writer.free_space() < record_span(size) && !writer.refresh()) {
            return nullptr;
        }
        if (writer.free_space() >= record_span(size)) {
            return &writer;
        }
    }
    return nullptr;
}

bool Outgoing::append(glue::ByteSpan payload, std::uint32_t flags, std::uint64_t state, std::uint32_t context,
                      std::uint32_t rest, RecordRef* ref)
{
    assert(payload.size() <= std::numeric_limits<std::uint32_t>::max());
    const auto size = static_cast<std::uint32_t>(payload.size());
    std::size_t index = 0;
    SegmentWriter* writer = place_for(size, index);
    if (writer == nullptr) {
        return false;
    }
    const std::uint64_t position = writer->tail();
    const RecordFields fields{size, flags, sequence_, context, rest};
    if (!writer->append(fields, state, payload)) {
        return false;
    }
    if (ref != nullptr) {
        *ref = {segments_[index]->number, position, sequence_, size};
    }
    ++sequence_;
    produced_bytes_ += size;
    last_size_ = size;
    unpublished_[index] = true;
    return true;
}

void Outgoing::publish()
{
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (unpublished_[i]) {
            unpublished_[i] = false;
            segments_[i]->writer.publish();
        }
    }
}

SegmentWriter* Outgoing::segment_of(const RecordRef& ref) const
{
    for (const auto& segment : segments_) {
        if (segment != nullptr && segment->number == ref.segment) {
            return &segment->writer;
        }
    }
    return nullptr;
}

// The header of a record that the reader has not passed, or that is held; nullptr otherwise.
RecordHeader* Outgoing::find(const RecordRef& ref) const
{
    const SegmentWriter* writer = segment_of(ref);
    if (writer == nullptr || !writer->is_there(ref.position) ||
        (ref.sequence < consumed_records_ && !writer->holds(ref.position))) {
        return nullptr;
    }
    return &writer->record(ref.position);
}

bool Outgoing::settle(const RecordRef& ref)
{
    RecordHeader* record = find(ref);
    std::uint64_t expected = record_state::tentative;
    return record != nullptr &&
           record->progress.compare_exchange_strong(expected, record_state::live, std::memory_order_seq_cst);
}

Revoke Outgoing::revoke(const RecordRef& ref, bool at_once)
{
    RecordHeader* record = find(ref);
    if (record == nullptr) {
        return Revoke::over;
    }
    std::uint64_t progress = record->progress.load(std::memory_order_acquire);
    for (;;) {
        const std::uint64_t state = progress & record_state::mask;
        const std::uint64_t claim = at_once || state != record_state::live ? 0 : progress & record_claim::mask;
        const auto consumed = static_cast<std::uint32_t>(progress);
        if (state == record_state::done || consumed > ref.size || claim == record_claim::kept) {
            return Revoke::over;
        }
        if (state == record_state::revoked) {
            return Revoke::revoked;
        }
        if (claim == record_claim::asked) {
            return Revoke::asked;
        }
        const bool asks = claim == record_claim::claimed;
        const std::uint64_t desired =
            consumed | (asks ? record_state::live | record_claim::asked : record_state::revoked);
        if (record->progress.compare_exchange_weak(progress, desired, std::memory_order_seq_cst)) {
            return asks ? Revoke::asked : Revoke::revoked;
        }
    }
}

Revoke Outgoing::answer(const RecordRef& ref) const
{
    const RecordHeader* record = find(ref);
    if (record == nullptr) {
        return Revoke::over;
    }
    const std::uint64_t progress = record->progress.load(std::memory_order_acquire);
    if ((progress & record_state::mask) == record_state::revoked) {
        return Revoke::revoked;
    }
    return (progress & (record_state::mask | record_claim::mask)) == (record_state::live | record_claim::asked)
               ? Revoke::asked
               : Revoke::over;
}

void Outgoing::hold(const RecordRef& ref)
{
    if (SegmentWriter* writer = segment_of(ref)) {
        writer->hold_from(ref.position);
    }
}

void Outgoing::hold_none()
{
    for (const auto& segment : segments_) {
        if (segment != nullptr) {
            segment->writer.hold_none();
        }
    }
}

PostedReads Outgoing::posted_reads() const
{
    PostedReads reads;
    const SegmentHeader& shared = segments_[0]->writer.header();
    const std::uint64_t resolved = shared.reads_resolved.load(std::memory_order_acquire);
    const std::uint64_t posted = shared.reads_posted.load(std::memory_order_seq_cst);
    if (resolved > posted || posted - resolved > ledger_slots) {
        return reads;
    }
    for (std::uint64_t index = resolved; index < posted; ++index) {
        const std::uint64_t slot = shared.ledger[index % ledger_slots].load(std::memory_order_seq_cst);
        if ((slot & ledger_bit::posted) != 0) {
            reads.add({static_cast<std::uint32_t>(slot), (slot & ledger_bit::message_mode) != 0});
        }
    }
    return reads;
}

std::optional<ClaimedRead> Outgoing::claim_posted_read()
{
    const SegmentHeader& shared = segments_[0]->writer.header();
    const std::uint64_t resolved = shared.reads_resolved.load(std::memory_order_acquire);
    const std::uint64_t posted = shared.reads_posted.load(std::memory_order_seq_cst);
    if (resolved > posted || posted - resolved > ledger_slots) {
        return std::nullopt;
    }
    for (std::uint64_t index = resolved; index < posted; ++index) {
        std::uint64_t entry = ledger_entry(index).load(std::memory_order_seq_cst);
        if ((entry & ledger_bit::posted) == 0) {
            continue;
        }
        const ClaimedRead read{index, static_cast<std::uint32_t>(entry)};
        // If the reader changes it just now, something will be told of it.
        return (entry & ledger_bit::asked) == 0 && ledger_entry(index).compare_exchange_strong(
                                                       entry, entry | ledger_bit::claimed, std::memory_order_seq_cst)
                   ? std::optional(read)
                   : std::nullopt;
    }
    return std::nullopt;
}

Claim Outgoing::claim_on(const ClaimedRead& read) const
{
    const std::uint64_t entry = ledger_entry(read.index).load(std::memory_order_seq_cst);
    if ((entry & ledger_bit::claimed) == 0) {
        return Claim::gone;
    }
    return (entry & ledger_bit::asked) != 0 ? Claim::asked : Claim::holds;
}

bool Outgoing::release(const ClaimedRead& read)
{
    std::uint64_t entry = ledger_entry(read.index).load(std::memory_order_seq_cst);
    while ((entry & ledger_bit::claimed) != 0) {
        if (ledger_entry(read.index)
                .compare_exchange_strong(entry, entry & ~ledger_bit::claimed, std::memory_order_seq_cst)) {
            return (entry & ledger_bit::asked) != 0;
        }
    }
    return false;
}

Walk Outgoing::walk()
{
    std::array<Walk::Part, maximum_segments> parts;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (segments_[i] != nullptr && segments_[i]->writer.refresh()) {
            parts[i] = {&segments_[i]->writer, segments_[i]->writer.head(), segments_[i]->writer.tail()};
        }
    }
    return Walk(parts, std::nullopt, false);
}

std::uint64_t Outgoing::overflow_size() const
{
    return segments_[1] == nullptr ? 0 : segments_[1]->writer.capacity() + segment_header_size;
}

std::uint64_t Outgoing::ring_size() const
{
    return segments_[0]->writer.capacity() + segment_header_size;
}

bool Outgoing::add_overflow(std::unique_ptr<Memory> memory)
{
    if (!Segment::acceptable(memory->bytes().size()) || segments_[2] != nullptr) {
        return false;
    }
    auto segment = std::make_unique<Numbered>(next_number_++, SegmentWriter(std::move(memory)));
    segments_[2] = std::move(segments_[1]);
    segments_[1] = std::move(segment);
    segments_[0]->writer.header().overflows.fetch_add(1, std::memory_order_release);
    if (segments_[2] != nullptr && segments_[2]->writer.refresh() && segments_[2]->writer.drained()) {
        segments_[2].reset();
    }
    return true;
}

} // namespace ntpipe::channel
