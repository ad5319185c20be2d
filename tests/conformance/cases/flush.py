# SPDX-License-Identifier: LGPL-2.1-or-later
"""flush.py: cases 150 to 153: flushing."""
from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403


@case(150, "WN:test_pipe_state", "CONNECTED, nothing written; flush; then 0/SUCCESS at once", kinds=EVERY_KIND, mirrored=True)
def flush_of_nothing(t, kind):
    a, _ = t.pair(kind)
    a.flush().done(SUCCESS)


@case(151, "WN:test_blocking", "1 byte unread; flush blocks (sync or overlapped handle) until the peer read it; then 0/SUCCESS",
      kinds=EVERY_KIND, mirrored=True)
def flush_waits_for_the_reader(t, kind):
    a, b = t.pair(kind)
    a.write(b"x").done(SUCCESS, 1)
    flush = a.flush().pending()
    b.read(1).done(SUCCESS, b"x")
    flush.done(SUCCESS)


@case(152, "WK:test_blocking_rw", "flush waiting, the unread write is cancelled; then flush SUCCESS", kinds=EVERY_KIND,
      mirrored=True)
def flush_of_a_cancelled_write(t, kind):
    a, _ = t.pair(kind)
    write = a.write(pattern(a.quota + 1)).pending()
    flush = a.flush().pending()
    write.cancel().done(CANCELLED)
    flush.done(SUCCESS)


@case(153, "R", "flush waiting, further write queued, earlier data read; then flush SUCCESS although later data is unread ?",
      kinds=EVERY_KIND, mirrored=True)
def flush_is_of_what_was_before(t, kind):
    a, b = t.pair(kind)
    a.write(b"before").done(SUCCESS, 6)
    flush = a.flush().pending()
    a.write(b"later").done(SUCCESS, 5)
    b.read(3).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, b"bef")
    flush.pending()
    b.read(3).done(SUCCESS, b"ore")
    flush.done(SUCCESS)
