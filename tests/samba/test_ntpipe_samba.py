# SPDX-License-Identifier: GPL-3.0-or-later
"""test_ntpipe_samba.py: the gateway ntpipe-samba before a stock smbd: programs open Samba's pipes, SMB clients open programs' pipes."""
import contextlib
import os
import pwd
import signal
import socket
import struct
import subprocess
import uuid

import pytest
from agent.driver import Program
from conftest import build_for_release
from conformance.numbered import number
from native import Server
from private_smbd import MARK, RELEASE, PrivateSmbd, wait_until
from smb2client import Smb2Client, Status

GATEWAY, BROKER, COMMAND = "samba_module/ntpipe-samba", "broker/ntpiped", "tools/ntpipe"
NDR = (uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
LSARPC = (uuid.UUID("12345778-1234-abcd-ef00-0123456789ab"), 0)
SRVSVC = (uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3)
REQUEST, RESPONSE, BIND, BIND_ACK = 0, 2, 11, 12
SHARE_ENUM_ALL = 15
# Of named_pipe_auth, which each release of Samba speaks at one level only.
LEVEL = struct.pack("<I", {None: 7, "trixie": 8}[RELEASE])
# What needs samba-dcerpcd to start may take long on a busy machine.
PATIENCE = 60


class Gateway(Program):
    """ntpipe-samba for a private smbd."""

    def __init__(self, build, smbd):
        self.np = smbd.directory / "ncalrpc" / "np"
        program = os.path.abspath(os.path.join(build_for_release(build), GATEWAY))
        super().__init__([*smbd.inside(), program, "-s", smbd.configuration], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         env={**smbd.environment, MARK: str(smbd.directory)})

    def await_registration(self, native):
        wait_until(lambda: any(name == "lsarpc" for name in names_of(native)), "the gateway offers nothing", PATIENCE)

    def await_socket(self, name, present=True):
        wait_until(lambda: (self.np / name).exists() == present, f"{name} is not what it should be", PATIENCE)


def names_of(native):
    return [listing["name"] for listing in native.call("list")["listings"]]


@pytest.fixture(scope="module")
def smbd(build):
    """Without the module."""
    if not os.path.exists(os.path.join(build_for_release(build), GATEWAY)):
        pytest.skip("built without the gateway")
    with PrivateSmbd(broker=os.path.join(build, BROKER), options={"ntpipe:export": "shown*:* lsarpc:*"}) as smbd:
        yield smbd


@pytest.fixture
def native(build, smbd):
    with Server(build, smbd.ntpipe_dir) as native:
        yield native


@pytest.fixture
def gateway(build, smbd, native):
    gateway = Gateway(build, smbd)
    try:
        gateway.await_registration(native)
        yield gateway
        gateway.terminate()
    finally:
        gateway.kill()


@pytest.fixture
def client(smbd):
    user, password = next(iter(smbd.users.items()))
    client = Smb2Client(smbd.port, user, password)
    yield client
    client.drop()


# ---- programs open Samba's pipes ----


def pdu(kind, body):
    return struct.pack("<BBBB4sHHI", 5, 0, kind, 3, b"\x10\0\0\0", 16 + len(body), 0, 1) + body


def bind(interface):
    def syntax(of):
        return of[0].bytes_le + struct.pack("<I", of[1])

    return pdu(BIND, struct.pack("<HHIBxxxHBx", 4280, 4280, 0, 1, 0, 1) + syntax(interface) + syntax(NDR))


def opened(native, name):
    number = native.agent.start("open", session=native.session, name=name)
    assert Status(native.agent.await_answer(number).status) == Status.SUCCESS
    assert native.agent.call("set_pipe_info", end=number, read_mode=1, completion_mode=0).status == 0
    return number


def transceive(native, end, data):
    answer = native.agent.call("transceive", end=end, data=data, length=65536)
    assert answer.status == 0
    return answer.bytes()


def test_bind_to_two_services(native, gateway):
    for name, interface in (("lsarpc", LSARPC), ("SrvSvc", SRVSVC)):
        end = opened(native, name)
        answer = transceive(native, end, bind(interface))
        assert answer[2] == BIND_ACK and struct.unpack_from("<H", answer, 8)[0] == len(answer)
        native.agent.call("close", end=end)


def test_command_line_binds(build, smbd, native, gateway):
    run = subprocess.run([os.path.join(build, COMMAND), "call", "lsarpc"], input=bind(LSARPC), capture_output=True, check=True,
                         env={**os.environ, "NTPIPE_DIR": str(smbd.ntpipe_dir)}, timeout=PATIENCE)
    assert run.stdout[2] == BIND_ACK


def test_shares_are_enumerated(native, gateway, smbd):
    end = opened(native, "srvsvc")
    assert transceive(native, end, bind(SRVSVC))[2] == BIND_ACK
    stub = struct.pack("<IIIIIIII", 0, 1, 1, 0x20004, 0, 0, 0xFFFFFFFF, 0)
    answer = transceive(native, end, pdu(REQUEST, struct.pack("<IHH", len(stub), 0, SHARE_ENUM_ALL) + stub))
    assert answer[2] == RESPONSE and answer[-4:] == bytes(4)
    assert smbd.share.encode("utf-16-le") in answer


def test_ordinary_user_is_that_user_to_samba(build, native, gateway, smbd):
    account = next(iter(smbd.users))
    with Server(build, smbd.ntpipe_dir, user=pwd.getpwnam(account).pw_uid) as ordinary:
        end = opened(ordinary, "lsarpc")
        assert transceive(ordinary, end, bind(LSARPC))[2] == BIND_ACK
        # LsarGetUserName: server NULL, account and authority wanted as NULL.
        stub = struct.pack("<I", 0) + struct.pack("<I", 0) + struct.pack("<I", 0)
        answer = transceive(ordinary, end, pdu(REQUEST, struct.pack("<IHH", len(stub), 0, 45) + stub))
        assert answer[2] == RESPONSE and account.encode("utf-16-le") in answer


def test_what_cannot_be_carried_ends_the_connection(native, gateway):
    for data in (b"", bytes(65536)):
        end = opened(native, "lsarpc")
        native.agent.send("write", end=end, data=data)
        assert Status(native.agent.call("read", end=end, length=100).status) == Status.PIPE_BROKEN
        native.agent.call("close", end=end)
    assert "without any bytes" in gateway.error_output() and "more than 65535 bytes" in gateway.error_output()


# ---- SMB clients open programs' pipes ----


def test_pipe_of_a_program_is_served(native, gateway, client, smbd):
    pipe = native.create("Shown-1")
    gateway.await_socket("shown-1")
    file_id = client.open("shown-1")
    pipe.await_client()
    assert pipe.client["account"] == next(iter(smbd.users)) and pipe.client["flags"] & 1
    client.write(file_id, b"one")
    client.write(file_id, bytes(range(256)) * 200)
    assert pipe.read() == b"one"
    assert pipe.read() == bytes(range(256)) * 200
    pipe.write(b"and back")
    assert client.read(file_id).data == b"and back"
    client.close(file_id)
    pipe.await_end_of_client()
    pipe.close()
    gateway.await_socket("shown-1", present=False)
    assert client.create("shown-1").status == Status.OBJECT_NAME_NOT_FOUND


def test_what_is_not_exported_or_sambas_has_no_socket_of_ours(native, gateway):
    native.create("hidden")
    sambas = (gateway.np / "lsarpc").stat().st_ino if (gateway.np / "lsarpc").exists() else None
    native.create("shown-last")
    gateway.await_socket("shown-last")
    assert not (gateway.np / "hidden").exists()
    if sambas is not None:
        assert (gateway.np / "lsarpc").stat().st_ino == sambas


def test_socket_of_another_is_never_replaced(native, gateway):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(gateway.np / "shown-other"))
        before = (gateway.np / "shown-other").stat().st_ino
        pipe = native.create("shown-other")
        native.create("shown-after")
        gateway.await_socket("shown-after")
        assert (gateway.np / "shown-other").stat().st_ino == before
        pipe.close()
        native.call("ping")
        assert (gateway.np / "shown-other").stat().st_ino == before
    (gateway.np / "shown-other").unlink()


