# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb2.py: those of cases 215 to 224 that say what a pipe does when its client speaks SMB2. What only the protocol shows (interim
responses, flags, file ids) is in tests/samba."""
import struct

from conformance.registry import case
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

NEEDS = ["SMB2"]


@case(215, "SMB2 3.3.4.4", "READ of 4 from a 10-byte message; then READ response, 4 bytes, status 80000005; next 6, status 0",
      needs=NEEDS)
def read_of_a_part(t):
    s, c = t.connected(MM)
    s.write(b"0123456789").done(SUCCESS, 10)
    c.read(4).done(BUFFER_OVERFLOW, b"0123")
    c.read(100).done(SUCCESS, b"456789")


@case(217, "SMB2 3.3.5.15.3",
      "IOCTL TRANSCEIVE, reply 100, MaxOutputResponse 40; then IOCTL response, 40 bytes, status 80000005", needs=NEEDS)
def transceive_with_a_long_reply(t):
    s, c = t.connected(MM)
    both = c.transceive(b"request", 40).pending()
    s.read(100).done(SUCCESS, b"request")
    s.write(pattern(100)).done(SUCCESS, 100)
    both.done(BUFFER_OVERFLOW, pattern(100)[:40])
    c.read(100).done(SUCCESS, pattern(100)[40:])


@case(219, "SMB2 3.3.5.15.4", "IOCTL PEEK with MaxOutputResponse 16 on an empty pipe; then 16 bytes 03000000 + 12 zero bytes",
      needs=NEEDS)
def peek_of_an_empty_pipe(t):
    _, c = t.connected(MM)
    c.peek(16).done(SUCCESS, Peek(state=CONNECTED, available=0, messages=0, length=0, data=b""))


@case(221, "SMB2 3.3.5.11", "FLUSH with unread data; then interim PENDING, final SUCCESS after the read; PIPE_BROKEN if the server "
      "end closes", needs=NEEDS)
def flush(t):
    s, c = t.connected(MM)
    c.write(b"first").done(SUCCESS, 5)
    first = c.flush().pending()
    s.read(100).done(SUCCESS, b"first")
    first.done(SUCCESS)
    c.write(b"second").done(SUCCESS, 6)
    second = c.flush().pending()
    s.close()
    second.done(PIPE_BROKEN)


@case(222, "SMB2 3.3.5.16", "READ pending, CANCEL; then final CANCELLED; later data goes to the next READ", needs=NEEDS)
def cancel_of_a_read(t):
    s, c = t.connected(MM)
    c.read(100).pending().cancel().done(CANCELLED)
    s.write(b"later").done(SUCCESS, 5)
    c.read(100).done(SUCCESS, b"later")


@case(224, "S4 torture", "QUERY_INFO class 5 over SMB; then 4096, 0, 1, 1", needs=NEEDS)
def standard_information(t):
    s, c = t.connected(MM)
    s.write(b"data").done(SUCCESS, 4)
    c.query(5).done(SUCCESS, struct.pack("<QQIBBH", 4096, 0, 1, 1, 0, 0))
