// SPDX-License-Identifier: LGPL-2.1-or-later
// write.cc: writes and flush: how data gets to the reader, and when a write is complete (SEMANTICS 3.3, 3.4, 3.6).
//
// A write whose bytes fit the quota becomes a record and is over. Any other is Outstanding: its bytes are in shared memory,
// readable, but its operation waits until what is unread up to its end is within the quota; or there is no room in shared
// memory, and the rest of its bytes waits here. Both kinds stay in order. Reads that the peer has posted will take bytes from
// the front of the queue, so these bytes are not charged.
#include "end/doubt.hpp"
#include "end/end.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace ntpipe::end {
namespace {

/// A piece of a write that goes through the ring in parts is at least this large, unless it is the last one.
constexpr std::size_t minimum_piece = 1024;
/// How often a non-blocking write decides anew because a read that it counted on was cancelled meanwhile.
constexpr int tentative_attempts = 8;

} // namespace

// Whether `data` may be written at all.
Status End::check_write(glue::ByteSpan data)
{
    if (const Status status = check(security::access::write_data); status != Status::success) {
        return status;
    }
    if (!has_direction(attributes_.configuration, channel::outgoing_direction(side_))) {
        return doubt::missing_direction;
    }
    if (data.size() > std::numeric_limits<std::uint32_t>::max()) {
        return Status::invalid_parameter; // NT counts in 32 bits
    }
    if (data.empty() && attributes_.type == PipeType::byte && !doubt::empty_write_checks_state) {
        return Status::success;
    }
    switch (phase_) {
    case Phase::listening:
        return Status::pipe_listening;
    case Phase::disconnected:
        return Status::pipe_disconnected;
    case Phase::closing:
        return Status::pipe_closing;
    default:
        return Status::success;
    }
}

Status End::write(Operation& operation, glue::ByteSpan data)
{
    if (const Status status = begin(operation, Operation::Kind::write); status != Status::success) {
        return status;
    }
    if (const Status status = check_write(data); status != Status::success) {
        return status;
    }
    operation.information_ = data.size();
    if (data.empty() && attributes_.type == PipeType::byte) {
        return Status::success; // no effect, wakes nobody
    }
    if (modes_.completion_mode == CompletionMode::complete) {
        operation.information_ = 0;
        return write_without_queueing(data, operation.information_);
    }
    const Status status = start_write(&operation, data, false);
    if (status != Status::pending) {
        return status;
    }
    pend(operation, writes_);
    settle();
    return finish_start(operation);
}

bool End::anything_waits_for_room() const
{
    return !outstanding_.empty() && std::any_of(outstanding_.begin(), outstanding_.end(),
                                                [](const Outstanding& write) { return write.waits_for_room(); });
}

// Success: the data is in shared memory and within the quota. Pending: it is the last of outstanding_.
Status End::start_write(Operation* operation, glue::ByteSpan data, bool exempt)
{
    look_for_the_answer();
    claimed_read_.reset();
    channel::Outgoing& outgoing = *connection_->outgoing;
    const std::uint64_t sequence = write_sequence_++;
    const bool waits = anything_waits_for_room();
    if (!waits) {
        const auto within_quota = [&] { return unread_outgoing() + data.size() <= outgoing_quota(); };
        const bool fits = exempt || data.empty() || within_quota() || (outgoing.refresh() && within_quota());
        const std::uint32_t flags = exempt ? channel::record_flag::exempt : 0;
        if (fits && outgoing.append(data, flags, channel::record_state::live, connection_->context, 0)) {
            show_published();
            return Status::success;
        }
    }
    // Whatever memory it takes comes first: what is in shared memory cannot be said not to have been written.
    Outstanding prepared;
    (void)prepared.expect_record();
    if (waits || outgoing.room().value_or(0) < data.size()) {
        prepared.data.reserve(data.size());
    }
    Outstanding& write = outstanding_.emplace_back(std::move(prepared));
    write.operation = operation;
    write.exempt = exempt;
    write.context = connection_->context;
    write.size = data.size();
    write.sequence = sequence;
    if (waits || !publish_piece(write, data)) {
        keep_rest(data.subspan(write.published));
    }
    show_published();
    return Status::pending;
}

