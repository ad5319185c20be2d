# SPDX-License-Identifier: LGPL-2.1-or-later
"""windows_objects.py: what Windows programs see of their handles, events, APCs, completion ports and threads. What they do is in
tests/wine/programs/object_calls.c, one short story for each case."""
from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403

NEEDS = ("objects",)
# Last errors of Win32.
INVALID_HANDLE_ERROR, PATH_NOT_FOUND, INVALID_NAME, OPERATION_ABORTED, NOT_FOUND_ERROR = 6, 3, 123, 995, 1168
SYNCHRONOUS_ALERT, SYNCHRONOUS_NONALERT = 0x10, 0x20


# ---- names ----

@case(16, "WK:test_CreateNamedPipe", "when CreateNamedPipe(\"not a named pipe\"); then error 123; name NULL: error 3", needs=NEEDS,
      ends="server")
def names_of_no_pipe(t):
    t.by_windows("CreateWithoutPipeName").done(SUCCESS, {"other": INVALID_NAME, "none": PATH_NOT_FOUND})


@case(28, "WN:test_empty_name T", r"when NtCreateDirectoryObject(`\Device\NamedPipe\`); then OBJECT_TYPE_MISMATCH", needs=NEEDS,
      ends="server")
def the_device_is_no_directory(t):
    t.by_windows("CreateDirectoryOfPipes").done(OBJECT_TYPE_MISMATCH, {})


# ---- signals ----

@case(62, "WK:test_CreateNamedPipe", "new server handle; then it is signalled", needs=NEEDS, ends="server")
def a_new_handle_is_signalled(t):
    t.create().by_windows("HandleIsSignalled").done(SUCCESS, {"signalled": True})


@case(112, "WN:read_pipe_test", "same without event; then the file handle becomes signalled", needs=NEEDS, kinds=EVERY_KIND, mirrored=True)
def a_read_without_event_signals_the_handle(t, kind):
    a, b = t.pair(kind)
    r = a.by_windows("ReadWithoutEvent").pending()
    b.write(b"x").done(SUCCESS, 1)
    r.done(SUCCESS, {"before": False, "after": True})


@case(189, "WN:test_completion", "FILE_SKIP_SET_EVENT_ON_HANDLE: handle is never signalled", needs=NEEDS, mirrored=True)
def a_handle_that_nothing_signals(t):
    a, b = t.pair()
    r = a.by_windows("ReadWithoutSignal").pending()
    b.write(b"x").done(SUCCESS, 1)
    r.done(SUCCESS, {"set": SUCCESS, "before": False, "after": False, "calls": 1})


@case(190, "WN:test_blocking T", "synchronous handle, event given; then event and handle both signalled after completion", needs=NEEDS)
def a_synchronous_read_signals_both(t):
    s, c = t.connected(options=SYNCHRONOUS_NONALERT)
    r = s.by_windows("ReadSynchronously").pending()
    c.write(b"x").done(SUCCESS, 1)
    r.done(SUCCESS, {"event": True, "handle": True})


@case(140, "WN:read_pipe_test", "event handle 0xdeadbeef; then INVALID_HANDLE, iosb untouched", needs=NEEDS, mirrored=True)
def a_wrong_event(t):
    a, _ = t.pair()
    a.by_windows("ReadWithWrongEvent").done(INVALID_HANDLE, {"touched": False})


# ---- cancelling ----

@case(131, "WK:test_blocking_rw", "CancelIoEx twice on one read; then second NOT_FOUND", needs=NEEDS, mirrored=True)
def a_read_is_cancelled_twice(t):
    a, _ = t.pair()
    a.by_windows("CancelTwice").done(SUCCESS, {"waited": True, "first": 0, "second": NOT_FOUND_ERROR, "read": OPERATION_ABORTED})


@case(139, "WN:read_pipe_test", "two reads with one iosb, CancelIoFileEx(iosb); then both cancelled, two APCs", needs=NEEDS, mirrored=True)
def two_reads_with_one_status_block(t):
    a, _ = t.pair()
    a.by_windows("CancelTwoAtOnce").done(SUCCESS, {"first": PENDING, "second": PENDING, "reads": CANCELLED, "calls": 2})


@case(94, "WN:read_pipe_test", "pending read through h1, duplicate h2 in same process; when h1 closes; then still pending; cancel through "
      "h2: CANCELLED", needs=NEEDS, mirrored=True)
