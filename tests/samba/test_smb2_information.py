# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb2_information.py: CREATE's answer, QUERY_INFO and SET_INFO, and commands that pipes do not have."""
import struct

import pytest
from smb2client import FSCTL_PIPE_WAIT, USUAL_ACCESS, VOLUME, Command, Request, Status

PIPE_INFORMATION, LOCAL_INFORMATION, REMOTE_INFORMATION = 23, 24, 25


def local_information(client, file_id):
    response = client.query_info(file_id, LOCAL_INFORMATION, 40)
    assert response.status == Status.SUCCESS
    names = ("type", "configuration", "maximum", "current", "inbound", "available", "outbound", "write_quota", "state", "end")
    return dict(zip(names, struct.unpack("<10I", response.data), strict=True))


def test_create_is_answered_as_pipes_are(client, server, name):
    server.create(name)
    response = client.create(name)
    oplock, _, action, *times, allocation, size, attributes, _ = struct.unpack_from("<BBI4QQQII", response.body, 2)
    assert (oplock, action, times, allocation, size, attributes) == (0, 1, [0] * 4, 4096, 0, 0x80)
    assert struct.unpack_from("<II", response.body, 80) == (0, 0)


@pytest.mark.parametrize("disposition", range(6))
def test_any_disposition_opens(client, server, name, disposition):
    server.create(name)
    response = client.create(name, disposition=disposition)
    assert (response.status, struct.unpack_from("<I", response.body, 4)[0]) == (Status.SUCCESS, 1)


def test_impersonation_levels(client, server, name):
    for level in range(4):
        server.create(name)
        assert client.create(name, impersonation=level).status == Status.SUCCESS
    server.create(name)
    assert client.create(name, impersonation=4).status == Status.BAD_IMPERSONATION_LEVEL


def test_names_are_compared_without_case(client, server, name):
    server.create(name)
    assert client.create(name.upper()).status == Status.SUCCESS


@pytest.mark.parametrize("spelling", ["with blank", "comma,colon:", "ünïcode", "日本語", "\U0001f600", "dots..", "a/b", "a\\b"])
def test_odd_names(client, server, name, spelling):
    own = f"{name} {spelling}"
    pipe = server.create("\\\\.\\pipe\\" + own)
    file_id = client.open(own)
    client.write(file_id, b"x")
    assert pipe.read() == b"x"


@pytest.mark.parametrize("prefix", ["\\", "\\pipe\\", "pipe\\", "/"])
def test_names_are_exact(client, server, name, prefix):
    server.create(name)
    assert client.create(prefix + name).status != Status.SUCCESS
    assert client.create(name).status == Status.SUCCESS


def test_pipe_information(client, server, name):
    server.create(name)
    file_id = client.open(name)
    assert client.query_info(file_id, PIPE_INFORMATION, 8).data == struct.pack("<II", 1, 0)
    assert client.set_modes(file_id, 0, 0).status == Status.SUCCESS
    assert client.query_info(file_id, PIPE_INFORMATION, 8).data == struct.pack("<II", 0, 0)
    assert client.set_modes(file_id, 1, 1).status == Status.SUCCESS
    assert client.query_info(file_id, PIPE_INFORMATION, 8).data == struct.pack("<II", 1, 1)
    for modes in (2, 0), (0, 2):
        assert client.set_modes(file_id, *modes).status == Status.INVALID_PARAMETER
    assert client.set_info(file_id, PIPE_INFORMATION, b"\0" * 7).status == Status.INFO_LENGTH_MISMATCH
    assert client.query_info(file_id, PIPE_INFORMATION, 8).data == struct.pack("<II", 1, 1)


def test_message_read_mode_is_for_message_pipes(client, server, name):
    server.create(name, type=0, read_mode=0)
    file_id = client.open(name)
    assert client.set_modes(file_id, 1, 0).status == Status.INVALID_PARAMETER


def test_local_information_tells_the_truth(client, server, name):
    pipe = server.create(name, max_instances=5, inbound_quota=1000, outbound_quota=2000)
    server.create(name)
    file_id = client.open(name)
    expected = {"type": 1, "configuration": 2, "maximum": 5, "current": 2, "inbound": 1000, "available": 0, "outbound": 2000}
    expected |= {"write_quota": 1000, "state": 3, "end": 0}
    assert local_information(client, file_id) == expected
    pipe.write(b"0123456789")
    client.write(file_id, b"x" * 400)
    told = local_information(client, file_id)
    assert (told["available"], told["write_quota"]) == (10, 600)
    server.create(name)
    assert local_information(client, file_id)["current"] == 3
    pipe.close()
    assert local_information(client, file_id)["state"] == 4


