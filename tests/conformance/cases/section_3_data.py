# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_data.py: rules of section 3 that no numbered case states: sizes, order, modes that change while something waits."""
from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

KIB = 1024
# More than the ring that the quota asks for; and more than its overflow may hold, too.
LARGE = {"64K": 64 * KIB, "200K": 200 * KIB, "1000K": 1000 * KIB}
HUGE = {"1300K": 1300 * KIB}


def read_all(end, kind, data, step):
    for at in range(0, len(data), step):
        is_last = at + step >= len(data)
        end.read(step).done(SUCCESS if is_last or kind != MM else BUFFER_OVERFLOW, data[at : at + step])


@rule("3.3", "larger than the ring", "a write larger than the quota is queued as a whole, pends, and is read in order",
      kinds=EVERY_KIND, mirrored=True, each=LARGE, needs=["large counts"])
def larger_than_the_ring(t, kind, given):
    a, b = t.pair(kind)
    data = pattern(given)
    write = a.write(data).pending()
    b.peek(20).done(SUCCESS if kind == B else BUFFER_OVERFLOW,
                    Peek(available=given, length=0 if kind == B else given, data=data[:4]))
    b.read(given + 1).done(SUCCESS, data)
    write.done(SUCCESS, given)


@rule("3.3", "larger than the ring for a reader", "a pending read whose buffer is large enough takes a write of any size at once",
      kinds=EVERY_KIND, mirrored=True, each=LARGE, needs=["large counts"])
def larger_than_the_ring_for_a_reader(t, kind, given):
    a, b = t.pair(kind)
    data = pattern(given)
    read = b.read(given).pending()
    a.write(data).done(SUCCESS, given)
    read.done(SUCCESS, data)


@rule("3.2", "large message in small reads", "reads shorter than a message continue it until its last byte", kinds=EVERY_KIND,
      mirrored=True, needs=["large counts"])
def large_message_in_small_reads(t, kind):
    a, b = t.pair(kind)
    data = pattern(200 * KIB)
    write = a.write(data).pending()
    read_all(b, kind, data, 7001)
    write.done(SUCCESS, len(data))


@rule("3.3", "beyond all memory", "a write beyond what shared memory takes becomes visible as space frees, whole and in order",
      kinds=EVERY_KIND, mirrored=True, each=HUGE, needs=["large counts"])
def beyond_all_memory(t, kind, given):
    a, b = t.pair(kind)
    data = pattern(given)
    write = a.write(data).pending()
    after = a.write(b"after").pending()
    came = bytearray()
    while len(came) < given:
        came += b.read(min(256 * KIB, given - len(came))).some()
    t.equal("the data is the same", bytes(came) == data, True)
    write.done(SUCCESS, given)
    after.done(SUCCESS, 5)
    b.read(10).done(SUCCESS, b"after")


@rule("3.3", "empty message behind a large one", "an empty message never blocks: it is over when all before it is in shared memory",
      kinds=MESSAGES, mirrored=True, needs=["large counts"])
def empty_message_behind_a_large_one(t, kind):
    a, b = t.pair(kind)
    data = pattern(HUGE["1300K"])
    left = a.quota + 10000
    large = a.write(data).pending()
    empty = a.write(b"")
    came = bytearray()
    while len(came) < len(data) - left:
        came += b.read(len(data) - left - len(came)).some()
    empty.done(SUCCESS, 0)
    large.pending()
    while len(came) < len(data):
        came += b.read(len(data) - len(came)).some()
    t.equal("the data is the same", bytes(came) == data, True)
    large.done(SUCCESS, len(data))
    b.read(10).done(SUCCESS, b"")


@rule("3.3", "many messages", "messages keep their order and bounds over many turns of the ring", kinds=MESSAGES, mirrored=True)
def many_messages(t, kind):
    a, b = t.pair(kind)
    for turn in range(60):
        data = pattern(977 * (turn % 5 + 1), turn)
        a.write(data).done(SUCCESS, len(data))
        b.read(65536).done(SUCCESS, data)


@rule("3.3", "many small messages", "the quota counts bytes: that many messages of one byte are written at once, and empty ones",
      kinds=MESSAGES, mirrored=True, each={"one byte": b"x", "empty": b""})
def many_small_messages(t, kind, given):
    a, b = t.pair(kind)
    for _ in range(3000):
        a.write(given).done(SUCCESS, len(given))
    b.peek().done(SUCCESS, Peek(available=3000 * len(given), messages=3000, length=len(given)))
    a.close()
    t.settle()
    b.read(len(given) + 1).done(SUCCESS, given if kind == MM else given * 2)


@rule("3.2", "first in first out", "pending reads are served in the order in which they came", kinds=EVERY_KIND, mirrored=True)
def reads_in_order(t, kind):
    a, b = t.pair(kind)
    reads = [b.read(3).pending() for _ in range(5)]
    for number, read in enumerate(reads):
        data = b"%d" % number * 3
        a.write(data).done(SUCCESS, 3)
        read.done(SUCCESS, data)


@rule("3.2", "one write for many reads", "a byte write fills pending reads one after the other; a message in byte mode likewise",
      kinds=(B, MB), mirrored=True)
