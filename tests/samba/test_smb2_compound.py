# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_compound.py: chains of commands in one packet."""
import pytest
from smb2client import DIALECTS, FSCTL_PIPE_TRANSCEIVE, RELATED, Status


def protection_id(protection):
    return "-".join(protection) or "plain"


@pytest.fixture(params=[{}, {"signing": True}, {"encryption": True}], ids=protection_id)
def protection(request):
    return request.param


@pytest.fixture(params=DIALECTS, ids=lambda value: f"{value:x}")
def any_client(request, connect, protection):
    """A client of each dialect, with each protection that the dialect has."""
    usable = protection if request.param >= 0x300 or "encryption" not in protection else {"signing": True}
    return connect(dialect=request.param, **usable)


def statuses(chain):
    return [request.final().status for request in chain]


def test_create_write_read_close(any_client, server, name):
    client, pipe = any_client, server.create(name)
    commands = [
        client.create_command(name),
        client.write_command(RELATED, b"hello"),
        client.read_command(RELATED, 100),
        client.close_command(RELATED),
    ]
    chain = client.send(commands, related=True)
    pipe.await_client()
    assert pipe.read() == b"hello"
    pipe.write(b"hello yourself")
    assert statuses(chain) == [Status.SUCCESS] * 4
    assert chain[2].response.data == b"hello yourself"
    pipe.await_end_of_client()


def test_create_set_transceive_close(any_client, server, name):
    client, pipe = any_client, server.create(name)
    commands = [
        client.create_command(name),
        client.set_info_command(RELATED, 23, b"\1\0\0\0\0\0\0\0"),
        client.ioctl_command(RELATED, FSCTL_PIPE_TRANSCEIVE, b"question", 1024),
        client.close_command(RELATED),
    ]
    chain = client.send(commands, related=True)
    pipe.await_client()
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert statuses(chain) == [Status.SUCCESS] * 4
    assert chain[2].response.data == b"answer"
    pipe.await_end_of_client()


def test_failed_create_ends_the_chain(any_client, name):
    client = any_client
    commands = [client.create_command(name), client.write_command(RELATED, b"x"), client.close_command(RELATED)]
    assert statuses(client.send(commands, related=True)) == [Status.OBJECT_NAME_NOT_FOUND] * 3


def test_busy_pipe_ends_the_chain(any_client, server, name):
    client = any_client
    server.create(name)
    client.open(name)
    commands = [client.create_command(name), client.write_command(RELATED, b"x"), client.close_command(RELATED)]
    assert statuses(client.send(commands, related=True)) == [Status.PIPE_NOT_AVAILABLE] * 3


def test_create_behind_another_create(any_client, server, name):
    """smbd itself panics on this with its own pipes, from SMB 3 on."""
    client = any_client
    pipes = [server.create(f"{name}-{number}") for number in range(3)]
    commands = [client.create_command(f"{name}-{number}") for number in range(3)]
    chain = client.send([*commands, client.write_command(RELATED, b"to the last")], related=True)
    assert statuses(chain) == [Status.SUCCESS] * 4
    assert pipes[2].read() == b"to the last"
    for number, request in enumerate(chain[:3]):
        assert client.write(request.response.file_id, b"%d" % number).status == Status.SUCCESS
        assert pipes[number].read() == b"%d" % number


def test_unrelated_commands_in_one_packet(any_client, join):
    client = any_client
    joined = [join(client) for _ in range(3)]
    chain = client.send([client.write_command(file_id, b"%d" % n) for n, (file_id, _) in enumerate(joined)])
    assert statuses(chain) == [Status.SUCCESS] * 3
    assert [pipe.read() for _, pipe in joined] == [b"0", b"1", b"2"]


def test_last_command_of_a_chain_may_wait(any_client, server, name):
    client, pipe = any_client, server.create(name)
    chain = client.send([client.create_command(name), client.read_command(RELATED, 100)], related=True)
    chain[1].wait_interim()
    assert chain[0].final().status == Status.SUCCESS
    pipe.write(b"late")
    assert chain[1].final().data == b"late"


def test_last_command_of_a_chain_can_be_cancelled(any_client, server, name):
    client, pipe = any_client, server.create(name)
    chain = client.send([client.create_command(name), client.read_command(RELATED, 100)], related=True)
    chain[1].wait_interim()
    chain[1].cancel()
    assert chain[1].final().status == Status.CANCELLED


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
def test_waiting_chain_ends_with_its_tree(connect, server, name, end):
    client = connect(dialect=0x311)  # unsigned: after a log-off smbd has no key for the rest of the chain
    pipe = server.create(name)
    commands = [client.create_command(name), client.read_command(RELATED, 100), client.close_command(RELATED)]
    chain = client.send(commands, related=True)
    pipe.await_client()
    assert getattr(client, end)().status == Status.SUCCESS
    assert chain[1].response.status == Status.PIPE_BROKEN
    pipe.await_end_of_client()


def test_samba_pipes_in_a_chain(any_client, server, name, smbd):
    """A pipe of ours, and one of Samba's behind it, unrelated."""
    client, pipe = any_client, server.create(name)
    chain = client.send([client.create_command(name), client.create_command("srvsvc")])
    assert statuses(chain) == [Status.SUCCESS] * 2
    client.write(chain[0].response.file_id, b"x")
    assert pipe.read() == b"x"
    assert client.close(chain[1].response.file_id).status == Status.SUCCESS