def test_standard_information_is_the_usual(client, join):
    file_id, _ = join(client)
    response = client.query_info(file_id, 5)
    assert response.data == struct.pack("<QQIBBH", 4096, 0, 1, 0, 1, 0) or response.data[:22] == struct.pack("<QQIBB", 4096, 0, 1, 1, 0)


def test_names(client, join):
    file_id, _ = join(client)
    whole = client.query_info(file_id, 9).data
    (length,) = struct.unpack_from("<I", whole)
    name = whole[4:].decode("utf-16le")
    assert (length, name[0]) == (len(whole) - 4, "\\")
    cut = client.query_info(file_id, 9, 4 + 6)
    assert (cut.status, cut.data) == (Status.BUFFER_OVERFLOW, whole[:10])
    everything = client.query_info(file_id, 18)
    assert everything.status == Status.SUCCESS
    assert everything.data.endswith(name.encode("utf-16le"))


SIZES = {4: 36, 5: 22, 6: 8, 7: 4, 14: 8, 16: 4, 17: 4, 23: 8, 24: 40}


@pytest.mark.parametrize("information_class", SIZES)
def test_short_buffers_are_refused(client, join, information_class):
    file_id, _ = join(client)
    assert client.query_info(file_id, information_class).status == Status.SUCCESS
    for length in 0, SIZES[information_class] - 1:
        assert client.query_info(file_id, information_class, length).status == Status.INFO_LENGTH_MISMATCH


@pytest.mark.parametrize("information_class", [0, 1, 25, 40, 60, 255])
def test_other_classes_are_refused(client, join, information_class):
    file_id, _ = join(client)
    assert client.query_info(file_id, information_class).status in (Status.INVALID_PARAMETER, Status.INVALID_INFO_CLASS)
    assert client.set_info(file_id, information_class, bytes(64)).status in (Status.INVALID_PARAMETER, Status.INVALID_INFO_CLASS)


@pytest.mark.parametrize("kind", [0, 4, 200])
def test_other_kinds_of_information_are_refused(client, join, kind):
    file_id, _ = join(client)
    assert client.query_info(file_id, 1, kind=kind).status == Status.NOT_SUPPORTED
    assert client.set_info(file_id, 1, bytes(64), kind=kind).status == Status.NOT_SUPPORTED


VOLUME_CLASSES = {
    1: bytes(12) + struct.pack("<IH", 18, 0) + "NamedPipe".encode("utf-16le"),
    3: struct.pack("<QQII", 0, 0, 1, 1),
    4: struct.pack("<II", 0x11, 0),
    5: struct.pack("<III", 2, 0xFFFFFFFF, 8) + "NPFS".encode("utf-16le"),
    7: bytes(32),
}


@pytest.mark.parametrize("information_class", VOLUME_CLASSES)
def test_volume_information(client, join, information_class):
    file_id, _ = join(client)
    whole = VOLUME_CLASSES[information_class]
    answer = client.query_info(file_id, information_class, kind=VOLUME)
    assert (answer.status, answer.data) == (Status.SUCCESS, whole)
    assert client.query_info(file_id, information_class, 7, kind=VOLUME).status == Status.INFO_LENGTH_MISMATCH


@pytest.mark.parametrize(("information_class", "room"), [(1, 24), (5, 16)])
def test_volume_names_may_be_cut(client, join, information_class, room):
    file_id, _ = join(client)
    answer = client.query_info(file_id, information_class, room, kind=VOLUME)
    assert (answer.status, answer.data) == (Status.BUFFER_OVERFLOW, VOLUME_CLASSES[information_class][:room])


def test_the_volume_has_no_other_information(client, join):
    file_id, _ = join(client)
    for information_class in (0, 2, 6, 8, 11, 255):
        assert client.query_info(file_id, information_class, kind=VOLUME).status == Status.NOT_SUPPORTED
    for information_class in (1, 2, 6):
        assert client.set_info(file_id, information_class, bytes(64), kind=VOLUME).status == Status.NOT_SUPPORTED


# FSCTL_PIPE_DISCONNECT, LISTEN, IMPERSONATE, FLUSH, SET_ZERO_DATA, GET_COMPRESSION, CREATE_OR_GET_OBJECT_ID, SET_SPARSE, nonsense
CONTROL_CODES = [0x110004, 0x110008, 0x11001C, 0x118040, 0x980C8, 0x9003C, 0x900C0, 0x900C4, 0xFFFFFFFF, 0]


@pytest.mark.parametrize("code", CONTROL_CODES, ids=lambda code: f"{code:x}")
def test_other_control_codes_are_refused(client, join, code):
    file_id, pipe = join(client)
    assert client.ioctl(file_id, code, bytes(64)).status in (Status.INVALID_DEVICE_REQUEST, Status.NOT_SUPPORTED)
    pipe.write(b"unharmed")
    assert client.read(file_id).data == b"unharmed"


