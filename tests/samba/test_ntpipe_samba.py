# SPDX-License-Identifier: GPL-3.0-or-later
"""test_ntpipe_samba.py: the gateway ntpipe-samba before a stock smbd: programs open Samba's pipes, SMB clients open programs' pipes."""
import contextlib
import itertools
import os
import pathlib
import pwd
import resource
import signal
import socket
import struct
import subprocess
import uuid

import pytest
from conformance.numbered import number
from native import Server
from ntpipe_samba import PATIENCE, Gateway, gateway_of, names_of, private_smbd_without_module
from private_smbd import RELEASE, wait_until
from rpcclient import BIND_ACK, RpcPipe, bind
from smb2client import Smb2Client, Status

COMMAND = "tools/ntpipe"
LSARPC = (uuid.UUID("12345778-1234-abcd-ef00-0123456789ab"), 0)
SRVSVC = (uuid.UUID("4b324fc8-1670-01d3-1278-5a47bf6ee188"), 3)
# Of named_pipe_auth, which each release of Samba speaks at one level only.
LEVEL = struct.pack("<I", {None: 7, "trixie": 8}[RELEASE])


@pytest.fixture(scope="module")
def smbd(build):
    with private_smbd_without_module(build, **{"ntpipe:export": "shown*:* lsarpc:*"}) as smbd:
        yield smbd


@pytest.fixture
def native(build, smbd):
    with Server(build, smbd.ntpipe_dir) as native:
        yield native


@pytest.fixture
def gateway(build, smbd, native):
    with gateway_of(Gateway(build, smbd), native) as gateway:
        yield gateway


@pytest.fixture
def client(smbd):
    user, password = next(iter(smbd.users.items()))
    client = Smb2Client(smbd.port, user, password)
    yield client
    client.drop()


# ---- programs open Samba's pipes ----


def test_bind_to_two_services(native, gateway):
    for name, interface in (("lsarpc", LSARPC), ("SrvSvc", SRVSVC)):
        with RpcPipe(native, name) as pipe:
            answer = pipe.bind(interface)
        assert answer[2] == BIND_ACK and struct.unpack_from("<H", answer, 8)[0] == len(answer)


def test_command_line_binds(build, smbd, native, gateway):
    run = subprocess.run([os.path.join(build, COMMAND), "call", "lsarpc"], input=bind(LSARPC), capture_output=True, check=True,
                         env={**os.environ, "NTPIPE_DIR": str(smbd.ntpipe_dir)}, timeout=PATIENCE)
    assert run.stdout[2] == BIND_ACK


def test_ordinary_user_is_that_user_to_samba(build, native, gateway, smbd):
    account = next(iter(smbd.users))
    with Server(build, smbd.ntpipe_dir, user=pwd.getpwnam(account).pw_uid) as ordinary:
        with RpcPipe(ordinary, "lsarpc") as pipe:
            assert pipe.bind(LSARPC)[2] == BIND_ACK
            # LsarGetUserName: server NULL, account and authority wanted as NULL.
            assert account.encode("utf-16-le") in pipe.call(45, bytes(12))


def test_what_cannot_be_carried_ends_the_connection(native, gateway):
    for data in (b"", bytes(65536)):
        with RpcPipe(native, "lsarpc") as pipe:
            native.agent.send("write", end=pipe.end, data=data)
            assert Status(native.agent.call("read", end=pipe.end, length=100).status) == Status.PIPE_BROKEN
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
        RpcPipe(native, "elsewhere").__exit__()
        assert Status(native.call("open", name="nowhere").status) == Status.OBJECT_NAME_NOT_FOUND
        assert client.create("srvsvc").status == Status.SUCCESS
    finally:
        os.kill(gateway.pid, signal.SIGCONT)


# ---- restarts of the broker ----


def test_client_that_comes_while_there_is_no_broker(native, gateway, client, smbd):
    pipe = native.create("shown-waiting")
    gateway.await_socket("shown-waiting")
    smbd.broker.kill()
    file_id = client.open("shown-waiting")
    assert client.write(file_id, b"patient").status == Status.SUCCESS
    smbd.broker.start()
    pipe.await_client()
    assert pipe.read() == b"patient"
    pipe.write(b"and answered")
    assert client.read(file_id).data == b"and answered"
    client.close(file_id)
    pipe.await_end_of_client()


