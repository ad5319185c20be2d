# SPDX-License-Identifier: LGPL-2.1-or-later
"""exchange.py: cases 154 to 173: transceive and peek."""
from conformance.registry import case
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403


@case(154, "WN:test_transceive", 'MM: transceive "test" with 128-byte buffer; PENDING; peer writes 2; then 2/SUCCESS, event set',
      mirrored=True, note="events belong to Wine")
def transceive(t):
    a, b = t.pair(MM)
    both = a.transceive(b"test", 128).pending()
    b.write(b"ab").done(SUCCESS, 2)
    both.done(SUCCESS, b"ab")


@case(155, "WK:test_transact", 'peer\'s data "abc" readable by callee as 3/SUCCESS', mirrored=True)
def callee_reads_the_request(t):
    a, b = t.pair(MM)
    a.transceive(b"abc", 128).pending()
    b.read(100).done(SUCCESS, b"abc")


@case(156, "WK:test_transact",
      "1 unread byte at the caller; transceive; then PIPE_BUSY; the byte is still readable and nothing was sent", mirrored=True)
def transceive_with_unread_data(t):
    a, b = t.pair(MM)
    b.write(b"x").done(SUCCESS, 1)
    a.transceive(b"abc", 128).done(PIPE_BUSY)
    b.peek().done(SUCCESS, Peek(available=0, messages=0))
    a.read(10).done(SUCCESS, b"x")


@case(157, "WK:test_transact", "pending write Q+2000 by caller; transceive 2; then PENDING, reply completes it; callee reads "
      "Q+2000 then 2", mirrored=True)
def transceive_behind_a_pending_write(t):
    a, b = t.pair(MM)
    data = pattern(a.quota + 2000)
    write = a.write(data).pending()
    both = a.transceive(b"ab", 128).pending()
    b.write(b"reply").done(SUCCESS, 5)
    both.done(SUCCESS, b"reply")
    b.read(len(data) + 10).done(SUCCESS, data)
    write.done(SUCCESS, len(data))
    b.read(10).done(SUCCESS, b"ab")


@case(158, "WK:test_transact", "callee has a pending read 10; transceive 5; then read 5/SUCCESS, transceive pending", mirrored=True)
def request_goes_to_a_waiting_read(t):
    a, b = t.pair(MM)
    read = b.read(10).pending()
    both = a.transceive(b"hello", 10).pending()
    read.done(SUCCESS, b"hello")
    both.pending()


@case(159, "WK:test_transact", "reply of 10 to buffer of 6; then 6/BUFFER_OVERFLOW; read gives 4/SUCCESS", mirrored=True)
def reply_is_too_long(t):
    a, b = t.pair(MM)
    both = a.transceive(b"x", 6).pending()
    b.write(b"0123456789").done(SUCCESS, 10)
    both.done(BUFFER_OVERFLOW, b"012345")
    a.read(10).done(SUCCESS, b"6789")


@case(160, "WK:test_transact", "output 0 and empty reply; then 0/SUCCESS; input 0: callee reads 0/SUCCESS", mirrored=True)
def empty_requests_and_replies(t):
    a, b = t.pair(MM)
    both = a.transceive(b"x", 0).pending()
    b.read(10).done(SUCCESS, b"x")
    b.write(b"").done(SUCCESS, 0)
    both.done(SUCCESS, b"")
    a.transceive(b"", 10).pending()
    b.read(10).done(SUCCESS, b"")


@case(161, "WK:test_transact", "callee answers with its own transceive 4; then caller 4/SUCCESS; caller writes 1: callee's "
      "completes 1/SUCCESS", mirrored=True)
def transceive_answers_transceive(t):
    a, b = t.pair(MM)
    caller = a.transceive(b"request", 10).pending()
    b.read(10).done(SUCCESS, b"request")
    callee = b.transceive(b"back", 10).pending()
    caller.done(SUCCESS, b"back")
    a.write(b"1").done(SUCCESS, 1)
    callee.done(SUCCESS, b"1")


@case(162, "WK:test_transact", "cancel a pending transceive; then CANCELLED; callee still reads the sent 2 bytes", mirrored=True)
def cancel_of_transceive(t):
    a, b = t.pair(MM)
    a.transceive(b"ab", 10).pending().cancel().done(CANCELLED)
    b.read(10).done(SUCCESS, b"ab")


@case(163, "WK:test_TransactNamedPipe", "B or MB: transceive; then ERROR_BAD_PIPE (INVALID_PIPE_STATE ?)", kinds=(B, MB),
      mirrored=True)
def transceive_in_byte_mode(t, kind):
    a, b = t.pair(kind)
    a.transceive(b"x", 10).done(INVALID_PIPE_STATE)
    b.peek().done(SUCCESS, Peek(available=0))


