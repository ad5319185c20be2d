# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_2.py: rules of section 2, the life of instances, that no numbered case states."""
from conformance.registry import rule
from conformance.vocabulary import *  # noqa: F403

READ_DATA_ONLY = "D:(A;;0x1;;;WD)"

# ---- 2.1, 2.2: creating ----

WRONG = {
    "share-4": {"share_access": 4}, "share-7": {"share_access": 7}, "disposition-0": {"disposition": 0},
    "disposition-6": {"disposition": 6}, "type-4": {"type": 4}, "read-mode-2": {"read_mode": 2},
    "completion-mode-2": {"completion_mode": 2}, "byte-and-message-mode": {"type": BYTE, "read_mode": MESSAGE},
}


@rule("2.1", "wrong parameters", "values that are none: INVALID_PARAMETER, whether the pipe exists or not", each={
    name: {"parameters": parameters} for name, parameters in WRONG.items()}, ends="server")
def wrong_parameters(t, parameters):
    t.creating(**parameters).done(INVALID_PARAMETER)
    t.create()
    t.creating(**{"disposition": FILE_OPEN_IF, **parameters}).done(INVALID_PARAMETER)


@rule("2.1", "dispositions", "FILE_OPEN and FILE_OPEN_IF make a further instance, FILE_CREATE and FILE_OPEN_IF a pipe", ends="server")
def dispositions(t):
    for first in FILE_CREATE, FILE_OPEN_IF:
        name = t.name(str(first))
        t.equal("Information", t.create(name, disposition=first).information, CREATED)
        for further in FILE_OPEN, FILE_OPEN_IF:
            t.equal("Information", t.create(name, disposition=further).information, OPENED)


@rule("2.1", "reject bit", "the bit that rejects remote clients is not part of the type that is reported", ends="server")
def reject_bit_is_not_reported(t):
    t.create(type=MESSAGE | REJECT_REMOTE).shows(type=MESSAGE)
    t.create(t.name("byte"), type=BYTE | REJECT_REMOTE).shows(type=BYTE)


@rule("2.1", "modes of the server", "the modes of a create are the server end's; a client begins in byte read mode and queue mode",
      each={"message": (MESSAGE, QUEUE), "complete": (BYTE, COMPLETE), "both": (MESSAGE, COMPLETE)})
def modes_at_the_start(t, given):
    read_mode, completion_mode = given
    s = t.create(read_mode=read_mode, completion_mode=completion_mode)
    c = t.open()
    s.has_modes(read_mode, completion_mode)
    c.has_modes(BYTE, QUEUE)


@rule("2.2", "parameters before the name", "what is wrong in itself is told before that the name is not there", ends="server")
def parameters_before_existence(t):
    t.creating(disposition=FILE_OPEN, share_access=0).done(INVALID_PARAMETER)
    t.creating(disposition=FILE_OPEN, default_timeout=0).done(OBJECT_NAME_NOT_FOUND)


@rule("2.2", "access before the count", "who may not create instances hears so, though the maximum is reached", ends="server")
def access_before_count(t):
    t.create(max_instances=1, sddl=READ_DATA_ONLY)
    t.creating(max_instances=1, disposition=FILE_OPEN_IF).done(ACCESS_DENIED)


@rule("2.2", "the first timeout counts", "a further instance needs no timeout; the pipe's is its first creator's", ends="server")
def timeout_of_a_further_instance(t):
    t.create()
    t.create(disposition=FILE_OPEN, default_timeout=0)
    t.create(disposition=FILE_OPEN, default_timeout=SECOND)


@rule("2.2", "the first type counts", "a further instance has the pipe's type and maximum, and quotas of its own", ends="server")
def attributes_of_a_further_instance(t):
    t.create(type=MESSAGE, max_instances=3, inbound_quota=10, outbound_quota=20)
    t.create(disposition=FILE_OPEN, type=BYTE, max_instances=1, inbound_quota=30, outbound_quota=40).shows(
        type=MESSAGE, maximum_instances=3, current_instances=2, inbound_quota=30, outbound_quota=40)
    t.create(disposition=FILE_OPEN, max_instances=UNLIMITED)
    t.creating(disposition=FILE_OPEN, max_instances=UNLIMITED).done(INSTANCE_NOT_AVAILABLE)


