# SPDX-License-Identifier: GPL-3.0-or-later
"""test_gateway_names.py: SMB clients open names of which there is no pipe, but that a gateway offers."""
import pwd

import pytest
from conftest import make_smbd
from native import EVERYBODY, Pipe, Server
from smb2client import Smb2Client, Status

RESOLVE = 2
GAMES = pwd.getpwnam("games").pw_uid


class GatewayServer(Server):
    """A native process that is a gateway."""

    def __init__(self, build, directory, label, **options):
        super().__init__(build, directory, **options)
        answer = self.call("gateway", label=label, what=RESOLVE, deadline_ms=30000)
        assert answer.status == 0
        self.number = answer["id"]
        self.agent.await_event("registered", gateway=self.number)

    def offer(self, name):
        assert self.agent.call("offer", gateway=self.number, name=name).status == 0

    def asked(self, name):
        return self.agent.await_event("asked", gateway=self.number, name=name)

    def serve(self, question):
        number = self.agent.start("serve", question=question["question"], sddl=EVERYBODY)
        assert self.agent.await_answer(number).status == 0
        return Pipe(self.agent, number)

    def questions(self):
        self.call("ping")
        return [event for event in self.agent.events if event["event"] == "asked"]


@pytest.fixture(scope="module")
def smbd(build):
    with make_smbd(build, options={"ntpipe:export": "far* lsarpc owned:games"}) as smbd:
        yield smbd


@pytest.fixture
def root(build, smbd):
    with GatewayServer(build, smbd.ntpipe_dir, "root") as gateway:
        yield gateway


@pytest.fixture
def client(smbd):
    user, password = next(iter(smbd.users.items()))
    client = Smb2Client(smbd.port, user, password)
    yield client
    client.drop()


def exchange(client, pending, gateway, question):
    """Serves the open and uses it."""
    pipe = gateway.serve(question)
    response = pending.final()
    assert response.status == Status.SUCCESS
    pipe.await_client()
    client.write(response.file_id, b"to the other world")
    assert pipe.read() == b"to the other world"
    pipe.write(b"and back")
    assert client.read(response.file_id).data == b"and back"
    client.close(response.file_id)
    pipe.await_end_of_client()
    pipe.close()


def test_offered_name_opens(client, smbd, root):
    assert client.create("far-away").status == Status.OBJECT_NAME_NOT_FOUND
    root.offer("far-away")
    root.call("ping")
    pending = client.start_create("FAR-away")
    question = root.asked("FAR-away")
    assert question["identity"]["account"] == next(iter(smbd.users)) and question["identity"]["uid"] == GAMES
    exchange(client, pending, root, question)
    # Its answer is the client's.
    pending = client.start_create("far-away")
    question = root.asked("far-away")
    root.agent.call("answer_question", question=question["question"], answer=int(Status.PIPE_NOT_AVAILABLE))
    assert pending.final().status == Status.PIPE_NOT_AVAILABLE
    pending = client.start_wait("far-away", 60000)
    question = root.asked("far-away")
    assert question["wait"]
    root.agent.call("answer_question", question=question["question"], answer=0)
    assert pending.final().status == Status.SUCCESS
    assert root.agent.call("withdraw", gateway=root.number, name="far-away").status == 0
    root.call("ping")
    assert client.create("far-away").status == Status.OBJECT_NAME_NOT_FOUND
    assert root.questions() == []


def test_owner_of_the_gateway_counts(client, build, smbd, root):
    with GatewayServer(build, smbd.ntpipe_dir, "own", user=GAMES) as own:
        for gateway in own, root:
            gateway.offer("owned")
            gateway.offer("far-owned")
            gateway.call("ping")
        # Of the user's gateway only the one name is exported, of root's only the other.
        pending = client.start_create("owned")
        exchange(client, pending, own, own.asked("owned"))
        # What its own gateway serves under the other's name is not given out.
        assert client.create("far-owned").status == Status.OBJECT_NAME_NOT_FOUND
        assert own.questions() == root.questions() == []
        # Nor if the list of names said root's when it was looked up, and the user's was faster.
        assert own.agent.call("withdraw", gateway=own.number, name="far-owned").status == 0
        own.call("ping")
        pending = client.start_create("far-owned")
        pipe = own.serve(own.asked("far-owned"))
        assert pending.final().status == Status.OBJECT_NAME_NOT_FOUND
        pipe.close()


def test_sambas_names_stay_sambas(client, root):
    root.offer("lsarpc")
    root.call("ping")
    assert client.create("lsarpc").status == Status.SUCCESS
    assert root.questions() == []