// Of the last write: what is not in shared memory yet.
void End::keep_rest(glue::ByteSpan rest)
{
    Outstanding& write = outstanding_.back();
    try {
        write.data_from = write.published;
        write.data.assign(rest.begin(), rest.end());
    } catch (const std::bad_alloc&) { // then nothing was said to be needed, and nothing is in shared memory
        outstanding_.pop_back();
        throw;
    }
}

// A place for one more record. False: there is no memory for it.
bool End::Outstanding::expect_record()
{
    try {
        if (records.size() == records.capacity()) {
            records.reserve(2 * records.size() + 1);
        }
        return true;
    } catch (const std::bad_alloc&) {
        if (records.empty()) {
            throw; // nothing has been done for it yet
        }
        return false;
    }
}

// Puts as much of `rest`, what is unpublished of `write`, into shared memory as is right now. True: all of it.
bool End::publish_piece(Outstanding& write, glue::ByteSpan rest)
{
    channel::Outgoing& outgoing = *connection_->outgoing;
    const std::uint32_t kind = write.exempt ? channel::record_flag::exempt : channel::record_flag::revocable;
    for (;;) {
        if (!outgoing.refresh()) {
            return false; // complete_writes() sees it, too, and breaks the connection
        }
        const auto room = outgoing.room();
        std::size_t piece = rest.size();
        if (!room || *room < piece) {
            if (wait_for_overflow(rest.size()) || !room || *room < minimum_piece) {
                return false;
            }
            piece = *room;
        }
        if (!write.expect_record()) {
            return false; // of the pieces before this one the reader tells when it has them
        }
        const std::uint32_t flags = kind | (write.records.empty() ? 0 : channel::record_flag::continuation);
        const std::uint64_t start = outgoing.produced_bytes();
        channel::RecordRef ref;
        if (!outgoing.append(rest.first(piece), flags, channel::record_state::live, write.context,
                             static_cast<std::uint32_t>(rest.size() - piece), &ref)) {
            return false;
        }
        if (write.records.empty()) {
            write.start = start;
        }
        write.records.push_back(ref);
        write.published += piece;
        rest = rest.subspan(piece);
        for (Operation* flush = flushes_.front(); flush != nullptr; flush = flushes_.after(*flush)) {
            if (write.sequence < flush->flush_sequence_) {
                flush->flush_records_ = outgoing.produced_records();
            }
        }
        if (rest.empty()) {
            return true;
        }
    }
}

// True: an overflow segment that takes `size` bytes of payload is on its way, or will be asked for when the one before is
// drained. False: there is none to be had, so the write goes through the ring in pieces.
bool End::wait_for_overflow(std::size_t size)
{
    if (overflow_requested_) {
        return true;
    }
    const std::uint64_t needed =
        std::bit_ceil(channel::segment_header_size + channel::record_span(static_cast<std::uint32_t>(size)));
    // Many small records must not need many segments: the first is twice the ring. There is no third one until the first is
    // drained, so the second takes all that may be readable at a time. Pages that are not used cost nothing.
    const std::uint64_t present = connection_->outgoing->overflow_size();
    const std::uint64_t most = std::bit_floor(maximum_overflow_);
    const std::uint64_t wanted =
        present != 0 ? most : std::min(most, std::max(needed, std::bit_ceil(2 * connection_->outgoing->ring_size())));
    if (overflow_refused_ || wanted < needed || wanted <= present) {
        return false;
    }
    if (connection_->outgoing->overflow_draining()) {
        return true;
    }
    overflow_requested_ = host_.request_overflow(wanted);
    return overflow_requested_;
}

