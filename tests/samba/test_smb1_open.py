# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_open.py: opening pipes over SMB1: names, words of the responses, rights, DOS errors. SEMANTICS 7.1 to 7.3."""
import struct

import pytest
from smb1client import BAD_PIPE, ERRDOS, Command
from smb2client import Status

READ_ONLY, WRITE_ONLY = 0x00120089, 0x00100102
EXTENDED_RESPONSE = 0x10
UNLIMITED = 0xFFFFFFFF


def open_in_each_way(client, name, **options):
    """The responses of the three ways to open a pipe."""
    yield client.create(name, **options)
    yield client.call(client.nt_transact_create_request("\\" + name, **options))
    if not options:
        yield client.open_andx(name)


# ---- names ----


def test_each_way_opens_its_own_instance(smb1, server, name):
    pipes = [server.create(name) for _ in range(3)]
    fids = [response.fid for response in open_in_each_way(smb1, name)]
    assert len(set(fids)) == 3
    for pipe, fid in zip(pipes, fids, strict=True):
        pipe.await_client()
        assert smb1.write(fid, b"hello").count == 5
        assert pipe.read() == b"hello"


@pytest.mark.parametrize("unicode", [True, False], ids=["unicode", "oem"])
def test_names_in_both_alphabets(connect_smb1, server, name, unicode):
    name = f"{name}-\u00e4\u00f6"
    client = connect_smb1(unicode=unicode)
    for _ in range(3):
        server.create(name)
    assert [response.status for response in open_in_each_way(client, name)] == [Status.SUCCESS] * 3


def test_names_know_no_case(smb1, server, name):
    for _ in range(3):
        server.create(name)
    assert [response.status for response in open_in_each_way(smb1, name.upper())] == [Status.SUCCESS] * 3


@pytest.mark.parametrize("before", ["\\PIPE\\", "\\pipe\\", "\\PIPE\\\\", "PIPE\\"])
def test_path_of_open_andx(smb1, server, name, before):
    server.create(name)
    assert smb1.call(smb1.open_request(before + name)).status == Status.SUCCESS


def test_path_of_open_andx_needs_pipe(smb1, server, name):
    server.create(name)
    assert smb1.call(smb1.open_request("\\" + name)).status == Status.OBJECT_PATH_SYNTAX_BAD


@pytest.mark.parametrize("before", ["", "\\", "\\\\"])
def test_path_of_nt_create(smb1, server, name, before):
    server.create(name)
    assert smb1.call(smb1.nt_create_request(before + name)).status == Status.SUCCESS


def test_names_that_are_not_there(smb1, name):
    assert [response.status for response in open_in_each_way(smb1, name)] == [Status.OBJECT_NAME_NOT_FOUND] * 3


def test_dos_error_of_a_failed_open(connect_smb1, name):
    client = connect_smb1(nt_status=False)
    assert client.open_andx(name).dos_error == (ERRDOS, BAD_PIPE)


def test_busy_pipe(smb1, connect_smb1, server, name):
    server.create(name, max_instances=1)
    smb1.open(name)
    assert [response.status for response in open_in_each_way(smb1, name)] == [Status.PIPE_NOT_AVAILABLE] * 3
    assert connect_smb1(nt_status=False).open_andx(name).dos_error[0] == ERRDOS


def test_pipes_of_samba_stay_what_they_are(smb1):
    assert [response.status for response in open_in_each_way(smb1, "srvsvc")] == [Status.SUCCESS] * 3


# ---- the words of the responses ----


def nt_create_fields(response):
    names = ("oplock", "fid", "action", "times", "attributes", "allocation", "size", "kind", "state", "directory")
    return dict(zip(names, struct.unpack_from("<BHI32sIQQHHB", response.words, 4), strict=True))


