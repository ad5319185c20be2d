# SPDX-License-Identifier: LGPL-2.1-or-later
"""transfer.py: cases 111 to 140: reads, writes, messages."""
from conformance.registry import case
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

EVENTS_BELONG = "events, APCs, iosb and handles belong to Wine"


def partial(kind):
    """How a read ends that takes a part of a message."""
    return BUFFER_OVERFLOW if kind == MM else SUCCESS


@case(111, "WN:read_pipe_test", "empty pipe, read 1 with event and APC; then PENDING; write 1: iosb 1/SUCCESS, event set, handle "
      "not signalled, APC at alertable wait", kinds=EVERY_KIND, mirrored=True, note=EVENTS_BELONG)
def read_waits_for_data(t, kind):
    a, b = t.pair(kind)
    r = b.read(1).pending()
    a.write(b"x").done(SUCCESS, 1)
    r.done(SUCCESS, b"x")


@case(113, "WN:read_pipe_test", "pending read of 2; write 1; then 1/SUCCESS", kinds=EVERY_KIND, mirrored=True)
def read_completes_partially(t, kind):
    a, b = t.pair(kind)
    r = b.read(2).pending()
    a.write(b"x").done(SUCCESS, 1)
    r.done(SUCCESS, b"x")


@case(114, "WN:read_pipe_test", "MM: 2 bytes queued, read 1; then 1/BUFFER_OVERFLOW, then 1/SUCCESS. B and MB: 1/SUCCESS twice",
      kinds=EVERY_KIND, mirrored=True)
def read_of_a_part(t, kind):
    a, b = t.pair(kind)
    a.write(b"xy").done(SUCCESS, 2)
    b.read(1).done(partial(kind), b"x")
    b.read(1).done(SUCCESS, b"y")


@case(115, "WK:test_CreateNamedPipe", "MM: messages of 11 and 10; read 32; then 11/SUCCESS; then 10/SUCCESS. B: 21/SUCCESS",
      kinds=(B, MM), mirrored=True)
def messages_keep_their_bounds(t, kind):
    a, b = t.pair(kind)
    a.write(b"hello world").done(SUCCESS, 11)
    a.write(b"0123456789").done(SUCCESS, 10)
    if kind == B:
        b.read(32).done(SUCCESS, b"hello world0123456789")
        return
    b.read(32).done(SUCCESS, b"hello world")
    b.read(32).done(SUCCESS, b"0123456789")


@case(116, "WK:test_CreateNamedPipe", "message type, C still byte read: 11 + 10 written by S; C reads 32; then 21/SUCCESS",
      mirrored=True)
def byte_reads_cross_messages(t):
    a, b = t.pair(MB)
    a.write(b"hello world").done(SUCCESS, 11)
    a.write(b"0123456789").done(SUCCESS, 10)
    b.read(32).done(SUCCESS, b"hello world0123456789")


@case(117, "WK:test_CreateNamedPipe",
      "MM: message of 10, reads of 4, 4, 32; then 4/BUFFER_OVERFLOW, 4/BUFFER_OVERFLOW, 2/SUCCESS", mirrored=True)
def message_in_three_reads(t):
    a, b = t.pair(MM)
    a.write(b"0123456789").done(SUCCESS, 10)
    b.read(4).done(BUFFER_OVERFLOW, b"0123")
    b.read(4).done(BUFFER_OVERFLOW, b"4567")
    b.read(32).done(SUCCESS, b"89")


