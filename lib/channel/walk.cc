// SPDX-License-Identifier: LGPL-2.1-or-later
// walk.cc: going over the unread records of a direction.
#include "channel/walk.hpp"

#include <algorithm>

namespace ntpipe::channel {

Walk::Walk(const std::array<Part, maximum_segments>& parts, std::optional<Front> front, bool discarding)
    : parts_(parts), front_(front), discarding_(discarding)
{
}

Walk::Part* Walk::earliest(RecordFields& fields, std::size_t& index)
{
    Part* best = nullptr;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        Part& part = parts_[i];
        RecordFields candidate;
        if (part.segment == nullptr || part.position >= part.tail ||
            !load_fields(*part.segment, part.position, part.tail, candidate)) {
            continue;
        }
        if (best == nullptr || candidate.sequence < fields.sequence) {
            best = &part;
            fields = candidate;
            index = i;
        }
    }
    return best;
}

bool Walk::next(Record& record)
{
    for (;;) {
        RecordFields fields;
        std::size_t index = 0;
        Part* part = earliest(fields, index);
        if (part == nullptr || (front_ && fields.sequence != front_->sequence++)) {
            return false;
        }
        const std::uint64_t position = part->position;
        part->position += record_span(fields.size);
        const std::uint64_t progress = part->segment->record(position).progress.load(std::memory_order_acquire);
        const std::uint64_t state = progress & record_state::mask;
        std::uint32_t consumed = 0;
        if (first_) {
            consumed = front_ ? front_->consumed : std::min(static_cast<std::uint32_t>(progress), fields.size);
            first_ = false;
        }
        if ((fields.flags & record_flag::continuation) == 0) {
            discarding_ = false;
        }
        if (state == record_state::revoked && fields.rest > 0) {
            discarding_ = true;
        }
        // One that is done and not passed yet has been taken by a read that may still be in the ledger; nothing is left of it.
        if (discarding_ || state == record_state::revoked || (state == record_state::done && front_) ||
            (fields.flags & record_flag::cut) != 0) {
            continue;
        }
        static_cast<RecordFields&>(record) = fields;
        record.consumed = consumed;
        record.tentative = state == record_state::tentative;
        record.asked = (progress & record_claim::mask) == record_claim::asked;
        record.segment = index;
        record.position = position;
        return true;
    }
}

} // namespace ntpipe::channel
