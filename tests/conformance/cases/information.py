# SPDX-License-Identifier: LGPL-2.1-or-later
"""information.py: cases 174 to 194: information about a pipe and who is at its ends."""
import struct

from conformance.registry import case
from conformance.vocabulary import *  # noqa: F403

ONE_WAY = MB.but(share=OUTBOUND, inbound_quota=100, outbound_quota=200)


def login_session(process):
    """The session id of a process: the kernel's word, 0 when it has none."""
    with open(f"/proc/{process}/sessionid", encoding="ascii") as file:
        session = int(file.read())
    return struct.pack("<I", 0 if session == 0xFFFFFFFF else session)


@case(174, "WN:test_pipe_local_info", "outbound message pipe max 1, in 100, out 200; then S and C: type 1, config 1, max 1, "
      "current 1, in 100, out 200, ReadDataAvailable 0", mirrored=True)
def local_information(t):
    a, _ = t.pair(ONE_WAY)
    a.shows(type=MESSAGE, configuration=IS_OUTBOUND, maximum_instances=1, current_instances=1, inbound_quota=100,
            outbound_quota=200, read_data_available=0)


@case(175, "WN:test_pipe_local_info T", "same; then WriteQuotaAvailable S 200, C 100")
def write_quota_of_an_empty_pipe(t):
    s, c = t.connected(ONE_WAY)
    s.shows(write_quota_available=200)
    c.shows(write_quota_available=100)


@case(176, "WN:test_pipe_local_info", "NamedPipeEnd S 1, C 0; state per 3.9")
def which_end(t):
    s, c = t.connected()
    s.shows(end=SERVER, state=CONNECTED)
    c.shows(end=CLIENT, state=CONNECTED)


@case(177, "WN:test_pipe_local_info", "C CLOSING: CurrentInstances 0")
def no_instance_is_left(t):
    s, c = t.connected()
    s.close()
    t.settle()
    c.shows(state=CLOSING, current_instances=0)


@case(178, "WN:test_filepipeinfo", "S with FILE_READ_ATTRIBUTES only: set class 23 (valid or invalid values); then ACCESS_DENIED",
      ends="server")
def set_without_the_right(t):
    s = t.create(desired_access=READ_ATTRIBUTES | SYNCHRONIZE)
    s.set_modes(BYTE, QUEUE).done(ACCESS_DENIED)
    s.set_modes(2, 2).done(ACCESS_DENIED)
    s.has_modes(BYTE, QUEUE)


@case(179, "WN:test_filepipeinfo", "C on byte pipe: set (1,1); then INVALID_PARAMETER and both fields unchanged", mirrored=True)
def all_or_nothing(t):
    a, _ = t.pair(B)
    a.set_modes(MESSAGE, COMPLETE).done(INVALID_PARAMETER)
    a.has_modes(BYTE, QUEUE)


@case(180, "WN:test_filepipeinfo", "set (0,2) or (2,0); then INVALID_PARAMETER (Vista+)", mirrored=True)
def modes_that_are_none(t):
    a, _ = t.pair(MM)
    a.set_modes(BYTE, 2).done(INVALID_PARAMETER)
    a.set_modes(2, QUEUE).done(INVALID_PARAMETER)
    a.has_modes(MESSAGE, QUEUE)


@case(181, "WN:test_filepipeinfo", "message pipe: S (1,0), C (0,0); C set (1,1); S unchanged")
def modes_are_of_one_end(t):
    s = t.create(read_mode=MESSAGE)
    c = t.open()
    s.has_modes(MESSAGE, QUEUE)
    c.has_modes(BYTE, QUEUE)
    c.set_modes(MESSAGE, COMPLETE).done(SUCCESS)
    c.has_modes(MESSAGE, COMPLETE)
    s.has_modes(MESSAGE, QUEUE)


@case(182, "WN:test_filepipeinfo", "C with SYNCHRONIZE only: class 23 and 24 ACCESS_DENIED; class 9 SUCCESS")
def query_without_the_right(t):
    t.create()
    c = t.open(desired_access=SYNCHRONIZE)
    c.query(23).done(ACCESS_DENIED)
    c.query(24).done(ACCESS_DENIED)
    wide = ("\\" + t.name()).encode("utf-16-le")
    c.query(9).done(SUCCESS, struct.pack("<I", len(wide)) + wide)