def test_sockets_of_a_killed_gateway_are_removed(build, smbd, native, client):
    gateway = Gateway(build, smbd)
    pipe = native.create("shown-killed")
    native.create("hidden-too")
    gateway.await_socket("shown-killed")
    gateway.kill()
    assert (gateway.np / "shown-killed").exists()
    pipe.close()
    with contextlib.suppress(AssertionError):
        client.create("shown-killed")  # whatever smbd says of it, it goes on
    assert client.create("lsarpc").status == Status.SUCCESS
    gateway = Gateway(build, smbd)
    try:
        gateway.await_registration(native)
        gateway.await_socket("shown-killed", present=False)
    finally:
        gateway.kill()


def test_stopped_gateway_stalls_no_other_pipe(native, gateway, client):
    native.create("elsewhere")
    os.kill(gateway.pid, signal.SIGSTOP)
    try:
        end = opened(native, "elsewhere")
        native.agent.call("close", end=end)
        assert Status(native.call("open", name="nowhere").status) == Status.OBJECT_NAME_NOT_FOUND
        assert client.create("srvsvc").status == Status.SUCCESS
    finally:
        os.kill(gateway.pid, signal.SIGCONT)


# ---- named_pipe_auth ----


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            break
        data += part
    return data


def connected(path):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(path))
    return connection


