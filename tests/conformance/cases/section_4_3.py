# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_4_3.py: rules of 4 and 4.3: control codes on ends, and waiting."""
from conformance.registry import rule
from conformance.steps import wait_buffer
from conformance.vocabulary import *  # noqa: F403

# SEMANTICS 4: their functions belong to OS/2 or to the root directory.
UNKNOWN = {"assign-event": 0x110000, "query-event": 0x110010, "create-symlink": 0x11004C, "nonsense": 0x11FFFC, "zero": 0}


@rule("4", "unknown codes", "a code that ends do not know: NOT_SUPPORTED, and nothing happens", each=UNKNOWN, mirrored=True,
      needs=["native client"])
def unknown_control_codes(t, given):
    a, b = t.pair(MM)
    b.write(b"unharmed").done(SUCCESS, 8)
    a.control(given, bytes(64)).done(NOT_SUPPORTED)
    a.read(10).done(SUCCESS, b"unharmed")


@rule("4", "listen and disconnect by code", "FSCTL_PIPE_LISTEN and _DISCONNECT are those calls", needs=["native client"])
def listen_and_disconnect_by_code(t):
    s = t.create()
    listen = s.control(FSCTL_LISTEN).pending()
    t.open()
    listen.done(SUCCESS, b"")
    s.control(FSCTL_LISTEN).done(PIPE_CONNECTED)
    s.control(FSCTL_DISCONNECT).done(SUCCESS, b"")
    s.control(FSCTL_DISCONNECT).done(PIPE_DISCONNECTED)
    s.shows(state=DISCONNECTED)


@rule("4.3", "cut structures", "a structure without its fixed part, a name beyond it, of odd length or above 0xFFFD bytes: "
      "INVALID_PARAMETER", needs=["native client"])
def cut_wait_structures(t):
    t.create()
    whole = wait_buffer(t.name())
    for length in (0, 8, 13, len(whole) - 1, len(whole) - 2):
        t.wait_control(whole[:length]).done(INVALID_PARAMETER)
    t.wait_control(wait_buffer(t.name(), name_length=1)).done(INVALID_PARAMETER)
    for length in 0xFFFE, 0x7FFFFFFF, 0xFFFFFFFF:
        t.wait_control(wait_buffer(t.name(), name_length=length) + bytes(0x10000)).done(INVALID_PARAMETER)
    t.wait_control(whole + b"more").done(SUCCESS)


@rule("4.3", "units", "the timeout is in units of 100 ns; a point in time that has passed is over at once; one to come is waited for",
      needs=["native client"])
def timeouts_of_the_structure(t):
    t.connected()
    t.wait_control(wait_buffer(t.name(), timeout=-1)).ends(IO_TIMEOUT)
    t.wait_control(wait_buffer(t.name(), timeout=-SECOND // 20)).ends(IO_TIMEOUT)
    t.wait_control(wait_buffer(t.name(), timeout=SECOND)).ends(IO_TIMEOUT)  # in the year 1601
    t.wait_control(wait_buffer(t.name(), timeout=-3600 * SECOND)).pending().cancel().done(CANCELLED)
    t.wait_control(wait_buffer(t.name(), timeout=(1 << 62))).pending().cancel().done(CANCELLED)


@rule("4.3", "no access", "waiting needs no access to the pipe")
def waiting_needs_no_access(t):
    s = t.create(sddl="D:(A;;0x8;;;WD)")
    t.wait().done(SUCCESS)
    s.disconnect().done(SUCCESS)
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    s.listen().pending()
    waiter.done(SUCCESS)


@rule("4.3", "without case", "the name is compared without case")
def wait_without_case(t):
    t.create(t.name("Mixed"))
    t.wait(t.name("mIXED")).done(SUCCESS)


@rule("4.3", "only that name", "who waits for another name is not woken")
def waiters_of_other_names(t):
    first, _ = t.connected(name=t.name("1"))
    t.connected(name=t.name("2"))
    mine, other = (t.wait(t.name(number), WAIT_FOREVER).pending() for number in "12")
    first.disconnect().done(SUCCESS)
    first.listen().pending()
    mine.done(SUCCESS)
    other.pending()


@rule("4.3", "all are woken", "an instance that listens again wakes all who wait, though only one can have it")
def all_waiters_are_woken(t):
    s, _ = t.connected()
    waiters = [t.wait(milliseconds=WAIT_FOREVER).pending() for _ in range(3)]
    s.disconnect().done(SUCCESS)
    s.listen().pending()
    for waiter in waiters:
        waiter.done(SUCCESS)


@rule("4.3", "no wake-up", "a client's close, a server's disconnect, another instance's end: none of them wakes who waits")
def what_wakes_nobody(t):
    s, c = t.connected(max_instances=2)
    other = t.create(disposition=FILE_OPEN)
    t.open()
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    c.close()
    waiter.pending()
    s.disconnect().done(SUCCESS)
    waiter.pending()
    other.close()
    waiter.pending()


@rule("4.3", "woken, then the name goes", "who waits anew when the name has gone: OBJECT_NAME_NOT_FOUND, at once")
def wait_after_the_end(t):
    s, _ = t.connected()
    waiters = [t.wait(milliseconds=WAIT_FOREVER).pending(), t.wait(milliseconds=100_000).pending()]
    s.close()
    for waiter in waiters:
        waiter.done(OBJECT_NAME_NOT_FOUND)
    t.wait(milliseconds=WAIT_FOREVER).done(OBJECT_NAME_NOT_FOUND)


@rule("4.3", "death of the server", "the sudden end of the last server's process ends waits: OBJECT_NAME_NOT_FOUND",
      needs=["two processes", "native client"])
def death_of_the_server_ends_waits(t):
    guest = t.environment.guest("server")
    t.connected(server=guest)
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    t.environment.kill(guest)
    waiter.ends(OBJECT_NAME_NOT_FOUND)


@rule("4.3", "recreated", "a new pipe of the same name does not wake who has waited for the one before: their wait was over", ends="server")
def wait_for_the_pipe_before(t):
    s = t.create()
    s.disconnect().done(SUCCESS)
    waiter = t.wait(milliseconds=WAIT_FOREVER, by=t.environment.server).pending()
    s.close()
    waiter.done(OBJECT_NAME_NOT_FOUND)
    t.create()
    t.wait(milliseconds=1, by=t.environment.server).done(SUCCESS)


@rule("4.3", "the pipe's default", "a wait without a timeout has the timeout of the pipe's first creator")
def default_timeout_of_the_first_creator(t):
    t.create(default_timeout=-SECOND // 20)
    t.create(disposition=FILE_OPEN, default_timeout=-3600 * SECOND)
    t.open()
    t.open()
    t.wait(milliseconds=WAIT_DEFAULT).ends(IO_TIMEOUT)