Status End::add_overflow(Direction direction, std::unique_ptr<channel::Memory> memory)
{
    take_offer(); // who asked for it has attached, even if this end has not looked yet
    if (!has_channel()) {
        return Status::success; // too late to matter
    }
    if (direction == channel::incoming_direction(side_)) {
        if (!connection_->incoming || !connection_->incoming->add_overflow(std::move(memory))) {
            return Status::invalid_parameter;
        }
    } else if (connection_->outgoing) {
        overflow_requested_ = false;
        if (!connection_->outgoing->add_overflow(std::move(memory))) {
            return Status::invalid_parameter;
        }
    }
    settle();
    return Status::success;
}

void End::refuse_overflow()
{
    overflow_requested_ = false;
    overflow_refused_ = true;
    settle();
}

void End::miss_overflow()
{
    if (connection_) {
        connection_->overflow_missed = true;
        look_at_state();
        settle();
    }
}

void End::forget_overflow_request()
{
    overflow_requested_ = overflow_refused_ = false;
    settle();
}

void End::show_published()
{
    connection_->outgoing->publish();
    if (connection_->page->take_peer_wants(channel::want::data)) {
        connection_->doorbell->ring();
    }
    mirror_unread();
}

// For a peer that does not see it itself: after every change of what is unread, which it cannot make.
void End::mirror_unread()
{
    if (!connection_->peer_maps_outgoing) {
        connection_->page->mirror(channel::outgoing_direction(side_))
            .unread.store(unread_outgoing(), std::memory_order_relaxed);
    }
}

// What had no room before, in order.
void End::publish_outstanding()
{
    if (!connection_->outgoing) {
        return;
    }
    bool published = false;
    for (Outstanding& write : outstanding_) {
        if (!write.waits_for_room()) {
            continue;
        }
        if (write.needs_cut) {
            channel::RecordRef ref;
            if (!write.expect_record() ||
                !connection_->outgoing->append({}, channel::record_flag::cut, channel::record_state::live,
                                               write.context, 0, &ref)) {
                break;
            }
            write.records.push_back(ref);
            write.needs_cut = false;
            published = true;
            continue;
        }
        const std::size_t before = write.published;
        const bool whole = publish_piece(write, glue::ByteSpan(write.data).subspan(write.published - write.data_from));
        published = published || write.published != before || whole;
        if (!whole) {
            break;
        }
        write.data = {};
    }
    if (published) {
        show_published();
    }
}

// ---- quota ----

// Bytes that were taken back and that the reader has not passed: they still stand in the stream of positions.
std::uint64_t End::revoked_ahead(const Outstanding& write) const
{
    if (!write.revoked || write.records.empty()) {
        return 0;
    }
    const std::uint64_t from = std::max(connection_->outgoing->consumed_bytes(), write.start + write.revoked_offset);
    const std::uint64_t end = write.start + write.published;
    return end > from ? end - from : 0;
}

std::uint64_t End::unread_outgoing() const
{
    std::uint64_t unread = connection_->outgoing->produced_bytes() - connection_->outgoing->consumed_bytes();
    for (const Outstanding& write : outstanding_) {
        unread += write.unpublished();
        unread -= revoked_ahead(write);
    }
    return unread;
}

// What the peer's posted reads will take of the records that are in shared memory; the same decisions as advance_read().
// `idle`: the lengths of posted reads that find nothing.
std::uint64_t End::absorbed_by_posted_reads(std::uint64_t* idle)
{
    std::uint64_t absorbed = 0;
    std::uint64_t found_nothing = 0;
    // In this order: a reader takes a read out of the ledger before it shows what the read has consumed, so a read that is still
    // there has its records before it.
    channel::Walk walk = connection_->outgoing->walk();
    const channel::PostedReads reads = connection_->outgoing->posted_reads();
    channel::Record record;
    bool some = !reads.empty() && walk.next(record);
    std::uint64_t unread = some ? record.unread() : 0;
    for (const channel::PostedRead& read : reads) {
        std::uint64_t room = read.length;
        bool first = true;
        if (!some) {
            found_nothing += room;
        }
        while (some) {
            const bool empty_message = record.size == 0;
            if (room == 0 && !empty_message) {
                break;
            }
            const std::uint64_t taken = std::min(room, unread);
            absorbed += taken;
            room -= taken;
            unread -= taken;
            const bool message_over = unread == 0 && record.rest == 0;
            if (unread == 0) {
                some = walk.next(record);
                unread = some ? record.unread() : 0;
            }
            if ((empty_message && first) || (read.message_mode && message_over) || room == 0) {
                break;
            }
            first = false;
        }
    }
    if (idle != nullptr) {
        *idle = found_nothing;
    }
    return absorbed;
}