def test_ioctl_must_be_a_file_system_control(client, join):
    file_id, _ = join(client)
    assert client.ioctl(file_id, 0x11400C, flags=0).status == Status.NOT_SUPPORTED
    assert client.ioctl(file_id, FSCTL_PIPE_WAIT, flags=0).status == Status.NOT_SUPPORTED


def test_locks_directories_and_notifications_are_refused(client, join):
    file_id, _ = join(client)
    lock = struct.pack("<HHI", 48, 1, 0) + file_id + struct.pack("<QQII", 0, 1, 2, 0)
    notify = struct.pack("<HHI", 32, 0, 1024) + file_id + struct.pack("<II", 0xFFF, 0)
    pattern = "*".encode("utf-16le")
    directory = struct.pack("<HBBI", 33, 1, 0, 0) + file_id + struct.pack("<HHI", 96, len(pattern), 1024) + pattern
    assert client.call(Request(Command.LOCK, lock)).status == Status.INVALID_DEVICE_REQUEST
    assert client.call(Request(Command.CHANGE_NOTIFY, notify)).status == Status.INVALID_PARAMETER
    assert client.call(Request(Command.QUERY_DIRECTORY, directory)).status == Status.INVALID_PARAMETER


def create_context(tag, data=b""):
    return struct.pack("<IHHHHI", 0, 16, 4, 0, 24, len(data)) + tag + bytes(4) + data


@pytest.mark.parametrize(("tag", "length"), [(b"DHnQ", 16), (b"DH2Q", 32), (b"QFid", 0), (b"ntPi", 5)])
def test_other_contexts_are_ignored(client, server, name, tag, length):
    server.create(name)
    response = client.create(name, access=USUAL_ACCESS, contexts=create_context(tag, bytes(length)))
    assert response.status == Status.SUCCESS
    assert struct.unpack_from("<II", response.body, 80) == (0, 0)


def maximal_access(response):
    """Status and rights of the only context of the answer."""
    assert response.status == Status.SUCCESS
    at, length = struct.unpack_from("<II", response.body, 80)
    context = response.packet[at : at + length]
    following, name_at, name_length, _, data_at, data_length = struct.unpack_from("<IHHHHI", context)
    assert (at % 8, following, context[name_at : name_at + name_length], data_length) == (0, 0, b"MxAc", 8)
    return struct.unpack_from("<II", context, data_at)


ALL_BUT_CREATE_INSTANCE = 0x1F01FB


@pytest.mark.parametrize("data", [b"", bytes(8), b"\x01" * 8])
def test_maximal_access(client, server, name, data):
    server.create(name)
    assert maximal_access(client.create(name, contexts=create_context(b"MxAc", data))) == (0, ALL_BUT_CREATE_INSTANCE)


@pytest.mark.parametrize(("parameters", "expected"), [
    ({"sddl": "D:(A;;0x120083;;;WD)"}, 0x120083),
    ({"sddl": "D:(D;;0x40000;;;WD)(A;;FA;;;WD)"}, 0x1B01FB),
    ({"share_access": 2}, ALL_BUT_CREATE_INSTANCE & ~1),
    ({"share_access": 1}, ALL_BUT_CREATE_INSTANCE & ~2),
])  # fmt: skip
def test_maximal_access_is_what_the_broker_grants(client, server, name, parameters, expected):
    """Even to a handle that may not ask for the descriptor."""
    server.create(name, **parameters)
    assert maximal_access(client.create(name, access=0x80, contexts=create_context(b"MxAc"))) == (0, expected)


def test_maximal_access_comes_with_a_pipe_only(client, server, name):
    response = client.create(name, contexts=create_context(b"MxAc"))
    assert response.is_error and response.status == Status.OBJECT_NAME_NOT_FOUND
    server.create(name)
    assert client.create(name, contexts=create_context(b"MxAc", bytes(7))).status == Status.INVALID_PARAMETER
    assert client.create(name, contexts=create_context(b"MxAc")[:-6]).status == Status.INVALID_PARAMETER
    assert client.create(name).status == Status.SUCCESS


@pytest.mark.parametrize(("tag", "length"), [(b"DHnC", 16), (b"DH2C", 36)])
def test_durable_handles_cannot_be_had_back(client, server, name, tag, length):
    server.create(name)
    context = struct.pack("<IHHHHI", 0, 16, 4, 0, 24, length) + tag + bytes(4) + bytes(length)
    assert client.create(name, contexts=context).status == Status.OBJECT_NAME_NOT_FOUND
