# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_rpc.py: the example RPC server on a native pipe, called through smbd by Samba's own RPC client, and by programs on this machine."""
import os
import pwd
import random
import struct
import subprocess
import threading

import pytest
from agent.driver import Agent, Program, environment, for_other_users
from private_smbd import RELEASE, wait_until

base = pytest.importorskip("samba.dcerpc.base", reason="python3-samba is not installed")
from impacket.dcerpc.v5 import transport  # noqa: E402: there as the other tests need it
from impacket.dcerpc.v5.rpcrt import DCERPCException  # noqa: E402
from impacket.smb import SMB_DIALECT  # noqa: E402
from impacket.uuid import uuidtup_to_bin  # noqa: E402
from samba import NTSTATUSError  # noqa: E402: there if samba.dcerpc is
from samba.credentials import Credentials  # noqa: E402
from samba.param import LoadParm  # noqa: E402

PIPE = "ntpipe-example"
INTERFACE = ("5f0d8a6e-7c1b-4f5e-9a54-2f2f4e6b9d01", 1)
SYNTAX = bytes.fromhex("6e8a0d5f1b7c5e4f9a542f2f4e6b9d01") + struct.pack("<I", 1)
NDR = bytes.fromhex("045d888aeb1cc9119fe808002b104860") + struct.pack("<I", 2)
ADD, REVERSE, WHO_AM_I, OPEN_COUNTER, COUNT, CLOSE_COUNTER, NUM_COUNTERS, SLEEP, FAIL = range(9)
NTLMSSP, NONE, CONNECT, INTEGRITY, PRIVACY = 10, 1, 2, 5, 6
REQUEST, RESPONSE, FAULT, BIND, BIND_ACK, BIND_NAK = 0, 2, 3, 11, 12, 13
FIRST, LAST = 1, 2


def start_server(build, directory, configuration, *arguments):
    command = [os.path.join(build, "samba_module/rpc/example_server"), "--smb-conf", str(configuration), *arguments]
    server = Program(command, env=environment(NTPIPE_DIR=str(directory)), stdout=subprocess.PIPE)
    assert server.process.stdout.readline() == b"serving ntpipe-example\n", server.error_output()
    return server


@pytest.fixture(scope="module")
def rpc_server(build, shared_smbd):
    """The example, which anonymous users may call, too."""
    server = start_server(build, shared_smbd.ntpipe_dir, shared_smbd.configuration, "--everybody")
    yield server
    assert server.process.poll() is None, server.error_output()
    server.kill()


class Rpc:
    """A connection of Samba's RPC client."""

    def __init__(self, smbd, who, options="", dialect="SMB3", **parameters):
        settings = LoadParm(filename_for_non_global_lp=str(smbd.configuration))
        for name in "client", "client ipc":
            settings.set(f"{name} min protocol", dialect)
            settings.set(f"{name} max protocol", dialect)
        for name, value in parameters.items():
            settings.set(name.replace("_", " "), value)
        credentials = Credentials()
        credentials.guess(settings)
        credentials.set_anonymous()
        if who is not None:
            credentials.set_username(who[0])
            credentials.set_password(who[1])
            credentials.set_domain("NTPIPE")
        self.connection = base.ClientConnection(rf"ncacn_np:{smbd.host}[\pipe\{PIPE}{options}]", INTERFACE, settings, credentials)
        self.connection.request_timeout = 60

    def call(self, operation, request=b""):
        return self.connection.request(operation, request)

    def fault(self, operation, request=b""):
        with pytest.raises(NTSTATUSError) as caught:
            self.call(operation, request)
        return caught.value.args[0] & 0xFFFFFFFF

    def add(self, a, b):
        return struct.unpack("<I", self.call(ADD, struct.pack("<II", a, b)))[0]

    def reverse(self, data):
        padding = bytes(-len(data) % 4)
        answer = self.call(REVERSE, struct.pack("<II", len(data), len(data)) + data + padding)
        assert struct.unpack_from("<I", answer)[0] == len(data)
        return answer[4 : 4 + len(data)]

    def client(self):
        return client_in(self.call(WHO_AM_I))

    def open_counter(self, start):
        answer = self.call(OPEN_COUNTER, struct.pack("<I", start))
        assert answer[20:] == bytes(4)
        return answer[:20]

    def count(self, counter):
        value, status = struct.unpack("<II", self.call(COUNT, counter))
        assert status == 0
        return value

    def num_counters(self):
        return struct.unpack("<I", self.call(NUM_COUNTERS))[0]