def test_another_broker_gives_other_numbers(build, native, gateway, client, smbd):
    """What a gateway offers nobody writes down. So a pipe may get the number that an offer had, before that is told anew."""
    with Server(build, smbd.ntpipe_dir) as other:
        number = other.agent.start("gateway", session=other.session, label="other", what=2)
        assert other.agent.await_answer(number).status == 0
        other.agent.await_event("registered", gateway=number)
        assert other.agent.call("offer", gateway=number, name="shown-offered").status == 0
        gateway.await_socket("shown-offered")
        for stopped in gateway, other.agent:
            os.kill(stopped.pid, signal.SIGSTOP)
        smbd.broker.kill()
        smbd.broker.start()
        for name in ("shown-new-1", "shown-new-2"):
            native.create(name)
        os.kill(gateway.pid, signal.SIGCONT)
        for name in ("shown-new-1", "shown-new-2"):
            gateway.await_socket(name)
        gateway.await_socket("shown-offered", present=False)
        os.kill(other.agent.pid, signal.SIGCONT)
        gateway.await_socket("shown-offered")


# ---- what Samba serves, and its configuration ----


def rewrite(path, text):
    """With another time: Samba sees whole seconds."""
    times = path.stat()
    path.write_text(text)
    os.utime(path, (times.st_atime, times.st_mtime + 2))


@contextlib.contextmanager
def changed_configuration(smbd, before, after):
    """smb.conf says something else until this ends."""
    path = pathlib.Path(smbd.configuration)
    text = path.read_text()
    assert before in text
    rewrite(path, text.replace(before, after))
    try:
        yield
    finally:
        rewrite(path, text)


def await_offer(native, name, present=True):
    wait_until(lambda: (name in names_of(native)) == present, f"{name} is not what it should be", PATIENCE)


def await_log(gateway, text):
    wait_until(lambda: text in gateway.error_output(), f"nobody says: {text}", PATIENCE)


def test_what_sambas_programs_serve_is_offered(native, gateway):
    # They name plugplay beside ntsvcs; and there is a program for mdssvc that not every smbd needs.
    for name in ("winreg", "plugplay", "mdssvc", "initshutdown", "samr", "lsass"):
        await_offer(native, name)
    assert "netlogon" not in names_of(native)  # this is no domain controller


def test_socket_of_another_is_offered_when_it_is_there(native, gateway):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(gateway.np / "of-another"))
        os.kill(gateway.pid, signal.SIGHUP)
        await_offer(native, "of-another")
    (gateway.np / "of-another").unlink()
    os.kill(gateway.pid, signal.SIGHUP)
    await_offer(native, "of-another", present=False)


def test_configuration_is_followed(native, gateway, smbd, client):
    shown, hidden = native.create("shown-before"), native.create("only-later")
    gateway.await_socket("shown-before")
    file_id = client.open("shown-before")
    shown.await_client()
    with changed_configuration(smbd, "shown*:*", "only*:*"):
        os.kill(gateway.pid, signal.SIGHUP)
        gateway.await_socket("only-later")
        gateway.await_socket("shown-before", present=False)
        client.write(file_id, b"lives on")
        assert shown.read() == b"lives on"
        other_id = client.open("only-later")
        hidden.await_client()
        client.close(other_id)
    os.kill(gateway.pid, signal.SIGHUP)
    gateway.await_socket("only-later", present=False)
    gateway.await_socket("shown-before")


def test_what_stays_exported_keeps_its_socket(native, gateway, client):
    kept = native.create("shown-kept")
    gateway.await_socket("shown-kept")
    socket_before = (gateway.np / "shown-kept").stat().st_ino
    os.kill(gateway.pid, signal.SIGHUP)
    wait_until(lambda: "has read Samba's configuration again" in gateway.error_output(), "it does not say so", PATIENCE)
    native.create("shown-next")
    gateway.await_socket("shown-next")
    assert (gateway.np / "shown-kept").stat().st_ino == socket_before
    file_id = client.open("shown-kept")
    kept.await_client()
    client.close(file_id)


