# SPDX-License-Identifier: LGPL-2.1-or-later
"""smb1.py: cases 204 to 214: what a pipe does when its client speaks SMB1. What only the protocol shows (words, pieces, chains) is in tests/samba."""
import struct

from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403

NEEDS = ["SMB1"]
# Subcommands of TRANSACTION, SEMANTICS 7.5.
SET_STATE, QUERY_STATE, QUERY_INFO, PEEK, TRANSACT = 0x01, 0x21, 0x22, 0x23, 0x26
MESSAGE_READ_MODE, NONBLOCKING = struct.pack("<H", 0x0100), struct.pack("<H", 0x8000)
RAW_START = 0x0C  # WriteMode: RAW_MODE and MSG_START
NO_FID = 0x7FF7


@case(204, "CIFS 3.3.5.36", "MM, 10-byte message, READ_ANDX of 4; then full response, 4 bytes, status 80000005; next read 6, status 0",
      needs=NEEDS)
def read_of_a_part(t):
    s, c = t.connected(MM)
    s.write(b"0123456789").done(SUCCESS, 10)
    c.read_andx(4).done(BUFFER_OVERFLOW, b"0123")
    c.read_andx(100).done(SUCCESS, b"456789")


@case(205, "CIFS 2.2.5.5", "TRANS PEEK, 11-byte message, MaxDataCount 4; then params 0B00 0B00 0300, 4 data bytes, status 80000005",
      needs=NEEDS)
def peek_at_a_part(t):
    s, c = t.connected(MM)
    s.write(b"hello world").done(SUCCESS, 11)
    c.trans(PEEK, "fid", length=4).done(BUFFER_OVERFLOW, (bytes.fromhex("0b000b000300"), b"hell"))
    c.read_andx(100).done(SUCCESS, b"hello world")


@case(206, "CIFS 2.2.5.3",
      "TRANS QUERY_STATE on C of a message pipe in message read mode, unlimited; then param 05FF (bytes FF 05)", needs=NEEDS)
def state(t):
    _, c = t.connected(MM, max_instances=UNLIMITED)
    c.trans(QUERY_STATE, "fid").done(SUCCESS, (b"\xff\x05", b""))


@case(207, "CIFS 2.2.5.1",
      "TRANS SET_STATE 0x0100 on a byte pipe; then INVALID_PARAMETER; 0x8000: later reads of an empty pipe PIPE_EMPTY", needs=NEEDS)
def set_state(t):
    _, c = t.connected(B)
    c.trans(SET_STATE, "fid", parameters=MESSAGE_READ_MODE).done(INVALID_PARAMETER)
    c.trans(SET_STATE, "fid", parameters=NONBLOCKING).done(SUCCESS, (b"", b""))
    c.has_modes(BYTE, COMPLETE)
    c.read(10).done(PIPE_EMPTY)


@case(208, "CIFS 2.2.5.4",
      "TRANS QUERY_INFO level 1; then out u16, in u16, max, current, length, name; level 2: INVALID_PARAMETER", needs=NEEDS)
def information(t):
    _, c = t.connected(MM, max_instances=3, inbound_quota=100, outbound_quota=200)
    name = f"\\PIPE\\{t.name()}\0".encode("utf-16-le")
    op = c.trans(QUERY_INFO, "fid", parameters=struct.pack("<H", 1))
    _, data = op.some()
    fixed = struct.unpack_from("<HHBBB", data)
    t.equal("sizes, instances, length of the name", fixed, (200, 100, 3, 1, len(name)))
    t.equal("name", data[-len(name):].decode("utf-16-le").lower(), name.decode("utf-16-le").lower())
    c.trans(QUERY_INFO, "fid", parameters=struct.pack("<H", 2)).done(INVALID_PARAMETER)


@case(209, "CIFS 2.2.5.6", "TRANS TRANSACT with reply 100, MaxDataCount 40; then 40 bytes, status 80000005, READ_ANDX gives 60",
      needs=NEEDS)
def transact_with_a_long_reply(t):
    s, c = t.connected(MM)
    both = c.trans(TRANSACT, "fid", data=b"request", length=40).pending()
    s.read(100).done(SUCCESS, b"request")
    s.write(pattern(100)).done(SUCCESS, 100)
    both.done(BUFFER_OVERFLOW, (b"", pattern(100)[:40]))
    c.read_andx(100).done(SUCCESS, pattern(100)[40:])


@case(210, "CIFS 3.3.5.57.7", "TRANSACT on a byte pipe; then INVALID_PARAMETER; with unread data: PIPE_BUSY", needs=NEEDS,
      each={"byte-pipe": B, "unread-data": MM})
def transact_refused(t, given):
    s, c = t.connected(given)
    if given == MM:
        s.write(b"unread").done(SUCCESS, 6)
    c.trans(TRANSACT, "fid", data=b"request").done(PIPE_BUSY if given == MM else INVALID_PARAMETER)


@case(211, "CIFS 2.2.5.10", "TRANS WAIT on a busy pipe, Timeout 100; then IO_TIMEOUT; on a listening one SUCCESS", needs=NEEDS)
def wait(t):
    t.connected(MM, max_instances=2)
    t.wait(milliseconds=100).ends(IO_TIMEOUT)
    t.create(max_instances=2, disposition=FILE_OPEN)
    t.wait(milliseconds=100).done(SUCCESS)


@case(212, "CIFS 2.2.5.11", "TRANS CALL `\\PIPE\\x`; then reply data and the instance sees the client closed", needs=NEEDS)
def call(t):
    s = t.create(type=MESSAGE, read_mode=MESSAGE)
    both = t.pipe_call(b"request").pending()
    s.read(100).done(SUCCESS, b"request")
    s.write(b"reply").done(SUCCESS, 5)
    both.done(SUCCESS, b"reply")
    s.read(100).done(PIPE_BROKEN)


@case(213, "S3:smb1_pipes",
      "WRITE_ANDX mode 0x0C with data 03 00 'a' 'b' 'c'; then 3 bytes written, count 5; with 1 data byte INVALID_PARAMETER", needs=NEEDS)
def write_with_a_length(t):
    s, c = t.connected(MM)
    c.write_andx(b"\x03\0abc", RAW_START).done(SUCCESS, 5)
    s.read(100).done(SUCCESS, b"abc")
    c.write_andx(b"\x03", RAW_START).done(INVALID_PARAMETER)


@case(214, "S3:smb1_ipc", "TRANS with SetupCount 1; then INVALID_PARAMETER; unknown FID: INVALID_HANDLE", needs=NEEDS)
def wrong_setup(t):
    _, c = t.connected(MM)
    c.trans(PEEK).done(INVALID_PARAMETER)
    c.trans(PEEK, NO_FID).done(INVALID_HANDLE)
