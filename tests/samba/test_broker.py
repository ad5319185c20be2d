# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_broker.py: an smbd whose broker is slow, dies, or comes late: nobody waits who need not, and open pipes go on."""
import time

import pytest
from conftest import make_smbd
from native import Server
from smb2client import RELATED, Smb2Client, Status

OPEN_TIMEOUT = 0.7


@pytest.fixture
def smbd(build):
    """One for each test: they maltreat its broker."""
    with make_smbd(build, options={"ntpipe:open timeout": str(int(OPEN_TIMEOUT * 1000))}) as smbd:
        yield smbd
        assert "INTERNAL ERROR" not in smbd.log()


class Paused:
    """The broker stands still within the block."""

    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        self.broker.pause()

    def __exit__(self, *_):
        self.broker.go_on()


def know_names(client):
    """Makes the client's smbd connect with the broker and hear of its names."""
    assert client.create("not-there").status == Status.OBJECT_NAME_NOT_FOUND


def test_open_ends_at_its_deadline(smbd, client, server, join, name):
    file_id, pipe = join(client)
    server.create(name)
    know_names(client)
    with Paused(smbd.broker):
        begin = time.monotonic()
        pending = client.start_create(name)
        assert pending.wait_interim().is_async
        # All the rest goes on.
        pipe.write(b"data needs no broker")
        assert client.read(file_id).data == b"data needs no broker"
        assert client.create("srvsvc").status == Status.SUCCESS
        assert client.create("other").status == Status.OBJECT_NAME_NOT_FOUND
        assert client.echo().status == Status.SUCCESS
        assert not pending.over
        assert pending.final().status == Status.IO_TIMEOUT
        assert time.monotonic() - begin >= OPEN_TIMEOUT
    # What the broker has not done in time is undone: the instance is free again.
    end = time.monotonic() + 20
    while (response := client.create(name)).status == Status.PIPE_NOT_AVAILABLE and time.monotonic() < end:
        time.sleep(0.02)
    assert response.status == Status.SUCCESS


def test_first_connection_to_a_paused_broker(smbd, server, connect, name):
    """Nobody knows whether the name is ours: after the deadline it is Samba's."""
    server.create(name)
    with Paused(smbd.broker):
        client = connect()
        begin = time.monotonic()
        pending = client.start_create(name)
        pending.wait_interim()
        assert client.create("srvsvc").status == Status.SUCCESS
        assert pending.final().status == Status.OBJECT_NAME_NOT_FOUND
        assert time.monotonic() - begin >= OPEN_TIMEOUT
    assert client.create(name).status == Status.SUCCESS


@pytest.mark.parametrize("by_message_id", [False, True], ids=["async-id", "message-id"])
def test_pending_open_can_be_cancelled(smbd, client, server, name, by_message_id):
    server.create(name)
    know_names(client)
    smbd.set_options(ntpipe_open_timeout="60000")
    with Paused(smbd.broker):
        pending = client.start_create(name)
        pending.wait_interim()
        pending.cancel(by_message_id)
        assert pending.final().status == Status.CANCELLED


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
def test_pending_open_ends_with_its_tree(smbd, client, server, name, end):
    server.create(name)
    know_names(client)
    with Paused(smbd.broker):
        pending = client.start_create(name)
        pending.wait_interim()
        assert getattr(client, end)().status == Status.SUCCESS
        assert pending.response.status == Status.NETWORK_NAME_DELETED


def test_pending_open_and_a_lost_connection(smbd, connect, server, name):
    client = connect()
    server.create(name)
    know_names(client)
    with Paused(smbd.broker):
        pending = client.start_create(name)
        pending.wait_interim()
        client.drop()
    end = time.monotonic() + 20
    with Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as again:
        while (response := again.create(name)).status == Status.PIPE_NOT_AVAILABLE and time.monotonic() < end:
            time.sleep(0.02)
    assert response.status == Status.SUCCESS


