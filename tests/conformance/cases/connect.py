# SPDX-License-Identifier: LGPL-2.1-or-later
"""connect.py: cases 65 to 100: connecting, disconnecting, closing."""
from conformance.registry import case
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

EVENTS_BELONG = "events, APCs and iosb belong to Wine"


@case(65, "WN:test_pipe_state", "fresh server, no LISTEN; then NamedPipeState 2; read/write PIPE_LISTENING; peek "
      "INVALID_PIPE_STATE; flush SUCCESS 0; transceive INVALID_PIPE_STATE", ends="server")
def fresh_server(t):
    s = t.create(read_mode=MESSAGE)
    s.shows(state=LISTENING)
    s.read(1).done(PIPE_LISTENING)
    s.write(b"x").done(PIPE_LISTENING)
    s.peek(20).done(INVALID_PIPE_STATE)
    s.flush().done(SUCCESS)
    s.transceive(b"x", 1).done(INVALID_PIPE_STATE)


@case(66, "WK:test_CreateNamedPipe",
      "fresh server; when a client opens without LISTEN; then success; LISTEN then gives PIPE_CONNECTED")
def connecting_needs_no_listen(t):
    s, c = t.connected()
    s.listen().done(PIPE_CONNECTED)
    for end in s, c:
        end.shows(state=CONNECTED)


@case(67, "WN:test_overlapped", "LISTEN with event and APC; then PENDING, iosb untouched; after client open: iosb 0/SUCCESS, "
      "event set, APC runs only at an alertable wait", note=EVENTS_BELONG)
def listen_completes(t):
    s = t.create()
    pending = s.listen().pending()
    t.open()
    pending.done(SUCCESS)


@case(68, "WN:test_overlapped", "client connected first, event set; when LISTEN; then PIPE_CONNECTED, iosb untouched, event reset",
      note=EVENTS_BELONG)
def listen_on_a_connected_instance(t):
    s = t.create()
    t.open()
    s.listen().done(PIPE_CONNECTED)


@case(69, "WN:test_create", "LISTEN on C; then ILLEGAL_FUNCTION", needs=["client listens"])
def listen_of_a_client(t):
    _, c = t.connected()
    c.listen().done(ILLEGAL_FUNCTION)
    c.control(FSCTL_LISTEN).done(ILLEGAL_FUNCTION)


@case(70, "RT:NpfsConnect", "DISCONNECT on C; then ILLEGAL_FUNCTION", needs=["client listens"])
def disconnect_of_a_client(t):
    s, c = t.connected()
    c.disconnect().done(ILLEGAL_FUNCTION)
    c.control(FSCTL_DISCONNECT).done(ILLEGAL_FUNCTION)
    s.shows(state=CONNECTED)


@case(71, "WN:test_pipe_state", "client closed; LISTEN on S; then PIPE_CLOSING")
def listen_after_the_client_closed(t):
    s, c = t.connected()
    c.close()
    t.settle()
    s.listen().done(PIPE_CLOSING)


@case(72, "WK:test_nowait", "nowait server: LISTEN -> PIPE_LISTENING; after client open+close: PIPE_CLOSING; after DISCONNECT: "
      "PIPE_LISTENING")
def listen_without_waiting(t):
    s = t.create(completion_mode=COMPLETE)
    s.listen().done(PIPE_LISTENING)
    t.open().close()
    t.settle()
    s.listen().done(PIPE_CLOSING)
    s.disconnect().done(SUCCESS)
    s.listen().done(PIPE_LISTENING)
    s.shows(state=LISTENING)


@case(73, "WN:test_cancelio", "cancel a pending LISTEN; then CANCELLED, event set; state 2; a later client connects",
      note=EVENTS_BELONG)
def cancel_of_listen(t):
    s = t.create()
    s.listen().pending().cancel().done(CANCELLED)
    s.shows(state=LISTENING)
    t.open()
    s.shows(state=CONNECTED)


@case(76, "WK:test_CreateNamedPipe", "max 1 connected; when second open; then PIPE_NOT_AVAILABLE; after first client closed: "
      "still; after DISCONNECT: still")
def no_second_client(t):
    s, c = t.connected()
    t.opening().done(PIPE_NOT_AVAILABLE)
    c.close()
    t.settle()
    t.opening().done(PIPE_NOT_AVAILABLE)
    s.disconnect().done(SUCCESS)
    t.opening().done(PIPE_NOT_AVAILABLE)