@pytest.mark.parametrize(("kind", "resource", "bits"), [(1, 2, 0x0500), (0, 1, 0)], ids=["message", "byte"])
@pytest.mark.parametrize(("maximum", "count"), [(3, 3), (254, 254), (UNLIMITED, 0xFF)])
def test_words_of_nt_create(smb1, server, name, kind, resource, bits, maximum, count):
    server.create(name, type=kind, max_instances=maximum)
    fields = nt_create_fields(smb1.create(name))
    del fields["fid"]
    assert fields == {"oplock": 0, "action": 1, "times": bytes(32), "attributes": 0x80, "allocation": 4096, "size": 0,
                      "kind": resource, "state": bits | count, "directory": 0}  # fmt: skip


def test_extended_response(smb1, server, name):
    server.create(name)
    response = smb1.create(name, flags=EXTENDED_RESPONSE, access=READ_ONLY)
    assert response.status == Status.SUCCESS and len(response.words) == 2 * 42
    # The words say 42, there are 50.
    volume, file_id, rights, guest = struct.unpack_from("<16sQII", response.packet, 33 + 68)
    assert (volume, file_id) == (bytes(16), 0)
    assert rights & READ_ONLY == READ_ONLY and guest & 1
    assert smb1.read(response.fid, 1, minimum=0, timeout=0).status == Status.PIPE_EMPTY


@pytest.mark.parametrize(("kind", "resource", "bits"), [(1, 2, 0x0500), (0, 1, 0)], ids=["message", "byte"])
@pytest.mark.parametrize("mode", [0, 1, 2], ids=["read", "write", "both"])
def test_words_of_open_andx(smb1, server, name, kind, resource, bits, mode):
    server.create(name, type=kind)
    response = smb1.open_andx(name, mode=0x40 | mode)
    size, access, resource_type, state, results = struct.unpack_from("<IHHHH", response.words, 12)
    assert (size, access, resource_type, results) == (0, mode, resource, 1)
    assert state == bits | 0xFF


@pytest.mark.parametrize(("kind", "resource", "bits"), [(1, 2, 0x0500), (0, 1, 0)], ids=["message", "byte"])
def test_words_of_nt_transact_create(smb1, server, name, kind, resource, bits):
    server.create(name, type=kind, max_instances=7)
    parameters = smb1.call(smb1.nt_transact_create_request("\\" + name)).parameters
    oplock, action, ea_error, times = struct.unpack_from("<BxxxII32s", parameters)
    assert (oplock, action, ea_error, times) == (0, 1, 0, bytes(32))
    assert struct.unpack_from("<IQQHHB", parameters, 44) == (0x80, 4096, 0, resource, bits | 7, 0)


def test_state_word_follows_the_modes(smb1, join):
    fid, _ = join(smb1, client_mode=0)
    for state in 0x0100, 0x8100, 0x8000, 0:
        assert smb1.set_state(fid, state).status == Status.SUCCESS
        assert smb1.query_state(fid)[1] == 0x04FF | state


@pytest.mark.parametrize("way", [0, 1, 2], ids=["nt-create", "nt-transact-create", "open-andx"])
def test_a_message_pipe_begins_in_message_read_mode(smb1, server, name, way):
    """RPC clients rely on it: they transact right after the open."""
    pipes = [server.create(name) for _ in range(3)]
    fid, pipe = [(response.fid, pipe) for response, pipe in zip(open_in_each_way(smb1, name), pipes, strict=True)][way]
    transact = smb1.start_transceive(fid, b"question")
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert (transact.final().status, transact.final().data) == (Status.SUCCESS, b"answer")
    pipe.write(b"ab")
    pipe.write(b"cd")
    assert smb1.read(fid, 1).status == Status.BUFFER_OVERFLOW
    assert [smb1.read(fid, 10).data, smb1.read(fid, 10).data] == [b"b", b"cd"]