// SEMANTICS 3.3 rules 2 to 6: in order, each when what is unread up to its end is within the quota.
void End::complete_writes()
{
    if (!connection_->outgoing || (outstanding_.empty() && flushes_.empty())) {
        return;
    }
    if (!connection_->outgoing->refresh()) {
        break_connection();
        return;
    }
    take_in_answers();
    const channel::Outgoing& outgoing = *connection_->outgoing;
    std::optional<std::uint64_t> absorbed;
    std::uint64_t unpublished = 0;
    std::uint64_t revoked = 0;
    bool blocked = false;
    for (Outstanding& write : outstanding_) {
        unpublished += write.unpublished();
        revoked += revoked_ahead(write);
        if (write.operation == nullptr || write.asked) {
            continue;
        }
        const std::uint64_t end = write.records.empty() ? outgoing.produced_bytes() : write.start + write.published;
        const std::uint64_t visible = end > outgoing.consumed_bytes() ? end - outgoing.consumed_bytes() : 0;
        const std::uint64_t unread = visible + unpublished - std::min(visible, revoked);
        bool fits = !blocked && unread <= outgoing_quota();
        if (!blocked && !fits) {
            if (!absorbed) {
                absorbed = absorbed_by_posted_reads();
            }
            fits = unread - std::min(unread, *absorbed) <= outgoing_quota();
        }
        blocked = blocked || !fits;
        if (write.wholly_published() && (fits || write.size == 0)) {
            complete(*write.operation, Status::success, write.size);
            write.operation = nullptr;
        }
    }
    complete_flushes();
    forget_passed();
}

// An outstanding write is forgotten when its operation is over and its bytes need no bookkeeping of their own any more.
void End::forget_passed()
{
    while (!outstanding_.empty()) {
        const Outstanding& write = outstanding_.front();
        if (write.operation != nullptr || write.asked || write.waits_for_room()) {
            return;
        }
        const bool passed =
            write.records.empty() || connection_->outgoing->consumed_records() > write.records.back().sequence;
        if (write.revoked && !passed) {
            return;
        }
        outstanding_.pop_front();
    }
}

// ---- cancelling ----

// Takes back what is unread of `write`. Over: nothing was left to take back. Asked: so is the other end, which hands it on.
End::TakenBack End::revoke(Outstanding& write, bool at_once)
{
    bool took = write.unpublished() > 0 || write.records.empty();
    const bool partly_published = !write.records.empty() && write.unpublished() > 0;
    bool stopped_reader = false;
    (void)connection_->outgoing->refresh();
    std::size_t before = 0;
    std::size_t first_revoked = write.records.size();
    write.asked = false;
    for (std::size_t i = 0; i < write.records.size(); ++i) {
        const channel::RecordRef& ref = write.records[i];
        const channel::Revoke revoked = connection_->outgoing->revoke(ref, at_once);
        if (revoked == channel::Revoke::revoked) {
            took = true;
            stopped_reader = true; // and passes over the records of the same write that follow
            first_revoked = i;
            break;
        }
        if (revoked == channel::Revoke::asked && !write.asked) {
            write.asked = true;
            write.asked_from = i;
        }
        before += ref.size;
    }
    if (took) {
        write.revoked = true;
        write.revoked_from = first_revoked;
        write.revoked_offset = before;
        write.needs_cut = partly_published && !stopped_reader;
        write.data = {};
    }
    if (write.asked) {
        hold_what_was_asked_for(write);
    }
    return took ? TakenBack::taken : write.asked ? TakenBack::asked : TakenBack::over;
}

// It stays in its place when the reader has passed it, so that its answer can be seen.
void End::hold_what_was_asked_for(const Outstanding& write)
{
    some_asked_ = true;
    for (std::size_t i = write.asked_from; i < write.records.size(); ++i) {
        connection_->outgoing->hold(write.records[i]);
    }
}

