# SPDX-License-Identifier: LGPL-2.1-or-later
"""from_wine.py: what Wine's pipe tests expect and no numbered case of section 10 states. conformance/wine_map.py says where."""
import struct

from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

CLIENTS = 4


def partial(kind):
    """How a read ends that takes a part of a message."""
    return BUFFER_OVERFLOW if kind == MM else SUCCESS


# ---- servers that go on (WK:test_NamedPipe_2) ----

def serve_one(t, s):
    """A client comes, says something, hears it again, and goes."""
    listen = s.listen().pending()
    c = t.open()
    listen.done(SUCCESS)
    c.write(b"echo").done(SUCCESS, 4)
    s.read(100).done(SUCCESS, b"echo")
    s.write(b"echo").done(SUCCESS, 4)
    flush = s.flush().pending()
    c.read(100).done(SUCCESS, b"echo")
    flush.done(SUCCESS)
    s.disconnect().done(SUCCESS)
    c.read(1).done(PIPE_DISCONNECTED)
    c.close()


@rule("2.5", "clients one after the other", "one instance serves one client after the other: LISTEN, exchange, flush, DISCONNECT; "
      "flush keeps the answer from being lost")
def clients_one_after_the_other(t):
    s = t.create(max_instances=1)
    for _ in range(CLIENTS):
        serve_one(t, s)


@rule("2.6", "an instance for each client", "max 2: after each client a new instance is created, then the old one closed; the name "
      "never goes away")
def an_instance_for_each_client(t):
    s = t.create(max_instances=2)
    for _ in range(CLIENTS):
        serve_one(t, s)
        new = t.create(max_instances=2, disposition=FILE_OPEN)
        t.equal("Information of the create", new.information, OPENED)
        s.close()
        s = new


# ---- data ----

@rule("3.4", "what is there", "complete mode: a read takes what is there; PIPE_EMPTY comes only when nothing is", kinds=EVERY_KIND,
      mirrored=True)
def complete_mode_reads_what_is_there(t, kind):
    a, b = t.pair(kind)
    a.set_modes(kind.read_mode, COMPLETE).done(SUCCESS)
    a.read(32768).done(PIPE_EMPTY)
    b.write(b"bits").done(SUCCESS, 4)
    a.read(32768).done(SUCCESS, b"bits")
    a.read(32768).done(PIPE_EMPTY)


@rule("3.6", "flush behind pending writes", "with a read waiting, flush is over at once; behind two pending writes it waits for the "
      "last byte of the second", kinds=EVERY_KIND, mirrored=True)
def flush_behind_pending_writes(t, kind):
    a, b = t.pair(kind)
    read = b.read(1000).pending()
    a.flush().done(SUCCESS)
    first = pattern(a.quota + 1000)
    a.write(first[:1000]).done(SUCCESS, 1000)
    read.done(SUCCESS, first[:1000])
    writes = [a.write(first).pending(), a.write(b"1").pending()]
    flush = a.flush().pending()
    b.read(len(first)).done(SUCCESS, first)
    writes[0].done(SUCCESS, len(first))
    writes[1].done(SUCCESS, 1)
    flush.pending()
    b.read(10).done(SUCCESS, b"1")
    flush.done(SUCCESS)


@rule("3.8", "peek of a pending write", "peek shows all bytes of a pending write, also those beyond the quota, and what reads have "
      "left of it; a second one counts in ReadDataAvailable, cancelled ones are gone", kinds=EVERY_KIND, mirrored=True)
def peek_of_a_pending_write(t, kind):
    a, b = t.pair(kind)
    data = pattern(a.quota + 2000)
    first = a.write(data).pending()
    b.peek().done(SUCCESS, Peek(available=len(data), length=0 if kind == B else len(data), data=data))
    b.read(1999).done(partial(kind), data[:1999])
    rest = data[1999:]
    b.peek().done(SUCCESS, Peek(available=len(rest), length=0 if kind == B else len(rest), data=rest))
    a.write(b"1").pending().cancel().done(CANCELLED)
    second = a.write(b"2").pending()
    b.peek().done(SUCCESS, Peek(available=len(rest) + 1, length=0, data=rest + b"2") if kind == B
                  else Peek(available=len(rest) + 1, length=len(rest), data=rest))
    first.cancel().done(CANCELLED)
    second.done(SUCCESS, 1)
    b.peek().done(SUCCESS, Peek(available=1, length=0 if kind == B else 1, data=b"2"))


@rule("3.7", "nothing both ways", "an empty request is a message, an empty reply answers it, also into no buffer", mirrored=True)
def transceive_of_nothing(t):
    a, b = t.pair(MM)
    both = a.transceive(b"", 0).pending()
    b.read(100).done(SUCCESS, b"")
    both.pending()
    b.write(b"").done(SUCCESS, 0)
    both.done(SUCCESS, b"")


@rule("3.7", "cancel behind a pending write", "a transceive that is cancelled behind a pending write keeps what it has sent: the peer "
      "reads both", mirrored=True)
def cancel_of_transceive_behind_a_pending_write(t):
    a, b = t.pair(MM)
    data = pattern(a.quota + 2000)
    write = a.write(data).pending()
    a.transceive(b"ab", 1).pending().cancel().done(CANCELLED)
    b.read(len(data) + 10).done(SUCCESS, data)
    write.done(SUCCESS, len(data))
    b.read(10).done(SUCCESS, b"ab")


# ---- an end whose peer has closed (WK:test_CloseHandle) ----

