# SPDX-License-Identifier: LGPL-2.1-or-later
"""native.py: pipes that a native program serves, for tests that act as SMB clients."""
import contextlib

from agent.driver import Agent, environment
from smb2client import Status

# Who may do what: everybody everything. Without it NPFS's default lets other users read only.
EVERYBODY = "D:(A;;FA;;;WD)"


class Server(contextlib.AbstractContextManager):
    """A native process with a session to a broker."""

    def __init__(self, build, directory, *, user=None):
        popen = {"user": user, "group": user, "extra_groups": []} if user is not None else {}
        self.agent = Agent(build, env=environment(), **popen)
        self.session = self.agent.start("session", directory=str(directory), never_start_broker=True)
        assert self.agent.await_answer(self.session).status == 0

    def __exit__(self, failure, *_):
        if failure is None:
            self.agent.finish()
        else:
            self.agent.stop()

    def create(self, name, *, sddl=EVERYBODY, **parameters):
        """An instance of a pipe, listening. A pipe of bytes is read as such."""
        if parameters.get("type") == 0:
            parameters.setdefault("read_mode", 0)
        number = self.agent.start("create", session=self.session, name=name, sddl=sddl, **parameters)
        answer = self.agent.await_answer(number)
        assert answer.status == 0, Status(answer.status)
        return Pipe(self.agent, number)

    def call(self, op, **fields):
        return self.agent.call(op, session=self.session, **fields)


class Pipe:
    """A server end."""

    def __init__(self, agent, number):
        self.agent, self.number = agent, number

    def call(self, op, **fields):
        """The answer of an operation, with the status as one that has a name."""
        answer = self.agent.call(op, end=self.number, **fields)
        return Status(answer.status), answer

    def succeed(self, op, **fields):
        status, answer = self.call(op, **fields)
        assert status == Status.SUCCESS, (op, status)
        return answer

    def start(self, op, **fields):
        return self.agent.start(op, end=self.number, **fields)

    def await_client(self):
        status, _ = self.call("listen")
        assert status in (Status.SUCCESS, 0xC00000B2), status  # STATUS_PIPE_CONNECTED

    def read(self, length=65536):
        return self.succeed("read", length=length).bytes()

    def write(self, data):
        return self.succeed("write", data=data)["count"]

    def await_end_of_client(self):
        """Returns when the client has closed its end; what it wrote before must have been read."""
        status, _ = self.call("read", length=1)
        assert status == Status.PIPE_BROKEN, status

    def drain(self):
        """Reads all that there is until the client has closed its end."""
        while (status := self.call("read", length=65536)[0]) == Status.SUCCESS:
            pass
        assert status == Status.PIPE_BROKEN, status

    def serve_next(self):
        """Disconnects the client that is gone, so that the next one can come."""
        self.succeed("disconnect")
        return self.start("listen")

    def close(self):
        self.agent.call("close", end=self.number)

    @property
    def client(self):
        """Who is connected."""
        return self.succeed("client_info")["identity"]
