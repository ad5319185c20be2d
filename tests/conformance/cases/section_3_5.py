# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_5.py: rules of section 3.5, cancelling, that no numbered case states; and what becomes of requests that are freed."""
from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403


@rule("3.5", "other reads", "a cancelled read leaves the others their places", kinds=EVERY_KIND, mirrored=True,
      each={"first": 0, "middle": 1, "last": 2})
def reads_keep_their_places(t, kind, given):
    a, b = t.pair(kind)
    reads = [b.read(1).pending() for _ in range(3)]
    reads.pop(given).cancel().done(CANCELLED)
    for read, data in zip(reads, (b"1", b"2")):
        a.write(data).done(SUCCESS, 1)
        read.done(SUCCESS, data)


@rule("3.5", "flush", "a cancelled flush leaves the data where it is", kinds=EVERY_KIND, mirrored=True)
def cancel_of_flush(t, kind):
    a, b = t.pair(kind)
    a.write(b"data").done(SUCCESS, 4)
    a.flush().pending().cancel().done(CANCELLED)
    b.read(10).done(SUCCESS, b"data")


@rule("3.5", "wait", "a cancelled FSCTL_PIPE_WAIT: CANCELLED")
def cancel_of_wait(t):
    t.connected()
    t.wait(milliseconds=WAIT_FOREVER).pending().cancel().done(CANCELLED)


@rule("3.5", "write makes room", "a cancelled write makes room for the writes behind it", kinds=EVERY_KIND, mirrored=True)
def cancelled_write_makes_room(t, kind):
    a, b = t.pair(kind)
    first = a.write(pattern(a.quota + 1)).pending()
    second = a.write(pattern(a.quota)).pending()
    third = a.write(b"x").pending()
    first.cancel().done(CANCELLED)
    second.done(SUCCESS, a.quota)
    third.pending()
    b.read(1).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, pattern(1))
    third.done(SUCCESS, 1)


@rule("3.5", "large write", "of a cancelled write nothing is left, also if it was too large for shared memory", kinds=EVERY_KIND,
      mirrored=True, each={"300K": 300 * 1024, "1300K": 1300 * 1024})
def cancel_of_a_large_write(t, kind, given):
    a, b = t.pair(kind)
    data = pattern(given)
    write = a.write(data).pending()
    b.read(5000).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, data[:5000])
    write.cancel().done(CANCELLED)
    b.peek().done(SUCCESS, Peek(available=0, messages=0))
    a.write(b"next").done(SUCCESS, 4)
    b.read(10).done(SUCCESS, b"next")


@rule("3.5", "freed read", "a request that is freed is cancelled without a trace: the next read gets the data", kinds=EVERY_KIND,
      mirrored=True, needs=["native client"])
def freed_read(t, kind):
    a, b = t.pair(kind)
    freed = b.read(1).pending()
    next_one = b.read(1).pending()
    freed.abandon()
    a.write(b"x").done(SUCCESS, 1)
    next_one.done(SUCCESS, b"x")


@rule("3.5", "freed write", "a write that is freed while it pends takes its data with it", kinds=EVERY_KIND, mirrored=True,
      needs=["native client"])
def freed_write(t, kind):
    a, b = t.pair(kind)
    a.write(pattern(a.quota + 1)).pending().abandon()
    t.settle()
    b.peek().done(SUCCESS, Peek(available=0, messages=0))
    a.flush().done(SUCCESS)


@rule("3.5", "freed listen", "a listen that is freed leaves the instance listening", needs=["native client"])
def freed_listen(t):
    s = t.create()
    s.listen().pending().abandon()
    t.open()
    s.shows(state=CONNECTED)
