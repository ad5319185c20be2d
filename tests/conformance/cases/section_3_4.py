# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_4.py: rules of section 3.4, complete mode, that no numbered case states."""
from conformance.cases.nonblocking import QUOTA, nowait_pair
from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403


@rule("3.4", "free quota", "a write fits if it does beside what is unread", kinds=EVERY_KIND, mirrored=True)
def beside_what_is_unread(t, kind):
    a, b = nowait_pair(t, kind)
    data = pattern(QUOTA)
    a.write(data[:500]).done(SUCCESS, 500)
    a.write(data[:13]).done(SUCCESS, 0)
    a.write(data[500:]).done(SUCCESS, 12)
    a.write(b"x").done(SUCCESS, 0)
    b.read(500).done(SUCCESS, data[:500])
    b.read(500).done(SUCCESS, data[500:])
    a.write(b"x").done(SUCCESS, 1)


@rule("3.4", "empty message", "an empty message is queued though the quota is used up", kinds=MESSAGES, mirrored=True)
def empty_message_when_full(t, kind):
    a, b = nowait_pair(t, kind)
    a.write(pattern(QUOTA)).done(SUCCESS, QUOTA)
    a.write(b"").done(SUCCESS, 0)
    b.peek().done(SUCCESS, Peek(available=QUOTA, messages=2))


@rule("3.4", "several readers", "what pending readers take does not count: two of 1 and 2 bytes leave room for Q + 3", kinds=EVERY_KIND,
      mirrored=True)
def several_readers(t, kind):
    a, b = nowait_pair(t, kind)
    data = pattern(QUOTA + 3)
    first, second = b.read(1).pending(), b.read(2).pending()
    a.write(data).done(SUCCESS, QUOTA + 3)
    first.done(BUFFER_OVERFLOW if kind == MM else SUCCESS, data[:1])
    second.done(BUFFER_OVERFLOW if kind == MM else SUCCESS, data[1:3])
    b.read(1000).done(SUCCESS, data[3:])


@rule("3.4", "several readers and too much", "a byte too much: a byte pipe gives the readers theirs, a message pipe nothing",
      kinds=EVERY_KIND, mirrored=True)
def several_readers_and_too_much(t, kind):
    a, b = nowait_pair(t, kind)
    data = pattern(QUOTA + 4)
    reads = [b.read(1).pending(), b.read(2).pending()]
    a.write(data).done(SUCCESS, 3 if kind == B else 0)
    if kind == B:
        reads[0].done(SUCCESS, data[:1])
        reads[1].done(SUCCESS, data[1:3])
    else:
        for read in reads:
            read.pending()
    b.peek().done(SUCCESS, Peek(available=0, messages=0))


@rule("3.4", "one message for one reader", "in message mode the first reader that holds the message takes it alone", mirrored=True)
def one_message_for_one_reader(t):
    a, b = nowait_pair(t, MM)
    first, second = b.read(2000).pending(), b.read(2000).pending()
    a.write(pattern(1000)).done(SUCCESS, 1000)
    first.done(SUCCESS, pattern(1000))
    second.pending()


@rule("3.4", "a cancelled reader", "a reader that was cancelled does not make room", kinds=EVERY_KIND, mirrored=True)
def cancelled_reader_makes_no_room(t, kind):
    a, b = nowait_pair(t, kind)
    b.read(100).pending().cancel().done(CANCELLED)
    a.write(pattern(QUOTA + 1)).done(SUCCESS, 0)
    b.peek().done(SUCCESS, Peek(available=0, messages=0))


@rule("3.4", "read of what is there", "a read brings what is there, in the ways of queue mode", kinds=EVERY_KIND, mirrored=True)
def read_of_what_is_there(t, kind):
    a, b = nowait_pair(t, kind)
    b.write(b"0123456789").done(SUCCESS, 10)
    a.read(0).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, b"")
    a.read(4).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, b"0123")
    a.read(100).done(SUCCESS, b"456789")
    a.read(100).done(PIPE_EMPTY)


@rule("3.4", "own operations only", "the other end's mode does not matter: it waits, and may be waited for", kinds=EVERY_KIND,
      mirrored=True)
def mode_of_the_other_end(t, kind):
    a, b = nowait_pair(t, kind)
    write = b.write(pattern(QUOTA + 1)).pending()
    a.read(1).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, pattern(QUOTA + 1)[:1])
    write.done(SUCCESS, QUOTA + 1)
    b.read(1).pending()


@rule("3.4", "flush", "a flush waits as in queue mode", kinds=EVERY_KIND, mirrored=True)
def flush_waits_in_complete_mode(t, kind):
    a, b = nowait_pair(t, kind)
    a.write(b"data").done(SUCCESS, 4)
    flush = a.flush().pending()
    b.read(10).done(SUCCESS, b"data")
    flush.done(SUCCESS)


@rule("3.4", "transceive", "a transceive waits for its reply as in queue mode, and sends whatever the quota is", mirrored=True)
def transceive_waits_in_complete_mode(t):
    a, b = nowait_pair(t, MM)
    data = pattern(2 * QUOTA)
    both = a.transceive(data, 10).pending()
    b.read(2000).done(SUCCESS, data)
    b.write(b"reply").done(SUCCESS, 5)
    both.done(SUCCESS, b"reply")


@rule("3.4", "busy with what", "what pends at this end keeps complete mode out, whatever it is; what pends at the other does not",
      mirrored=True, each={"read": "read", "write": "write", "transceive": "transceive"})
def busy_with(t, given):
    a, b = t.pair(MM)
    operation = {"read": lambda: a.read(1), "write": lambda: a.write(pattern(a.quota + 1)), "transceive": lambda: a.transceive(b"x", 1)}
    op = operation[given]().pending()
    a.set_modes(MESSAGE, COMPLETE).done(PIPE_BUSY)
    a.set_modes(BYTE, QUEUE).done(SUCCESS)
    b.set_modes(MESSAGE, COMPLETE).done(SUCCESS)
    op.cancel().done(CANCELLED)
    a.set_modes(MESSAGE, COMPLETE).done(SUCCESS)
    a.has_modes(MESSAGE, COMPLETE)


@rule("3.4", "back to queue mode", "after the change back operations wait again", kinds=EVERY_KIND, mirrored=True)
def back_to_queue_mode(t, kind):
    a, b = nowait_pair(t, kind)
    a.read(1).done(PIPE_EMPTY)
    a.set_modes(kind.read_mode, QUEUE).done(SUCCESS)
    read = a.read(1).pending()
    b.write(b"x").done(SUCCESS, 1)
    read.done(SUCCESS, b"x")
    a.write(pattern(QUOTA + 1)).pending()


@rule("3.4", "states", "in complete mode the states answer as in queue mode", mirrored=True)
def states_in_complete_mode(t):
    a, b = nowait_pair(t, MM)
    b.write(b"rest").done(SUCCESS, 4)
    b.close()
    t.settle()
    a.write(b"x").done(PIPE_CLOSING)
    a.read(10).done(SUCCESS, b"rest")
    a.read(10).done(PIPE_BROKEN)