class Flood:
    """The pipe of cases 119 to 124, which go on where the one before ended."""

    def __init__(self, t, kind):
        self.kind = kind
        self.a, self.b = t.pair(kind)
        self.quota = self.a.quota
        self.first, self.second = pattern(4000, 1), pattern(self.quota, 2)

    def up_to(self, last):
        for number in range(119, last + 1):
            getattr(self, f"case_{number}")()

    def case_119(self):
        r = self.b.read(1000).pending()
        self.a.write(self.first).done(SUCCESS, 4000)
        r.done(partial(self.kind), self.first[:1000])
        self.b.peek().done(SUCCESS, Peek(available=3000))

    def case_120(self):
        self.full = self.a.write(self.second).pending()
        rest = self.first[1000:]
        expected = Peek(length=0, data=rest + self.second) if self.kind == B else Peek(length=3000, data=rest)
        self.b.peek().done(SUCCESS, expected)
        self.b.peek().done(SUCCESS, Peek(available=3000 + self.quota))

    def case_121(self):
        self.one = self.a.write(b"1").pending()
        self.a.write(b"").done(SUCCESS, 0)
        self.full.pending()
        self.one.pending()

    def case_122(self):
        self.b.read(3000).done(SUCCESS, self.first[1000:])
        self.full.done(SUCCESS, self.quota)
        self.one.pending()

    def case_123(self):
        self.b.read(1).done(partial(self.kind), self.second[:1])
        self.one.done(SUCCESS, 1)

    def case_124(self):
        if self.kind == MM:
            self.b.read(self.quota).done(SUCCESS, self.second[1:])
            self.b.read(self.quota).done(SUCCESS, b"1")
        else:
            self.b.read(self.quota).done(SUCCESS, self.second[1:] + b"1")
        if self.kind != B:
            self.b.read(1).done(SUCCESS, b"")
        self.b.read(1).pending()


FLOOD = {
    119: "B/MB/MM: pending read 1000; write 4000 completes at once; reader 1000/SUCCESS (MM: BUFFER_OVERFLOW); peek then 3000 "
         "available",
    120: "after 119, write Q bytes; then PENDING; peek available 3000+Q (message: MessageLength 3000, data 3000)",
    121: "after 120, write 1; then PENDING; write 0: completes at once, both others still pending",
    122: "after 121, read 3000; then write Q completes Q/SUCCESS, 1-byte write still pending",
    123: "after 122, read 1; then 1-byte write completes",
    124: "after 123, read Q: B/MB Q bytes; MM Q-1/SUCCESS then 1/SUCCESS; then MB and MM: one read 0/SUCCESS (empty message), "
         "B: nothing",
}


def add_flood(number, text):
    @case(number, "WK:test_blocking_rw", text, kinds=EVERY_KIND, mirrored=True)
    def flood(t, kind):
        Flood(t, kind).up_to(number)


for case_number, case_text in FLOOD.items():
    add_flood(case_number, case_text)


@case(125, "WK:test_blocking_rw",
      "empty pipe: reads of 0 and 1000 pending; write 1; then 0/SUCCESS (MM BUFFER_OVERFLOW) and 1/SUCCESS",
      kinds=EVERY_KIND, mirrored=True)
def read_of_nothing_comes_first(t, kind):
    a, b = t.pair(kind)
    nothing = b.read(0).pending()
    something = b.read(1000).pending()
    a.write(b"x").done(SUCCESS, 1)
    nothing.done(partial(kind), b"")
    something.done(SUCCESS, b"x")


@case(126, "WK:test_blocking_rw", "write Q+2000; PENDING; read 1999: still PENDING; read 1 more: Q+2000/SUCCESS",
      kinds=EVERY_KIND, mirrored=True)
def write_beyond_the_quota(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 2000)
    w = a.write(data).pending()
    b.read(1999).done(partial(kind), data[:1999])
    w.pending()
    b.read(1).done(partial(kind), data[1999:2000])
    w.done(SUCCESS, len(data))


@case(127, "WK:test_blocking_rw", "MB/MM: empty message then read 1; then 0/SUCCESS. B: read pends", kinds=EVERY_KIND,
      mirrored=True)
def empty_write_then_read(t, kind):
    a, b = t.pair(kind)
    a.write(b"").done(SUCCESS, 0)
    r = b.read(1)
    if kind == B:
        r.pending()
    else:
        r.done(SUCCESS, b"")
        b.read(1).pending()


@case(128, "WK:test_blocking_rw",
      "reads of 0 and 1 pending; empty write: MB/MM first completes 0/SUCCESS, second stays; B: none completes", kinds=EVERY_KIND,
      mirrored=True)
def empty_write_for_waiting_reads(t, kind):
    a, b = t.pair(kind)
    first = b.read(0).pending()
    second = b.read(1).pending()
    a.write(b"").done(SUCCESS, 0)
    if kind == B:
        first.pending()
    else:
        first.done(SUCCESS, b"")
    second.pending()


