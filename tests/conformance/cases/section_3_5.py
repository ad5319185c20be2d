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
      mirrored=True, each={"300K": 300 * 1024, "1300K": 1300 * 1024}, needs=["large counts"])
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


# ---- each kind of operation at each moment ----

def start(t, what, a, b):
    """An operation of `a` that pends."""
    if what == "flush":
        a.write(b"unread").done(SUCCESS, 6)
    return {"read": lambda: a.read(10), "write": lambda: a.write(pattern(a.quota + 1)), "transceive": lambda: a.transceive(b"hello", 10),
            "flush": a.flush}[what]()


def finish(what, a, b):
    """Ends it as it is meant to end; what it brings."""
    if what == "read":
        b.write(b"data").done(SUCCESS, 4)
        return b"data"
    if what == "write":
        b.read(a.quota + 1).done(SUCCESS, pattern(a.quota + 1))
        return a.quota + 1
    if what == "transceive":
        b.read(10).done(SUCCESS, b"hello")
        b.write(b"reply").done(SUCCESS, 5)
        return b"reply"
    b.read(10).done(SUCCESS, b"unread")
    return None


KINDS_OF_OPERATIONS = {name: name for name in ("read", "write", "transceive", "flush")}


@rule("3.5", "at once", "cancelled before anything else has happened: CANCELLED", mirrored=True, each=KINDS_OF_OPERATIONS)
def cancel_at_once(t, given):
    a, b = t.pair(MM)
    start(t, given, a, b).cancel().done(CANCELLED)


@rule("3.5", "twice", "a second cancel changes nothing", mirrored=True, each=KINDS_OF_OPERATIONS)
def cancel_twice(t, given):
    a, b = t.pair(MM)
    op = start(t, given, a, b).pending()
    op.cancel().cancel().done(CANCELLED)
    op.cancel().done(CANCELLED)


@rule("3.5", "when it is over", "a cancel of what is over changes nothing", mirrored=True, each=KINDS_OF_OPERATIONS)
def cancel_when_over(t, given):
    a, b = t.pair(MM)
    op = start(t, given, a, b).pending()
    value = finish(given, a, b)
    op.done(SUCCESS, value)
    op.cancel().done(SUCCESS, value)


@rule("3.5", "after the close", "a cancel of what the other end's close has ended changes nothing", mirrored=True,
      each=KINDS_OF_OPERATIONS)
def cancel_after_close(t, given):
    a, b = t.pair(MM)
    op = start(t, given, a, b).pending()
    b.close()
    op.done(PIPE_BROKEN)
    op.cancel().done(PIPE_BROKEN)


@rule("3.5", "after a disconnect", "a cancel of what a disconnect has ended changes nothing", mirrored=True, each=KINDS_OF_OPERATIONS)
def cancel_after_disconnect(t, given):
    a, b = t.pair(MM)
    op = start(t, given, a, b).pending()
    (a if t.a_is == "server" else b).disconnect().done(SUCCESS)
    op.done(PIPE_DISCONNECTED)
    op.cancel().done(PIPE_DISCONNECTED)


@rule("3.5", "and go on", "after a cancel both ends go on as before", mirrored=True, each=KINDS_OF_OPERATIONS)
def go_on_after_cancel(t, given):
    a, b = t.pair(MM)
    start(t, given, a, b).pending().cancel().done(CANCELLED)
    left = {"transceive": b"hello", "flush": b"unread"}.get(given)
    if left:
        b.read(10).done(SUCCESS, left)
    for one, other in (a, b), (b, a):
        read = other.read(10).pending()
        one.write(b"on").done(SUCCESS, 2)
        read.done(SUCCESS, b"on")


@rule("3.5", "one flush of two", "a cancelled flush leaves the other waiting", kinds=EVERY_KIND, mirrored=True)
def cancel_of_one_flush_of_two(t, kind):
    a, b = t.pair(kind)
    a.write(b"x").done(SUCCESS, 1)
    first, second = a.flush().pending(), a.flush().pending()
    first.cancel().done(CANCELLED)
    second.pending()
    b.read(1).done(SUCCESS, b"x")
    second.done(SUCCESS)


@rule("3.5", "write in the middle", "a write that is cancelled between others vanishes from between them", kinds=EVERY_KIND,
      mirrored=True, each={"first": 0, "middle": 1, "last": 2})
def cancel_of_one_write_of_three(t, kind, given):
    a, b = t.pair(kind)
    a.write(b"head").done(SUCCESS, 4)
    data = [pattern(a.quota, seed) for seed in range(3)]
    writes = [a.write(part).pending() for part in data]
    writes.pop(given).cancel().done(CANCELLED)
    data.pop(given)
    everything = [b"head", *data]
    t.settle()
    b.peek(16).done(BUFFER_OVERFLOW, Peek(available=4 + 2 * a.quota))
    if kind == MM:
        for part in everything:
            b.read(len(part) + 1).done(SUCCESS, part)
    else:
        b.read(3 * a.quota).done(SUCCESS, b"".join(everything))
    for write in writes:
        write.done(SUCCESS, a.quota)


@rule("3.5", "reply after the cancel", "the reply to a transceive that was cancelled is there for the next read", mirrored=True)
def reply_after_the_cancel(t):
    a, b = t.pair(MM)
    a.transceive(b"ab", 10).pending().cancel().done(CANCELLED)
    b.read(10).done(SUCCESS, b"ab")
    b.write(b"late").done(SUCCESS, 4)
    a.transceive(b"again", 10).done(PIPE_BUSY)
    a.read(10).done(SUCCESS, b"late")


@rule("3.5", "empty read", "a cancelled read of nothing leaves the next byte to the others", kinds=EVERY_KIND, mirrored=True)
def cancel_of_an_empty_read(t, kind):
    a, b = t.pair(kind)
    nothing, something = b.read(0).pending(), b.read(1).pending()
    nothing.cancel().done(CANCELLED)
    a.write(b"x").done(SUCCESS, 1)
    something.done(SUCCESS, b"x")


@rule("3.5", "one wait of two", "a cancelled wait leaves the other waiting; a wait that is over is not cancelled")
def cancel_of_one_wait_of_two(t):
    s, _ = t.connected()
    first, second = t.wait(milliseconds=WAIT_FOREVER).pending(), t.wait(milliseconds=WAIT_FOREVER).pending()
    first.cancel().cancel().done(CANCELLED)
    second.pending()
    s.disconnect().done(SUCCESS)
    s.listen().pending()
    second.done(SUCCESS)
    second.cancel().done(SUCCESS)


@rule("3.5", "listen at once", "a listen cancelled at once, twice, or when it is over")
def cancel_of_listen_at_each_moment(t):
    s = t.create()
    s.listen().cancel().cancel().done(CANCELLED)
    listen = s.listen().pending()
    t.open()
    listen.done(SUCCESS)
    listen.cancel().done(SUCCESS)