def client_in(answer):
    """The structure ntpipe_example_Client, as NDR packs it."""
    names = "uid", "auth_type", "auth_level", "session_key_length", "authenticated", "num_sids"
    client = dict(zip(names, struct.unpack_from("<6I", answer), strict=True))
    at = 40  # behind the four pointers
    for name in "account", "domain", "sid", "address":
        _, _, length = struct.unpack_from("<3I", answer, at)
        client[name] = answer[at + 12 : at + 12 + length - 1].decode()
        at += 12 + length + -length % 4
    assert struct.unpack_from("<I", answer, at) == (0,)
    return client


@pytest.fixture
def connect(smbd, rpc_server, user):
    """Makes connections, by default as the first user."""
    return lambda options="", who=user, **parameters: Rpc(smbd, who, options, **parameters)


# ---- through smbd ----


@pytest.mark.parametrize("dialect", ["NT1", "SMB2_02", "SMB2_10", "SMB3_02", "SMB3_11"])
def test_call(connect, dialect):
    rpc = connect(dialect=dialect)
    assert [rpc.add(2, 40), rpc.add(0xFFFFFFFF, 1)] == [42, 0]


class ProtectedRpc(Rpc):
    """By impacket, with authentication within RPC: Samba's client does that for interfaces with a Python module only."""

    def __init__(self, smbd, smb_user, rpc_user, level, dialect=None):
        way = transport.SMBTransport(smbd.host, smbd.port, "\\" + PIPE, *smb_user, "NTPIPE")
        way.preferred_dialect(dialect)
        self.connection = way.get_dce_rpc()
        self.connection.connect()
        self.connection.set_credentials(*rpc_user, "NTPIPE")
        self.connection.set_auth_level(level)
        self.connection.bind(uuidtup_to_bin((INTERFACE[0], "1.0")))

    def call(self, operation, request=b""):
        self.connection.call(operation, request)
        return self.connection.recv()


@pytest.mark.parametrize(("level", "dialect"), [(INTEGRITY, None), (PRIVACY, None), (PRIVACY, SMB_DIALECT)], ids=["sign", "seal", "seal-smb1"])
def test_authentication_within_rpc(smbd, rpc_server, user, other_user, level, dialect):
    """It may be another user than that of the SMB session."""
    rpc = ProtectedRpc(smbd, user, other_user, level, dialect)
    client = rpc.client()
    assert (client["auth_type"], client["auth_level"], client["account"]) == (NTLMSSP, level, other_user[0])
    assert client["uid"] == pwd.getpwnam(other_user[0]).pw_uid
    data = random.Random(level).randbytes(40_000)
    assert rpc.reverse(data) == data[::-1]


def test_authentication_without_protection(smbd, rpc_server, user):
    """Samba refuses it, unless smb.conf or the interface allows it."""
    rpc = ProtectedRpc(smbd, user, user, CONNECT)
    with pytest.raises(DCERPCException, match="rpc_s_access_denied"):
        rpc.client()


def test_no_authentication_within_rpc(connect, user):
    client = connect().client()
    assert (client["auth_type"], client["auth_level"], client["account"]) == (0, NONE, user[0])


def test_wrong_password_within_rpc(smbd, rpc_server, user, connect):
    rpc = ProtectedRpc(smbd, user, (user[0], "wrong"), PRIVACY)
    with pytest.raises(DCERPCException):
        rpc.client()
    assert connect().add(1, 1) == 2


@pytest.mark.parametrize("parameters", [{"client_ipc_signing": "required"}, {"client_smb_encrypt": "required"}], ids=["signed", "encrypted"])
def test_protection_by_smb(connect, user, parameters):
    rpc = connect(dialect="SMB3_11", **parameters)
    assert (rpc.client()["account"], rpc.reverse(b"x" * 70_000)) == (user[0], b"x" * 70_000)


def test_identity_is_that_of_the_smb_session(connect, smbd, user, other_user):
    for who in user, other_user:
        client = connect(who=who).client()
        assert (client["account"], client["domain"], client["authenticated"]) == (who[0], "NTPIPE", 1)
        assert client["uid"] == pwd.getpwnam(who[0]).pw_uid
        assert client["sid"].startswith("S-1-5-21-")
        assert client["address"] == f"ipv4:{smbd.host}:0"
        # The example runs as root. It has the libraries of the installed Samba, which do not understand another one's form of the session.
        assert client["session_key_length"] == (0 if RELEASE else 16)


def test_anonymous(connect):
    rpc = connect(who=None)
    client = rpc.client()
    assert (client["sid"], client["authenticated"], client["account"]) == ("S-1-5-7", 0, "ANONYMOUS LOGON")
    assert rpc.add(1, 2) == 3


@pytest.mark.parametrize("size", [0, 1, 4280, 5840, 65_536, 1_000_003])
def test_any_number_of_fragments(connect, size):
    data = random.Random(size).randbytes(size)
    assert connect().reverse(data) == data[::-1]