@rule("2.2", "message mode on a byte pipe", "a further instance in message read mode on a byte pipe: INVALID_PARAMETER", ends="server")
def message_mode_of_a_further_instance(t):
    t.create(type=BYTE)
    t.creating(disposition=FILE_OPEN, type=MESSAGE, read_mode=MESSAGE).done(INVALID_PARAMETER)


@rule("2.2", "all count", "listening, connected, closing and disconnected instances all count")
def every_state_counts(t):
    ends = [t.create(max_instances=4, disposition=FILE_OPEN_IF) for _ in range(4)]
    clients = [t.open() for _ in range(3)]
    clients[1].close()
    t.settle()
    ends[2].disconnect().done(SUCCESS)
    t.settle()
    for end, state in zip(ends, (CONNECTED, CLOSING, DISCONNECTED, LISTENING)):
        end.shows(state=state, current_instances=4)
        t.creating(max_instances=4, disposition=FILE_OPEN).done(INSTANCE_NOT_AVAILABLE)
    ends[1].close()
    t.settle()
    ends[0].shows(current_instances=3)
    t.create(max_instances=4, disposition=FILE_OPEN)


@rule("2.2", "the name goes with the last server", "the name is there as long as one server end is, and gone with the last though its "
      "client stays")
def name_goes_with_the_last_server(t):
    first, second = t.create(), t.create(disposition=FILE_OPEN)
    c = t.open()
    first.close()
    t.settle()
    t.open()
    second.close()
    t.settle()
    t.opening().done(OBJECT_NAME_NOT_FOUND)
    c.shows(state=CLOSING, current_instances=0)


# ---- 2.3 to 2.5: states ----


@rule("2.3", "complete mode listens, too", "in complete mode LISTEN after DISCONNECT listens: PIPE_LISTENING, a client connects, then "
      "PIPE_CONNECTED")
def listening_in_complete_mode(t):
    s = t.create(completion_mode=COMPLETE)
    t.open()
    s.disconnect().done(SUCCESS)
    t.opening().done(PIPE_NOT_AVAILABLE)
    s.listen().done(PIPE_LISTENING)
    t.open()
    s.listen().done(PIPE_CONNECTED)


@rule("2.3", "listen in complete mode wakes", "LISTEN in complete mode after DISCONNECT wakes who waits")
def listening_in_complete_mode_wakes(t):
    s = t.create(completion_mode=COMPLETE)
    t.open()
    waiter = t.wait(milliseconds=WAIT_FOREVER).pending()
    s.disconnect().done(SUCCESS)
    waiter.pending()
    s.listen().done(PIPE_LISTENING)
    waiter.done(SUCCESS)


@rule("2.3", "not connectable", "a closing instance takes no client until it has been disconnected and listens again")
def closing_instance_takes_no_client(t):
    s, c = t.connected()
    c.close()
    t.settle()
    t.opening().done(PIPE_NOT_AVAILABLE)
    s.disconnect().done(SUCCESS)
    t.opening().done(PIPE_NOT_AVAILABLE)
    s.listen().pending()
    t.open()


@rule("2.4", "listen again", "LISTEN on a listening instance adds to those that wait; one that is cancelled leaves the others")
def several_listens(t):
    s = t.create()
    first, second, third = [s.listen().pending() for _ in range(3)]
    second.cancel().done(CANCELLED)
    t.open()
    first.done(SUCCESS)
    third.done(SUCCESS)


@rule("2.5", "everything pending ends", "DISCONNECT ends reads, writes, transceives and flushes of both ends with PIPE_DISCONNECTED",
      each={"read": "read", "write": "write", "transceive": "transceive", "flush": "flush"}, mirrored=True)
def disconnect_ends_everything(t, given):
    s, c = t.connected(MM)
    a = s if t.a_is == "server" else c
    if given == "flush":
        a.write(b"unread").done(SUCCESS, 6)
    op = {"read": lambda: a.read(10), "write": lambda: a.write(pattern(a.quota + 1)), "transceive": lambda: a.transceive(b"x", 10),
          "flush": a.flush}[given]().pending()
    s.disconnect().done(SUCCESS)
    op.done(PIPE_DISCONNECTED)


@rule("2.5", "detached for ever", "a detached client stays so, though the server takes another client")
def detached_for_ever(t):
    s, old = t.connected(MM)
    s.disconnect().done(SUCCESS)
    s.listen().pending()
    new = t.open()
    new.write(b"new").done(SUCCESS, 3)
    old.read(10).done(PIPE_DISCONNECTED)
    old.write(b"old").done(PIPE_DISCONNECTED)
    old.query(24).done(PIPE_DISCONNECTED)
    s.read(10).done(SUCCESS, b"new")
    old.close()
    t.settle()
    s.shows(state=CONNECTED)