void End::take_in_answers()
{
    if (!some_asked_) {
        return;
    }
    for (Outstanding& write : outstanding_) {
        if (write.asked) {
            take_in_answer(write);
        }
    }
    some_asked_ = false;
    connection_->outgoing->hold_none();
    for (const Outstanding& write : outstanding_) {
        if (write.asked) {
            hold_what_was_asked_for(write);
        }
    }
}

// What was given back was read by nobody. If nothing was, all of it was read, or will be.
void End::take_in_answer(Outstanding& write)
{
    const std::size_t end = write.revoked ? write.revoked_from : write.records.size();
    bool open = false;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < end; ++i) {
        const channel::Revoke answer =
            i < write.asked_from ? channel::Revoke::over : connection_->outgoing->answer(write.records[i]);
        if (answer == channel::Revoke::revoked) {
            write.revoked = true;
            write.revoked_from = i;
            write.revoked_offset = offset;
            break;
        }
        open = open || answer == channel::Revoke::asked;
        offset += write.records[i].size;
    }
    write.asked = open;
    if (write.operation != nullptr && (write.revoked || !open)) {
        complete(*write.operation, write.revoked ? Status::cancelled : Status::success, write.revoked ? 0 : write.size);
        write.operation = nullptr;
    }
}

// SEMANTICS 3.5: all unread bytes go, even of a message that was partly read.
void End::cancel_write(Operation& operation, bool silently)
{
    const auto found = std::find_if(outstanding_.begin(), outstanding_.end(),
                                    [&operation](const Outstanding& write) { return write.operation == &operation; });
    if (found == outstanding_.end()) {
        return;
    }
    const TakenBack came = revoke(*found, false);
    const std::size_t size = found->size;
    if (silently || came != TakenBack::asked) {
        found->operation = nullptr;
    }
    if (found->operation == nullptr && !silently) {
        complete(operation, came == TakenBack::taken ? Status::cancelled : Status::success,
                 came == TakenBack::taken ? 0 : size);
    }
    publish_outstanding();
    mirror_unread();
    connection_->doorbell->ring(); // a reader may wait in the middle of it, and only a reader frees its room
}

// ---- non-blocking mode ----

// SEMANTICS 3.4. What does not fit is not queued.
Status End::write_without_queueing(glue::ByteSpan data, std::size_t& written)
{
    channel::Outgoing& outgoing = *connection_->outgoing;
    const auto over_quota = [&] { return !data.empty() && unread_outgoing() + data.size() > outgoing_quota(); };
    // What was consumed at the last look will often do; looking again costs the reader's cache lines.
    if (over_quota() && !outgoing.refresh()) {
        break_connection();
        return Status::pipe_closing;
    }
    if (over_quota()) {
        return anything_waits_for_room() ? Status::success : write_among_posted_reads(data, written);
    }
    // What fits the quota is taken, even if shared memory has no room for it yet.
    if (start_write(nullptr, data, false) == Status::pending) {
        settle();
    }
    written = data.size();
    return Status::success;
}

