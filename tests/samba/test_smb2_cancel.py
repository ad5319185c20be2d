# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_cancel.py: CANCEL, and what CLOSE, tree disconnect, log-off and lost connections do to pending requests."""
import struct
import subprocess

import pytest
from private_smbd import is_alive, wait_until
from smb2client import DIALECTS, Smb2Client, Status

PENDING = ("read", "write", "flush", "transceive")


def start_pending(client, file_id, pipe, what):
    """Starts a request that waits, whatever the server end does not do."""
    if what == "read":
        pending = client.start_read(file_id)
    elif what == "transceive":
        pending = client.start_transceive(file_id, b"question")
    else:
        client.write(file_id, b"0123456789")
        pending = client.start_flush(file_id) if what == "flush" else client.start_write(file_id, b"too much")
    pending.wait_interim()
    return pending


@pytest.fixture
def join_small(join):
    """A pipe whose client may not have more than ten bytes unread."""
    return lambda client: join(client, inbound_quota=10)


# ---- CANCEL ----


@pytest.mark.parametrize("by_message_id", [False, True], ids=["async-id", "message-id"])
@pytest.mark.parametrize("what", PENDING)
def test_cancel_is_answered(client, join_small, what, by_message_id):
    file_id, pipe = join_small(client)
    pending = start_pending(client, file_id, pipe, what)
    pending.cancel(by_message_id)
    response = pending.final()
    assert (response.status, response.is_async) == (Status.CANCELLED, True)
    assert client.peek(file_id).status == Status.SUCCESS


def protection_id(protection):
    return "-".join(protection) or "plain"


@pytest.mark.parametrize("protection", [{}, {"signing": True}, {"encryption": True}], ids=protection_id)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda value: f"{value:x}")
def test_cancel_in_every_dialect(connect, join, dialect, protection):
    if "encryption" in protection and dialect < 0x300:
        protection = {"signing": True}
    client = connect(dialect=dialect, **protection)
    file_id, pipe = join(client)
    for by_message_id in False, True:
        pending = start_pending(client, file_id, pipe, "read")
        pending.cancel(by_message_id)
        assert pending.final().status == Status.CANCELLED
    pipe.write(b"still there")
    assert client.read(file_id).data == b"still there"


def test_cancel_before_the_interim_response(client, join):
    file_id, pipe = join(client)
    for _ in range(20):
        pending = client.start_read(file_id)
        pending.cancel(by_message_id=True)
        assert pending.final().status == Status.CANCELLED
    pipe.write(b"x")
    assert client.read(file_id).data == b"x"


def test_cancel_of_one_of_several(client, join):
    file_id, pipe = join(client)
    reads = [client.start_read(file_id) for _ in range(3)]
    for read in reads:
        read.wait_interim()
    reads[1].cancel()
    assert reads[1].final().status == Status.CANCELLED
    pipe.write(b"one")
    pipe.write(b"two")
    assert [reads[0].final().data, reads[2].final().data] == [b"one", b"two"]


def test_cancelled_write_is_never_read(client, join_small):
    file_id, pipe = join_small(client)
    pending = start_pending(client, file_id, pipe, "write")
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    assert pipe.read() == b"0123456789"
    client.write(file_id, b"later")
    assert pipe.read() == b"later"


def test_answer_to_a_cancelled_transceive_is_read_next(client, join):
    file_id, pipe = join(client)
    pending = start_pending(client, file_id, pipe, "transceive")
    assert pipe.read() == b"question"
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    pipe.write(b"answer")
    assert client.read(file_id).data == b"answer"


def test_another_session_cannot_cancel(connect, join, other_user, smbd):
    client = connect()
    file_id, pipe = join(client)
    other = Smb2Client(smbd.port, *other_user, _connection=client.connection, dialect=client.dialect)
    pending = start_pending(client, file_id, pipe, "read")
    other.send_cancel(pending)
    assert other.echo().status == Status.SUCCESS
    assert not pending.over
    pipe.write(b"x")
    assert pending.final().data == b"x"


def test_cancel_of_nothing_is_ignored(client, join):
    file_id, pipe = join(client)
    pending = start_pending(client, file_id, pipe, "read")
    pipe.write(b"x")
    pending.final()
    pending.cancel()
    assert client.echo().status == Status.SUCCESS


# ---- CLOSE ----


@pytest.mark.parametrize("what", PENDING)
def test_close_answers_what_is_pending_first(client, join_small, what):
    file_id, pipe = join_small(client)
    pending = start_pending(client, file_id, pipe, what)
    close = client.start_close(file_id)
    assert close.final().status == Status.SUCCESS
    assert pending.response is not None, "CLOSE was answered first"
    assert pending.response.status == Status.PIPE_BROKEN