@case(77, "WN:test_pipe_state",
      "after DISCONNECT: S read/write PIPE_DISCONNECTED, peek/transceive INVALID_PIPE_STATE, flush SUCCESS, class 24 state 1")
def disconnected_server(t):
    s, _ = t.connected(MM)
    s.disconnect().done(SUCCESS)
    s.read(1).done(PIPE_DISCONNECTED)
    s.write(b"x").done(PIPE_DISCONNECTED)
    s.peek(20).done(INVALID_PIPE_STATE)
    s.transceive(b"x", 1).done(INVALID_PIPE_STATE)
    s.flush().done(SUCCESS)
    s.shows(state=DISCONNECTED)


@case(78, "WN:test_pipe_state", "after DISCONNECT: C read, write, peek, flush, transceive, class 9/23/24 query and class 23 set "
      "all PIPE_DISCONNECTED; unchanged after S closes")
def detached_client(t):
    s, c = t.connected(MM)
    s.disconnect().done(SUCCESS)
    for _ in "before", "after S closes":
        c.read(1).done(PIPE_DISCONNECTED)
        c.write(b"x").done(PIPE_DISCONNECTED)
        c.peek(20).done(PIPE_DISCONNECTED)
        c.flush().done(PIPE_DISCONNECTED)
        c.transceive(b"x", 1).done(PIPE_DISCONNECTED)
        for information_class in 9, 23, 24:
            c.query(information_class).done(PIPE_DISCONNECTED)
        c.set_modes(MESSAGE, QUEUE).done(PIPE_DISCONNECTED)
        if not s.closed:
            s.close()


@case(79, "WK:test_DisconnectNamedPipe", "C wrote 11 bytes, S disconnects; then S read PIPE_DISCONNECTED (data lost); second "
      "DISCONNECT PIPE_DISCONNECTED; waiting on C's handle times out", note="waiting on handles belongs to Wine",
      kinds=EVERY_KIND)
def disconnect_drops_data(t, kind):
    s, c = t.connected(kind)
    c.write(b"hello world").done(SUCCESS, 11)
    s.disconnect().done(SUCCESS)
    s.read(20).done(PIPE_DISCONNECTED)
    s.disconnect().done(PIPE_DISCONNECTED)


@case(80, "WN:test_pipe_state", "DISCONNECT from CLOSING; then SUCCESS, state 1; LISTEN PENDING; a new client connects and "
      "state is 3 on both ends")
def another_client_after_the_first(t):
    s, c = t.connected()
    c.close()
    t.settle()
    s.disconnect().done(SUCCESS)
    s.shows(state=DISCONNECTED)
    listen = s.listen().pending()
    new = t.open()
    listen.done(SUCCESS)
    for end in s, new:
        end.shows(state=CONNECTED)


@case(81, "WK:test_overlapped_transport", "B/MB/MM: S has a pending write of 7000 and a pending flush; when C closes; then both "
      "PIPE_BROKEN. Mirror for C when S closes", kinds=EVERY_KIND, mirrored=True)
def close_breaks_writes_and_flush(t, kind):
    a, b = t.pair(kind)
    write = a.write(pattern(7000)).pending()
    flush = a.flush().pending()
    b.close()
    write.done(PIPE_BROKEN)
    flush.done(PIPE_BROKEN)


@case(82, "WK:test_overlapped_transport", "both ends have pending writes of 7000, C a pending flush; when S disconnects; then "
      "all three PIPE_DISCONNECTED", kinds=EVERY_KIND)
def disconnect_breaks_writes_and_flush(t, kind):
    s, c = t.connected(kind)
    writes = [end.write(pattern(7000)).pending() for end in (s, c)]
    flush = c.flush().pending()
    s.disconnect().done(SUCCESS)
    for op in *writes, flush:
        op.done(PIPE_DISCONNECTED)


@case(83, "WN:read_pipe_test",
      "pending read of 2 with event and APC; when the other end closes; then iosb 0/PIPE_BROKEN, event set, APC once",
      kinds=EVERY_KIND, mirrored=True, note=EVENTS_BELONG)
def close_breaks_reads(t, kind):
    a, b = t.pair(kind)
    read = a.read(2).pending()
    b.close()
    read.done(PIPE_BROKEN)


