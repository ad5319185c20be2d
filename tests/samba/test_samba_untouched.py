# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_samba_untouched.py: Samba's own pipes, and everything that is not exported, are as in an smbd without the module."""
import struct
import subprocess

import pytest
from conftest import make_smbd
from native import Server
from private_smbd import RELEASE, PrivateSmbd
from smb2client import FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE, FSCTL_PIPE_WAIT, RELATED, Smb2Client, Status

SRVSVC_BIND = bytes.fromhex(
    "05000b03100000004800000001000000b810b8100000000001000000000001000c0e09c8a0bd1a10bb2908002b30309d"
    "0300000004"
)


@pytest.fixture(scope="module")
def stock_smbd():
    with PrivateSmbd() as smbd:
        yield smbd


def rpcclient(smbd, *commands):
    name, password = next(iter(smbd.users.items()))
    command = ["rpcclient", smbd.host, "-p", str(smbd.port), "-U", f"{name}%{password}", "-s", str(smbd.configuration)]
    return subprocess.run([*command, "-c", ";".join(commands)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("command", ["srvinfo", "netshareenumall", "lsaquery", "enumdomusers", "wkssvc_wkstagetinfo"])
def test_rpcclient(smbd, stock_smbd, command):
    ours, stock = rpcclient(smbd, command), rpcclient(stock_smbd, command)
    assert ours.returncode == stock.returncode
    assert len(ours.stdout.splitlines()) == len(stock.stdout.splitlines())
    if command == "srvinfo":
        assert "NTPIPE" in ours.stdout


# ---- the raw protocol, word for word ----


def outcome(response):
    """What must be the same. Bytes differ (handles), and whether there was an interim response is a matter of time."""
    return response.status, len(response.body)


def open_odd_names(client):
    # Not the empty one: that is the root of IPC$, which only the module opens (test_smb2_root.py).
    names = ["\\", "/", ".", "..", "../srvsvc", "..\\srvsvc", "./srvsvc", "a/b", "srvsvc/.."]
    names += ["\\srvsvc", "\\pipe\\srvsvc", "pipe\\srvsvc", "SRVSVC", "srvsvc ", "srvsvc\0"]
    names += ["nonsense", "x" * 300, "*", "srv?vc", "np\\srvsvc", "epmapper:", "srvsvc:stream"]
    return [outcome(client.create(name)) for name in names]


def open_malformed(client):
    commands = [client.create_command("srvsvc", impersonation=9), client.create_command("srvsvc", disposition=9)]
    commands += [client.create_command("", raw_name=b"\x00\xd8"), client.create_command("", raw_name=b"odd")]
    return [outcome(client.call(command)) for command in commands]


def open_cut(client, length):
    """smbd hangs up on some of these."""
    command = client.create_command("srvsvc")
    command.body = command.body[:length]
    try:
        return outcome(client.call(command))
    except ConnectionError:
        return "hung up"


def open_cut_to_nothing(client):
    return open_cut(client, 0)


def open_cut_to_a_word(client):
    return open_cut(client, 2)


def open_cut_in_the_middle(client):
    return open_cut(client, 30)


def open_cut_before_the_name(client):
    return open_cut(client, 56)


def use_pipe(client):
    file_id = client.open("srvsvc")
    results = [outcome(client.query_info(file_id, number, length)) for number in (4, 5, 9, 23, 24, 25) for length in (0, 8, 100)]
    results += [outcome(client.query_info(file_id, 1, kind=kind)) for kind in (2, 3, 4)]
    results += [outcome(client.set_info(file_id, 23, bytes(length))) for length in (0, 7, 8)]
    results += [outcome(client.ioctl(file_id, code, bytes(8), 100)) for code in (FSCTL_PIPE_PEEK, FSCTL_PIPE_WAIT, 0x110008, 0x9003C)]
    results += [outcome(client.flush(file_id)), outcome(client.close(file_id, flags=1)), outcome(client.read(file_id))]
    return results


def bind(client):
    file_id = client.open("srvsvc")
    request = bytearray(SRVSVC_BIND.ljust(72, b"\0"))
    request[52:72] = bytes.fromhex("045d888aeb1cc9119fe808002b10486002000000")
    struct.pack_into("<H", request, 8, 72)
    answers = [outcome(client.write(file_id, bytes(request))), outcome(client.read(file_id, 20)), outcome(client.read(file_id, 1000))]
    answers.append(outcome(client.transceive(file_id, bytes(request), 1000)))
    return [*answers, outcome(client.close(file_id))]


def wait_for_pipes(client):
    results = [outcome(client.wait(name, 100)) for name in ("srvsvc", "SRVSVC", "lsarpc")]
    return results + [outcome(client.ioctl(RELATED, code, b"", 0)) for code in (FSCTL_PIPE_PEEK, FSCTL_PIPE_TRANSCEIVE)]


CUT = [open_cut_to_nothing, open_cut_to_a_word, open_cut_in_the_middle, open_cut_before_the_name]
SCRIPTS = [open_odd_names, open_malformed, use_pipe, bind, wait_for_pipes, *CUT]


@pytest.mark.parametrize("dialect", [0x202, 0x311], ids=lambda value: f"{value:x}")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_raw_answers_are_those_of_stock_smbd(smbd, stock_smbd, script, dialect):
    results = []
    for each in smbd, stock_smbd:
        with Smb2Client(each.port, *next(iter(each.users.items())), dialect=dialect) as client:
            results.append(script(client))
    assert results[0] == results[1]


def test_what_stock_smbd_gets_wrong(stock_smbd):
    """On a pipe of Samba's own: the reason for much of the module. Newer versions are better at it."""
    if RELEASE or " 4.17." not in subprocess.run(["/usr/sbin/smbd", "--version"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("known of Samba 4.17")
    with Smb2Client(stock_smbd.port, *next(iter(stock_smbd.users.items()))) as client:
        file_id = client.open("srvsvc")
        pending = client.start_read(file_id)
        pending.wait_interim()
        pending.cancel()
        assert client.echo().status == Status.SUCCESS
        assert not pending.over, "CANCEL of a READ is answered"
        assert client.close(file_id).status == Status.SUCCESS
        assert not pending.over, "CLOSE answers a READ"


# ---- names of Samba's own ----


def test_samba_names_are_never_shadowed(client, server):
    server.create("srvsvc")
    file_id = client.open("srvsvc")
    assert client.query_info(file_id, 24).status == Status.NOT_SUPPORTED, "it is ours, not Samba's"
    assert client.query_info(file_id, 5).status == Status.SUCCESS


@pytest.fixture(scope="module")
def overriding_smbd(build):
    with make_smbd(build, options={"ntpipe:export": "*", "ntpipe:override": "lsarpc"}) as smbd:
        yield smbd


def test_override_serves_the_named_pipe(build, overriding_smbd):
    with Server(build, overriding_smbd.ntpipe_dir) as server:
        for name in "lsarpc", "samr":
            server.create(name)
        with Smb2Client(overriding_smbd.port, *next(iter(overriding_smbd.users.items()))) as client:
            ours, sambas = client.open("lsarpc"), client.open("samr")
            assert client.query_info(ours, 24).status == Status.SUCCESS
            assert client.query_info(sambas, 24).status == Status.NOT_SUPPORTED


def test_overridden_name_without_a_pipe_is_sambas(overriding_smbd):
    done = rpcclient(overriding_smbd, "lsaquery")
    assert done.returncode == 0, done.stdout + done.stderr
