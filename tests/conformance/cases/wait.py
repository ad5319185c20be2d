# SPDX-License-Identifier: LGPL-2.1-or-later
"""wait.py: cases 101 to 110: waiting for an instance."""
from conformance.registry import case
from conformance.steps import wait_buffer
from conformance.vocabulary import *  # noqa: F403


@case(101, "WK:test_wait_pipe", "unknown name, default or any timeout; then OBJECT_NAME_NOT_FOUND at once",
      each={"default": WAIT_DEFAULT, "some": 10_000, "forever": WAIT_FOREVER})
def wait_for_unknown_name(t, given):
    t.wait(milliseconds=given).done(OBJECT_NAME_NOT_FOUND)


@case(102, "WK:test_wait_pipe", "listening instance; wait 1 ms; then SUCCESS")
def wait_for_listening_instance(t):
    t.create()
    t.wait(milliseconds=1).done(SUCCESS)


@case(103, "WK:test_CreateNamedPipe", "only instance connected; wait 100 ms; then IO_TIMEOUT")
def wait_in_vain(t):
    t.connected()
    t.wait(milliseconds=100).ends(IO_TIMEOUT)


@case(104, "WK:test_wait_pipe", "waiter blocked; when a second instance is created; then SUCCESS")
def new_instance_wakes_waiter(t):
    t.connected(max_instances=2)
    waiters = [t.wait(milliseconds=WAIT_FOREVER).pending(), t.wait(milliseconds=100_000).pending()]
    t.create(disposition=FILE_OPEN)
    for waiter in waiters:
        waiter.done(SUCCESS)


@case(105, "WK:test_wait_pipe", "waiter blocked; when S goes DISCONNECT..LISTEN; then SUCCESS")
def listening_again_wakes_waiter(t):
    s, _ = t.connected()
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    s.disconnect().done(SUCCESS)
    waiter.pending()
    s.listen().pending()
    waiter.done(SUCCESS)


@case(106, "D FSCC 2.3.50", "waiter blocked; when the last server closes; then OBJECT_NAME_NOT_FOUND")
def last_close_ends_wait(t):
    s, _ = t.connected(max_instances=2)
    other = t.create(disposition=FILE_OPEN)
    t.open()
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    s.close()
    waiter.pending()
    other.close()
    waiter.done(OBJECT_NAME_NOT_FOUND)


@case(107, "R", "TimeoutSpecified 0, default timeout 50 ms; then IO_TIMEOUT after about 50 ms ?")
def default_timeout(t):
    t.connected(default_timeout=-SECOND // 20)
    t.wait(milliseconds=WAIT_DEFAULT).ends(IO_TIMEOUT)


@case(108, "R", "NameLength larger than the buffer; then INVALID_PARAMETER", needs=["native client"])
def name_beyond_the_buffer(t):
    t.create()
    t.wait_control(wait_buffer(t.name(), name_length=2 * len(t.name()) + 2)).done(INVALID_PARAMETER)
    t.wait_control(wait_buffer(t.name())).done(SUCCESS)


@case(109, "D", "wait succeeded; another client opens first; then open PIPE_NOT_AVAILABLE")
def wait_reserves_nothing(t):
    s, c = t.connected()
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    s.disconnect().done(SUCCESS)
    s.listen().pending()
    waiter.done(SUCCESS)
    t.open()
    t.opening().done(PIPE_NOT_AVAILABLE)
    c.close()


@case(110, "WK:test_wait_pipe", "LISTEN pending with event; when S closes; then the event is signalled", ends="server",
      note="the LISTEN ends with PIPE_BROKEN (2.3); its event belongs to Wine")
def close_ends_listen(t):
    s = t.create()
    listen = s.listen().pending()
    s.close()
    listen.done(PIPE_BROKEN)