@pytest.mark.parametrize("way", ["nt-create", "open-andx"])
def test_message_read_mode_needs_no_right(smb1, server, name, way):
    """The handle may not set a mode, and begins in that one nevertheless."""
    pipe = server.create(name)
    fid = (smb1.create(name, access=0x00100001) if way == "nt-create" else smb1.open_andx(name, mode=0x40)).fid
    assert smb1.set_modes(fid, 0).status == Status.ACCESS_DENIED
    pipe.write(b"ab")
    pipe.write(b"cd")
    assert [smb1.read(fid, 10).data, smb1.read(fid, 10).data] == [b"ab", b"cd"]


# ---- rights ----


@pytest.mark.parametrize("way", [0, 1, 2], ids=["nt-create", "nt-transact-create", "open-andx"])
def test_rights_are_those_asked_for(smb1, server, name, way):
    results = []
    for access, mode in (READ_ONLY, 0x40), (WRITE_ONLY, 0x41):
        server.create(name)
        fid = [
            lambda access=access: smb1.create(name, access=access),
            lambda access=access: smb1.call(smb1.nt_transact_create_request("\\" + name, access=access)),
            lambda mode=mode: smb1.open_andx(name, mode=mode),
        ][way]().fid
        results.append((smb1.write(fid, b"x").status, smb1.read(fid, 1, minimum=0, timeout=0).status))
    assert results == [(Status.ACCESS_DENIED, Status.PIPE_EMPTY), (Status.SUCCESS, Status.ACCESS_DENIED)]


@pytest.mark.parametrize("way", [0, 1, 2], ids=["nt-create", "nt-transact-create", "open-andx"])
def test_descriptor_decides(smb1, server, name, way):
    server.create(name, sddl="D:(A;;FR;;;WD)")
    assert list(open_in_each_way(smb1, name))[way].status == Status.ACCESS_DENIED


def test_direction_decides(smb1, server, name):
    server.create(name, share_access=2)  # inbound: clients write only
    assert smb1.create(name).status == Status.ACCESS_DENIED
    assert smb1.create(name, access=WRITE_ONLY).status == Status.SUCCESS


@pytest.mark.parametrize("transact", [False, True], ids=["nt-create", "nt-transact-create"])
def test_impersonation_level(smb1, server, name, transact):
    def attempt(level):
        if transact:
            return smb1.call(smb1.nt_transact_create_request("\\" + name, impersonation=level))
        return smb1.create(name, impersonation=level)

    server.create(name)
    assert attempt(4).status == Status.BAD_IMPERSONATION_LEVEL
    assert attempt(2).status == Status.SUCCESS


def test_server_sees_the_user(smb1, join):
    _, pipe = join(smb1)
    assert pipe.client["account"] == smb1.user


def test_anonymous_and_unexported(connect_smb1, smbd):
    client = connect_smb1(user=("", ""))
    assert client.create("not-there").status in (Status.OBJECT_NAME_NOT_FOUND, Status.ACCESS_DENIED)


# ---- the end ----


def test_close(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.close(fid).status == Status.SUCCESS
    pipe.await_end_of_client()
    assert smb1.close(fid).status == Status.INVALID_HANDLE
    assert smb1.read(fid).status == Status.INVALID_HANDLE


def test_fids_are_not_confused(smb1, join):
    joined = [join(smb1) for _ in range(20)]
    for number, (fid, _) in enumerate(joined):
        smb1.write(fid, b"%d" % number)
    assert [pipe.read() for _, pipe in joined] == [b"%d" % number for number in range(20)]
    for fid, pipe in joined[::2]:
        assert smb1.close(fid).status == Status.SUCCESS
        pipe.await_end_of_client()
    for number, (fid, pipe) in enumerate(joined[1::2]):
        pipe.write(b"%d" % number)
        assert smb1.read(fid).data == b"%d" % number


def test_response_has_its_command(smb1, server, name):
    server.create(name)
    assert [block.command for block in smb1.create(name).blocks] == [Command.NT_CREATE_ANDX]