@rule("2.5", "nothing is left of the last client", "unread data of both directions does not reach the next client or its server",
      kinds=EVERY_KIND)
def nothing_left_for_the_next_client(t, kind):
    s, c = t.connected(kind)
    s.write(b"to the first").done(SUCCESS, 12)
    c.write(b"from the first").done(SUCCESS, 14)
    s.disconnect().done(SUCCESS)
    s.listen().pending()
    new = t.open()
    new.shows(read_data_available=0)
    s.shows(read_data_available=0)
    s.read(20).pending()
    new.read(20).pending()


# ---- 2.6: closing ----


@rule("2.6", "pending writes of the closer", "what the closer had completely written stays, what waited goes with it", kinds=EVERY_KIND,
      mirrored=True)
def pending_writes_of_the_closer(t, kind):
    a, b = t.pair(kind)
    a.write(b"complete").done(SUCCESS, 8)
    a.write(pattern(a.quota)).pending()
    a.close()
    t.settle()
    b.shows(state=CLOSING, read_data_available=8)
    b.read(100).done(SUCCESS, b"complete")
    b.read(100).done(PIPE_BROKEN)


@rule("2.6", "everything of the closer ends", "the closer's own pending operations end with PIPE_BROKEN",
      each={"read": "read", "write": "write", "transceive": "transceive", "flush": "flush"}, mirrored=True, needs=["native client"])
def own_close_ends_everything(t, given):
    a, _ = t.pair(MM)
    if given == "flush":
        a.write(b"unread").done(SUCCESS, 6)
    op = {"read": lambda: a.read(10), "write": lambda: a.write(pattern(a.quota + 1)), "transceive": lambda: a.transceive(b"x", 10),
          "flush": a.flush}[given]().pending()
    a.close()
    op.done(PIPE_BROKEN)


@rule("2.6", "transceive and close", "the other end's close ends a pending transceive with PIPE_BROKEN", mirrored=True)
def close_breaks_transceive(t):
    a, b = t.pair(MM)
    both = a.transceive(b"x", 10).pending()
    b.close()
    both.done(PIPE_BROKEN)


# ---- 2.7: opening ----


@rule("2.7", "access before availability", "who may not open hears ACCESS_DENIED, though no instance is free; the name comes first")
def access_before_availability(t):
    s = t.create(sddl="D:(A;;0x120089;;;WD)")
    t.open(desired_access=GENERIC_READ)
    t.opening(desired_access=GENERIC_READ).done(PIPE_NOT_AVAILABLE)
    t.opening(desired_access=GENERIC_WRITE).done(ACCESS_DENIED)
    s.close()
    t.settle()
    t.opening(desired_access=GENERIC_WRITE).done(OBJECT_NAME_NOT_FOUND)


@rule("2.7", "no data access", "an open without data access connects and takes an instance")
def open_without_data_access(t):
    s = t.create(max_instances=1)
    t.open(desired_access=SYNCHRONIZE | READ_ATTRIBUTES)
    t.settle()
    s.shows(state=CONNECTED)
    t.opening().done(PIPE_NOT_AVAILABLE)


@rule("2.7", "dispositions of a client", "a client's disposition does not matter where the pipe exists, and makes none where not",
      each={"open": FILE_OPEN, "open-if": FILE_OPEN_IF})
def disposition_of_a_client(t, given):
    t.opening(disposition=given).done(OBJECT_NAME_NOT_FOUND)
    t.create()
    t.open(disposition=given)


@rule("2.7", "instances in turn", "an instance that listens again stands behind those that listen already")
def instances_in_turn(t):
    first, second = t.create(), t.create(disposition=FILE_OPEN)
    t.open()
    t.settle()
    first.disconnect().done(SUCCESS)
    first.listen().pending()
    t.open()
    t.settle()
    second.shows(state=CONNECTED)
    first.shows(state=LISTENING)


@rule("2.7", "server writes first", "a server may write as soon as the client has opened, without a LISTEN", kinds=EVERY_KIND)
def server_writes_first(t, kind):
    s, c = t.connected(kind)
    s.write(b"welcome").done(SUCCESS, 7)
    c.read(10).done(SUCCESS, b"welcome")