def test_close_answers_all_in_order(client, join):
    file_id, pipe = join(client)
    reads = [start_pending(client, file_id, pipe, "read") for _ in range(10)]
    assert client.close(file_id).status == Status.SUCCESS
    assert [read.response.status for read in reads] == [Status.PIPE_BROKEN] * 10
    times = [read.response.time for read in reads]
    assert times == sorted(times)
    pipe.await_end_of_client()


def test_close_with_attributes(client, join):
    file_id, _ = join(client)
    response = client.close(file_id, flags=1)
    flags, _, *times, allocation, size, attributes = struct.unpack_from("<HI6QI", response.body, 2)
    assert (flags, times, allocation, size, attributes) == (1, [0] * 4, 4096, 0, 0x80)


# ---- the end of trees, sessions and connections ----


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
@pytest.mark.parametrize("what", PENDING)
def test_end_of_tree_or_session_answers_first(client, join_small, what, end):
    file_id, pipe = join_small(client)
    pending = start_pending(client, file_id, pipe, what)
    response = getattr(client, end)()
    assert response.status == Status.SUCCESS
    assert pending.response is not None and pending.response.status == Status.PIPE_BROKEN
    pipe.drain()


@pytest.mark.parametrize("protection", [{"signing": True}, {"encryption": True}], ids=protection_id)
@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
def test_end_of_tree_or_session_when_protected(connect, join, end, protection):
    client = connect(dialect=0x311, **protection)
    file_id, pipe = join(client)
    pending = [start_pending(client, file_id, pipe, "read") for _ in range(3)]
    assert getattr(client, end)().status == Status.SUCCESS
    assert [read.response.status for read in pending] == [Status.PIPE_BROKEN] * 3
    pipe.await_end_of_client()


def test_end_of_session_ends_waits(client, server, name):
    server.create(name)
    client.open(name)
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    assert client.logoff().status == Status.SUCCESS
    assert pending.response.status == Status.NETWORK_NAME_DELETED


@pytest.mark.parametrize("how", ["drop", "reset"])
@pytest.mark.parametrize("what", PENDING)
def test_lost_connection_closes_the_pipe(connect, smbd, join_small, what, how):
    client = connect()
    process = smbd.connection_process(client.connection.socket.getsockname()[1])
    file_id, pipe = join_small(client)
    start_pending(client, file_id, pipe, what)
    getattr(client, how)()
    pipe.drain()
    wait_until(lambda: not is_alive(process), "smbd's process for the connection lives on")


def test_previous_session_is_ended_by_the_next(connect, join, smbd, user):
    client = connect(dialect=0x302)
    file_id, pipe = join(client)
    pending = start_pending(client, file_id, pipe, "read")
    connect(dialect=0x302, previous_session=client.session_id)
    assert pending.final().status == Status.PIPE_BROKEN
    pipe.await_end_of_client()


def test_two_users_on_one_connection(connect, smbd, join, other_user):
    first = connect()
    second = Smb2Client(smbd.port, *other_user, _connection=first.connection, dialect=first.dialect)
    (first_id, first_pipe), (second_id, second_pipe) = join(first), join(second)
    assert [first_pipe.client["account"], second_pipe.client["account"]] == [first.user, second.user]
    assert second.read(first_id).status == Status.FILE_CLOSED
    pending = start_pending(second, second_id, second_pipe, "read")
    waiting = start_pending(first, first_id, first_pipe, "read")
    assert first.logoff().status == Status.SUCCESS
    assert waiting.response.status == Status.PIPE_BROKEN
    assert not pending.over
    second_pipe.write(b"still here")
    assert pending.final().data == b"still here"


def test_reauthentication_leaves_pending_requests(client, join):
    file_id, pipe = join(client)
    pending = start_pending(client, file_id, pipe, "read")
    in_between = []

    def between():
        pipe.write(b"in the middle")
        in_between.append(pending.final())

    assert client.log_in(between=between).status == Status.SUCCESS
    assert in_between[0].data == b"in the middle"
    pending = start_pending(client, file_id, pipe, "read")
    assert client.log_in().status == Status.SUCCESS
    pipe.write(b"afterwards")
    assert pending.final().data == b"afterwards"


def test_administrator_closes_the_share(connect, smbd, join_small, server, name):
    client = connect()
    joined = [(what, *join_small(client)) for what in PENDING]
    pending = [start_pending(client, file_id, pipe, what) for what, file_id, pipe in joined]
    server.create(name)
    client.open(name)
    waiting = client.start_wait(name, 60000)
    waiting.wait_interim()
    process = smbd.connection_process(client.connection.socket.getsockname()[1])
    command = ["smbcontrol", "-s", str(smbd.configuration), str(process), "close-share", "IPC$"]
    subprocess.run(command, check=True, timeout=30, capture_output=True)
    assert [request.final().status for request in pending] == [Status.PIPE_BROKEN] * len(pending)
    assert waiting.final().status == Status.NETWORK_NAME_DELETED
    for _, _, pipe in joined:
        pipe.drain()
    assert client.echo().status == Status.SUCCESS
