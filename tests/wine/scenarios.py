# SPDX-License-Identifier: LGPL-2.1-or-later
"""scenarios.py: the walk: every call that concerns pipes, in all states of a pipe that there are.

A scenario gets the walk `w` with its two halves `w.server` and `w.client`. Each call is written down by the half that made it. A scenario
goes the same way whatever comes out: what a call has brought is compared afterwards (test_walk.py).
"""
from conformance.vocabulary import pattern
from wine.halves import (ACCESS_DUPLEX, ACCESS_INBOUND, ACCESS_OUTBOUND, GENERIC_READ, GENERIC_WRITE, NOWAIT, READ_MESSAGE, TYPE_MESSAGE,
                         UNLIMITED_INSTANCES, WAIT_FOREVER)

SCENARIOS = {}
BYTES, MESSAGES_AS_BYTES, MESSAGES = 0, TYPE_MESSAGE, TYPE_MESSAGE | READ_MESSAGE
KINDS = {"bytes": BYTES, "messages as bytes": MESSAGES_AS_BYTES, "messages": MESSAGES}


def scenario(text, **each):
    """`each`: argument = {name: value}: once for each of them."""

    def decorate(function):
        if not each:
            SCENARIOS[text] = function
        for argument, values in each.items():
            for name, value in values.items():
                SCENARIOS[f"{text} ({name})"] = lambda w, given={argument: value}: function(w, **given)
        return function

    return decorate


def of_each_kind(text):
    return scenario(text, mode=KINDS)


def pair(w, mode=MESSAGES, **more):
    """A connected pair; the client reads as the server does."""
    name = w.name()
    s = w.server.create(name, pipe_mode=mode, **more)
    connecting = s.connect()
    c = w.client.open(name)
    connecting.look()
    if mode & READ_MESSAGE:
        c.set_state(READ_MESSAGE)
    return s, c


# ---- making and finding ----

@scenario("nobody serves the name")
def _(w):
    name = w.name()
    w.client.open(name)
    w.client.wait(name, 1)
    w.client.call_pipe(name, b"x", 10)


@scenario("the second instance of a pipe with one")
def _(w):
    name = w.name()
    s = w.server.create(name)
    w.server.create(name)
    s.close()
    w.server.create(name)


@scenario("instances in other types and directions")
def _(w):
    name = w.name()
    w.server.create(name, instances=3, pipe_mode=TYPE_MESSAGE)
    w.server.create(name, instances=3, pipe_mode=TYPE_MESSAGE, open_mode=ACCESS_INBOUND)
    w.server.create(name, instances=3, pipe_mode=TYPE_MESSAGE)
    w.server.create(name, instances=3, pipe_mode=BYTES | READ_MESSAGE)


@scenario("the client comes before the server asks")
def _(w):
    name = w.name()
    s = w.server.create(name)
    c = w.client.open(name)
    s.connect()
    c.write(b"early")
    s.read(10)


@scenario("the server asks first, and twice")
def _(w):
    name = w.name()
    s = w.server.create(name)
    first, second = s.connect(), s.connect()
    w.client.open(name)
    first.look()
    second.look()
    s.connect()


@scenario("connecting is cancelled")
def _(w):
    name = w.name()
    s = w.server.create(name)
    connecting = s.connect()
    s.cancel(connecting)
    connecting.look()
    s.cancel(connecting)
    c = w.client.open(name)
    s.connect()
    c.write(b"still there")
    s.read(100)


@scenario("the client came and went")
def _(w):
    name = w.name()
    s = w.server.create(name)
    c = w.client.open(name)
    c.close()
    s.connect()
    s.read(10)
    s.disconnect()
    connecting = s.connect()
    w.client.open(name)
    connecting.look()


@scenario("all instances are taken")
def _(w):
    name = w.name()
    s = w.server.create(name, instances=2)
    t = w.server.create(name, instances=2)
    c = w.client.open(name)
    d = w.client.open(name)
    w.client.open(name)
    w.client.wait(name, 1)
    c.write(b"one")
    d.write(b"two")
    s.read(10)
    t.read(10)
    c.close()
    s.disconnect()
    s.connect()
    w.client.wait(name, WAIT_FOREVER)
    w.client.open(name)


@scenario("waiting until an instance is free")
def _(w):
    name = w.name()
    s = w.server.create(name)
    c = w.client.open(name)
    waiting = w.client.wait(name, WAIT_FOREVER)
    c.close()
    waiting.look()
    s.disconnect()
    s.connect()
    waiting.look()
    w.client.open(name)


@scenario("waiting until another instance is made")
def _(w):
    name = w.name()
    w.server.create(name, instances=UNLIMITED_INSTANCES)
    w.client.open(name)
    waiting = w.client.wait(name, WAIT_FOREVER)
    w.server.create(name, instances=UNLIMITED_INSTANCES)
    waiting.look()


