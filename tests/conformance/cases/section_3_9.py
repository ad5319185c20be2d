# SPDX-License-Identifier: LGPL-2.1-or-later
"""section_3_9.py: the big table of section 3.9, cell by cell, in queue mode."""
import struct

from conformance.registry import rule
from conformance.steps import Peek
from conformance.vocabulary import *  # noqa: F403

DATA = b"0123456789"


# ---- the rows: how an end comes into that state. Each gives (the end, whether it has data to read) ----

def listening(t):
    return t.create(read_mode=MESSAGE), False


def connected(t, side, has_data):
    s, c = t.connected(MM)
    end, other = (s, c) if side == "server" else (c, s)
    if has_data:
        other.write(DATA).done(SUCCESS, len(DATA))
    return end, other


def connected_row(side, has_data):
    return lambda t: (connected(t, side, has_data)[0], has_data)


def closing_row(side, has_data):
    def make(t):
        end, other = connected(t, side, has_data)
        other.close()
        t.settle()
        return end, has_data
    return make


def disconnected_row(side):
    def make(t):
        s, c = t.connected(MM)
        c.write(DATA).done(SUCCESS, len(DATA))
        s.disconnect().done(SUCCESS)
        t.settle()
        return (s if side == "server" else c), False
    return make


# ---- the columns: what is done to it: (the operation, what it brings if it succeeds) ----

SENT = 1


def do_read(end):
    return end.read(100), DATA


def do_read_part(end):
    return end.read(4), DATA[:4]


def do_write(end):
    return end.write(b"x"), SENT


def do_peek(end):
    return end.peek(), Peek(available=len(DATA), messages=1, length=len(DATA), data=DATA)


def do_peek_part(end):
    return end.peek(20), Peek(available=len(DATA), messages=1, length=len(DATA), data=DATA[:4])


def do_flush(end):
    return end.flush(), None


def do_transceive(end):
    return end.transceive(b"x", 100), None


def do_listen(end):
    return end.listen(), None


def do_disconnect(end):
    return end.disconnect(), None


def do_set_modes(end):
    return end.set_modes(BYTE, QUEUE), None


COLUMNS = {
    "read": do_read, "read-part": do_read_part, "write": do_write, "peek": do_peek, "peek-part": do_peek_part, "flush": do_flush,
    "transceive": do_transceive, "listen": do_listen, "disconnect": do_disconnect, "set-23": do_set_modes,
}

# How the row is made; the cells, in the order of COLUMNS; the state that class 24 shows, None where it is PIPE_DISCONNECTED.
ROWS = {
    "listening-S": (listening, [PIPE_LISTENING, PIPE_LISTENING, PIPE_LISTENING, INVALID_PIPE_STATE, INVALID_PIPE_STATE, SUCCESS,
                                INVALID_PIPE_STATE, PENDING, SUCCESS, SUCCESS], LISTENING),
    "connected-S": (connected_row("server", False), [PENDING, PENDING, SUCCESS, SUCCESS, SUCCESS, SUCCESS, PENDING, PIPE_CONNECTED,
                                                     SUCCESS, SUCCESS], CONNECTED),
    "connected-S-data": (connected_row("server", True), [SUCCESS, BUFFER_OVERFLOW, SUCCESS, SUCCESS, BUFFER_OVERFLOW, SUCCESS,
                                                         PIPE_BUSY, PIPE_CONNECTED, SUCCESS, SUCCESS], CONNECTED),
    "connected-C": (connected_row("client", False), [PENDING, PENDING, SUCCESS, SUCCESS, SUCCESS, SUCCESS, PENDING,
                                                     ILLEGAL_FUNCTION, ILLEGAL_FUNCTION, SUCCESS], CONNECTED),
    "connected-C-data": (connected_row("client", True), [SUCCESS, BUFFER_OVERFLOW, SUCCESS, SUCCESS, BUFFER_OVERFLOW, SUCCESS,
                                                         PIPE_BUSY, ILLEGAL_FUNCTION, ILLEGAL_FUNCTION, SUCCESS], CONNECTED),
    "closing-S-data": (closing_row("server", True), [SUCCESS, BUFFER_OVERFLOW, PIPE_CLOSING, SUCCESS, BUFFER_OVERFLOW, SUCCESS,
                                                     INVALID_PIPE_STATE, PIPE_CLOSING, SUCCESS, SUCCESS], CLOSING),
    "closing-S": (closing_row("server", False), [PIPE_BROKEN, PIPE_BROKEN, PIPE_CLOSING, PIPE_BROKEN, PIPE_BROKEN, SUCCESS,
                                                 INVALID_PIPE_STATE, PIPE_CLOSING, SUCCESS, SUCCESS], CLOSING),
    "closing-C-data": (closing_row("client", True), [SUCCESS, BUFFER_OVERFLOW, PIPE_CLOSING, SUCCESS, BUFFER_OVERFLOW, SUCCESS,
                                                     INVALID_PIPE_STATE, ILLEGAL_FUNCTION, ILLEGAL_FUNCTION, SUCCESS], CLOSING),
    "closing-C": (closing_row("client", False), [PIPE_BROKEN, PIPE_BROKEN, PIPE_CLOSING, PIPE_BROKEN, PIPE_BROKEN, SUCCESS,
                                                 INVALID_PIPE_STATE, ILLEGAL_FUNCTION, ILLEGAL_FUNCTION, SUCCESS], CLOSING),
    "disconnected-S": (disconnected_row("server"), [PIPE_DISCONNECTED, PIPE_DISCONNECTED, PIPE_DISCONNECTED, INVALID_PIPE_STATE,
                                                    INVALID_PIPE_STATE, SUCCESS, INVALID_PIPE_STATE, PENDING, PIPE_DISCONNECTED,
                                                    SUCCESS], DISCONNECTED),
    "detached-C": (disconnected_row("client"), [PIPE_DISCONNECTED] * 7 + [ILLEGAL_FUNCTION] * 2 + [PIPE_DISCONNECTED], None),
}