// It does not fit unless reads that the peer has posted take some of it. The record is shown as tentative first, so that a
// read that is cancelled meanwhile undoes the decision instead of falsifying it.
Status End::write_among_posted_reads(glue::ByteSpan data, std::size_t& written)
{
    channel::Outgoing& outgoing = *connection_->outgoing;
    for (int attempt = 0; attempt < tentative_attempts && !outgoing.posted_reads().empty(); ++attempt) {
        if (attributes_.type == PipeType::byte) {
            data = data.first(acceptable_bytes(data.size())); // more need not have room in shared memory
            if (data.empty()) {
                return Status::success;
            }
        }
        const std::uint64_t start = outgoing.produced_bytes();
        channel::RecordRef ref;
        std::list<Outstanding> if_forgotten(1); // from here on nothing may need memory
        (void)if_forgotten.front().expect_record();
        if (!outgoing.append(data, channel::record_flag::revocable, channel::record_state::tentative,
                             connection_->context, 0, &ref)) {
            // There is no room to show it first. A read that is cancelled before the data comes leaves it in the queue.
            written = acceptable_bytes(data.size());
            if (written != 0 && start_write(nullptr, data.first(written), false) == Status::pending) {
                settle();
            }
            return Status::success;
        }
        ++write_sequence_;
        outgoing.publish();
        const std::uint64_t unread = unread_outgoing();
        const std::uint64_t absorbed = std::min(unread, absorbed_by_posted_reads());
        const bool fits = unread - absorbed <= outgoing_quota();
        if (fits && outgoing.settle(ref)) {
            written = data.size();
            show_published();
            return Status::success;
        }
        forget_tentative(ref, start, if_forgotten);
        if (fits) {
            continue; // a read that it counted on was cancelled
        }
        const std::uint64_t before = unread - data.size();
        const std::uint64_t taken = absorbed > before ? absorbed - before : 0;
        if (attributes_.type == PipeType::message || taken == 0) {
            return Status::success;
        }
        data = data.first(taken);
    }
    return Status::success;
}

// How many of `size` bytes the quota and the posted reads would take.
std::size_t End::acceptable_bytes(std::size_t size)
{
    const std::uint64_t unread = unread_outgoing();
    std::uint64_t idle = 0;
    const std::uint64_t before = unread - std::min(unread, absorbed_by_posted_reads(&idle));
    const std::size_t taken = std::min<std::uint64_t>(size, idle);
    if (before + size - taken <= outgoing_quota()) {
        return size;
    }
    return attributes_.type == PipeType::message ? 0 : taken;
}

void End::forget_tentative(const channel::RecordRef& ref, std::uint64_t start, std::list<Outstanding>& place)
{
    outstanding_.splice(outstanding_.end(), place);
    Outstanding& write = outstanding_.back();
    write.size = write.published = ref.size;
    write.start = start;
    write.sequence = write_sequence_ - 1;
    write.records.push_back(ref);
    (void)revoke(write, false);
    write.revoked = true;
    connection_->doorbell->ring(); // only the reader can free its room
}

// ---- flush ----

Status End::flush(Operation& operation)
{
    if (const Status status = begin(operation, Operation::Kind::flush); status != Status::success) {
        return status;
    }
    // Either right will do.
    const bool allowed =
        (granted_access_ & (security::access::write_data | security::access::create_pipe_instance)) != 0;
    if (const Status status = check(allowed ? 0 : security::access::write_data); status != Status::success) {
        return status;
    }
    if (phase_ != Phase::connected || !connection_->outgoing) {
        return Status::success;
    }
    operation.flush_sequence_ = write_sequence_;
    operation.flush_records_ = connection_->outgoing->produced_records();
    pend(operation, flushes_);
    settle();
    return finish_start(operation);
}

// SEMANTICS 3.6: everything that this end wrote before the flush was read or taken back.
bool End::flushed(const Operation& flush) const
{
    std::uint64_t passed = connection_->outgoing->consumed_records();
    const std::uint64_t last = doubt::flush_is_a_marker ? flush.flush_sequence_ : write_sequence_;
    for (const Outstanding& write : outstanding_) {
        if (write.sequence >= last) {
            break;
        }
        if (!write.revoked && !write.wholly_published()) {
            return false;
        }
        if (write.revoked_from >= write.records.size() || passed < write.records[write.revoked_from].sequence) {
            continue; // nothing of it to wait for, or held back by earlier records, below
        }
        if (write.revoked) {
            passed = std::max(passed, write.records.back().sequence + 1);
        }
    }
    return passed >= (doubt::flush_is_a_marker ? flush.flush_records_ : connection_->outgoing->produced_records());
}

void End::complete_flushes()
{
    for (Operation* flush = flushes_.front(); flush != nullptr;) {
        Operation* next = flushes_.after(*flush);
        if (flushed(*flush)) {
            complete(*flush, Status::success);
        }
        flush = next;
    }
}

} // namespace ntpipe::end
