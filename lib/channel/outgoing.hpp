// SPDX-License-Identifier: LGPL-2.1-or-later
// outgoing.hpp: a direction as its writer sees it: records into ring or overflow, what the reader has consumed and which reads
// it has posted.
//
// Trust: the reader's positions may only grow and never pass what was written; else refresh() says so and the caller breaks
// the connection. A reader that lies within these bounds harms only the accounting of its own connection.
#pragma once

#include "channel/walk.hpp"

#include <array>
#include <memory>
#include <optional>

namespace ntpipe::channel {

/// Where a record went, for the one who may have to take it back.
struct RecordRef {
    std::uint64_t segment = 0; ///< Outgoing's own number for the segment
    std::uint64_t position = 0;
    std::uint64_t sequence = 0;
    std::uint32_t size = 0;
};

enum class Revoke {
    revoked, ///< what was unread of it is taken back
    over,    ///< it was wholly consumed before, or is kept by who hands it on
    asked,   ///< who hands it on was asked to give it back: Outgoing::answer()
};

/// A posted read that a third has been told of.
struct ClaimedRead {
    std::uint64_t index = 0; ///< in the ledger
    std::uint32_t length = 0;
};

/// What has become of a posted read that was claimed.
enum class Claim {
    holds,
    asked, ///< the reader wants to cancel it: release()
    gone,  ///< it is over
};

struct PostedRead {
    std::uint32_t length;
    bool message_mode;
};

/// As many as the ledger has.
class PostedReads {
public:
    PostedReads() {} // NOLINT(modernize-use-equals-default): it would fill in what is not used
    void add(PostedRead read) { reads_[count_++] = read; }
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] const PostedRead& operator[](std::size_t i) const { return reads_[i]; }
    [[nodiscard]] const PostedRead* begin() const { return reads_.data(); }
    [[nodiscard]] const PostedRead* end() const { return reads_.data() + count_; }

private:
    std::array<PostedRead, ledger_slots> reads_;
    std::size_t count_ = 0;
};

class Outgoing {
public:
    explicit Outgoing(std::unique_ptr<Memory> ring);

    /// Loads how far the reader has come. False: the reader has written nonsense.
    [[nodiscard]] bool refresh();
    /// The reader has passed records since the last refresh.
    [[nodiscard]] bool has_news() const
    {
        return segments_[0]->writer.header().consumed_records.load(std::memory_order_relaxed) != consumed_records_;
    }
    [[nodiscard]] std::uint64_t produced_bytes() const { return produced_bytes_; }
    /// Payload bytes of the record that was appended last.
    [[nodiscard]] std::uint32_t last_size() const { return last_size_; }
    [[nodiscard]] std::uint64_t produced_records() const { return sequence_; }
    /// As of the last refresh: payload bytes that the reader has passed, read or revoked.
    [[nodiscard]] std::uint64_t consumed_bytes() const { return consumed_bytes_; }
    /// As of the last refresh: every record with a lower sequence has been passed.
    [[nodiscard]] std::uint64_t consumed_records() const { return consumed_records_; }

    /// The largest payload that append() can take as one record, as of the last refresh; nullopt: not even an empty one.
    [[nodiscard]] std::optional<std::uint32_t> room() const;
    /// Writes a record; the reader sees it after publish(). False: no room, or no pages behind it. Refreshes when needed.
    [[nodiscard]] bool append(glue::ByteSpan payload, std::uint32_t flags, std::uint64_t state, std::uint32_t context,
                              std::uint32_t rest, RecordRef* ref = nullptr);
    void publish();

    /// Makes a tentative record live. False: the reader has taken it back, since a read that was counted on is gone.
    [[nodiscard]] bool settle(const RecordRef& ref);
    /// Takes back what is unread of a revocable record. Who hands it on is asked, unless it is to be `at_once`.
    [[nodiscard]] Revoke revoke(const RecordRef& ref, bool at_once);
    /// What has become of a record that was asked for, or is behind one, which hold() must keep in its place meanwhile.
    [[nodiscard]] Revoke answer(const RecordRef& ref) const;
    void hold(const RecordRef& ref);
    void hold_none();

    /// The reader's posted reads, oldest first. Empty when the reader is moving them just now: they are being served.
    [[nodiscard]] PostedReads posted_reads() const;
    /// The reader does not cancel its first posted read any more without asking. nullopt: it has none.
    [[nodiscard]] std::optional<ClaimedRead> claim_posted_read();
    [[nodiscard]] Claim claim_on(const ClaimedRead& read) const;
    /// Takes the claim off. True: the reader was waiting for that.
    bool release(const ClaimedRead& read);
    /// The records that the reader has not consumed, as of now.
    [[nodiscard]] Walk walk();

    /// The overflow segment's size in use; 0: none.
    [[nodiscard]] std::uint64_t overflow_size() const;
    [[nodiscard]] std::uint64_t ring_size() const;
    /// True while a replaced overflow segment still holds records: no further one can be added.
    [[nodiscard]] bool overflow_draining() const { return segments_[2] != nullptr; }
    [[nodiscard]] bool add_overflow(std::unique_ptr<Memory> memory);

private:
    struct Numbered {
        std::uint64_t number;
        SegmentWriter writer;
    };
    [[nodiscard]] SegmentWriter* place_for(std::uint32_t size, std::size_t& index);
    [[nodiscard]] SegmentWriter* segment_of(const RecordRef& ref) const;
    [[nodiscard]] RecordHeader* find(const RecordRef& ref) const;
    [[nodiscard]] Shared<std::uint64_t>& ledger_entry(std::uint64_t index) const
    {
        return segments_[0]->writer.header().ledger[index % ledger_slots];
    }

    std::array<std::unique_ptr<Numbered>, maximum_segments> segments_;
    std::uint64_t next_number_ = 0;
    std::uint64_t sequence_ = 0;
    std::uint64_t produced_bytes_ = 0;
    std::uint32_t last_size_ = 0;
    std::uint64_t consumed_bytes_ = 0;
    std::uint64_t consumed_records_ = 0;
    std::array<bool, maximum_segments> unpublished_{};
};

} // namespace ntpipe::channel