def test_configuration_that_cannot_be_read_changes_nothing(native, gateway, smbd):
    native.create("shown-still")
    gateway.await_socket("shown-still")
    path = pathlib.Path(smbd.configuration)
    path.rename(path.with_suffix(".away"))
    os.kill(gateway.pid, signal.SIGHUP)
    wait_until(lambda: "cannot read Samba's configuration" in gateway.error_output(), "the gateway does not say so", PATIENCE)
    path.with_suffix(".away").rename(path)
    native.create("shown-more")
    gateway.await_socket("shown-more")
    assert (gateway.np / "shown-still").exists()


def test_changed_file_is_noticed(build, native, smbd):
    native.create("only-noticed")
    with gateway_of(Gateway(build, smbd, "--check-interval=1"), native) as gateway:
        with changed_configuration(smbd, "shown*:*", "only-noticed:* shown*:*"):
            gateway.await_socket("only-noticed")
        gateway.await_socket("only-noticed", present=False)


# ---- what there is not at first ----


def descriptors(gateway):
    """{number: what it is}"""
    found = {}
    for link in pathlib.Path(f"/proc/{gateway.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(link.name)] = os.readlink(link)
    return found


def await_answers(gateway):
    """Each program that is asked writes into a pipe."""
    wait_until(lambda: not any(what.startswith("pipe:") for what in descriptors(gateway).values()), "programs do not answer", PATIENCE)


@contextlib.contextmanager
def descriptors_left(gateway, count):
    """So many more the gateway may have until this ends."""
    await_answers(gateway)
    used = set(descriptors(gateway))
    free = (number for number in itertools.count() if number not in used)
    least, most = resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (next(itertools.islice(free, count, None)), most))
    try:
        yield
    finally:
        resource.prlimit(gateway.pid, resource.RLIMIT_NOFILE, (least, most))


@contextlib.contextmanager
def gateway_without_broker(build, smbd):
    """The broker comes when this ends."""
    smbd.broker.kill()
    gateway = Gateway(build, smbd)
    try:
        await_log(gateway, "there is no broker")
        yield gateway
    except BaseException:
        gateway.kill()
        raise
    finally:
        smbd.broker.start()


def test_broker_that_starts_later_is_waited_for(build, native, smbd):
    native.create("shown-before")
    with gateway_without_broker(build, smbd) as gateway:
        os.kill(gateway.pid, signal.SIGHUP)
        await_log(gateway, "has read")
    with gateway_of(gateway, native):
        gateway.await_socket("shown-before")


def test_gateway_that_waits_for_a_broker_ends_when_told(build, native, smbd):
    with gateway_without_broker(build, smbd) as gateway:
        gateway.terminate()


def test_directory_of_another_is_refused(build, native, smbd, tmp_path):
    os.chmod(tmp_path, 0o777)
    gateway = Gateway(build, smbd, "-d", str(tmp_path))
    assert gateway.process.wait(PATIENCE) == 1
    assert "access" in gateway.error_output().lower()


def test_program_that_did_not_answer_is_asked_again(native, gateway):
    """There are more programs than descriptors for them. What they said before is offered all the while."""
    await_answers(gateway)
    before = set(names_of(native))
    with descriptors_left(gateway, 4):
        os.kill(gateway.pid, signal.SIGHUP)
        await_log(gateway, "does not say which pipes it serves: Too many open files")
        assert set(names_of(native)) == before
    await_log(gateway, "says again which pipes it serves")
    assert set(names_of(native)) == before


def test_socket_that_could_not_be_made_is_made_later(build, native, smbd):
    with gateway_of(Gateway(build, smbd, "--check-interval=1"), native) as gateway:
        with descriptors_left(gateway, 0):
            native.create("shown-late")
            await_log(gateway, "no socket for 'shown-late': Too many open files")
        gateway.await_socket("shown-late")


def test_client_waits_until_there_are_descriptors(native, gateway, client):
    pipe = native.create("shown-crowded")
    gateway.await_socket("shown-crowded")
    with descriptors_left(gateway, 0):
        opening = client.start_create("shown-crowded")
        await_log(gateway, "cannot take in who connects with 'shown-crowded': Too many open files")
        assert gateway.error_output().count("cannot take in") < 20
    file_id = opening.final().file_id
    pipe.await_client()
    client.close(file_id)
    pipe.await_end_of_client()


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
    with Server(build, smbd.ntpipe_dir) as native, gateway_of(Gateway(build, smbd), native) as gateway:
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