@pytest.fixture(scope="module")
def request_bytes(build, smbd):
    """A request as Samba's own library makes it: the gateway sends it to a service of ours that stands in for one of Samba's."""
    with Server(build, smbd.ntpipe_dir) as native:
        gateway = Gateway(build, smbd)
        try:
            gateway.await_registration(native)
            path = gateway.np / "ntsvcs"
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            with socket.socket(socket.AF_UNIX) as service:
                service.bind(str(path))
                service.listen(1)
                service.settimeout(PATIENCE)
                native.agent.send("open", session=native.session, name="ntsvcs")
                connection, _ = service.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    head = receive(connection, 4)
                    request = head + receive(connection, struct.unpack(">I", head)[0])
                    # A hostile reply: the client hears that there is nothing, and the gateway goes on.
                    connection.sendall(b"\0\0\0\x20NPAM" + b"\xff" * 28)
            path.unlink()
            gateway.terminate()
        finally:
            gateway.kill()
    return request


@pytest.fixture
def shown(native, gateway):
    """A native pipe and its socket."""
    pipe = native.create("shown-raw")
    gateway.await_socket("shown-raw")
    yield pipe, gateway.np / "shown-raw"
    pipe.close()


def shake_hands(path, request):
    connection = connected(path)
    connection.sendall(request)
    assert request[8:12] == LEVEL
    assert receive(connection, 36) == b"\0\0\0 NPAM" + LEVEL + LEVEL + bytes.fromhex("0200ff0500000000001000000000000000000000")
    return connection


def without_client_address(request):
    """The same with remote_client_addr NULL, and without its text."""
    data = bytearray(request)
    assert struct.unpack_from("<I", data, 24)[0] != 0
    data[24:28] = bytes(4)
    place = 48
    for text in range(2):
        length = struct.unpack_from("<I", data, place)[0]
        end = (place + 12 + length + 3) & ~3
        if text == 1:
            del data[place:end]
        place = end
    data[:4] = struct.pack(">I", len(data) - 4)
    return bytes(data)


@number(225, "npa")
def test_225_valid_request(request_bytes, shown):
    with shake_hands(shown[1], request_bytes):
        shown[0].await_client()


@number(226, "npa")
def test_226_no_client_address(request_bytes, shown):
    with connected(shown[1]) as connection:
        connection.sendall(without_client_address(request_bytes))
        assert receive(connection, 36)[32:] == struct.pack("<I", 0xC0000141)
        assert connection.recv(1) == b""


@number(227, "npa")
def test_227_wrong_magic_and_lengths(request_bytes, shown):
    for bad in (request_bytes[:4] + b"XPAM" + request_bytes[8:], bytes(4), b"\x01\0\0\0", request_bytes[:4] + bytes(len(request_bytes) - 4)):
        with connected(shown[1]) as connection:
            connection.sendall(bad)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
    with shake_hands(shown[1], request_bytes):  # and the next one is served
        shown[0].await_client()


@number(228, "npa")
def test_228_framing(request_bytes, shown, native):
    with shake_hands(shown[1], request_bytes) as connection:
        shown[0].await_client()
        shown[0].write(b"abc")
        assert receive(connection, 5) == b"\x03\0abc"
        connection.sendall(b"\x02\0hi" + b"\x01\0!")
        assert (shown[0].read(), shown[0].read()) == (b"hi", b"!")
        connection.sendall(b"\0\0")
        assert connection.recv(1) == b""
        shown[0].await_end_of_client()
    shown[0].serve_next()
    with shake_hands(shown[1], request_bytes) as connection:
        shown[0].await_client()
        native.agent.send("write", end=shown[0].number, data=bytes(65536))
        assert connection.recv(1) == b""
