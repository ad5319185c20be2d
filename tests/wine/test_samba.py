# SPDX-License-Identifier: GPL-3.0-or-later
"""test_samba.py: an SMB client, smbd with the module, the broker, the bridge, and a Windows program that serves a pipe."""
import pytest
from agent import driver
from conformance.vocabulary import pattern
from wine import samba
from wine.samba import Status

ACCESS_DENIED, BROKEN_PIPE, MORE_DATA, PIPE_CONNECTED = 5, 109, 234, 535
DUPLEX, MESSAGE_PIPE = 3, 6  # PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE
LARGE = 300_000
# How much one request of each client may carry, and how it is made.
CLIENTS = {
    "smb1": (samba.Smb1Client, {}, 65535),
    "smb2": (samba.Smb2Client, {"dialect": 0x202}, 65536),
    "smb3": (samba.Smb2Client, {"dialect": 0x302, "encryption": True}, 1 << 20),
}


class Served:
    """A pipe of a Windows program."""

    def __init__(self, meeting, name, **parameters):
        self.meeting, self.name = meeting, name
        self.program = meeting.windows()
        self.end = self.create(**parameters)

    def create(self, **parameters):
        made = self.program.call("CreateNamedPipe", name=rf"\\.\pipe\{self.name}",
                                 **{"open_mode": DUPLEX, "pipe_mode": MESSAGE_PIPE, **parameters})
        assert made.status == 0, made
        return made["id"]

    def listen(self):
        """A ConnectNamedPipe() that is under way."""
        listening = self.program.start("ConnectNamedPipe", end=self.end)
        assert self.program.answer(listening).pending
        return listening

    def over(self, number, status=0):
        answer = self.program.await_answer(number)
        assert answer.status == status, answer
        return answer

    def read(self, length):
        return self.over(self.program.start("ReadFile", end=self.end, length=length)).bytes()

    def disconnect(self):
        assert self.program.call("DisconnectNamedPipe", end=self.end).status == 0


@pytest.fixture
def exported(samba_meeting):
    """A meeting in which the pipe `reports` is given to SMB clients, as two files say."""
    samba_meeting.smbd.set_options(ntpipe_export="reports")
    samba_meeting.configure("smb = reports")
    samba_meeting.start_bridge()
    samba_meeting.bridge.await_line("offered reports to SMB users")
    return samba_meeting


@pytest.fixture
def connect(exported):
    user, password = next(iter(exported.smbd.users.items()))
    clients = []

    def make(kind):
        which, options, _ = CLIENTS[kind]
        clients.append(which(exported.smbd.port, user, password, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.drop()


def opened(client, name="reports"):
    """The client's end. smbd hears of the name by and by."""
    for _ in range(driver.PATIENCE * 20):
        response = client.create(name)
        if response.status == Status.SUCCESS:
            number = response.fid if isinstance(client, samba.Smb1Client) else response.file_id
            assert client.set_modes(number).status == Status.SUCCESS
            return number
        assert response.status == Status.OBJECT_NAME_NOT_FOUND, response
        driver.select.select([], [], [], 0.05)
    raise AssertionError(response)


def parts_of(data, most):
    """One message, if one request carries it."""
    return [data[at : at + most] for at in range(0, len(data), most)]


def receive(client, number, length, most):
    """A message, in as many requests as it takes: all but the last one say that there is more."""
    data = b""
    while True:
        response = client.read(number, min(most, length))
        data += response.data
        if response.status != Status.BUFFER_OVERFLOW:
            assert response.status == Status.SUCCESS, response
            return data
        assert len(response.data) == most and len(data) < length, response


def test_messages(exported, connect):
    """The same bytes arrive, both ways: what is one message for one request, and what several requests have to fetch."""
    served = Served(exported, "reports", inbound=65536, outbound=65536)
    for seed, (kind, (_, _, most)) in enumerate(CLIENTS.items()):
        listening = served.listen()
        client = connect(kind)
        number = opened(client)
        served.over(listening)
        for size in 1, 65536, LARGE:
            for part in parts_of(pattern(size, seed), most):
                writing = client.start_write(number, part)
                assert served.read(size + 1) == part, (kind, size)
                assert writing.final().count == len(part)
            writing = served.program.start("WriteFile", end=served.end, data=pattern(size, seed + 10))
            assert receive(client, number, size, most) == pattern(size, seed + 10), (kind, size)
            served.over(writing)
        assert client.close(number).status == Status.SUCCESS
        served.over(served.program.start("ReadFile", end=served.end, length=1), BROKEN_PIPE)
        served.disconnect()


def test_waiting_for_an_instance(exported, connect):
    """FSCTL_PIPE_WAIT of an SMB client waits for the Windows program."""
    served = Served(exported, "reports", instances=1)
    listening = served.listen()
    first, second = connect("smb2"), connect("smb3")
    number = opened(first)
    served.over(listening)
    assert second.create("reports").status == Status.PIPE_NOT_AVAILABLE
    waiting = second.start_wait("reports", 60_000)
    waiting.wait_interim()
    assert first.close(number).status == Status.SUCCESS
    served.over(served.program.start("ReadFile", end=served.end, length=1), BROKEN_PIPE)
    served.disconnect()
    listening = served.listen()
    assert waiting.final().status == Status.SUCCESS
    number = opened(second)
    served.over(listening)
    assert second.write(number, b"waited").count == 6
    assert served.read(10) == b"waited"


def test_what_is_not_listed_is_not_there(exported, connect):
    """A pipe of a Windows program that one of the two files does not name; what the lists say is followed."""
    Served(exported, "secret").listen()
    exported.smbd.set_options(ntpipe_export="reports secret")
    client = connect("smb2")
    assert client.create("secret").status == Status.OBJECT_NAME_NOT_FOUND
    exported.configure("smb = reports secret")
    exported.bridge.await_line("offered secret to SMB users")
    client.close(opened(client, "secret"))
    exported.configure("smb = reports")
    later = connect("smb2")
    while later.create("secret").status != Status.OBJECT_NAME_NOT_FOUND:
        driver.select.select([], [], [], 0.05)


def test_windows_server_dies(exported, connect):
    """A read of an SMB client ends, and the name is there again with the program."""
    served = Served(exported, "reports")
    listening = served.listen()
    client = connect("smb2")
    number = opened(client)
    served.over(listening)
    reading = client.start_read(number, 100)
    reading.wait_interim()
    served.program.stop()
    assert reading.final().status == Status.PIPE_BROKEN
    assert client.close(number).status == Status.SUCCESS
    assert client.create("reports").status == Status.OBJECT_NAME_NOT_FOUND
    served = Served(exported, "reports")
    listening = served.listen()
    opened(client)
    served.over(listening)