@case(84, "WN:read_pipe_test", "other end closed, no data; when reading; then PIPE_BROKEN, iosb untouched, event reset, no APC",
      kinds=EVERY_KIND, mirrored=True, note=EVENTS_BELONG)
def read_after_close(t, kind):
    a, b = t.pair(kind)
    b.close()
    t.settle()
    a.read(2).done(PIPE_BROKEN)


@case(85, "WK:test_CloseHandle", "S wrote 12 bytes and closed; then C: 0-byte read SUCCESS 0; peek available 12; read "
      "12/SUCCESS; 0-byte read PIPE_BROKEN; peek PIPE_BROKEN; write PIPE_CLOSING; class 23 query/set SUCCESS")
def client_after_server_close(t):
    s, c = t.connected(MB)
    s.write(b"server data!").done(SUCCESS, 12)
    s.close()
    t.settle()
    c.read(0).done(SUCCESS, b"")
    c.peek().done(SUCCESS, Peek(state=CLOSING, available=12))
    c.read(100).done(SUCCESS, b"server data!")
    c.read(0).done(PIPE_BROKEN)
    c.peek().done(PIPE_BROKEN)
    c.write(b"x").done(PIPE_CLOSING)
    c.has_modes(BYTE, QUEUE)
    c.set_modes(MESSAGE, QUEUE).done(SUCCESS)
    c.has_modes(MESSAGE, QUEUE)


@case(86, "WK:test_CloseHandle", "C (closed) wrote 12, S message read: 0-byte read 0/SUCCESS (before 8) or 0/BUFFER_OVERFLOW "
      "(8+); data still there")
def empty_read_after_close(t):
    s, c = t.connected(MM)
    c.write(b"client data!").done(SUCCESS, 12)
    c.close()
    t.settle()
    s.read(0).done(BUFFER_OVERFLOW, b"")
    s.read(100).done(SUCCESS, b"client data!")


@case(87, "WK:test_CloseHandle", "S wrote an empty message and closed; then C read 32: 0/SUCCESS, next read PIPE_BROKEN",
      kinds=MESSAGES, mirrored=True)
def empty_message_and_close(t, kind):
    a, b = t.pair(kind)
    a.write(b"").done(SUCCESS, 0)
    a.close()
    t.settle()
    b.read(32).done(SUCCESS, b"")
    b.read(32).done(PIPE_BROKEN)


@case(88, "WN:test_pipe_with_data_state", "10 bytes unread each way, S closes; then C: state 4, ReadDataAvailable > 0, peek(20) "
      "BUFFER_OVERFLOW state 4, write PIPE_CLOSING, read 1 SUCCESS")
def closing_client_with_data(t):
    s, c = t.connected(MB)
    s.write(b"0123456789").done(SUCCESS, 10)
    c.write(b"abcdefghij").done(SUCCESS, 10)
    s.close()
    t.settle()
    c.shows(state=CLOSING, read_data_available=10)
    c.peek(20).done(BUFFER_OVERFLOW, Peek(state=CLOSING, available=10, length=10, data=b"0123"))
    c.write(b"x").done(PIPE_CLOSING)
    c.read(1).done(SUCCESS, b"0")


@case(89, "WN:test_pipe_with_data_state T", "C in CLOSING: FileNameInformation; then SUCCESS")
def name_of_a_closing_client(t):
    s, c = t.connected(MB, name="closing-name")
    s.write(b"0123456789").done(SUCCESS, 10)
    s.close()
    t.settle()
    wide = "\\closing-name".encode("utf-16-le")
    c.query(9).done(SUCCESS, len(wide).to_bytes(4, "little") + wide)


@case(90, "WN:test_pipe_with_data_state", "data both ways, DISCONNECT; then S ReadDataAvailable 0, C PIPE_DISCONNECTED")
def disconnect_with_data(t):
    s, c = t.connected(MB)
    s.write(b"0123456789").done(SUCCESS, 10)
    c.write(b"abcdefghij").done(SUCCESS, 10)
    s.disconnect().done(SUCCESS)
    s.shows(state=DISCONNECTED, read_data_available=0)
    c.query(24).done(PIPE_DISCONNECTED)
    c.read(1).done(PIPE_DISCONNECTED)