def cells(columns, rows):
    """Each cell: what the function of the rule is given."""
    return {f"{row}-{column}": {"make": make, "operation": COLUMNS[column], "status": statuses[list(COLUMNS).index(column)]}
            for row, (make, statuses, _) in rows.items() for column in columns}


def check_cell(t, make, operation, status):
    end, has_data = make(t)
    op, value = operation(end)
    if status == PENDING:
        op.pending()
    elif status.is_error:
        op.done(status)
    elif isinstance(value, Peek) and not has_data:
        op.done(status, Peek(available=0, messages=0, length=0, data=b""))
    else:
        op.done(status, value)


SERVER_ROWS = {name: row for name, row in ROWS.items() if name.split("-")[1] == "S"}
CLIENT_ROWS = {name: row for name, row in ROWS.items() if name.split("-")[1] == "C"}
OF_THE_SERVER = ["listen", "disconnect"]
OF_BOTH = [column for column in COLUMNS if column not in OF_THE_SERVER]


@rule("3.9", "of a server", "what a server end answers in each state", each=cells(COLUMNS, SERVER_ROWS))
def table_of_a_server(t, make, operation, status):
    check_cell(t, make, operation, status)


@rule("3.9", "of a client", "what a client end answers in each state", each=cells(OF_BOTH, CLIENT_ROWS))
def table_of_a_client(t, make, operation, status):
    check_cell(t, make, operation, status)


@rule("3.9", "listen and disconnect of a client", "a client end neither listens nor disconnects, whatever its state",
      each=cells(OF_THE_SERVER, CLIENT_ROWS), needs=["client listens"])
def server_functions_of_a_client(t, make, operation, status):
    check_cell(t, make, operation, status)


@rule("3.9", "queries", "class 23, 24 and the name are there in every state, but not at a detached client",
      each={name: {"make": make, "state": state} for name, (make, _, state) in ROWS.items()})
def queries_in_every_state(t, make, state):
    end, has_data = make(t)
    if state is None:
        for information_class in 9, 23, 24:
            end.query(information_class).done(PIPE_DISCONNECTED)
        return
    end.shows(state=state, read_data_available=len(DATA) if has_data else 0)
    end.has_modes(MESSAGE, QUEUE)
    wide = ("\\" + t.name()).encode("utf-16-le")
    end.query(9).done(SUCCESS, struct.pack("<I", len(wide)) + wide)


@rule("3.9", "complete mode", "in complete mode a read that would wait says PIPE_EMPTY, and listen says PIPE_LISTENING")
def complete_mode(t):
    s = t.create(completion_mode=COMPLETE)
    s.listen().done(PIPE_LISTENING)
    t.open()
    s.read(1).done(PIPE_EMPTY)
    s.disconnect().done(SUCCESS)
    s.read(1).done(PIPE_DISCONNECTED)
    s.listen().done(PIPE_LISTENING)
