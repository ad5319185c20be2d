// SPDX-License-Identifier: LGPL-2.1-or-later
// segment.hpp: one segment, seen by its writer and by its reader: positions, wrapping, bounds.
#pragma once

#include "channel/layout.hpp"
#include "channel/memory.hpp"
#include "glue/bytes.hpp"

#include <memory>
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
    [[nodiscard]] RecordHeader& record(std::uint64_t position) const;
    void copy_out(std::uint64_t position, std::span<std::byte> to) const;

protected:
    void copy_in(std::uint64_t position, glue::ByteSpan from) const;
    /// Pages behind everything up to `end`, a position; cheap after the first lap.
    [[nodiscard]] bool commit(std::uint64_t end);

private:
    [[nodiscard]] std::uint64_t offset(std::uint64_t position) const { return position % capacity_; }

    std::unique_ptr<Memory> memory_;
    SegmentHeader* header_;
    std::byte* data_;
    std::uint64_t capacity_;
    std::uint64_t committed_ = 0;
};

class SegmentWriter : public Segment {
public:
    using Segment::Segment;

    /// Takes in how far the reader has come. False: the reader has written nonsense.
    [[nodiscard]] bool refresh();
    [[nodiscard]] std::uint64_t head() const { return head_; }
    [[nodiscard]] std::uint64_t tail() const { return tail_; }
    [[nodiscard]] bool drained() const { return head_ == tail_; }
    /// Bytes between tail and the end of the ring's free space, as of the last refresh.
    [[nodiscard]] std::uint64_t free_space() const { return capacity() - (tail_ - head_); }
    /// Writes a record behind the last one, which the reader does not see before publish(). It must fit. False: no pages.
    [[nodiscard]] bool append(const RecordFields& fields, std::uint64_t progress, glue::ByteSpan payload);
    /// Shows the reader all that was appended. Sequentially consistent, so that what is loaded afterwards (who sleeps, which
    /// reads are posted) is not older than this.
    void publish() { header().tail.store(tail_, std::memory_order_seq_cst); }

private:
    std::uint64_t tail_ = 0;
    std::uint64_t head_ = 0;
};

class SegmentReader : public Segment {
public:
    using Segment::Segment;

    /// Takes in what the writer has published. False: the writer has written nonsense.
    [[nodiscard]] bool refresh();
    [[nodiscard]] std::uint64_t head() const { return head_; }
    [[nodiscard]] std::uint64_t tail() const { return tail_; }
    void pass(std::uint64_t end) { head_ = end; }
    /// Gives the passed space back. Sequentially consistent, as SegmentWriter::publish.
    void release() { header().head.store(head_, std::memory_order_seq_cst); }

private:
    std::uint64_t head_ = 0;
    std::uint64_t tail_ = 0;
};

} // namespace ntpipe::channel
