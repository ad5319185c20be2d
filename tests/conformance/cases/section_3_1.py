# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_1.py: rules of sections 3.1 to 3.3, 3.7 and 3.8 that no numbered case states: empty messages, sizes at their bounds, reads and
writes that meet, exchanges, peeks."""
from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403


def partial(kind):
    return BUFFER_OVERFLOW if kind == MM else SUCCESS


# ---- 3.1: modes ----


@rule("3.1", "empty message in the middle", "a read in byte mode passes over an empty message that is not the first", mirrored=True)
def empty_message_in_the_middle(t):
    a, b = t.pair(MB)
    for data in b"ab", b"", b"cd":
        a.write(data).done(SUCCESS, len(data))
    b.read(10).done(SUCCESS, b"abcd")
    b.read(10).pending()


@rule("3.1", "empty message in the middle of messages", "in message mode it is a message like any other", mirrored=True)
def empty_message_between_messages(t):
    a, b = t.pair(MM)
    for data in b"ab", b"", b"cd":
        a.write(data).done(SUCCESS, len(data))
    for data in b"ab", b"", b"cd":
        b.read(10).done(SUCCESS, data)


@rule("3.1", "mixed modes", "each end reads in its own mode: one whole messages, the other bytes across them", mirrored=True)
def mixed_modes(t):
    a, b = t.pair(MB)
    a.set_modes(MESSAGE, QUEUE).done(SUCCESS)
    for end in a, b:
        end.write(b"first").done(SUCCESS, 5)
        end.write(b"second").done(SUCCESS, 6)
    a.read(20).done(SUCCESS, b"first")
    a.read(20).done(SUCCESS, b"second")
    b.read(20).done(SUCCESS, b"firstsecond")


# ---- 3.2: reads ----


@rule("3.2", "exactly", "a buffer as large as the message: SUCCESS, and nothing is left", kinds=EVERY_KIND, mirrored=True)
def exactly_one_message(t, kind):
    a, b = t.pair(kind)
    a.write(b"exact").done(SUCCESS, 5)
    b.read(5).done(SUCCESS, b"exact")
    b.read(5).pending()


@rule("3.2", "read of nothing and an empty message", "a read of 0 takes an empty message: SUCCESS 0", kinds=MESSAGES, mirrored=True)
def empty_read_of_an_empty_message(t, kind):
    a, b = t.pair(kind)
    a.write(b"").done(SUCCESS, 0)
    b.read(0).done(SUCCESS, b"")
    b.peek().done(SUCCESS, Peek(available=0, messages=0))


@rule("3.2", "empty messages one by one", "each empty message ends one waiting read", kinds=MESSAGES, mirrored=True)
def empty_messages_one_by_one(t, kind):
    a, b = t.pair(kind)
    reads = [b.read(5).pending() for _ in range(3)]
    for read in reads[:2]:
        a.write(b"").done(SUCCESS, 0)
        read.done(SUCCESS, b"")
    reads[2].pending()


@rule("3.2", "byte read does not wait for more", "a waiting byte read ends with the first byte, however large its buffer", kinds=(B, MB),
      mirrored=True)
def byte_read_takes_what_there_is(t, kind):
    a, b = t.pair(kind)
    for data in b"a", b"bc":
        read = b.read(1000).pending()
        a.write(data).done(SUCCESS, len(data))
        read.done(SUCCESS, data)


@rule("3.2", "mode changes while a read waits", "a waiting read ends in the mode that the end has when data comes", mirrored=True)
def mode_changes_while_a_read_waits(t):
    a, b = t.pair(MM)
    read = b.read(2).pending()
    b.set_modes(BYTE, QUEUE).done(SUCCESS)
    a.write(b"abc").done(SUCCESS, 3)
    read.done(SUCCESS, b"ab")
    b.read(10).done(SUCCESS, b"c")


# ---- 3.3: writes ----


@rule("3.3", "exactly the quota", "Q bytes are over at once, one more pends until a byte was read", kinds=EVERY_KIND, mirrored=True)
def exactly_the_quota(t, kind):
    a, b = t.pair(kind)
    a.write(pattern(a.quota)).done(SUCCESS, a.quota)
    more = a.write(b"x").pending()
    b.read(1).done(partial(kind), pattern(a.quota)[:1])
    more.done(SUCCESS, 1)


@rule("3.3", "one more than the quota", "Q+1 bytes pend until one of them was read", kinds=EVERY_KIND, mirrored=True)
def one_more_than_the_quota(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 1)
    write = a.write(data).pending()
    b.read(1).done(partial(kind), data[:1])
    write.done(SUCCESS, len(data))


@rule("3.3", "writes end in order", "no write is over before one that came earlier, though it would fit", kinds=EVERY_KIND, mirrored=True)
def writes_end_in_order(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 10)
    first, second = a.write(data).pending(), a.write(b"2").pending()
    b.read(9).done(partial(kind), data[:9])
    first.pending()
    second.pending()
    b.read(1).done(partial(kind), data[9:10])
    first.done(SUCCESS, len(data))
    second.pending()
    b.read(1).done(partial(kind), data[10:11])
    second.done(SUCCESS, 1)


@rule("3.3", "reader takes it all", "what a waiting read takes never counts against the quota", kinds=EVERY_KIND, mirrored=True)
def reader_takes_it_all(t, kind):
    a, b = t.pair(kind)
    data = pattern(2 * a.quota)
    read = b.read(len(data)).pending()
    a.write(data).done(SUCCESS, len(data))
    read.done(SUCCESS, data)
    a.shows(write_quota_available=a.quota)


@rule("3.3", "quotas of the directions", "each direction has its own quota", kinds=EVERY_KIND)
def quotas_of_the_directions(t, kind):
    s, c = t.connected(kind, inbound_quota=10, outbound_quota=20)
    s.write(pattern(20)).done(SUCCESS, 20)
    s.write(b"x").pending()
    c.write(pattern(10)).done(SUCCESS, 10)
    c.write(b"x").pending()


@rule("3.3", "quotas of the instances", "each instance has its own quotas", kinds=EVERY_KIND)
def quotas_of_the_instances(t, kind):
    ends = [t.create(type=kind.type, outbound_quota=quota, disposition=FILE_OPEN_IF) for quota in (10, 20)]
    for end, quota in zip(ends, (10, 20)):
        t.open()
        t.settle()
        end.write(pattern(quota)).done(SUCCESS, quota)
        end.write(b"x").pending()


@rule("3.3", "quota of nothing and readers", "with a quota of 0 a write that a reader takes is over, what it leaves pends",
      kinds=EVERY_KIND, mirrored=True)
def quota_of_nothing_and_readers(t, kind):
    a, b = t.pair(kind, inbound_quota=0, outbound_quota=0)
    read = b.read(2).pending()
    write = a.write(b"abc").pending()
    read.done(partial(kind), b"ab")
    b.read(2).done(SUCCESS, b"c")
    write.done(SUCCESS, 3)


@rule("3.3", "empty byte write wakes nobody", "a byte write of nothing leaves reads, flushes and states as they are", mirrored=True)
def empty_byte_write(t):
    a, b = t.pair(B)
    read = b.read(0).pending()
    a.write(b"").done(SUCCESS, 0)
    read.pending()
    a.flush().done(SUCCESS)
    a.shows(write_quota_available=a.quota)


@rule("3.3", "rights", "a write needs FILE_WRITE_DATA, a read FILE_READ_DATA, a transceive both; the state comes after")
def rights_of_data(t):
    t.create(max_instances=2)
    s = t.create(max_instances=2, disposition=FILE_OPEN)
    reader = t.open(desired_access=GENERIC_READ)
    writer = t.open(desired_access=GENERIC_WRITE | READ_ATTRIBUTES)
    t.settle()
    s.disconnect().done(SUCCESS)
    t.settle()
    reader.write(b"x").done(ACCESS_DENIED)
    writer.read(1).done(ACCESS_DENIED)
    for end in reader, writer:
        end.transceive(b"x", 1).done(ACCESS_DENIED)
    writer.peek().done(ACCESS_DENIED)


@rule("3.3", "zero length in each state", "reads and writes of nothing meet the same states", mirrored=True, kinds=EVERY_KIND)
def zero_length_in_each_state(t, kind):
    a, b = t.pair(kind)
    b.close()
    t.settle()
    a.read(0).done(PIPE_BROKEN)
    a.write(b"").done(PIPE_CLOSING)
    s = t.create(t.name("2"), type=kind.type)
    s.read(0).done(PIPE_LISTENING)
    s.write(b"").done(PIPE_LISTENING)
    s.disconnect().done(SUCCESS)
    s.read(0).done(PIPE_DISCONNECTED)
    s.write(b"").done(PIPE_DISCONNECTED)


# ---- 3.7: transceive ----


@rule("3.7", "mode of this end", "the read mode of the other end does not matter", mirrored=True)
def transceive_needs_own_mode_only(t):
    a, b = t.pair(MB)
    a.set_modes(MESSAGE, QUEUE).done(SUCCESS)
    both = a.transceive(b"question", 20).pending()
    b.read(20).done(SUCCESS, b"question")
    b.write(b"answer").done(SUCCESS, 6)
    both.done(SUCCESS, b"answer")


@rule("3.7", "one reply", "the reply is one message; the next is for the next read", mirrored=True)
def reply_is_one_message(t):
    a, b = t.pair(MM)
    both = a.transceive(b"x", 20).pending()
    b.write(b"one").done(SUCCESS, 3)
    b.write(b"two").done(SUCCESS, 3)
    both.done(SUCCESS, b"one")
    a.read(20).done(SUCCESS, b"two")


@rule("3.7", "exact reply", "a reply as long as the buffer: SUCCESS", mirrored=True)
def reply_fits_exactly(t):
    a, b = t.pair(MM)
    both = a.transceive(b"x", 5).pending()
    b.write(b"reply").done(SUCCESS, 5)
    both.done(SUCCESS, b"reply")
    b.peek().done(SUCCESS, Peek(available=1))


@rule("3.7", "beyond the quota", "the request is sent whatever the quota is, also 0", mirrored=True, each={"0": 0, "100": 100})
def request_beyond_the_quota(t, given):
    a, b = t.pair(MM, inbound_quota=given, outbound_quota=given)
    data = pattern(1000)
    both = a.transceive(data, 10).pending()
    b.read(2000).done(SUCCESS, data)
    waiting = b.write(pattern(given)).done(SUCCESS, given) if given else b.write(b"r")
    if given:
        both.done(BUFFER_OVERFLOW, pattern(given)[:10])
    else:
        both.done(SUCCESS, b"r")
        waiting.done(SUCCESS, 1)


@rule("3.7", "a second one", "a transceive while another waits: PIPE_BUSY, nothing is sent", mirrored=True)
def transceive_while_another_waits(t):
    a, b = t.pair(MM)
    first = a.transceive(b"first", 10).pending()
    a.transceive(b"second", 10).done(PIPE_BUSY)
    b.peek().done(SUCCESS, Peek(available=5, messages=1))
    b.write(b"reply").done(SUCCESS, 5)
    first.done(SUCCESS, b"reply")


@rule("3.7", "unread empty message", "an unread empty message makes the pipe busy, too", mirrored=True)
def transceive_with_an_empty_message_unread(t):
    a, b = t.pair(MM)
    b.write(b"").done(SUCCESS, 0)
    a.transceive(b"x", 10).done(PIPE_BUSY)
    a.read(10).done(SUCCESS, b"")
    a.transceive(b"x", 10).pending()


@rule("3.7", "read behind it", "a read that comes later gets the message after the reply", mirrored=True)
def read_behind_a_transceive(t):
    a, b = t.pair(MM)
    both, read = a.transceive(b"x", 20).pending(), a.read(20).pending()
    b.write(b"reply").done(SUCCESS, 5)
    both.done(SUCCESS, b"reply")
    read.pending()
    b.write(b"more").done(SUCCESS, 4)
    read.done(SUCCESS, b"more")


@rule("3.7", "control code", "FSCTL_PIPE_TRANSCEIVE is a transceive", mirrored=True, needs=["native client"])
def transceive_by_its_code(t):
    a, b = t.pair(MM)
    both = a.control(FSCTL_TRANSCEIVE, b"x", 3).pending()
    b.read(10).done(SUCCESS, b"x")
    b.write(b"reply").done(SUCCESS, 5)
    both.done(BUFFER_OVERFLOW, b"rep")


# ---- 3.8: peek ----


@rule("3.8", "bytes", "of a byte pipe: all that is unread, no messages", mirrored=True)
def peek_of_bytes(t):
    a, b = t.pair(B)
    a.write(b"one").done(SUCCESS, 3)
    a.write(b"two").done(SUCCESS, 3)
    b.peek().done(SUCCESS, Peek(state=CONNECTED, available=6, messages=0, length=0, data=b"onetwo"))
    b.peek(18).done(SUCCESS, Peek(available=6, messages=0, length=0, data=b"on"))


@rule("3.8", "consumes nothing", "a peek takes nothing, and what it has seen can be read", kinds=EVERY_KIND, mirrored=True)
def peek_consumes_nothing(t, kind):
    a, b = t.pair(kind)
    a.write(b"data").done(SUCCESS, 4)
    for _ in range(3):
        b.peek().done(SUCCESS, Peek(available=4, data=b"data"))
    b.read(10).done(SUCCESS, b"data")
    b.peek().done(SUCCESS, Peek(available=0, data=b""))


@rule("3.8", "rest of a message", "the rest of a message that was read in part counts as the first message", mirrored=True)
def peek_of_the_rest(t):
    a, b = t.pair(MM)
    a.write(b"0123456789").done(SUCCESS, 10)
    a.write(b"next").done(SUCCESS, 4)
    b.read(7).done(BUFFER_OVERFLOW, b"0123456")
    b.peek().done(SUCCESS, Peek(available=7, messages=2, length=3, data=b"789"))
    b.peek(18).done(BUFFER_OVERFLOW, Peek(available=7, messages=2, length=3, data=b"78"))


@rule("3.8", "exact room", "room for the first message and no more: SUCCESS", kinds=EVERY_KIND, mirrored=True)
def peek_with_exact_room(t, kind):
    a, b = t.pair(kind)
    a.write(b"data").done(SUCCESS, 4)
    b.peek(20).done(SUCCESS, Peek(available=4, data=b"data"))


@rule("3.8", "beside waiting reads", "a peek does not wait, and leaves waiting reads alone", kinds=EVERY_KIND, mirrored=True)
def peek_beside_waiting_reads(t, kind):
    a, b = t.pair(kind)
    read = b.read(10).pending()
    b.peek().done(SUCCESS, Peek(state=CONNECTED, available=0, messages=0, length=0, data=b""))
    a.write(b"x").done(SUCCESS, 1)
    read.done(SUCCESS, b"x")


@rule("3.8", "pending writes", "bytes of pending writes are shown like others", kinds=EVERY_KIND, mirrored=True)
def peek_of_pending_writes(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 10)
    a.write(data).pending()
    b.peek().done(SUCCESS, Peek(available=len(data), data=data, messages=0 if kind == B else 1))


@rule("3.8", "direction that is not there", "a peek where the pipe has no such direction: INVALID_PARAMETER")
def peek_of_a_missing_direction(t):
    s, _ = t.connected(MB.but(share=OUTBOUND))
    s.peek().done(INVALID_PARAMETER)
    s.read(1).done(INVALID_PARAMETER)