@scenario("rights and directions", direction={"inbound": ACCESS_INBOUND, "outbound": ACCESS_OUTBOUND})
def _(w, direction):
    name = w.name()
    s = w.server.create(name, open_mode=direction, pipe_mode=TYPE_MESSAGE)
    w.client.open(name)
    w.client.open(name, access=GENERIC_READ if direction == ACCESS_INBOUND else GENERIC_WRITE)
    c = w.client.open(name, access=GENERIC_WRITE if direction == ACCESS_INBOUND else GENERIC_READ)
    writer, reader = (c, s) if direction == ACCESS_INBOUND else (s, c)
    writer.write(b"one way")
    reader.peek()
    reader.read(100)
    reader.write(b"the wrong way")
    writer.read(100)
    writer.peek()
    writer.transact(b"both ways", 10)
    reader.get_info()
    writer.get_info()


@scenario("a duplex pipe, opened for one direction", access={"reading": GENERIC_READ, "writing": GENERIC_WRITE})
def _(w, access):
    name = w.name()
    s = w.server.create(name, pipe_mode=TYPE_MESSAGE)
    c = w.client.open(name, access=access)
    c.write(b"to the server")
    s.peek()
    s.write(b"to the client")
    c.peek()
    c.read(100)


# ---- reading and writing ----

@of_each_kind("there and back")
def _(w, mode):
    s, c = pair(w, mode)
    c.write(b"question")
    s.read(100)
    s.write(b"answer")
    c.read(100)


@of_each_kind("several writes, one read")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        a.write(b"one")
        a.write(b"two")
        a.write(b"three")
        b.read(100)
        b.peek()
    for a in (c, s):
        for _ in range(6):
            a.read(2)


@of_each_kind("pieces")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        a.write(b"0123456789")
        a.write(b"abc")
        b.read(4)
        b.peek(3)
        b.read(4)
        b.read(4)
        b.peek(3)
        b.read(4)


@of_each_kind("empty writes")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        a.write(b"")
        b.peek()
        a.write(b"after nothing")
        b.peek()
        b.read(100)
        reading = b.read(100)
        a.write(b"")
        reading.look()
        a.write(b"end")
        reading.look()


@of_each_kind("reading nothing")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        reading = b.read(0)
        a.write(b"abc")
        reading.look()
        b.read(0)
        b.read(100)


@of_each_kind("the read comes first")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        first, second = b.read(4), b.read(100)
        a.write(b"longer than four")
        first.look()
        second.look()
        a.write(b"more")
        second.look()


SIZES = {"4096": 4096, "65535": 65535, "65536": 65536, "300000": 300_000}


@scenario("a long message", size=SIZES)
def _(w, size):
    s, c = pair(w, MESSAGES, outbound=400_000, inbound=400_000)
    for a, b in ((c, s), (s, c)):
        a.write(pattern(size, size))
        b.peek(10)
        b.read(size + 10)
        a.write(pattern(size, size + 1))
        b.read(1000)
        b.read(size)


@scenario("many bytes", size={"65536": 65536, "300000": 300_000})
def _(w, size):
    s, c = pair(w, BYTES, outbound=400_000, inbound=400_000)
    for a, b in ((c, s), (s, c)):
        a.write(pattern(size, size))
        b.read(1000)
        b.read(size)


# ---- the quota ----

@of_each_kind("more than the quota")
def _(w, mode):
    s, c = pair(w, mode, outbound=200, inbound=200)
    for a, b in ((c, s), (s, c)):
        a.write(pattern(150))
        writing = a.write(pattern(100, 1))
        b.peek(10)
        b.read(149)
        writing.look()
        b.read(1)
        writing.look()
        b.read(100)
        writing.look()


@of_each_kind("a write that waits is cancelled")
def _(w, mode):
    s, c = pair(w, mode, outbound=100, inbound=100)
    for a, b in ((c, s), (s, c)):
        a.write(pattern(60))
        writing = a.write(pattern(100, 1))
        a.cancel(writing)
        writing.look()
        b.read(200)
        b.peek(10)
        a.write(b"next")
        b.read(200)


@of_each_kind("a message beyond the quota is read in pieces")
def _(w, mode):
    s, c = pair(w, mode, outbound=64, inbound=64)
    for a, b in ((c, s), (s, c)):
        writing = a.write(pattern(1000))
        b.read(300)
        writing.look()
        b.read(300)
        b.read(300)
        writing.look()
        b.read(300)
        writing.look()


# ---- looking ahead ----