@case(91, "WK:test_CreatePipe", "write, close write end, read: data SUCCESS, next read PIPE_BROKEN; also with 32768 bytes",
      each={"6": 6, "32768": 32768}, mirrored=True)
def drained_after_close(t, given):
    a, b = t.pair(B.but(inbound_quota=65536, outbound_quota=65536))
    data = pattern(given)
    a.write(data).done(SUCCESS, given)
    a.close()
    t.settle()
    b.read(given + 1).done(SUCCESS, data)
    b.read(1).done(PIPE_BROKEN)


@case(92, "WF:test_file_io_completion", "pending read on S bound to a port; when S's last handle is closed; then packet "
      "PIPE_BROKEN, 0", mirrored=True, note="completion ports belong to Wine")
def own_close_breaks_reads(t):
    a, _ = t.pair(B)
    read = a.read(2).pending()
    a.close()
    read.done(PIPE_BROKEN)


@case(95, "WK:test_overlapped_transport", "child has a pending write of 10000 on C; S reads 10 (BUFFER_OVERFLOW in MM); child "
      "killed; then queue empty: pending read gets the next 1-byte write", kinds=EVERY_KIND, mirrored=True,
      needs=["two processes"], note="there are no handles that two processes share: with the process its end goes, and a read "
      "says PIPE_BROKEN at once")
def death_takes_pending_writes_along(t, kind):
    guest = t.environment.guest(t.a_is)
    if t.a_is == "client":
        s, c = t.connected(kind, client=guest)
        survivor, dying = s, c
    else:
        s, c = t.connected(kind, server=guest)
        survivor, dying = c, s
    dying.write(pattern(10000)).pending()
    survivor.read(10).done(BUFFER_OVERFLOW if kind == MM else SUCCESS, pattern(10000)[:10])
    t.environment.kill(guest)
    t.settle()
    survivor.shows(state=CLOSING, read_data_available=0)
    survivor.read(10).done(PIPE_BROKEN)


@case(96, "WK:test_multiple_instances", "4 instances created 0..3; client goes to 0 although LISTEN is pending on 2; next to 1, "
      "then 2")
def oldest_instance_first(t):
    instances = [t.create(disposition=FILE_OPEN_IF) for _ in range(4)]
    listen = instances[2].listen().pending()
    for connected in range(3):
        t.open()
        t.settle()
        for place, instance in enumerate(instances):
            instance.shows(state=CONNECTED if place <= connected else LISTENING)
    listen.done(SUCCESS)


@case(97, "WK:test_multiple_instances", "disconnect 0 and 2; LISTEN 2 then 0; clients go to 3, 2, 0; then PIPE_NOT_AVAILABLE")
def order_of_listening(t):
    instances = [t.create(disposition=FILE_OPEN_IF) for _ in range(4)]
    for _ in range(3):
        t.open()
    t.settle()
    for place in 0, 2:
        instances[place].disconnect().done(SUCCESS)
    listens = [instances[place].listen().pending() for place in (2, 0)]
    for place in 3, 2, 0:
        instances[place].shows(state=LISTENING)
        t.open()
        t.settle()
        instances[place].shows(state=CONNECTED)
    for listen in listens:
        listen.done(SUCCESS)
    t.opening().done(PIPE_NOT_AVAILABLE)


@case(98, "WN:test_overlapped ?", "server handle without data access, no LISTEN: open may give PIPE_NOT_AVAILABLE on recent "
      "Windows", note="ntpipe: it connects (D4)")
def server_without_data_access(t):
    s = t.create(desired_access=SYNCHRONIZE | READ_ATTRIBUTES)
    t.open()
    s.shows(state=CONNECTED)


@case(99, "R", "pending LISTEN, then DISCONNECT; then LISTEN PIPE_DISCONNECTED, DISCONNECT SUCCESS, state 1", ends="server")
def disconnect_while_listening(t):
    s = t.create()
    listen = s.listen().pending()
    s.disconnect().done(SUCCESS)
    listen.done(PIPE_DISCONNECTED)
    s.shows(state=DISCONNECTED)


@case(100, "R", "two pending LISTENs; client opens; then both SUCCESS")
def two_listens(t):
    s = t.create()
    listens = [s.listen().pending(), s.listen().pending()]
    t.open()
    for listen in listens:
        listen.done(SUCCESS)
