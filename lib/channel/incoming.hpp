// SPDX-License-Identifier: LGPL-2.1-or-later
// incoming.hpp: a direction as its reader sees it: records in order over ring and overflow, and the ledger of posted reads.
//
// Trust: every position, size and sequence is checked before use; anything impossible makes front() say Look::broken, and the
// caller breaks the connection. A record that its writer may revoke is settled by compare-and-swap *after* its bytes were
// copied: whoever loses that race sees it, and the copied bytes are forgotten.
#pragma once

#include "channel/walk.hpp"

#include <memory>
#include <optional>
#include <span>

namespace ntpipe::channel {

enum class Take {
    taken,
    revoked, ///< its writer took it back first: nothing was consumed; ask front() again
    broken,  ///< the writer has written nonsense
};

enum class Look {
    record,
    none,   ///< nothing to read now
    broken, ///< the writer has written nonsense
};

class Incoming {
public:
    explicit Incoming(std::unique_ptr<Memory> ring);

    /// The first unread record. Passes over revoked ones.
    [[nodiscard]] Look front(Record& record);
    /// Copies from the unread part of `record`, which front() gave.
    void copy(const Record& record, std::span<std::byte> to) const;
    /// Consumes `count` bytes of the front record.
    [[nodiscard]] Take take(const Record& record, std::uint32_t count);
    /// Of a revocable record that a walk gave: its writer does not take it back any more without asking. False: it has.
    [[nodiscard]] bool claim(const Record& record);
    /// Answers the writer of a record that it wants back. What it has not asked for stays as it is.
    void answer(const Record& record, bool give_back);
    /// Tells the writer how far the reading has come. Until then nothing consumed is seen there.
    void publish();
    [[nodiscard]] bool unpublished() const { return unpublished_; }
    [[nodiscard]] std::uint64_t consumed_bytes() const { return consumed_bytes_; }
    /// As of the last look nothing is left.
    [[nodiscard]] bool drained() const;
    /// The writer has published something behind all that was looked at.
    [[nodiscard]] bool has_news() const;
    /// Payload bytes of the record that was passed last.
    [[nodiscard]] std::uint32_t last_size() const { return last_size_; }

    /// The write whose records were consumed last goes on in records to come. After front(), so that one that was revoked or
    /// cut is known to be over.
    [[nodiscard]] bool awaiting_rest() const { return rest_ != 0 && !discarding_; }

    /// All unread records, as of now.
    [[nodiscard]] Walk walk();
    /// Takes back a record that is only tentative, because a read that its writer counts on is going away.
    void abort_tentative();
    /// The writer is gone for good: revokes `record` in its place.
    void revoke_for_writer(const Record& record);

    /// The writer uses an overflow segment that has not come to add_overflow() yet.
    [[nodiscard]] bool lacks_overflow() const;
    /// False when the memory is of no use. A segment replaces the one before, which goes when it is drained.
    [[nodiscard]] bool add_overflow(std::unique_ptr<Memory> memory);

    /// Puts a read into the ledger. False: it is full; post again when a read was settled.
    [[nodiscard]] bool post_read(std::uint32_t length, bool message_mode, std::uint64_t& index);
    /// The read at `index`, which is posted, has another mode or length now.
    void repost_read(std::uint64_t index, std::uint32_t length, bool message_mode);
    /// The read at `index` is done or gone.
    void settle_read(std::uint64_t index);
    /// The same for who wants to cancel it. False: the writer hands on and may have counted on it, so it was asked.
    [[nodiscard]] bool withdraw_read(std::uint64_t index);
    /// The writer does not count any more on the read at `index`, that withdraw_read() has asked for.
    [[nodiscard]] bool released(std::uint64_t index) const;

private:
    [[nodiscard]] Look look(Record& record);
    [[nodiscard]] Shared<std::uint64_t>& ledger_entry(std::uint64_t index) const
    {
        return segments_[0]->header().ledger[index % ledger_slots];
    }
    [[nodiscard]] bool check_sequence(const RecordFields& fields) const;
    void pass(const Record& record, std::uint32_t skipped);
    void drop_drained_overflow();

    std::array<std::unique_ptr<SegmentReader>, maximum_segments> segments_;
    std::size_t hint_ = 0; ///< where the next record probably is
    std::uint64_t overflows_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint64_t consumed_bytes_ = 0;
    std::uint32_t front_consumed_ = 0;
    std::uint32_t rest_ = 0;
    bool discarding_ = false;
    bool unpublished_ = false;
    std::uint32_t last_size_ = 0;
    std::uint64_t reads_posted_ = 0;
    std::uint64_t reads_resolved_ = 0;
    std::array<bool, ledger_slots> open_reads_{};
};

} // namespace ntpipe::channel