def a_read_outlives_its_handle(t):
    a, b = t.pair()
    a.by_windows("ReadThroughClosedHandle").done(CANCELLED, {"started": PENDING, "still": True, "cancelled": SUCCESS})
    b.write(b"x").done(SUCCESS, 1)


@case(93, "WN+:test_async_cancel_on_handle_close", "pending read, handle duplicated into another process, own handle closed; then read "
      "cancelled; packet CANCELLED only when no event was passed", needs=NEEDS, each={"event": True, "no event": False})
def a_process_closes_its_last_handle(t, given):
    s, c = t.connected()
    other = t.environment.client
    read = s.by_windows("ReadThroughLastHandle", process=other.call("pid")["pid"], event=given)
    t.settle()
    copy = read.answer.get("copy")
    read.done(CANCELLED, {"started": PENDING, "packet": not given, "copy": copy})
    t.by_windows("Adopt", by=other, handle=copy).done(SUCCESS, {})
    c.write(b"x").done(SUCCESS, 1)


# ---- completion ports ----

@case(188, "WN:test_completion", "FILE_SKIP_COMPLETION_PORT_ON_SUCCESS: synchronous success queues no packet, later async completion does",
      needs=NEEDS, mirrored=True)
def a_port_that_is_not_told_of_what_is_there(t):
    a, b = t.pair()
    b.write(b"1").done(SUCCESS, 1)
    r = a.by_windows("ReadWithPort").pending()
    b.write(b"2").done(SUCCESS, 1)
    r.done(SUCCESS, {"set": True, "there": SUCCESS, "at_once": False, "later": PENDING, "packet": True})


# ---- APCs and threads ----

@case(74, "WN:test_alertable T", "FILE_SYNCHRONOUS_IO_ALERT server blocked in LISTEN; when a user APC is queued; then CANCELLED and the APC "
      "ran", needs=NEEDS, ends="server")
def an_alertable_listen(t):
    s = t.create(options=SYNCHRONOUS_ALERT)
    listen = s.by_windows("ListenSynchronously").pending()
    t.by_windows("QueueCall", request=listen.number).done(SUCCESS, {})
    listen.done(CANCELLED, {"inside": 1, "calls": 1})


@case(75, "WN:test_nonalertable", "FILE_SYNCHRONOUS_IO_NONALERT; when a user APC is queued, then client opens; then LISTEN SUCCESS, APC not "
      "run inside", needs=NEEDS)
def a_listen_that_is_not_alertable(t):
    s = t.create(options=SYNCHRONOUS_NONALERT)
    listen = s.by_windows("ListenSynchronously").pending()
    t.by_windows("QueueCall", request=listen.number).done(SUCCESS, {})
    listen.pending()
    t.open()
    listen.done(SUCCESS, {"inside": 0, "calls": 1})


@case(118, "WK:test_CreateNamedPipe", "MM: remainder read from another thread; then same as 117", needs=NEEDS, mirrored=True)
def a_message_is_read_by_several_threads(t):
    a, b = t.pair(MM)
    b.write(b"0123456789").done(SUCCESS, 10)
    reads = [a.by_windows("ReadByThread", length=length) for length in (4, 4, 32)]
    threads = [read.answer["thread"] for read in reads]
    t.equal("different threads", len(set(threads)), 3)
    for read, thread, status, data in zip(reads, threads, (BUFFER_OVERFLOW, BUFFER_OVERFLOW, SUCCESS), (b"0123", b"4567", b"89")):
        read.done(status, {"data": data.hex(), "thread": thread})


# ---- handles that are none ----

@case(135, "WK:test_readfileex_pending", "read with an invalid handle; then error 6, byte count 0", needs=NEEDS, ends="server")
def a_read_through_no_handle(t):
    t.by_windows("ReadThroughNoHandle").done(Status(INVALID_HANDLE_ERROR), {"count": 0})


@case(183, "WN:test_filepipeinfo", "handle -1: query and set class 23; then OBJECT_TYPE_MISMATCH", needs=NEEDS, ends="server")
def modes_of_what_is_no_pipe(t):
    t.by_windows("ModesOfNoPipe").done(SUCCESS, {"query": OBJECT_TYPE_MISMATCH, "set": OBJECT_TYPE_MISMATCH})