@rule("3.9", "drained closing end", "the peer wrote data or an empty message and closed; when that is read: reads of 0 are "
      "PIPE_BROKEN in both modes, write PIPE_CLOSING, class 23 can be queried and set", kinds=MESSAGES, mirrored=True,
      each={"data": b"data", "empty": b""})
def drained_closing_end(t, kind, given):
    a, b = t.pair(kind)
    b.write(given).done(SUCCESS, len(given))
    b.close()
    t.settle()
    a.read(100).done(SUCCESS, given)
    for mode in kind.read_mode, MESSAGE, BYTE:
        a.set_modes(mode, QUEUE).done(SUCCESS)
        a.has_modes(mode, QUEUE)
        a.read(0).done(PIPE_BROKEN)
        a.write(b"x").done(PIPE_CLOSING)
        a.peek().done(PIPE_BROKEN)


# ---- information (WN:test_pipe_local_info, test_filepipeinfo, test_file_info) ----

ONE_WAY = MB.but(share=OUTBOUND, inbound_quota=100, outbound_quota=200)


def listening(t):
    return t.create(max_instances=1, share_access=OUTBOUND, inbound_quota=100, outbound_quota=200), LISTENING


def connected_server(t):
    return t.connected(ONE_WAY)[0], CONNECTED


def connected_client(t):
    return t.connected(ONE_WAY)[1], CONNECTED


def closing_server(t):
    s, c = t.connected(ONE_WAY)
    c.close()
    t.settle()
    return s, CLOSING


def closing_client(t):
    s, c = t.connected(ONE_WAY)
    s.close()
    t.settle()
    return c, CLOSING


def disconnected_server(t):
    s, _ = t.connected(ONE_WAY)
    s.disconnect().done(SUCCESS)
    return s, DISCONNECTED


def shows_its_numbers(end, state, instances):
    end.shows(type=MESSAGE, configuration=IS_OUTBOUND, maximum_instances=1, current_instances=instances, inbound_quota=100,
              read_data_available=0, outbound_quota=200, write_quota_available=200 if end.end == SERVER else 100, state=state,
              end=end.end)
    end.has_modes(BYTE, QUEUE)


@rule("5.1", "numbers in every state", "class 24 of an idle one-way pipe is the same in every state but for the state, also after an "
      "incompatible instance was refused; CurrentInstances is 0 for a client whose server has closed, and the name is free",
      each={make.__name__.replace("_", "-"): make for make in (listening, connected_server, connected_client, closing_server,
                                                               closing_client, disconnected_server)})
def numbers_in_every_state(t, given):
    end, state = given(t)
    name_is_free = given is closing_client
    shows_its_numbers(end, state, 0 if name_is_free else 1)
    t.creating(share_access=INBOUND, type=BYTE, max_instances=1).done(SUCCESS if name_is_free else INSTANCE_NOT_AVAILABLE)
    shows_its_numbers(end, state, 0 if name_is_free else 1)


@rule("5.1", "modes through the life of an end", "a client begins with (byte, queue) whatever the server has; what one end sets "
      "changes nothing at the other, which keeps its modes, and can change them, when the first has closed", kinds=(B, MM))
def modes_through_the_life_of_an_end(t, kind):
    s = t.create(type=kind.type, read_mode=kind.read_mode, completion_mode=COMPLETE)
    s.has_modes(kind.read_mode, COMPLETE)
    c = t.open(desired_access=GENERIC_READ | GENERIC_WRITE | SYNCHRONIZE | READ_ATTRIBUTES)
    c.has_modes(BYTE, QUEUE)
    c.set_modes(kind.read_mode, COMPLETE).done(SUCCESS)
    s.set_modes(BYTE, QUEUE).done(SUCCESS)
    s.has_modes(BYTE, QUEUE)
    c.has_modes(kind.read_mode, COMPLETE)
    c.close()
    t.settle()
    s.has_modes(BYTE, QUEUE)
    s.set_modes(kind.read_mode, COMPLETE).done(SUCCESS)
    s.has_modes(kind.read_mode, COMPLETE)


@rule("5.2", "no room for a name", "class 9 with no room even for the length: INFO_LENGTH_MISMATCH, also at a client that was "
      "disconnected, which says PIPE_DISCONNECTED otherwise", each={"0": 0, "4": 4})
def no_room_for_a_name(t, given):
    s, c = t.connected()
    for end in s, c:
        end.query(9, given).done(INFO_LENGTH_MISMATCH)
    wide = ("\\" + t.name()).encode("utf-16-le")
    s.query(9).done(SUCCESS, struct.pack("<I", len(wide)) + wide)
    s.disconnect().done(SUCCESS)
    t.settle()
    c.query(9, given).done(INFO_LENGTH_MISMATCH)
    c.query(9).done(PIPE_DISCONNECTED)


# ---- who (WK:test_namedpipe_session_id) ----

@rule("4.2", "session of the client", "the session that the client opened with is told at both ends, also when the other one has "
      "closed; after DISCONNECT as the process", mirrored=True, needs=["native client"])
def session_of_the_client(t):
    s, number = t.create(), 7
    c = t.open(session_id=number)
    a, b = (s, c) if t.a_is == "server" else (c, s)
    for end in a, b:
        t.equal("client's session", end.client_identity()["session_id"], number)
    b.close()
    t.settle()
    t.equal("client's session, after the close", a.client_identity()["session_id"], number)
    if not s.closed:
        s.disconnect().done(SUCCESS)
        s.asking_for_client().done(NOT_FOUND)
