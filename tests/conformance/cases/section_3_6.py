# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_6.py: rules of section 3.6, flushing, that no numbered case states: the flush as a marker in the queue."""
from conformance.registry import rule
from conformance.vocabulary import *  # noqa: F403


def partial(kind):
    return BUFFER_OVERFLOW if kind == MM else SUCCESS


@rule("3.6", "other direction", "unread data of the other direction does not hold a flush back", kinds=EVERY_KIND, mirrored=True)
def unread_data_of_the_other_direction(t, kind):
    a, b = t.pair(kind)
    b.write(b"unread").done(SUCCESS, 6)
    a.flush().done(SUCCESS)


@rule("3.6", "several markers", "each flush waits for what was written before it", kinds=EVERY_KIND, mirrored=True)
def several_markers(t, kind):
    a, b = t.pair(kind)
    a.write(b"one").done(SUCCESS, 3)
    first = a.flush().pending()
    a.write(b"two").done(SUCCESS, 3)
    second, third = a.flush().pending(), a.flush().pending()
    b.read(3).done(SUCCESS, b"one")
    first.done(SUCCESS)
    second.pending()
    b.read(2).done(partial(kind), b"tw")
    second.pending()
    b.read(1).done(SUCCESS, b"o")
    second.done(SUCCESS)
    third.done(SUCCESS)


@rule("3.6", "empty message", "an empty message that was not read holds a flush back", kinds=MESSAGES, mirrored=True)
def flush_behind_an_empty_message(t, kind):
    a, b = t.pair(kind)
    a.write(b"").done(SUCCESS, 0)
    flush = a.flush().pending()
    b.read(1).done(SUCCESS, b"")
    flush.done(SUCCESS)


@rule("3.6", "pending writes", "a flush waits for writes that pend", kinds=EVERY_KIND, mirrored=True)
def flush_behind_a_pending_write(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 10)
    write = a.write(data).pending()
    flush = a.flush().pending()
    b.read(10).done(partial(kind), data[:10])
    write.done(SUCCESS, len(data))
    flush.pending()
    b.read(len(data)).done(SUCCESS, data[10:])
    flush.done(SUCCESS)


@rule("3.6", "peek does not read", "a peek, or a read of nothing, leaves a flush waiting", kinds=EVERY_KIND, mirrored=True)
def peek_does_not_end_a_flush(t, kind):
    a, b = t.pair(kind)
    a.write(b"x").done(SUCCESS, 1)
    flush = a.flush().pending()
    b.read(0).done(partial(kind), b"")
    flush.pending()
    b.read(1).done(SUCCESS, b"x")
    flush.done(SUCCESS)


@rule("3.6", "taken by a reader", "what a waiting read takes is read: a flush is over at once", kinds=EVERY_KIND, mirrored=True)
def flush_of_what_a_reader_took(t, kind):
    a, b = t.pair(kind)
    read = b.read(10).pending()
    a.write(b"x").done(SUCCESS, 1)
    read.done(SUCCESS, b"x")
    a.flush().done(SUCCESS)


@rule("3.6", "one of two writes cancelled", "a flush waits on for the other write", kinds=EVERY_KIND, mirrored=True)
def flush_when_one_write_is_cancelled(t, kind):
    a, b = t.pair(kind)
    a.write(b"stays").done(SUCCESS, 5)
    cancelled = a.write(pattern(a.quota)).pending()
    flush = a.flush().pending()
    cancelled.cancel().done(CANCELLED)
    flush.pending()
    b.read(10).done(SUCCESS, b"stays")
    flush.done(SUCCESS)


@rule("3.6", "read in part, then cancelled", "the write that was read in part and is cancelled does not hold a flush back",
      kinds=EVERY_KIND, mirrored=True)
def flush_of_a_write_read_in_part(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 100)
    write = a.write(data).pending()
    flush = a.flush().pending()
    b.read(50).done(partial(kind), data[:50])
    flush.pending()
    write.cancel().done(CANCELLED)
    flush.done(SUCCESS)


@rule("3.6", "after the close", "the peer has closed: SUCCESS, also though it left own data unread", kinds=EVERY_KIND, mirrored=True)
def flush_after_the_close(t, kind):
    a, b = t.pair(kind)
    a.write(b"never read").done(SUCCESS, 10)
    b.close()
    t.settle()
    a.flush().done(SUCCESS)


@rule("3.6", "rights", "a flush needs the right to write", needs=["native client"])
def flush_needs_the_right_to_write(t):
    t.create(share_access=OUTBOUND)
    c = t.open(desired_access=GENERIC_READ)
    c.flush().done(ACCESS_DENIED)
    c.control(FSCTL_FLUSH).done(ACCESS_DENIED)


@rule("3.6", "control code", "FSCTL_PIPE_FLUSH is a flush", kinds=EVERY_KIND, mirrored=True, needs=["native client"])
def flush_by_its_code(t, kind):
    a, b = t.pair(kind)
    a.control(FSCTL_FLUSH).done(SUCCESS, b"")
    a.write(b"x").done(SUCCESS, 1)
    flush = a.control(FSCTL_FLUSH).pending()
    b.read(1).done(SUCCESS, b"x")
    flush.done(SUCCESS, b"")