def test_faults(connect):
    rpc = connect()
    assert rpc.fault(FAIL, struct.pack("<I", 5)) == 0xC0000022  # ERROR_ACCESS_DENIED becomes STATUS_ACCESS_DENIED
    assert rpc.fault(99) == 0xC002002E  # RPC_NT_PROCNUM_OUT_OF_RANGE
    assert rpc.fault(ADD, b"\1\2\3") == 0xC003000C  # cut off: RPC_NT_BAD_STUB_DATA
    assert rpc.add(1, 1) == 2  # the connection is none the worse


def test_handles_belong_to_the_connection(connect):
    rpc, other = connect(), connect()
    before = other.num_counters()
    counter = rpc.open_counter(41)
    assert [rpc.count(counter), rpc.count(counter)] == [42, 43]
    assert other.num_counters() == before + 1
    assert other.fault(COUNT, counter) != 0
    assert rpc.call(CLOSE_COUNTER, counter) == bytes(24)
    assert rpc.fault(COUNT, counter) != 0
    assert other.num_counters() == before


def test_handles_end_with_their_client(connect):
    other = connect()
    before = other.num_counters()
    rpc = connect()
    rpc.open_counter(1)
    assert other.num_counters() == before + 1
    del rpc
    wait_until(lambda: other.num_counters() == before, "the handle of a client that has gone is still there")


def test_a_slow_call_holds_up_nobody(connect):
    slow, quick = connect(), connect()
    done = []
    thread = threading.Thread(target=lambda: done.append(slow.call(SLEEP, struct.pack("<I", 3000))))
    thread.start()
    answers = [quick.add(n, n) for n in range(20)]
    thread.join(60)
    assert (answers, done) == ([2 * n for n in range(20)], [b""])


def test_many_clients(connect):
    clients = [connect(who=None) for _ in range(20)]
    for _ in range(3):
        assert [client.add(n, 1000) for n, client in enumerate(clients)] == [n + 1000 for n in range(20)]


# ---- programs on this machine, fragment by fragment ----


def pdu(kind, body, flags=FIRST | LAST, call=1):
    return struct.pack("<BBBBIHHI", 5, 0, kind, flags, 0x10, 16 + len(body), 0, call) + body


def bind(max_fragment=4280):
    return pdu(BIND, struct.pack("<HHIBBHHBB", max_fragment, max_fragment, 0, 1, 0, 0, 0, 1, 0) + SYNTAX + NDR)


def request(operation, stub, flags=FIRST | LAST, call=1):
    return pdu(REQUEST, struct.pack("<IHH", len(stub), 0, operation) + stub, flags, call)


class LocalRpc:
    """The same, by raw fragments on a native pipe."""

    def __init__(self, agent, directory):
        self.agent = agent
        self.session = agent.start("session", directory=str(directory), never_start_broker=True)
        self.end = agent.start("open", session=self.session, name=PIPE)
        assert agent.await_answer(self.end).status == 0
        assert self.call("set_pipe_info", read_mode=1, completion_mode=0).status == 0

    def call(self, op, **fields):
        return self.agent.call(op, end=self.end, **fields)

    def transceive(self, data):
        answer = self.call("transceive", data=data, length=65536)
        assert answer.status == 0
        return answer.bytes()

    def write(self, data):
        assert self.call("write", data=data).status == 0

    def read(self):
        """A message: (kind, flags, call, body). None: the server has closed."""
        answer = self.call("read", length=65536)
        if answer.status != 0:
            return None
        message = answer.bytes()
        kind, flags, length, call = struct.unpack_from("<2xBB4xH2xI", message)
        assert length == len(message), "a message is a fragment"
        return kind, flags, call, message[16:]

    def bind(self, **options):
        self.write(bind(**options))
        assert self.read()[0] == BIND_ACK

    def result(self):
        """The answer to a request, from as many fragments as there are."""
        stub = b""
        while True:
            kind, flags, _, body = self.read()
            assert kind == RESPONSE
            stub += body[8:]
            if flags & LAST:
                return stub


@pytest.fixture
def local(build, smbd, rpc_server):
    agent = Agent(build)
    yield LocalRpc(agent, smbd.ntpipe_dir)
    agent.finish()


def test_local_call(local):
    assert local.transceive(bind())[2] == BIND_ACK
    assert local.transceive(request(ADD, struct.pack("<II", 20, 22)))[24:] == struct.pack("<I", 42)


def test_bind_by_the_command_line(build, smbd, rpc_server):
    command = [os.path.join(build, "tools/ntpipe"), "call", PIPE]
    variables = environment(NTPIPE_DIR=str(smbd.ntpipe_dir))
    done = subprocess.run(command, input=bind(), capture_output=True, env=variables, timeout=60, check=True)
    assert (done.stdout[2], done.stdout[-20:]) == (BIND_ACK, NDR)