@of_each_kind("peek")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        b.peek()
        a.write(b"first")
        a.write(b"second")
        b.peek(0)
        b.peek(3)
        b.peek(100)
        b.read(3)
        b.peek(1)
        b.peek(100)
        b.read(100)
        b.peek(100)


# ---- transact ----

@of_each_kind("transact")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        asking = a.transact(b"question", 100)
        b.read(100)
        b.write(b"answer")
        asking.look()


@scenario("transact into a short buffer")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        asking = a.transact(b"question", 4)
        b.read(100)
        b.write(b"long answer")
        asking.look()
        a.peek()
        a.read(100)


@scenario("transact, with nothing in it")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        asking = a.transact(b"", 100)
        b.peek()
        b.read(100)
        b.write(b"")
        asking.look()


@scenario("transact while something is to be read")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        b.write(b"unread")
        a.transact(b"question", 100)
        a.read(100)
        b.peek()


@scenario("transact is cancelled")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        asking = a.transact(b"question", 100)
        a.cancel(asking)
        asking.look()
        b.read(100)
        b.write(b"too late")
        a.read(100)


@scenario("transact, and the other end goes", how={"closes": "close", "disconnects": "disconnect"})
def _(w, how):
    s, c = pair(w)
    asking = c.transact(b"question", 100)
    s.read(100)
    getattr(s, how)()
    asking.look()


@scenario("transact with long messages", size=SIZES)
def _(w, size):
    s, c = pair(w, MESSAGES, outbound=400_000, inbound=400_000)
    asking = c.transact(pattern(size, 2), size + 10)
    s.read(size + 10)
    s.write(pattern(size, 3))
    asking.look()


@scenario("call")
def _(w):
    name = w.name()
    s = w.server.create(name, pipe_mode=MESSAGES)
    calling = w.client.call_pipe(name, b"question", 100)
    s.read(100)
    s.write(b"answer")
    calling.look()
    s.read(100)
    s.disconnect()
    s.connect()
    calling = w.client.call_pipe(name, b"again", 4)
    s.read(100)
    s.write(b"longer answer")
    calling.look()


@scenario("call on a byte pipe")
def _(w):
    name = w.name()
    s = w.server.create(name)
    w.client.call_pipe(name, b"question", 100)
    s.read(100)


# ---- flush ----

@of_each_kind("flush")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        a.flush()
        a.write(b"0123456789")
        flushing = a.flush()
        b.read(4)
        flushing.look()
        b.read(100)
        flushing.look()
        a.flush()


@scenario("flush, and the other end goes", how={"closes": "close", "disconnects": "disconnect"})
def _(w, how):
    s, c = pair(w)
    c.write(b"never read")
    flushing = c.flush()
    getattr(s, how)()
    flushing.look()
    c.flush()


@scenario("flush, and the client goes")
def _(w):
    s, c = pair(w)
    s.write(b"never read")
    flushing = s.flush()
    c.close()
    flushing.look()
    s.flush()


# ---- cancel ----

@of_each_kind("a read is cancelled")
def _(w, mode):
    s, c = pair(w, mode)
    for a, b in ((c, s), (s, c)):
        first, second = b.read(10), b.read(20)
        b.cancel(first)
        first.look()
        a.write(b"for the second")
        second.look()
        b.cancel(second)
        b.peek()


# ---- the end of a connection ----

@of_each_kind("the client closes")
def _(w, mode):
    s, c = pair(w, mode)
    c.write(b"last words")
    s.write(b"unread")
    c.close()
    s.peek()
    s.write(b"nobody")
    s.read(4)
    s.read(100)
    s.read(100)
    s.peek()
    s.transact(b"x", 10)
    s.flush()
    s.get_state()
    s.disconnect()
    s.read(10)
    s.write(b"x")
    s.peek()
    s.disconnect()


@of_each_kind("the client closes while the server reads")
def _(w, mode):
    s, c = pair(w, mode)
    first, second = s.read(10), s.read(10)
    c.close()
    first.look()
    second.look()


@of_each_kind("the server closes")
def _(w, mode):
    s, c = pair(w, mode)
    s.write(b"last words")
    c.write(b"unread")
    s.close()
    c.peek()
    c.write(b"nobody")
    c.read(4)
    c.read(100)
    c.read(100)
    c.peek()
    c.transact(b"x", 10)
    c.flush()
    c.get_state()
    c.close()


@of_each_kind("the server closes while the client reads")
def _(w, mode):
    s, c = pair(w, mode)
    first, second = c.read(10), c.read(10)
    s.close()
    first.look()
    second.look()


