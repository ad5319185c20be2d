# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_limits.py: what the bridge would use if Wine had it. Where a test fails Wine has become better, and the bridge can."""
import pytest
from conformance.steps import Context, Peek
from conformance.transports import by_name
from conformance.vocabulary import BUFFER_OVERFLOW, MM, NOT_SUPPORTED, SUCCESS

# FSCTL_PIPE_ASSIGN_EVENT, FSCTL_PIPE_QUERY_EVENT.
EVENT_CODES = (0x110000, 0x110010)


@pytest.fixture
def windows_programs(build):
    """A context with two Windows programs on the plain Wine."""
    wine = by_name("wine")
    if wine.missing(build):
        pytest.skip(wine.missing(build))
    environment = wine.open(build)
    try:
        environment.begin()
        yield Context(environment, "server")
    finally:
        environment.discard()


def test_nothing_tells_of_more_data(windows_programs):
    """While something is unread each read is over at once, however often, the handle is not signalled when more comes, and pipes have no
    events. So who leaves data unread must ask (wine_bridge/relay.hpp)."""
    t = windows_programs
    s, c = t.connected(MM)
    c.write(b"first").done(SUCCESS, 5)
    for _ in range(3):
        s.read(0).done(BUFFER_OVERFLOW, b"")
    s.by_windows("HandleIsSignalled").done(SUCCESS, {"signalled": False})
    c.write(b"second").done(SUCCESS, 6)
    t.settle()
    s.by_windows("HandleIsSignalled").done(SUCCESS, {"signalled": False})
    for code in EVENT_CODES:
        s.control(code, bytes(16)).done(NOT_SUPPORTED, b"")


@pytest.mark.parametrize("read_mode", (0, 1))
def test_a_peek_does_not_tell_where_messages_end(windows_programs, read_mode):
    """It counts no messages, and gives length and bytes of the first one only."""
    t = windows_programs
    s, c = t.connected(MM)
    for message in b"one", b"three":
        c.write(message).done(SUCCESS, len(message))
    s.set_modes(read_mode, 0).done(SUCCESS)
    s.peek().done(SUCCESS, Peek(available=8, messages=0, length=3, data=b"one"))
