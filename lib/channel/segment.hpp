// SPDX-License-Identifier: LGPL-2.1-or-later
// segment.hpp: one segment, seen by its writer and by its reader: positions, wrapping, bounds.
#pragma once

#include "channel/layout.hpp"
#include "channel/memory.hpp"
#include "glue/bytes.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <new>
#include <span>

namespace ntpipe::channel {

/// The fields of a record header, loaded once and checked.
struct RecordFields {
    std::uint32_t size = 0;
    std::uint32_t flags = 0;
    std::uint64_t sequence = 0;
    std::uint32_t context = 0;
    std::uint32_t rest = 0;
};

/// What writer and reader have in common. Owns the mapping.
class Segment {
public:
    /// `memory` must be a multiple of record_alignment, between minimum_ and maximum_segment_size.
    explicit Segment(std::unique_ptr<Memory> memory);

    [[nodiscard]] static bool acceptable(std::size_t size);
    [[nodiscard]] std::uint64_t capacity() const { return capacity_; }
    [[nodiscard]] SegmentHeader& header() const { return *header_; }
    /// `position` must be the start of a record between head and tail.
    [[nodiscard]] RecordHeader& record(std::uint64_t position) const
    {
        return *std::launder(reinterpret_cast<RecordHeader*>(data_ + offset(position)));
    }
    void copy_out(std::uint64_t position, std::span<std::byte> to) const
    {
        const std::uint64_t start = offset(position);
        const std::size_t straight = std::min<std::size_t>(to.size(), capacity_ - start);
        copy_if_any(copy_from_shared, to.data(), data_ + start, straight);
        copy_if_any(copy_from_shared, to.data() + straight, data_, to.size() - straight);
    }

protected:
    void copy_in(std::uint64_t position, glue::ByteSpan from) const
    {
        const std::uint64_t start = offset(position);
        const std::size_t straight = std::min<std::size_t>(from.size(), capacity_ - start);
        copy_if_any(copy_to_shared, data_ + start, from.data(), straight);
        copy_if_any(copy_to_shared, data_, from.data() + straight, from.size() - straight);
    }
    /// Pages behind everything up to `end`, a position; cheap after the first lap.
    [[nodiscard]] bool commit(std::uint64_t end)
    {
        return end <= committed_ || committed_ == capacity_ || commit_more(end);
    }
    /// Most positions that will be asked for are on the lap of `position`, or on the next one.
    void be_at(std::uint64_t position)
    {
        if (position - lap_ >= capacity_) {
            lap_ = position - position % capacity_;
        }
    }

private:
    // A division for each position would take longer than the rest of a small message.
    [[nodiscard]] std::uint64_t offset(std::uint64_t position) const
    {
        const std::uint64_t from_lap = position - lap_;
        return from_lap < capacity_ ? from_lap : position % capacity_;
    }
    template <typename Copy>
    static void copy_if_any(Copy&& copy, std::byte* to, const std::byte* from, std::size_t size)
    {
        if (size != 0) {
            copy(to, from, size);
        }
    }
    [[nodiscard]] bool commit_more(std::uint64_t end);

    std::unique_ptr<Memory> memory_;
    SegmentHeader* header_;
    std::byte* data_;
    std::uint64_t capacity_;
    std::uint64_t committed_ = 0;
    std::uint64_t lap_ = 0; ///< the position where a lap begins
};

class SegmentWriter : public Segment {
public:
    using Segment::Segment;

    /// Takes in how far the reader has come. False: the reader has written nonsense.
    [[nodiscard]] bool refresh()
    {
        const std::uint64_t head = header().head.load(std::memory_order_seq_cst);
        if (head < head_ || head > tail_ || head % record_alignment != 0) {
            return false;
        }
        head_ = head;
        used_from_ = std::min(head, held_from_);
        return true;
    }
    [[nodiscard]] std::uint64_t head() const { return head_; }
    [[nodiscard]] std::uint64_t tail() const { return tail_; }
    [[nodiscard]] bool drained() const { return used_from_ == tail_; }
    /// Bytes between tail and the end of the ring's free space, as of the last refresh.
    [[nodiscard]] std::uint64_t free_space() const { return capacity() - (tail_ - used_from_); }
    /// What is written from `position` on stays as it is even when the reader has released it later than at the last refresh.
    void hold_from(std::uint64_t position)
    {
        if (position >= head_) {
            held_from_ = std::min(held_from_, position);
        }
    }
    void hold_none()
    {
        held_from_ = std::numeric_limits<std::uint64_t>::max();
        used_from_ = head_;
    }
    [[nodiscard]] bool holds(std::uint64_t position) const { return position >= held_from_; }
    /// Its bytes are what was written there.
    [[nodiscard]] bool is_there(std::uint64_t position) const { return position >= used_from_; }
    /// Writes a record behind the last one, which the reader does not see before publish(). It must fit. False: no pages.
    [[nodiscard]] bool append(const RecordFields& fields, std::uint64_t progress, glue::ByteSpan payload);
    /// Shows the reader all that was appended. Sequentially consistent, so that what is loaded afterwards (who sleeps, which
    /// reads are posted) is not older than this.
    void publish() { header().tail.store(tail_, std::memory_order_seq_cst); }

private:
    std::uint64_t tail_ = 0;
    std::uint64_t head_ = 0;
    std::uint64_t used_from_ = 0; ///< what is before it may be overwritten
    std::uint64_t held_from_ = std::numeric_limits<std::uint64_t>::max();
};

class SegmentReader : public Segment {
public:
    using Segment::Segment;

    /// Takes in what the writer has published. False: the writer has written nonsense.
    [[nodiscard]] bool refresh()
    {
        const std::uint64_t tail = header().tail.load(std::memory_order_seq_cst);
        if (tail < tail_ || tail - head_ > capacity() || tail % record_alignment != 0) {
            return false;
        }
        tail_ = tail;
        return commit(tail);
    }
    [[nodiscard]] bool has_news() const { return header().tail.load(std::memory_order_relaxed) != tail_; }
    [[nodiscard]] std::uint64_t head() const { return head_; }
    [[nodiscard]] std::uint64_t tail() const { return tail_; }
    void pass(std::uint64_t end)
    {
        head_ = end;
        be_at(end);
    }
    /// Gives the passed space back. Sequentially consistent, as SegmentWriter::publish.
    void release() { header().head.store(head_, std::memory_order_seq_cst); }

private:
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
};

} // namespace ntpipe::channel