@case(129, "WK:test_blocking_rw", "messages 20 and 15: peek 20,35,20 (B: 35,35,0); read 10; peek 10,25,10 (B 25,25,0)",
      kinds=EVERY_KIND, mirrored=True)
def peek_of_two_writes(t, kind):
    a, b = t.pair(kind)
    data = pattern(35)
    a.write(data[:20]).done(SUCCESS, 20)
    a.write(data[20:]).done(SUCCESS, 15)
    b.peek().done(SUCCESS, Peek(data=data, available=35, length=0) if kind == B else Peek(data=data[:20], available=35, length=20))
    b.read(10).done(partial(kind), data[:10])
    b.peek().done(SUCCESS, Peek(data=data[10:], available=25, length=0) if kind == B
                  else Peek(data=data[10:20], available=25, length=10))


@case(130, "WK:test_blocking_rw", "two pending reads, cancel the second; write 1; then first completes 1/SUCCESS, second CANCELLED",
      kinds=EVERY_KIND, mirrored=True)
def cancel_of_a_read(t, kind):
    a, b = t.pair(kind)
    first = b.read(1).pending()
    second = b.read(1).pending().cancel()
    a.write(b"x").done(SUCCESS, 1)
    first.done(SUCCESS, b"x")
    second.done(CANCELLED)


@case(132, "WK:test_blocking_rw",
      "pending writes Q+2000 and 1; cancel the first; then peek 1,1; read gets the 1 byte; second completes", kinds=EVERY_KIND,
      mirrored=True)
def cancel_of_a_write(t, kind):
    a, b = t.pair(kind)
    first = a.write(pattern(a.quota + 2000)).pending()
    second = a.write(b"x").pending()
    first.cancel().done(CANCELLED)
    b.peek().done(SUCCESS, Peek(data=b"x", available=1))
    b.read(10).done(SUCCESS, b"x")
    second.done(SUCCESS, 1)


@case(133, "WK:test_blocking_rw", "as 132 but 10 bytes of the first were read; then its remaining bytes vanish too",
      kinds=EVERY_KIND, mirrored=True)
def cancel_of_a_half_read_write(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 2000)
    first = a.write(data).pending()
    second = a.write(b"x").pending()
    b.read(10).done(partial(kind), data[:10])
    first.cancel().done(CANCELLED)
    b.peek().done(SUCCESS, Peek(data=b"x", available=1))
    b.read(10).done(SUCCESS, b"x")
    second.done(SUCCESS, 1)


@case(134, "WK:test_readfileex_pending",
      "0-byte overlapped read on empty B; then PENDING; write 1: 0/SUCCESS; next read of 1 gets the byte", mirrored=True)
def read_of_nothing_waits(t):
    a, b = t.pair(B)
    nothing = b.read(0).pending()
    a.write(b"x").done(SUCCESS, 1)
    nothing.done(SUCCESS, b"")
    b.read(1).done(SUCCESS, b"x")


@case(136, "WK:test_NamedPipeHandleState",
      "byte pipe: set message read on S or C; then INVALID_PARAMETER; message pipe: byte<->message SUCCESS", kinds=(B, MM),
      mirrored=True)
def read_mode_can_be_changed(t, kind):
    a, _ = t.pair(kind)
    for mode in BYTE, MESSAGE:
        a.set_modes(mode, QUEUE).done(INVALID_PARAMETER if (kind, mode) == (B, MESSAGE) else SUCCESS)
    a.has_modes(kind.type, QUEUE)


@case(137, "R", "quota 0 outbound, no reader: S write 1; then PENDING until C reads it", kinds=EVERY_KIND, mirrored=True)
def quota_of_nothing(t, kind):
    a, b = t.pair(kind, inbound_quota=0, outbound_quota=0)
    w = a.write(b"x").pending()
    b.read(1).done(SUCCESS, b"x")
    w.done(SUCCESS, 1)
    r = b.read(1).pending()
    a.write(b"y").done(SUCCESS, 1)
    r.done(SUCCESS, b"y")


@case(138, "R", "write on S of an inbound pipe whose handle had write access by other means; then INVALID_PARAMETER ?")
def direction_that_is_not_there(t):
    s, _ = t.connected(MB.but(share=INBOUND))
    s.write(b"x").done(INVALID_PARAMETER)
