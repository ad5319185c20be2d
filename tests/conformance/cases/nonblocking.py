# SPDX-License-Identifier: LGPL-2.1-or-later
"""nonblocking.py: cases 141 to 149: complete mode (PIPE_NOWAIT)."""
from conformance.registry import case
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

QUOTA = 512


def nowait_pair(t, kind):
    """(a, b): a does not wait, b does."""
    a, b = t.pair(kind, inbound_quota=QUOTA, outbound_quota=QUOTA)
    a.set_modes(kind.read_mode, COMPLETE).done(SUCCESS)
    return a, b


@case(141, "WK:test_nowait", "read of empty pipe; then PIPE_EMPTY", kinds=EVERY_KIND, mirrored=True)
def read_of_an_empty_pipe(t, kind):
    a, _ = nowait_pair(t, kind)
    a.read(1).done(PIPE_EMPTY)
    a.read(0).done(PIPE_EMPTY)


@case(142, "WK:test_nowait", "Q 512, no reader, write 513; then 0/SUCCESS; queue empty", kinds=EVERY_KIND, mirrored=True)
def write_that_does_not_fit(t, kind):
    a, b = nowait_pair(t, kind)
    a.write(pattern(513)).done(SUCCESS, 0)
    b.peek().done(SUCCESS, Peek(available=0, messages=0))


@case(143, "WK:test_nowait", "reader 32768 pending, write 5; then 5/5", kinds=EVERY_KIND, mirrored=True)
def write_for_a_reader(t, kind):
    a, b = nowait_pair(t, kind)
    r = b.read(32768).pending()
    a.write(b"hello").done(SUCCESS, 5)
    r.done(SUCCESS, b"hello")


@case(144, "WK:test_nowait", "reader 32768 pending, write 513; then 513/513", kinds=EVERY_KIND, mirrored=True)
def write_beyond_the_quota_for_a_reader(t, kind):
    a, b = nowait_pair(t, kind)
    r = b.read(32768).pending()
    a.write(pattern(513)).done(SUCCESS, 513)
    r.done(SUCCESS, pattern(513))


@case(145, "WK:test_nowait", "reader 1 pending, write 513; then written 513, reader 1, later read 512", kinds=EVERY_KIND,
      mirrored=True)
def rest_fits_the_quota(t, kind):
    a, b = nowait_pair(t, kind)
    r = b.read(1).pending()
    data = pattern(513)
    a.write(data).done(SUCCESS, 513)
    r.done(BUFFER_OVERFLOW if kind == MM else SUCCESS, data[:1])
    b.read(1000).done(SUCCESS, data[1:])


@case(146, "WK:test_nowait T", "message type: reader 1 pending, write 514; then written 0, reader still pending", kinds=MESSAGES,
      mirrored=True)
def rest_of_a_message_does_not_fit(t, kind):
    a, b = nowait_pair(t, kind)
    r = b.read(1).pending()
    a.write(pattern(514)).done(SUCCESS, 0)
    r.pending()


@case(147, "WK:test_nowait", "byte type: same; then written 1, reader 1", mirrored=True)
def rest_of_bytes_does_not_fit(t):
    a, b = nowait_pair(t, B)
    r = b.read(1).pending()
    data = pattern(514)
    a.write(data).done(SUCCESS, 1)
    r.done(SUCCESS, data[:1])
    b.peek().done(SUCCESS, Peek(available=0))


@case(148, "WK:test_nowait", "write 512 to an empty queue; then 512", kinds=EVERY_KIND, mirrored=True)
def write_that_fits(t, kind):
    a, b = nowait_pair(t, kind)
    data = pattern(512)
    a.write(data).done(SUCCESS, 512)
    b.read(1000).done(SUCCESS, data)


@case(149, "WN:test_filepipeinfo", "C sets CompletionMode 1; then class 23 of C is (0,1), S's unchanged", mirrored=True)
def completion_mode_is_of_one_end(t):
    a, b = t.pair(MB)
    a.set_modes(BYTE, COMPLETE).done(SUCCESS)
    a.has_modes(BYTE, COMPLETE)
    b.has_modes(BYTE, QUEUE)