def test_local_identity(local):
    local.bind()
    local.write(request(WHO_AM_I, b""))
    client = client_in(local.result())
    assert (client["uid"], client["account"], client["domain"], client["sid"]) == (0, "root", "Unix User", "S-1-5-18")
    assert (client["authenticated"], client["session_key_length"]) == (1, 0)


def test_local_identity_of_another_user(build, smbd, rpc_server):
    account = pwd.getpwnam("nobody")
    agent = Agent(for_other_users(build), env=environment(), user=account.pw_uid, group=account.pw_gid, extra_groups=[])
    rpc = LocalRpc(agent, smbd.ntpipe_dir)
    rpc.bind()
    rpc.write(request(WHO_AM_I, b""))
    client = client_in(rpc.result())
    assert (client["uid"], client["account"], client["sid"]) == (account.pw_uid, "nobody", f"S-1-22-1-{account.pw_uid}")
    agent.finish()


def test_requests_in_fragments_of_any_size(local):
    """Also where the borders of messages are not those of fragments."""
    local.bind()
    data = random.Random(1).randbytes(10_000)
    stub = struct.pack("<II", len(data), len(data)) + data
    parts = [stub[at : at + 3000] for at in range(0, len(stub), 3000)]
    flags = [(FIRST if n == 0 else 0) | (LAST if n == len(parts) - 1 else 0) for n in range(len(parts))]
    fragments = [request(REVERSE, part, flag) for part, flag in zip(parts, flags, strict=True)]
    stream = b"".join(fragments)
    for messages in fragments, [stream], [stream[at : at + 777] for at in range(0, len(stream), 777)], [stream[:10], b"", stream[10:]]:
        for message in messages:
            local.write(message)
        assert local.result()[4 : 4 + len(data)] == data[::-1]


def test_answers_are_as_long_as_the_client_takes(local):
    local.bind(max_fragment=2048)
    local.write(request(REVERSE, struct.pack("<II", 1000, 1000) + bytes(1000)))
    assert local.result() == struct.pack("<I", 1000) + bytes(1000)
    local.write(request(REVERSE, struct.pack("<II", 4000, 4000) + bytes(4000)))
    bodies = [local.read()[3] for _ in range(2)]
    assert [len(body) + 16 <= 2048 for body in bodies] == [True] * 2
    assert b"".join(body[8:] for body in bodies) == struct.pack("<I", 4000) + bytes(4000)


def test_unknown_interface(local):
    wrong = bind().replace(SYNTAX, bytes(16) + SYNTAX[16:])
    answer = local.transceive(wrong)
    assert answer[2] == BIND_ACK
    result, reason = struct.unpack_from("<HH", answer, len(answer) - 24)
    assert (result, reason) == (2, 1)  # provider rejection, abstract syntax not supported


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.0\r\n\r\n" + bytes(65535), bytes(16), b"\xff" * 65535,
                                      bind()[:10] + b"\xff\xff" + bind()[12:]], ids=["text", "zeros", "ones", "long"])
def test_nonsense_ends_its_connection_only(local, connect, nonsense):
    local.write(nonsense)
    while local.read() is not None:
        pass
    assert connect().add(1, 1) == 2


def test_request_without_bind(local):
    local.write(request(ADD, bytes(8)))
    answer = local.read()
    assert answer is None or answer[0] in (FAULT, BIND_NAK)


def test_clients_that_vanish_are_forgotten(build, smbd, rpc_server, connect):
    """While a call is under way, too."""
    for count in 1, 5:
        agent = Agent(build)
        for rpc in [LocalRpc(agent, smbd.ntpipe_dir) for _ in range(count)]:
            rpc.bind()
            rpc.write(request(SLEEP, struct.pack("<I", 50)))
        agent.kill()
    assert connect().add(1, 1) == 2


# ---- the server ----


def test_only_one_has_the_name(build, smbd, rpc_server):
    command = [os.path.join(build, "samba_module/rpc/example_server"), "--smb-conf", str(smbd.configuration)]
    done = subprocess.run(command, env=environment(NTPIPE_DIR=str(smbd.ntpipe_dir)), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot serve ntpipe-example: access denied" in done.stderr


def test_configuration_that_is_not_there(build, smbd):
    command = [os.path.join(build, "samba_module/rpc/example_server"), "--smb-conf", "/nonexistent/smb.conf"]
    done = subprocess.run(command, env=environment(NTPIPE_DIR=str(smbd.ntpipe_dir)), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "a parameter is invalid" in done.stderr
