# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_information.py: TRANS2 and NT_TRANSACT on pipes. SEMANTICS 7.6."""
import struct

import pytest
from smb1client import PASS_THROUGH, NtTransact, Trans2
from smb2client import FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, FSCTL_PIPE_WAIT, Status

NO_FID = 0x7FF7
STANDARD, QUERY_FILE_STANDARD_INFO = 5, 0x102
LENGTHS = {4: 40, 5: 24, 6: 8, 7: 4, 14: 8, 23: 8, 24: 40}
FSCTL_LISTEN, FSCTL_DISCONNECT, FSCTL_IMPERSONATE = 0x110008, 0x110004, 0x11001C


@pytest.mark.parametrize("information_class", LENGTHS)
def test_pass_through(smb1, join, information_class):
    fid, _ = join(smb1)
    response = smb1.query_file(fid, PASS_THROUGH + information_class)
    assert (response.status, len(response.data)) == (Status.SUCCESS, LENGTHS[information_class])


def test_pass_through_brings_what_smb2_brings(smb1, client, server, name):
    for _ in range(2):
        server.create(name, inbound_quota=100, outbound_quota=200)
    by_smb1, by_smb2 = smb1.open(name), client.open(name)
    assert smb1.set_modes(by_smb1, 1).status == client.set_modes(by_smb2, 1).status == Status.SUCCESS
    for information_class in set(LENGTHS) - {6}:  # the index number is the instance's
        expected = client.query_info(by_smb2, information_class).data
        assert smb1.query_file(by_smb1, PASS_THROUGH + information_class).data == expected, information_class


@pytest.mark.parametrize("room", [0, 1, 7])
def test_without_room(smb1, join, room):
    fid, _ = join(smb1)
    response = smb1.query_file(fid, PASS_THROUGH + 23, max_data=room)
    assert response.status == Status.INFO_LENGTH_MISMATCH and response.data == b""


@pytest.mark.parametrize("level", [QUERY_FILE_STANDARD_INFO, PASS_THROUGH + STANDARD])
def test_standard_information(smb1, join, level):
    fid, pipe = join(smb1)
    pipe.write(b"data")
    response = smb1.query_file(fid, level)
    assert response.status == Status.SUCCESS
    allocation, size, links, delete_pending, directory = struct.unpack_from("<QQIBB", response.data)
    assert (allocation, size, links, delete_pending, directory) == (4096, 0, 1, 1, 0)


def test_set_modes(smb1, join):
    fid, pipe = join(smb1, client_mode=0)
    assert smb1.set_file(fid, PASS_THROUGH + 23, struct.pack("<II", 1, 0)).status == Status.SUCCESS
    assert smb1.query_file(fid, PASS_THROUGH + 23).data == struct.pack("<II", 1, 0)
    assert smb1.query_state(fid)[1] & 0x0100
    pipe.write(b"abc")
    assert smb1.read(fid, 2).status == Status.BUFFER_OVERFLOW


@pytest.mark.parametrize("data", [struct.pack("<II", 2, 0), struct.pack("<II", 0, 2)], ids=["read-mode", "completion-mode"])
def test_modes_that_do_not_exist(smb1, join, data):
    fid, _ = join(smb1)
    assert smb1.set_file(fid, PASS_THROUGH + 23, data).status == Status.INVALID_PARAMETER


@pytest.mark.parametrize("length", [0, 1, 7])
def test_set_that_is_cut_off(smb1, join, length):
    fid, _ = join(smb1)
    assert smb1.set_file(fid, PASS_THROUGH + 23, bytes(length)).status in (Status.INFO_LENGTH_MISMATCH, Status.INVALID_PARAMETER)


@pytest.mark.parametrize("level", [0, 3, 0x1FF, 999, PASS_THROUGH, PASS_THROUGH + 99, 0xFFFF])
def test_levels_that_do_not_exist(smb1, join, level):
    fid, _ = join(smb1)
    assert smb1.query_file(fid, level).status >= 0xC0000000
    assert smb1.set_file(fid, level, bytes(8)).status >= 0xC0000000


