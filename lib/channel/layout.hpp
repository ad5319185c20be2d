// SPDX-License-Identifier: LGPL-2.1-or-later
// layout.hpp: the bytes that the two processes of a connection share. docs/SPEC.md describes the same bytes in words.
//
// A connection has one page that both ends map (ConnectionPage) and, for each direction that data may take, one segment
// (SegmentHeader, then a ring of records). An end maps only the directions that its granted access allows. When a ring is
// too small for what its quota lets wait, the broker adds an overflow segment of the same shape to that direction; the order
// of records over both is their sequence number.
//
// Why this is right. Each word has one writer, but for four, which are settled by read-modify-write.
//   * tail, overflows: the writer's. head, consumed_*, reads_*, ledger (but for claims): the reader's. wants: its sleeper's; who rings it only clears it.
//   * Bytes and header of a record belong to the writer until it stores tail, to the reader from its load of tail until it stores head,
//     and to the writer again from its load of head. Release and acquire on these two words suffice for that.
//   * progress of a revocable record: live goes to revoked (writer) or done (reader, after copying), tentative to live (writer) or
//     revoked (either), each by compare-and-swap, so exactly one wins; that is where taking, cancelling and deciding take effect.
//     Other records have one writer of it.
//   * the claim on such a record: none goes to claimed (reader, looking), claimed to asked (writer, cancelling), asked to kept, or to revoked
//     with the state (reader, answering). A claimed record is revoked by its writer only when that closes. The same on an entry of the
//     ledger, the other way round: claimed (writer), asked (reader, cancelling), and the claim taken off (writer). So who may have told a third
//     that something is read is never told himself that it was cancelled.
//   * state: attach and withdraw by compare-and-swap from 0, the other bits by fetch_or, none is ever cleared.
// A write takes effect when it stores tail (a tentative one when it becomes live); a read when it takes its last record. Three pairs
// store one word and then load the other's, and need sequential consistency on both sides, or both may miss the other:
//   * sleeping: wants, then tail or head | tail or head, then wants. Nobody sleeps over what he waits for.
//   * posting: reads_posted and ledger, then tail | tail, then ledger. A writer sees the read, or the read sees the record.
//   * cancelling a read: ledger, then progress | tail of a tentative record, then ledger. It is revoked, or was not counted on.
// A reader takes a read out of the ledger before it shows what was consumed, and a writer loads what was consumed before the ledger:
// so a read that is still counted on has not taken anything that is counted as consumed. A reader that leaves counts behind is seen
// late, never wrongly. Close revokes, the last first, then says closed, and publishes before: who sees closed sees all that remains.
// tests/explore goes through the interleavings of exactly these sources.
//
// Nothing in here is to be believed: the other end may write anything at any time. Every field is loaded once, checked and
// then used (see load_once), and what must be believed (identity, access, quota, ids) is told by the broker and never stands
// here.
#pragma once

#include "channel/shared.hpp"

#include <cstddef>
#include <cstdint>

