// SPDX-License-Identifier: LGPL-2.1-or-later
// walk.hpp: going over the unread records of a direction in their order, over ring and overflow, consuming nothing.
#pragma once

#include "channel/segment.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace ntpipe::channel {

/// Ring, overflow in use, overflow that is being drained.
inline constexpr std::size_t maximum_segments = 3;

/// An unread record.
struct Record : RecordFields {
    std::uint32_t consumed = 0; ///< bytes of it that were read before
    bool tentative = false;
    bool asked = false;      ///< its writer wants it back from who hands it on
    std::size_t segment = 0; ///< which of the walk's segments
    std::uint64_t position = 0;

    [[nodiscard]] std::uint32_t unread() const { return size - consumed; }
};

class Walk {
public:
    /// One segment's part of the walk: from `position` to `tail`. A null segment is left out.
    struct Part {
        const Segment* segment = nullptr;
        std::uint64_t position = 0;
        std::uint64_t tail = 0;
    };

    /// What a reader knows of the first record: its number, and how many bytes of it are read already.
    struct Front {
        std::uint64_t sequence = 0;
        std::uint32_t consumed = 0;
    };

    /// `front`: the walk ends where a number is missing, which may be in a segment whose tail was loaded before, or that has not
    /// come yet. nullopt: believe the record's own progress, and numbers that rise (for the writer, whose mistakes about that are
    /// its own, and whose reader passes records meanwhile). `discarding`: the write under way was revoked before.
    Walk(const std::array<Part, maximum_segments>& parts, std::optional<Front> front, bool discarding);

    /// The next live or tentative record. Passes over what is revoked.
    [[nodiscard]] bool next(Record& record);

private:
    [[nodiscard]] Part* earliest(RecordFields& fields, std::size_t& index);

    std::array<Part, maximum_segments> parts_;
    std::optional<Front> front_;
    bool discarding_;
    bool first_ = true;
};

/// Loads and checks the header at `position` of a segment whose records end at `tail`. False: nonsense.
[[nodiscard]] inline bool load_fields(const Segment& segment, std::uint64_t position, std::uint64_t tail,
                                      RecordFields& fields)
{
    const RecordHeader& record = segment.record(position);
    fields.size = load_once(record.size);
    fields.flags = load_once(record.flags);
    fields.sequence = load_once(record.sequence);
    fields.context = load_once(record.context);
    fields.rest = load_once(record.rest);
    return record_span(fields.size) <= tail - position && (fields.flags & ~record_flag::known) == 0;
}

} // namespace ntpipe::channel