@of_each_kind("the server disconnects")
def _(w, mode):
    s, c = pair(w, mode)
    s.write(b"lost")
    c.write(b"lost, too")
    s.disconnect()
    c.peek()
    c.read(100)
    c.write(b"x")
    c.transact(b"x", 10)
    c.flush()
    c.get_state()
    c.get_info()
    c.set_state(0)
    s.read(100)
    s.write(b"x")
    c.close()
    connecting = s.connect()
    s.read(10)
    s.write(b"x")
    s.peek()
    s.cancel(connecting)
    connecting.look()


@of_each_kind("the server disconnects while the client reads")
def _(w, mode):
    s, c = pair(w, mode)
    reading = c.read(10)
    s.disconnect()
    reading.look()


@scenario("the server disconnects while the client's write waits")
def _(w):
    s, c = pair(w, outbound=20, inbound=20)
    c.write(pattern(20))
    writing = c.write(pattern(20))
    s.disconnect()
    writing.look()


@scenario("the server closes while the client's write waits")
def _(w):
    s, c = pair(w, outbound=20, inbound=20)
    c.write(pattern(20))
    writing = c.write(pattern(20))
    s.close()
    writing.look()


@scenario("the client closes while the server's write waits")
def _(w):
    s, c = pair(w, outbound=20, inbound=20)
    s.write(pattern(20))
    writing = s.write(pattern(20))
    c.close()
    writing.look()


@scenario("one client after the other")
def _(w):
    name = w.name()
    s = w.server.create(name, pipe_mode=MESSAGES)
    for number in range(3):
        connecting = s.connect()
        c = w.client.open(name)
        connecting.look()
        c.write(b"number %d" % number)
        s.read(100)
        s.write(b"welcome")
        flushing = s.flush()
        c.read(100)
        flushing.look()
        s.disconnect()
        c.read(100)
        c.close()


@scenario("a new instance after the client has gone")
def _(w):
    name = w.name()
    for number in range(3):
        s = w.server.create(name, pipe_mode=MESSAGES)
        c = w.client.open(name)
        c.write(b"number %d" % number)
        s.read(100)
        c.close()
        s.read(100)
        s.close()
    w.client.open(name)


# ---- modes and information ----

@of_each_kind("the states")
def _(w, mode):
    s, c = pair(w, mode, outbound=1000, inbound=2000)
    for a in (s, c):
        a.get_state()
        a.get_info()
        a.set_state(READ_MESSAGE)
        a.get_state()
        a.set_state(0)
        a.get_state()


@scenario("the read mode changes within a message")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        a.write(b"0123456789")
        a.write(b"abcdef")
        b.read(4)
        b.set_state(0)
        b.read(8)
        b.set_state(READ_MESSAGE)
        b.read(2)
        b.read(100)


@scenario("reading without waiting")
def _(w):
    s, c = pair(w)
    for a, b in ((c, s), (s, c)):
        b.set_state(READ_MESSAGE | NOWAIT)
        b.read(10)
        a.write(b"abc")
        b.read(10)
        b.read(10)
        b.get_state()
        b.set_state(READ_MESSAGE)


@scenario("writing without waiting", mode={"bytes": BYTES, "messages": MESSAGES})
def _(w, mode):
    s, c = pair(w, mode, outbound=100, inbound=100)
    for a, b in ((c, s), (s, c)):
        a.set_state((mode & READ_MESSAGE) | NOWAIT)
        a.write(pattern(60))
        a.write(pattern(60, 1))
        b.read(200)
        b.peek()
        a.set_state(mode & READ_MESSAGE)


@scenario("connecting without waiting")
def _(w):
    name = w.name()
    s = w.server.create(name, pipe_mode=NOWAIT)
    s.connect()
    c = w.client.open(name)
    s.connect()
    c.close()
    s.connect()
    s.disconnect()
    s.connect()


@scenario("before a client comes")
def _(w):
    name = w.name()
    s = w.server.create(name, pipe_mode=MESSAGES)
    s.read(10)
    s.write(b"x")
    s.peek()
    s.transact(b"x", 10)
    s.flush()
    s.get_state()
    s.get_info()
    s.disconnect()
    s.read(10)


@scenario("two connections do not mix", direction={"duplex": ACCESS_DUPLEX})
def _(w, direction):
    name = w.name()
    s = w.server.create(name, open_mode=direction, instances=2, pipe_mode=MESSAGES)
    c = w.client.open(name)
    t = w.server.create(name, open_mode=direction, instances=2, pipe_mode=MESSAGES)
    d = w.client.open(name)
    c.write(b"c")
    d.write(b"d")
    t.read(10)
    s.read(10)
    t.write(b"to d")
    s.write(b"to c")
    c.read(10)
    d.read(10)
    s.get_state()
    d.get_state()
    c.close()
    t.write(b"still")
    d.read(10)
    s.read(10)
