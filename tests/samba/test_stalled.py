# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_stalled.py: a broker or a pipe's server that stands still (SIGSTOP) stalls no other pipe, and no pipe of Samba's."""
import contextlib
import signal
import struct
import uuid

import pytest
from conftest import make_smbd
from native import Server
from smb1client import Smb1Client
from smb2client import Smb2Client, Status

SRVSVC = (uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3)
NDR = (uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
BIND, BIND_ACK = 11, 12
# Longer than anything here takes: an open that a broker that stands still must answer ends by our doing, not by this.
OPEN_TIMEOUT_MS = "120000"


@pytest.fixture(scope="module")
def module_smbd(build):
    with make_smbd(build, options={"ntpipe:open timeout": OPEN_TIMEOUT_MS}) as smbd:
        yield smbd


@pytest.fixture
def smbd(module_smbd):
    """Not the shared one: its broker is stopped."""
    yield module_smbd
    assert "INTERNAL ERROR" not in module_smbd.log()


@pytest.fixture(params=[Smb1Client, Smb2Client], ids=["smb1", "smb2"])
def any_client(request, smbd, user):
    with request.param(smbd.port, *user) as client:
        yield client


@pytest.fixture
def other_server(build, smbd):
    with Server(build, smbd.ntpipe_dir) as server:
        yield server


@contextlib.contextmanager
def stopped(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def exchange(client, file_id, pipe):
    call = client.start_transceive(file_id, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert call.final().data == b"answer"


def exchange_with_samba(client, file_id):
    """Binds to srvsvc as RPC clients do."""
    syntaxes = b"".join(syntax.bytes_le + struct.pack("<I", version) for syntax, version in (SRVSVC, NDR))
    body = struct.pack("<HHIBxxxHBx", 4280, 4280, 0, 1, 0, 1) + syntaxes
    response = client.transceive(file_id, struct.pack("<BBBBIHHI", 5, 0, BIND, 3, 0x10, 16 + len(body), 0, 1) + body)
    assert (response.status, response.data[2]) == (Status.SUCCESS, BIND_ACK)


def join(client, server, name):
    pipe = server.create(name)
    file_id = client.open(name)
    pipe.await_client()
    assert client.set_modes(file_id).status == Status.SUCCESS
    return file_id, pipe


def test_stopped_server(any_client, server, other_server, name):
    stalled, stalled_pipe = join(any_client, server, f"{name}-stalled")
    going, pipe = join(any_client, other_server, name)
    samba = any_client.open("srvsvc")
    with stopped(server.agent.process):
        pending = [any_client.start_read(stalled), any_client.start_flush(stalled)]
        any_client.write(stalled, b"nobody reads this now")
        exchange(any_client, going, pipe)
        exchange_with_samba(any_client, samba)
        another, another_pipe = join(any_client, other_server, f"{name}-another")
        exchange(any_client, another, another_pipe)
        exchange_with_samba(any_client, any_client.open("srvsvc"))
        assert any_client.echo().status == Status.SUCCESS
        assert not pending[0].over
        # It can even be left.
        assert any_client.close(stalled).status == Status.SUCCESS
        assert pending[0].final().status in (Status.PIPE_BROKEN, Status.CANCELLED)
        exchange(any_client, going, pipe)
    stalled_pipe.drain()


def test_stopped_server_that_is_full(any_client, server, other_server, name):
    """Writes that wait for its reader wait alone, and go through when it goes on."""
    stalled_pipe = server.create(f"{name}-stalled", inbound_quota=10)
    stalled = any_client.open(f"{name}-stalled")
    stalled_pipe.await_client()
    going, pipe = join(any_client, other_server, name)
    with stopped(server.agent.process):
        writes = [any_client.start_write(stalled, b"0123456789") for _ in range(5)]
        exchange(any_client, going, pipe)
        exchange_with_samba(any_client, any_client.open("srvsvc"))
        assert [write.over for write in writes] == [True, False, False, False, False]
    assert [stalled_pipe.read() for _ in writes] == [b"0123456789"] * 5
    assert [write.final().count for write in writes] == [10] * 5


def test_stopped_broker(any_client, smbd, server, name):
    going, pipe = join(any_client, server, name)
    server.create(f"{name}-late")
    samba = any_client.open("srvsvc")
    assert any_client.create("not-there").status == Status.OBJECT_NAME_NOT_FOUND
    with stopped(smbd.broker.process):
        late = any_client.start_create(f"{name}-late")
        exchange(any_client, going, pipe)
        exchange_with_samba(any_client, samba)
        exchange_with_samba(any_client, any_client.open("srvsvc"))
        assert any_client.echo().status == Status.SUCCESS
        assert not late.over
        exchange(any_client, going, pipe)
    assert late.final().status == Status.SUCCESS


def test_client_can_leave_while_the_broker_is_stopped(any_client, smbd, server, name):
    going, pipe = join(any_client, server, name)
    server.create(f"{name}-late")
    with stopped(smbd.broker.process):
        any_client.start_create(f"{name}-late")
        reading = any_client.start_read(going)
        assert any_client.tree_disconnect().status == Status.SUCCESS
        assert reading.final().status >= 0xC0000000
        pipe.await_end_of_client()
