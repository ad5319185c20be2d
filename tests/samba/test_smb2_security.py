# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_security.py: the security descriptor of a pipe, as an SMB client asks for it and sets it."""
import struct

import pytest
from smb2client import RELATED, USUAL_ACCESS, Command, Smb2Client, Status

OWNER, GROUP, DACL, SACL = 1, 2, 4, 8
WRITE_DAC, WRITE_OWNER = 0x40000, 0x80000
READ_CONTROL = 0x20000
EVERYBODY = "D:(A;;FA;;;WD)"


@pytest.fixture
def descriptor(server):
    """From SDDL."""
    return lambda text: bytes.fromhex(server.agent.call("sddl_to_descriptor", sddl=text)["data"])


def control_of(pipe, information):
    return pipe.succeed("query_security", information=information)["data"]


@pytest.mark.parametrize("parts", [0, OWNER, GROUP, DACL, OWNER | GROUP | DACL, 0x7FFF0000 | DACL])
def test_client_sees_what_the_server_sees(client, join, parts):
    file_id, pipe = join(client)
    answer = client.query_security(file_id, parts)
    assert (answer.status, answer.data.hex()) == (Status.SUCCESS, control_of(pipe, parts & 15))


def test_too_little_room_is_told_how_much_it_needs(client, join):
    file_id, _ = join(client)
    whole = client.query_security(file_id, OWNER | GROUP | DACL).data
    assert client.query_security(file_id, OWNER | GROUP | DACL, len(whole)).data == whole
    for room in (0, 1, len(whole) - 1):
        answer = client.query_security(file_id, OWNER | GROUP | DACL, room)
        assert answer.status == Status.BUFFER_TOO_SMALL
        assert struct.unpack_from("<HBBI", answer.body) == (9, 0, 0, 4)
        assert answer.body[8:] == struct.pack("<I", len(whole))


def test_asking_needs_rights(client, server, name):
    server.create(name)
    file_id = client.open(name, access=USUAL_ACCESS & ~READ_CONTROL)
    for parts in (OWNER, GROUP, DACL):
        answer = client.query_security(file_id, parts)
        assert (answer.status, struct.unpack_from("<I", answer.body, 4)[0]) == (Status.ACCESS_DENIED, 0)
    server.create(name)
    assert client.query_security(client.open(name), SACL).status == Status.ACCESS_DENIED


def test_what_a_client_sets_counts(client, server, name, descriptor):
    pipe = server.create(name)
    file_id = client.open(name, access=USUAL_ACCESS | WRITE_DAC)
    server.create(name)
    assert client.set_security(file_id, DACL, descriptor("D:")).status == Status.SUCCESS
    assert control_of(pipe, DACL) == descriptor("D:").hex()
    assert client.query_security(file_id, DACL).data == descriptor("D:")
    assert client.create(name).status == Status.ACCESS_DENIED
    assert client.set_security(file_id, DACL, descriptor(EVERYBODY)).status == Status.SUCCESS
    assert client.create(name).status == Status.SUCCESS


def test_setting_needs_rights(client, server, name, descriptor):
    pipe = server.create(name)
    before = control_of(pipe, OWNER | GROUP | DACL)
    file_id = client.open(name)
    whole = descriptor("O:SYG:SY" + EVERYBODY)
    for parts in (OWNER, GROUP, DACL, SACL):
        assert client.set_security(file_id, parts, whole).status == Status.ACCESS_DENIED
    assert control_of(pipe, OWNER | GROUP | DACL) == before


def test_malformed_descriptors_are_refused(client, server, name, descriptor):
    pipe = server.create(name)
    file_id = client.open(name, access=USUAL_ACCESS | WRITE_DAC | WRITE_OWNER)
    before = control_of(pipe, OWNER | GROUP | DACL)
    whole = descriptor(EVERYBODY)
    for wrong in (b"", b"\1", whole[:-1], b"\xff" * len(whole), whole[:16] + b"\xff" * 4 + whole[20:]):
        assert client.set_security(file_id, DACL, wrong).status >= 0xC0000000
    assert client.set_security(file_id, OWNER, whole).status >= 0xC0000000
    assert control_of(pipe, OWNER | GROUP | DACL) == before


def test_descriptor_outlives_the_server(client, join):
    file_id, pipe = join(client)
    before = client.query_security(file_id, DACL).data
    pipe.close()
    answer = client.query_security(file_id, DACL)
    assert (answer.status, answer.data) == (Status.SUCCESS, before)


def test_in_a_chain(client, server, name, descriptor):
    """CREATE, SET, QUERY and CLOSE in one packet: that the broker is asked holds up the chain."""
    server.create(name)
    commands = [
        client.create_command(name, access=USUAL_ACCESS | WRITE_DAC),
        client.set_info_command(RELATED, 0, descriptor("D:"), kind=3, parts=DACL),
        client.query_info_command(RELATED, 0, kind=3, parts=DACL),
        client.close_command(RELATED),
    ]
    answers = [each.final() for each in client.send(commands, related=True)]
    assert [each.status for each in answers] == [Status.SUCCESS] * 4
    assert (answers[2].command, answers[2].data) == (Command.QUERY_INFO, descriptor("D:"))


@pytest.mark.parametrize("dialect", [0x202, 0x311])
def test_in_any_dialect(smbd, user, server, name, dialect):
    server.create(name)
    with Smb2Client(smbd.port, *user, dialect=dialect, encryption=dialect == 0x311) as client:
        file_id = client.open(name)
        whole = client.query_security(file_id, OWNER | GROUP | DACL).data
        answer = client.query_security(file_id, OWNER | GROUP | DACL, 4)
        assert (answer.status, answer.body[8:]) == (Status.BUFFER_TOO_SMALL, struct.pack("<I", len(whole)))