namespace ntpipe::channel {

/// Of this layout. The broker names it in each hand-over; an end refuses a version that it does not know.
inline constexpr std::uint32_t layout_version = 1;

/// Client to server is inbound, server to client is outbound, as NPFS names them.
enum class Direction : std::uint8_t { inbound = 0, outbound = 1 };
enum class Side : std::uint8_t { client = 0, server = 1 };

[[nodiscard]] constexpr Direction outgoing_direction(Side side)
{
    return side == Side::client ? Direction::inbound : Direction::outbound;
}
[[nodiscard]] constexpr Direction incoming_direction(Side side)
{
    return side == Side::client ? Direction::outbound : Direction::inbound;
}
[[nodiscard]] constexpr Side other(Side side)
{
    return side == Side::client ? Side::server : Side::client;
}

// ---- records ----

/// Records start at multiples of this, so a header never wraps. Payload may.
inline constexpr std::uint64_t record_alignment = 32;

struct RecordHeader {
    std::uint32_t size;             ///< bytes of payload behind this header
    std::uint32_t flags;            ///< record_flag
    std::uint64_t sequence;         ///< 0, 1, 2... over ring and overflow of one direction
    Shared<std::uint64_t> progress; ///< bits 0..31 bytes consumed, bits 32..33 record_state, bits 34..35 record_claim
    std::uint32_t context;          ///< broker-issued id of the writer's security context
    std::uint32_t rest;             ///< bytes of the same write that follow in later records
};
static_assert(sizeof(RecordHeader) == record_alignment);
static_assert(Shared<std::uint64_t>::is_always_lock_free);

namespace record_flag {
/// Goes on with the write that the record before began.
inline constexpr std::uint32_t continuation = 1U << 0;
/// The writer may still take it back; reader and writer settle that by compare-and-swap on `progress`.
inline constexpr std::uint32_t revocable = 1U << 1;
/// The write half of a transceive: never held back by quota (SEMANTICS 3.7), so never dropped as pending.
inline constexpr std::uint32_t exempt = 1U << 2;
/// Carries nothing: the rest of the write that was going on will not come.
inline constexpr std::uint32_t cut = 1U << 3;
inline constexpr std::uint32_t known = continuation | revocable | exempt | cut;
} // namespace record_flag

namespace record_state {
inline constexpr std::uint64_t live = 0;
/// Not there yet for reads: the writer is still finding out whether posted reads take it.
inline constexpr std::uint64_t tentative = 1ULL << 32;
/// Taken back; a reader passes over what it has not consumed of it.
inline constexpr std::uint64_t revoked = 2ULL << 32;
/// Wholly consumed; can no longer be taken back.
inline constexpr std::uint64_t done = 3ULL << 32;
inline constexpr std::uint64_t mask = 3ULL << 32;
} // namespace record_state

/// On a live revocable record: its reader hands it on, and may have to say that it was read over there.
namespace record_claim {
inline constexpr std::uint64_t none = 0;
inline constexpr std::uint64_t claimed = 1ULL << 34; ///< by the reader
inline constexpr std::uint64_t asked = 2ULL << 34;   ///< by the writer: whether it can have it back
inline constexpr std::uint64_t kept = 3ULL << 34;    ///< by the reader: it cannot
inline constexpr std::uint64_t mask = 3ULL << 34;
} // namespace record_claim

[[nodiscard]] constexpr std::uint64_t record_span(std::uint32_t payload)
{
    return (sizeof(RecordHeader) + payload + record_alignment - 1) & ~(record_alignment - 1);
}

// ---- segments ----

inline constexpr std::size_t ledger_slots = 64;
inline constexpr std::size_t segment_header_size = 1024;
/// Small enough that an idle connection costs little, large enough for any header and some records.
inline constexpr std::size_t minimum_segment_size = 4096;
inline constexpr std::size_t maximum_segment_size = std::size_t{1} << 30;

/// A posted read in the ledger: bits 0..31 buffer length, bit 32 message read mode, bit 33 posted (0: cancelled).
namespace ledger_bit {
inline constexpr std::uint64_t message_mode = 1ULL << 32;
inline constexpr std::uint64_t posted = 1ULL << 33;
/// By the writer, who hands on: a third may be told that this read has taken what it writes.
inline constexpr std::uint64_t claimed = 1ULL << 34;
/// By the reader: it wants to cancel it. The writer answers by taking its claim off, or with data.
inline constexpr std::uint64_t asked = 1ULL << 35;
} // namespace ledger_bit

/// At offset 0 of a segment. Positions count bytes since the segment's birth and never go back; the place in the ring is
/// position modulo capacity, and capacity = segment size - segment_header_size.
struct SegmentHeader {
    std::byte reserved0[64];

    // Written by the writer.
    alignas(64) Shared<std::uint64_t> tail; ///< end of the last published record
    Shared<std::uint64_t> overflows;        ///< overflow segments that the writer has begun to use (ring segment only)
    std::byte reserved1[48];