@case(184, "WK:test_NamedPipeHandleState T", "collection parameters on a local pipe; then error 87", mirrored=True,
      needs=["native client"], note="class 25: INVALID_PARAMETER, which is error 87")
def collection_parameters(t):
    a, _ = t.pair(MM)
    a.query(25).done(INVALID_PARAMETER)
    a.set(25, struct.pack("<QQ", 0, 0)).done(INVALID_PARAMETER)


@case(185, "RT:NpfsFileInfo", "class 5: AllocationSize in+out, EndOfFile = readable, links 1, DeletePending 1, Directory 0; "
      "class 4: attributes 0x80", mirrored=True, needs=["native client"])
def standard_information(t):
    a, b = t.pair(MB)
    b.write(b"0123456789").done(SUCCESS, 10)
    a.query(5).done(SUCCESS, struct.pack("<QQIBBH", 11000, 10, 1, 1, 0, 0))
    a.query(4).done(SUCCESS, bytes(32) + struct.pack("<II", 0x80, 0))


@case(186, "RT:NpfsReadWrite ?", "peer has a pending read of 100, quota 4096 empty: WriteQuotaAvailable 3996 (2003)", mirrored=True)
def write_quota_with_a_waiting_reader(t):
    a, b = t.pair(MB, inbound_quota=4096, outbound_quota=4096)
    b.read(100).pending()
    a.shows(write_quota_available=3996)


@case(187, "S4 torture qfileinfo", "class 22, 28, 34, 35, 21 on a pipe; then INVALID_PARAMETER", mirrored=True,
      each={str(number): number for number in (21, 22, 28, 34, 35)})
def classes_of_files(t, given):
    a, _ = t.pair()
    a.query(given).done(INVALID_PARAMETER)


@case(191, "WK:test_namedpipe_process_id", "ClientProcessId/ServerProcessId from S and C: opener and creator pids; also after the "
      "other end closed", mirrored=True, needs=["native client"])
def process_ids(t):
    a, b = t.pair()
    for when in "connected", "after the close":
        t.equal(f"client's process, {when}", a.client_identity()["process_id"], t.environment.client.pid)
        t.equal(f"server's process, {when}", a.server_process(), t.environment.server.pid)
        a.attribute("ClientProcessId", 4).done(SUCCESS, struct.pack("<I", t.environment.client.pid))
        a.attribute("ServerProcessId", 8).done(SUCCESS, struct.pack("<I", t.environment.server.pid))
        a.attribute("ClientSessionId").done(SUCCESS, login_session(t.environment.client.pid))
        a.attribute("ServerSessionId").done(SUCCESS, login_session(t.environment.server.pid))
        if not b.closed:
            b.close()
            t.settle()


@case(192, "WK:test_namedpipe_process_id T", "after DISCONNECT: S ClientProcessId NOT_FOUND, S ServerProcessId ok, C both "
      "PIPE_DISCONNECTED; session ids alike (test_namedpipe_session_id)", needs=["native client"])
def process_ids_after_disconnect(t):
    s, c = t.connected()
    s.disconnect().done(SUCCESS)
    t.settle()
    s.asking_for_client().done(NOT_FOUND)
    t.equal("server's process", s.server_process(), t.environment.server.pid)
    c.asking_for_client().done(PIPE_DISCONNECTED)
    c.asking_for_server().done(PIPE_DISCONNECTED)
    for kind, number in ("Process", struct.pack("<I", t.environment.server.pid)), \
            ("Session", login_session(t.environment.server.pid)):
        s.attribute(f"Client{kind}Id").done(NOT_FOUND)
        s.attribute(f"Server{kind}Id").done(SUCCESS, number)
        c.attribute(f"Client{kind}Id").done(PIPE_DISCONNECTED)
        c.attribute(f"Server{kind}Id").done(PIPE_DISCONNECTED)


@case(193, "WK:test_namedpipe_process_id T", "NULL output; then error 122", mirrored=True, needs=["native client"])
def process_id_without_room(t):
    a, _ = t.pair()
    for length in 0, 3:
        a.attribute("ClientProcessId", length).done(BUFFER_TOO_SMALL)
        a.attribute("ServerProcessId", length).done(BUFFER_TOO_SMALL)