@pytest.mark.parametrize("protection", [{}, {"signing": True}, {"encryption": True}], ids=lambda value: "-".join(value) or "plain")
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("dialect", [0x202, 0x210, 0x302, 0x311], ids=lambda value: f"{value:x}")
def test_slow_open_in_a_chain(smbd, connect, server, name, dialect, protection, place):
    """The broker answers late: smbd has to wait in the middle of a packet."""
    if dialect < 0x300 and "encryption" in protection:
        protection = {"signing": True}
    client = connect(dialect=dialect, **protection)
    server.create(f"{name}-before")
    pipe = server.create(name)
    before = client.open(f"{name}-before")
    write = client.write_command(before, b"x")
    create = client.create_command(name)
    chain = {
        "first": [create, client.write_command(RELATED, b"hello"), client.close_command(RELATED)],
        "middle": [write, create, client.echo_command()],
        "last": [write, create],
    }[place]
    with Paused(smbd.broker):
        sent = client.send(chain, related=place == "first")
        time.sleep(0.05)
        assert sent[chain.index(create)].response is None
    statuses = [request.final().status for request in sent]
    assert statuses == [Status.SUCCESS] * len(chain)
    if place == "first":
        assert pipe.read() == b"hello"
        pipe.await_end_of_client()
    else:
        pipe.await_client()


def test_failing_slow_open_ends_the_chain(smbd, client, server, name):
    server.create(name)
    know_names(client)
    with Paused(smbd.broker):
        chain = client.send([client.create_command(name), client.write_command(RELATED, b"x"), client.close_command(RELATED)], related=True)
        assert [request.final().status for request in chain] == [Status.IO_TIMEOUT] * 3


def test_two_users_with_slow_opens(smbd, connect, server, name, other_user):
    """smbd becomes the right user again when the broker answers."""
    first = connect()
    second = Smb2Client(smbd.port, *other_user, _connection=first.connection, dialect=first.dialect)
    pipes = [server.create(f"{name}-{number}") for number in range(4)]
    know_names(first)
    with Paused(smbd.broker):
        pending = [client.start_create(f"{name}-{number}") for number, client in enumerate([first, second, first, second])]
        for create in pending:
            create.wait_interim()
    for number, (create, client) in enumerate(zip(pending, [first, second, first, second], strict=True)):
        assert create.final().status == Status.SUCCESS
        pipes[number].await_client()
        assert pipes[number].client["account"] == client.user


def test_pipes_go_on_without_the_broker(smbd, client, server, join, name):
    file_id, pipe = join(client)
    pending = client.start_read(file_id)
    pending.wait_interim()
    smbd.broker.kill()
    pipe.write(b"no broker")
    assert pending.final().data == b"no broker"
    client.write(file_id, b"none needed")
    assert pipe.read() == b"none needed"
    begin = time.monotonic()
    assert client.create(name).status == Status.OBJECT_NAME_NOT_FOUND
    assert time.monotonic() - begin >= OPEN_TIMEOUT, "it was not waited for"
    smbd.broker.start()
    pipe.write(b"it is back")
    assert client.read(file_id).data == b"it is back"
    server.create(name)
    end = time.monotonic() + 30
    while client.create(name).status != Status.SUCCESS:
        assert time.monotonic() < end, "the broker is back, but smbd does not notice"
        time.sleep(0.05)
    assert client.close(file_id).status == Status.SUCCESS
    pipe.await_end_of_client()


def test_open_that_began_without_the_broker(smbd, client, server, name):
    """Within the deadline the broker comes back, and with it the server's pipe."""
    smbd.set_options(ntpipe_open_timeout="30000")
    server.create(name)
    know_names(client)
    smbd.broker.kill()
    pending = client.start_create(name)
    pending.wait_interim()
    smbd.broker.start()
    assert pending.final(30).status == Status.SUCCESS


def test_wait_survives_the_broker(smbd, client, server, name):
    pipe = server.create(name)
    client.open(name)
    pipe.await_client()
    pending = client.start_wait(name, 60000)
    pending.wait_interim()
    smbd.broker.kill()
    smbd.broker.start()
    server.create(name)
    assert pending.final(30).status == Status.SUCCESS


def test_broker_that_comes_late(build, connect, smbd, name):
    smbd.broker.stop()
    client = connect()
    assert client.create(name).status == Status.OBJECT_NAME_NOT_FOUND
    smbd.broker.start()
    with Server(build, smbd.ntpipe_dir) as server:
        server.create(name)
        assert client.create(name).status == Status.SUCCESS