@case(164, "WN:test_pipe_state", "CLOSING without data: transceive; then INVALID_PIPE_STATE", mirrored=True)
def transceive_after_close(t):
    a, b = t.pair(MM)
    b.close()
    t.settle()
    a.transceive(b"x", 10).done(INVALID_PIPE_STATE)


@case(165, "D FSCC 2.3.48", "one-way pipe; transceive; then INVALID_PIPE_STATE",
      each={"inbound": INBOUND, "outbound": OUTBOUND}, note="on S: a client may not have the access that transceive needs")
def transceive_on_one_way_pipe(t, given):
    s, _ = t.connected(MB.but(share=given), read_mode=MESSAGE)
    s.transceive(b"x", 10).done(INVALID_PIPE_STATE)


@case(166, "WN:test_pipe_state", "CONNECTED empty: peek(20); then SUCCESS, bytes 03000000 00000000 00000000 00000000, "
      "Information 16", kinds=EVERY_KIND, mirrored=True)
def peek_of_an_empty_pipe(t, kind):
    a, _ = t.pair(kind)
    a.peek(20).done(SUCCESS, Peek(state=CONNECTED, available=0, messages=0, length=0, data=b""))


@case(167, "WN:read_pipe_test", "message 2 bytes, peek(17); then 17/BUFFER_OVERFLOW; byte type: 17/SUCCESS", kinds=EVERY_KIND,
      mirrored=True)
def peek_of_one_byte(t, kind):
    a, b = t.pair(kind)
    a.write(b"xy").done(SUCCESS, 2)
    b.peek(17).done(SUCCESS if kind == B else BUFFER_OVERFLOW, Peek(data=b"x", available=2))


@case(168, "WN:test_completion", "message 9 bytes, peek(20); then 20/BUFFER_OVERFLOW", kinds=MESSAGES, mirrored=True)
def peek_of_a_part(t, kind):
    a, b = t.pair(kind)
    a.write(b"123456789").done(SUCCESS, 9)
    b.peek(20).done(BUFFER_OVERFLOW, Peek(data=b"1234", available=9, length=9, messages=1))
    b.read(9).done(SUCCESS, b"123456789")


@case(169, "WK:test_CreateNamedPipe", "B: 10 bytes, PeekNamedPipe(4); then read 4, avail 10, left -4; message: left 6",
      kinds=EVERY_KIND, mirrored=True, note="left is MessageLength - read")
def peek_of_four_bytes(t, kind):
    a, b = t.pair(kind)
    a.write(b"0123456789").done(SUCCESS, 10)
    b.peek(20).done(SUCCESS if kind == B else BUFFER_OVERFLOW,
                    Peek(data=b"0123", available=10, length=0 if kind == B else 10))


@case(170, "WK:test_CreateNamedPipe", "messages 11+10, Peek(32); then read 11, avail 21, left 0 (message); B: 21, 21, -21",
      kinds=EVERY_KIND, mirrored=True)
def peek_shows_one_message(t, kind):
    a, b = t.pair(kind)
    a.write(b"hello world").done(SUCCESS, 11)
    a.write(b"0123456789").done(SUCCESS, 10)
    b.peek(48).done(SUCCESS, Peek(data=b"hello world0123456789", available=21, length=0) if kind == B
                    else Peek(data=b"hello world", available=21, length=11))


@case(171, "D FSCC 2.3.46", "two messages queued; peek; then NumberOfMessages 2 (Wine: 0)", kinds=MESSAGES, mirrored=True,
      note="empty messages count; a byte pipe has none")
def peek_counts_messages(t, kind):
    a, b = t.pair(kind)
    a.write(b"one").done(SUCCESS, 3)
    a.write(b"").done(SUCCESS, 0)
    b.peek().done(SUCCESS, Peek(messages=2, length=3))
    b.read(3).done(SUCCESS, b"one")
    b.peek().done(SUCCESS, Peek(messages=1, length=0, available=0))


@case(172, "WN:test_pipe_state", "peek: LISTENING and DISCONNECTED S INVALID_PIPE_STATE; detached C PIPE_DISCONNECTED; CLOSING "
      "empty PIPE_BROKEN")
def peek_without_connection(t):
    s = t.create()
    s.peek().done(INVALID_PIPE_STATE)
    c = t.open()
    s.disconnect().done(SUCCESS)
    s.peek().done(INVALID_PIPE_STATE)
    c.peek().done(PIPE_DISCONNECTED)
    s.listen().pending()
    t.open().close()
    t.settle()
    s.peek().done(PIPE_BROKEN)


@case(173, "D", "handle without FILE_READ_DATA; peek; then ACCESS_DENIED")
def peek_without_the_right(t):
    t.create()
    c = t.open(desired_access=GENERIC_WRITE | READ_ATTRIBUTES)
    c.peek().done(ACCESS_DENIED)
