// SPDX-License-Identifier: LGPL-2.1-or-later
// segment.cc: one segment, seen by its writer and by its reader.
#include "channel/segment.hpp"

#include <algorithm>
#include <cassert>
#include <new>

namespace ntpipe::channel {
namespace {

/// Pages are made sure of in steps of this, so that the first lap costs few calls and an idle connection few pages.
constexpr std::uint64_t commit_step = std::uint64_t{16} * 1024;

} // namespace

bool Segment::acceptable(std::size_t size)
{
    return size >= minimum_segment_size && size <= maximum_segment_size && size % record_alignment == 0;
}

Segment::Segment(std::unique_ptr<Memory> memory)
    : memory_(std::move(memory)),
      header_(std::launder(reinterpret_cast<SegmentHeader*>(memory_->bytes().data()))),
      data_(memory_->bytes().data() + segment_header_size),
      capacity_(memory_->bytes().size() - segment_header_size)
{
    assert(acceptable(memory_->bytes().size()));
    committed_ = minimum_segment_size - segment_header_size; // whoever made the memory made sure of its first page
}

bool Segment::commit_more(std::uint64_t end)
{
    const std::uint64_t wanted = std::min(capacity_, std::max(end, committed_ + commit_step));
    if (!memory_->commit(segment_header_size + wanted)) {
        return false;
    }
    committed_ = wanted;
    return true;
}

bool SegmentWriter::append(const RecordFields& fields, std::uint64_t progress, glue::ByteSpan payload)
{
    assert(record_span(fields.size) <= free_space());
    if (!commit(tail_ + record_span(fields.size))) {
        return false;
    }
    RecordHeader& record = this->record(tail_);
    store_unpublished(record.size, fields.size);
    store_unpublished(record.flags, fields.flags);
    store_unpublished(record.sequence, fields.sequence);
    record.progress.store(progress, std::memory_order_relaxed);
    store_unpublished(record.context, fields.context);
    store_unpublished(record.rest, fields.rest);
    copy_in(tail_ + sizeof(RecordHeader), payload);
    tail_ += record_span(fields.size);
    be_at(tail_);
    return true;
}

} // namespace ntpipe::channel