    // Written by the reader.
    alignas(64) Shared<std::uint64_t> head; ///< start of the first record that is not released
    Shared<std::uint64_t> consumed_bytes;   ///< payload bytes passed in this direction (ring segment only)
    Shared<std::uint64_t> consumed_records; ///< sequence of the first record not passed (ring segment only)
    Shared<std::uint64_t> reads_resolved;   ///< ledger index of the first read not settled (ring segment only)
    Shared<std::uint64_t> reads_posted;     ///< ledger index of the next read (ring segment only)
    std::byte reserved2[24];
    Shared<std::uint64_t> ledger[ledger_slots]; ///< index modulo ledger_slots (ring segment only)
    std::byte reserved3[320];
};
static_assert(sizeof(SegmentHeader) == segment_header_size);
static_assert(offsetof(SegmentHeader, tail) == 64);
static_assert(offsetof(SegmentHeader, overflows) == 72);
static_assert(offsetof(SegmentHeader, head) == 128);
static_assert(offsetof(SegmentHeader, consumed_bytes) == 136);
static_assert(offsetof(SegmentHeader, consumed_records) == 144);
static_assert(offsetof(SegmentHeader, reads_resolved) == 152);
static_assert(offsetof(SegmentHeader, reads_posted) == 160);
static_assert(offsetof(SegmentHeader, ledger) == 192);

// ---- the page of a connection ----

inline constexpr std::size_t connection_page_size = 4096;

/// The connection's state word. 0: handed over, the client has not attached. The client attaches and the server withdraws by
/// compare-and-swap from 0; the other bits are only ever added, each by the side that it speaks of.
namespace connection_state {
inline constexpr std::uint32_t offered = 0;
inline constexpr std::uint32_t attached = 1U << 0;      ///< by the client
inline constexpr std::uint32_t withdrawn = 1U << 1;     ///< by the server: this client never gets in
inline constexpr std::uint32_t client_closed = 1U << 2; ///< by the client
inline constexpr std::uint32_t server_closed = 1U << 3; ///< by the server
inline constexpr std::uint32_t disconnected = 1U << 4;  ///< by the server
} // namespace connection_state

/// What a sleeping side wants to be woken for.
namespace want {
inline constexpr std::uint32_t data = 1U << 0;  ///< a record was published for me
inline constexpr std::uint32_t space = 1U << 1; ///< something of mine was consumed
/// With space: not for every bit of it, but when much of mine was consumed, or all that is there, or a read was posted.
inline constexpr std::uint32_t room = 1U << 2;
} // namespace want

/// Counts of a direction, for the side that does not map it.
struct DirectionMirror {
    Shared<std::uint64_t> unread; ///< by the writer, when the reader does not map the direction
    Shared<std::uint64_t> posted; ///< by the reader, when the writer does not map it: bytes of its posted reads
    std::byte reserved[48];
};
static_assert(sizeof(DirectionMirror) == 64);

struct ConnectionPage {
    std::byte reserved0[64];
    alignas(64) Shared<std::uint32_t> state;
    std::byte reserved1[60];
    struct alignas(64) Sleeper {
        Shared<std::uint32_t> wants;
        std::byte reserved[60];
    } sleepers[2];              ///< by Side; each written by its side, cleared by the other when it rings
    DirectionMirror mirrors[2]; ///< by Direction
    std::byte reserved2[3712];
};
static_assert(sizeof(ConnectionPage) == connection_page_size);
static_assert(offsetof(ConnectionPage, state) == 64);
static_assert(offsetof(ConnectionPage, sleepers) == 128);
static_assert(offsetof(ConnectionPage, mirrors) == 256);
static_assert(Shared<std::uint32_t>::is_always_lock_free);

// ---- the page of a pipe ----

inline constexpr std::uint32_t pipe_magic = 0x5050544E; // "NTPP"

/// What belongs to the pipe and not to a connection. Written by the broker alone; ends map it read-only, and queries that
/// need it cost no round trip and stay right when the name is gone.
struct PipePage {
    std::uint32_t magic;
    std::uint32_t version;
    Shared<std::uint32_t> generation; ///< odd while the broker writes what follows
    Shared<std::uint32_t> current_instances;
    Shared<std::uint64_t> default_timeout; ///< 100 ns units, two's complement, negative: relative
    Shared<std::uint32_t> descriptor_size;
    std::uint32_t reserved0;
    std::uint64_t pipe; ///< its id
    std::byte reserved1[24];
    /// Then, to the end of the memory: a self-relative security descriptor.
};
static_assert(sizeof(PipePage) == 64);
/// Room for a descriptor with an ACL of NT's largest size (64 KiB), in whole pages. Untouched pages cost nothing.
inline constexpr std::size_t pipe_page_size = 18 * std::size_t{4096};
inline constexpr std::size_t maximum_descriptor_size = pipe_page_size - sizeof(PipePage);

} // namespace ntpipe::channel