def test_unknown_fid(smb1):
    assert smb1.query_file(NO_FID, PASS_THROUGH + 23).status == Status.INVALID_HANDLE
    # These are answered by Samba's own code: nobody may do such things to files on IPC$.
    for response in smb1.set_file(NO_FID, PASS_THROUGH + 23, bytes(8)), smb1.control(NO_FID, FSCTL_PIPE_PEEK):
        assert response.status in (Status.INVALID_HANDLE, Status.ACCESS_DENIED)


def test_names_are_not_told(smb1, server, name):
    """FIND_FIRST2 and QUERY_PATH_INFORMATION on IPC$."""
    server.create(name)
    pattern = "\\*".encode("utf-16le") + b"\0\0"
    find = smb1.trans2_request(Trans2.FIND_FIRST2, struct.pack("<HHHHI", 0x16, 10, 0, 0x104, 0) + pattern)
    assert smb1.call(find).status == Status.ACCESS_DENIED
    path = f"\\{name}".encode("utf-16le") + b"\0\0"
    query = smb1.trans2_request(Trans2.QUERY_PATH, struct.pack("<HI", 0x101, 0) + path)
    assert smb1.call(query).status == Status.ACCESS_DENIED


def test_levels_that_come_in_several_packets(smb1, join):
    fid, _ = join(smb1, client_mode=0)
    request = smb1.trans2_request(Trans2.SET_FILE, struct.pack("<HHH", fid, PASS_THROUGH + 23, 0), struct.pack("<II", 1, 0),
                                  first=(6, 3), piece=2)  # fmt: skip
    assert smb1.call(request).status == Status.SUCCESS
    assert smb1.query_state(fid)[1] & 0x0100


# ---- NT_TRANSACT_IOCTL ----


def test_peek(smb1, join):
    fid, pipe = join(smb1)
    assert smb1.control(fid, FSCTL_PIPE_PEEK, b"", 16).data == struct.pack("<IIII", 3, 0, 0, 0)
    pipe.write(b"0123456789")
    response = smb1.control(fid, FSCTL_PIPE_PEEK, b"", 20)
    assert (response.status, response.data) == (Status.BUFFER_OVERFLOW, struct.pack("<IIII", 3, 10, 1, 10) + b"0123")


def test_transceive(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_control(fid, FSCTL_PIPE_TRANSCEIVE, b"question", 3)
    assert pipe.read() == b"question"
    pipe.write(b"answer")
    assert (pending.final().status, pending.final().data) == (Status.BUFFER_OVERFLOW, b"ans")
    assert smb1.read(fid).data == b"wer"


@pytest.mark.parametrize("code", [FSCTL_LISTEN, FSCTL_DISCONNECT, FSCTL_IMPERSONATE, FSCTL_PIPE_WAIT, 0x110024, 0])
def test_other_controls_are_refused(smb1, join, code):
    fid, pipe = join(smb1)
    assert smb1.control(fid, code, bytes(16)).status >= 0xC0000000
    pipe.write(b"goes on")
    assert smb1.read(fid).data == b"goes on"


def test_no_fsctl(smb1, join):
    fid, _ = join(smb1)
    assert smb1.control(fid, FSCTL_PIPE_PEEK, is_fsctl=False).status >= 0xC0000000


@pytest.mark.parametrize("function", [0, NtTransact.NOTIFY, NtTransact.RENAME, 7, 0xFFFF])
def test_other_functions_harm_nothing(smb1, join, function):
    fid, pipe = join(smb1)
    setup = struct.unpack("<4H", struct.pack("<IHBB", 0, fid, 0, 0))
    smb1.call(smb1.nt_transact_request(function, b"", b"", setup=setup))
    pipe.write(b"goes on")
    assert smb1.read(fid).data == b"goes on"
