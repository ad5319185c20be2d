# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_hostile.py: requests that no honest client sends. Any answer will do, but smbd must neither crash nor harm others."""
import contextlib
import random
import struct

import pytest
from smb2client import FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, RELATED, Command, ProtocolError, Request, Status

INTERESTING = [0, 1, 2, 15, 16, 63, 64, 112, 120, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def honest_commands(client, file_id, name):
    yield client.read_command(file_id, 100)
    yield client.write_command(file_id, b"0123456789")
    yield client.ioctl_command(file_id, FSCTL_PIPE_TRANSCEIVE, b"question", 100)
    yield client.ioctl_command(file_id, FSCTL_PIPE_PEEK, b"", 100)
    yield client.wait_command(name, 10)
    yield client.flush_command(file_id)
    for information_class in 5, 9, 18, 23, 24:
        yield client.query_info_command(file_id, information_class, 100)
    yield client.set_info_command(file_id, 23, struct.pack("<II", 1, 0))
    yield client.create_command(name)
    yield client.close_command(RELATED)


def spoil(command, chance, file_id):
    """Some field of the command becomes something else; the handle stays, so that it is ours who has to cope."""
    body = bytearray(command.body)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(2, len(body))
        value, size = chance.choice(INTERESTING), chance.choice([1, 2, 4])
        body[place : place + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    if chance.random() < 0.1:
        del body[chance.randrange(2, len(body)) :]
    for place in (8, 16, 24) if file_id in command.body else ():
        if command.body[place : place + 16] == file_id:
            body[place : place + 16] = file_id
    return Request(command.command, bytes(body), command.charge)


@pytest.mark.parametrize("seed", range(24))
def test_spoilt_requests(connect, join, server, name, seed):
    chance = random.Random(seed)
    bystander = connect()
    its_id, its_pipe = join(bystander)
    server.create(name)
    for _ in range(8):
        client = connect(dialect=chance.choice([0x202, 0x210, 0x302, 0x311]))
        file_id, pipe = join(client)
        pipe.write(b"something to read")
        with contextlib.suppress(ConnectionError, ProtocolError):
            for command in honest_commands(client, file_id, name):
                client.start(spoil(command, chance, file_id))
                if chance.random() < 0.3:
                    client.send([spoil(command, chance, file_id), command], related=True)
                client.poll()
            client.echo()
        client.drop()
    its_pipe.write(b"unharmed")
    assert bystander.read(its_id).data == b"unharmed"


@pytest.mark.parametrize("code", sorted(Command))
def test_commands_that_are_too_short(connect, join, code):
    for length in 0, 2, 8, 23, 47:
        client = connect()
        file_id, _ = join(client)
        body = struct.pack("<H", 49) + bytes(6) + file_id + bytes(40)
        with contextlib.suppress(ConnectionError, ProtocolError):
            client.start(Request(code, body[:length]))
            client.echo()
        client.drop()


def test_handles_of_others_are_not_known(connect, join):
    first, second = connect(), connect()
    file_id, pipe = join(first)
    pipe.write(b"secret")
    for response in second.read(file_id), second.peek(file_id), second.close(file_id):
        assert response.status in (Status.FILE_CLOSED, Status.INVALID_HANDLE)
    assert first.read(file_id).data == b"secret"


def test_many_requests_at_once(connect, join):
    """As many as the credits allow, and then all are gone at once."""
    client = connect(dialect=0x302)
    file_id, pipe = join(client)
    reads = [client.start_read(file_id) for _ in range(min(client.connection.credits, 100) - 2)]
    reads[-1].wait_interim()
    assert client.close(file_id).status == Status.SUCCESS
    assert {read.response.status for read in reads} == {Status.PIPE_BROKEN}
    pipe.await_end_of_client()