def one_write_for_many_reads(t, kind):
    a, b = t.pair(kind)
    reads = [b.read(2).pending() for _ in range(3)]
    a.write(b"abcde").done(SUCCESS, 5)
    for read, data in zip(reads, (b"ab", b"cd", b"e")):
        read.done(SUCCESS, data)


@rule("3.2", "one message for many reads", "in message mode a message longer than the read goes on in the next one", mirrored=True)
def one_message_for_many_reads(t):
    a, b = t.pair(MM)
    reads = [b.read(2).pending() for _ in range(3)]
    a.write(b"abcde").done(SUCCESS, 5)
    for read, status, data in zip(reads, (BUFFER_OVERFLOW, BUFFER_OVERFLOW, SUCCESS), (b"ab", b"cd", b"e")):
        read.done(status, data)


@rule("3.2", "mode changes between reads", "the read mode counts at the read: a message begun in one mode goes on in the other",
      mirrored=True)
def mode_changes_between_reads(t):
    a, b = t.pair(MM)
    a.write(b"0123456789").done(SUCCESS, 10)
    a.write(b"next").done(SUCCESS, 4)
    b.read(4).done(BUFFER_OVERFLOW, b"0123")
    b.set_modes(BYTE, QUEUE).done(SUCCESS)
    b.read(2).done(SUCCESS, b"45")
    b.set_modes(MESSAGE, QUEUE).done(SUCCESS)
    b.read(2).done(BUFFER_OVERFLOW, b"67")
    b.set_modes(BYTE, QUEUE).done(SUCCESS)
    b.read(20).done(SUCCESS, b"89next")


@rule("3.2", "empty read consumes nothing", "a read of 0 with data there takes nothing (message mode: BUFFER_OVERFLOW)",
      kinds=EVERY_KIND, mirrored=True)
def empty_read_consumes_nothing(t, kind):
    a, b = t.pair(kind)
    a.write(b"x").done(SUCCESS, 1)
    b.read(0).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, b"")
    b.read(1).done(SUCCESS, b"x")


@rule("3.4", "busy end", "complete mode cannot be set while this end has reads or writes pending", kinds=EVERY_KIND, mirrored=True)
def no_complete_mode_while_busy(t, kind):
    a, b = t.pair(kind)
    read = a.read(1).pending()
    a.set_modes(kind.read_mode, COMPLETE).done(PIPE_BUSY)
    a.has_modes(kind.read_mode, QUEUE)
    b.write(b"x").done(SUCCESS, 1)
    read.done(SUCCESS, b"x")
    a.set_modes(kind.read_mode, COMPLETE).done(SUCCESS)


@rule("3.4", "large write for small readers", "bytes that do not fit, however many: waiting reads get theirs, the rest is not written",
      mirrored=True, each=LARGE, needs=["large counts"])
def large_write_for_small_readers(t, given):
    a, b = t.pair(B)
    reads = [b.read(size).pending() for size in (1, 0, 10)]
    a.set_modes(BYTE, COMPLETE).done(SUCCESS)
    data = pattern(given)
    a.write(data).done(SUCCESS, 11)
    for read, expected in zip(reads, (data[:1], b"", data[1:11])):
        read.done(SUCCESS, expected)
    b.peek().done(SUCCESS, Peek(available=0))
    a.write(data).done(SUCCESS, 0)


@rule("3.6", "later write is pending", "a flush waits for what was written before it, not for a later write, however large",
      kinds=EVERY_KIND, mirrored=True, each={"8K": 8 * KIB, **HUGE}, needs=["large counts"])
def flush_before_a_pending_write(t, kind, given):
    a, b = t.pair(kind)
    a.write(b"before").done(SUCCESS, 6)
    flush = a.flush().pending()
    later = a.write(pattern(given)).pending()
    b.read(6).done(SUCCESS, b"before")
    flush.done(SUCCESS)
    later.pending()


@rule("3.7", "own read is pending", "transceive while this end has a read pending: PIPE_BUSY, nothing is sent", mirrored=True)
def transceive_with_a_read_pending(t):
    a, b = t.pair(MM)
    read = a.read(10).pending()
    a.transceive(b"x", 10).done(PIPE_BUSY)
    b.peek().done(SUCCESS, Peek(available=0, messages=0))
    read.pending()


@rule("3.8", "no room", "peek with less room than its fixed part: INVALID_PARAMETER; with no room for data: BUFFER_OVERFLOW",
      kinds=EVERY_KIND, mirrored=True)
def peek_without_room(t, kind):
    a, b = t.pair(kind)
    a.write(b"x").done(SUCCESS, 1)
    b.peek(15).done(INVALID_PARAMETER)
    b.peek(16).done(BUFFER_OVERFLOW, Peek(state=CONNECTED, available=1, data=b""))


@rule("5.1", "write quota", "WriteQuotaAvailable is what the quota leaves beside unread bytes, and 0 beyond it", kinds=EVERY_KIND,
      mirrored=True)
def write_quota_counts_unread(t, kind):
    a, b = t.pair(kind)
    a.shows(write_quota_available=a.quota, read_data_available=0)
    a.write(pattern(1000)).done(SUCCESS, 1000)
    a.shows(write_quota_available=a.quota - 1000)
    b.shows(read_data_available=1000, write_quota_available=b.quota)
    a.write(pattern(a.quota)).pending()
    a.shows(write_quota_available=0)
    b.shows(read_data_available=1000 + a.quota)
