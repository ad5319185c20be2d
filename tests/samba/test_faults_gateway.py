# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_faults_gateway.py: each allocation and each system call of ntpipe-samba fails once: it does not end, nobody waits for ever, data is
right, the next connection is served, and nothing is left behind. Calls of Samba's libraries do not count.
"""
import contextlib
import itertools
import time

import pytest
from fault.injector import ALL, Injector, Stopped, Sweep
from native import Server
from ntpipe_samba import PATIENCE, Gateway, gateway_of, private_smbd_without_module
from private_smbd import wait_until
from rpcclient import BIND_ACK, bind
from smb2client import Smb2Client, Status
from test_ntpipe_samba import LSARPC

WITHIN = "/ntpipe-samba:/libntpipe.so"
FITTING = {0xC0000017, 0xC000009A, 0xC000011F, Status.OBJECT_NAME_NOT_FOUND, Status.PIPE_BROKEN, Status.PIPE_NOT_AVAILABLE, Status.PIPE_CLOSING,
           Status.PIPE_DISCONNECTED, Status.CONNECTION_DISCONNECTED, Status.INVALID_PIPE_STATE, 0xC0000001}  # fmt: skip
names = itertools.count()


class Round:
    """A program opens a pipe of Samba's, and an SMB client one of a program's."""

    def __init__(self, native, gateway, client):
        self.native, self.gateway, self.client = native, gateway, client

    def check(self, response):
        status = Status(response.status)
        if status != Status.SUCCESS:
            assert status in FITTING, status
            raise Stopped(status.name)
        return response

    def play(self):
        self.open_sambas()
        self.open_programs()

    @classmethod
    def play_or_come_back(cls, *parties, may_fail):
        """Who has lost the broker, or asks it for all again, is back soon, and then everything succeeds."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return cls(*parties).play()
            except Stopped:
                if may_fail or time.monotonic() > end:
                    raise

    def open_nothing(self):
        """A name gets its socket, which goes with it."""
        name = f"shown-fault-{next(names)}"
        said = len(self.gateway.error_output())
        pipe = self.native.create(name)
        try:
            self.await_socket(name, said)
        finally:
            pipe.close()
            wait_until(lambda: not (self.gateway.np / name).exists(), "the socket stays", PATIENCE)

    def open_sambas(self):
        agent = self.native.agent
        end = agent.start("open", session=self.native.session, name="lsarpc")
        self.check(agent.await_answer(end))
        try:
            self.check(agent.call("set_pipe_info", end=end, read_mode=1, completion_mode=0))
            assert self.check(agent.call("transceive", end=end, data=bind(LSARPC), length=65536)).bytes()[2] == BIND_ACK
        finally:
            agent.call("close", end=end)

    def open_programs(self):
        name = f"shown-fault-{next(names)}"
        said = len(self.gateway.error_output())
        pipe = self.native.create(name)
        file = None
        try:
            self.await_socket(name, said)
            file = self.check(self.client.create(name)).file_id
            self.check(self.client.write(file, b"question"))
            reading = self.client.start_read(file)
            self.await_client(pipe, reading)
            self.gets(pipe, b"question")
            pipe.start("write", data=b"answer")
            assert self.check(reading.final()).data == b"answer"
        finally:
            if file is not None:
                self.client.close(file)
            pipe.close()
            wait_until(lambda: not (self.gateway.np / name).exists(), "the socket stays", PATIENCE)

    def await_socket(self, name, said):
        """One that could not be made is told of in the log; who had no memory for the name asks again, a second later."""
        wait_until(lambda: (self.gateway.np / name).exists() or f"'{name}'" in self.gateway.error_output()[said:], "there is no socket",
                   PATIENCE)  # fmt: skip
        if not (self.gateway.np / name).exists():
            raise Stopped("no socket")

    def await_client(self, pipe, reading):
        """smbd takes what a client writes before the gateway has opened the pipe; if that fails, a read tells."""
        listening = pipe.start("listen")
        while pipe.agent.answer(listening).pending:
            self.client.echo()
            if reading.over:
                self.check(reading.final())
            pipe.agent.settle()
        status = Status(pipe.agent.answer(listening).status)
        assert status in (Status.SUCCESS, 0xC00000B2) or status == Status.PIPE_CLOSING, status

    def gets(self, pipe, data):
        status, answer = pipe.call("read", length=100)
        if status in (Status.PIPE_BROKEN, Status.PIPE_CLOSING):
            raise Stopped("the client has gone")
        assert status == Status.SUCCESS and answer.bytes() == data, status


class Publishing(Round):
    play = Round.open_nothing


@contextlib.contextmanager
def sweep(build, kind, within, rounds):
    with contextlib.ExitStack() as stack:
        injector = stack.enter_context(Injector(build, kind, within=within))
        smbd = stack.enter_context(private_smbd_without_module(build, **{"ntpipe:export": "shown*:*"}))
        native = stack.enter_context(Server(build, smbd.ntpipe_dir))
        gateway = stack.enter_context(gateway_of(Gateway(build, smbd, "--check-interval", "1", environment=injector.environment), native))
        client = stack.enter_context(Smb2Client(smbd.port, *next(iter(smbd.users.items()))))
        yield Sweep(injector, gateway.pid, lambda may_fail: rounds.play_or_come_back(native, gateway, client, may_fail=may_fail))


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("kind", ["memory", "system"])
def test_gateway(build, kind):
    with sweep(build, kind, WITHIN, Round) as made:
        print(made.run())


@pytest.mark.timeout(0 if ALL else 300)
def test_sockets(build):
    """The gateway has no memory while it makes a socket: nothing is left of it that would be in the way of the next."""
    with sweep(build, "memory", "/ntpipe-samba", Publishing) as made:
        print(made.run())
