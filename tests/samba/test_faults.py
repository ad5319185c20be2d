# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_faults.py: each allocation and each system call that the module makes in smbd fails once: no process of smbd ends, nobody waits for
ever, data is right, what failed has a status that says so, the next request succeeds, and nothing is left behind.

Calls of smbd's own code do not count: it ends when it has no memory. `make fault` tries all calls; a run of the tests some of each kind.
"""
import itertools
import random
import struct

import pytest
from conftest import make_smbd
from fault.injector import ALL, SAMPLE, Injector, Stopped, Sweep
from native import Server
from smb1client import Smb1Client, Trans
from smb2client import FSCTL_PIPE_PEEK, VOLUME, Smb2Client, Status

WITHIN = "/ntpipe.so:/libntpipe.so"
# PIPE_NOT_AVAILABLE: an open was lost with its session after the server had taken it, and the module has asked once more.
FITTING = {0xC0000017, 0xC000009A, 0xC000011F, Status.OBJECT_NAME_NOT_FOUND, Status.PIPE_BROKEN, Status.PIPE_DISCONNECTED, Status.PIPE_CLOSING,
           Status.PIPE_NOT_AVAILABLE, Status.INVALID_PIPE_STATE, Status.CONNECTION_REFUSED, Status.CONNECTION_DISCONNECTED, 0xC0000001}  # fmt: skip
TREE, DACL = 5, 4
names = itertools.count()


class Round:
    """A pipe of its own, and all that a client may do with it."""

    def __init__(self, server, client, may_fail):
        self.server, self.client, self.may_fail = server, client, may_fail
        self.name, self.ends, self.handles = f"test-fault-{next(names)}", [], []

    def check(self, response, *expected):
        status = Status(response.status)
        if status in (expected or (Status.SUCCESS,)):
            return response
        assert self.may_fail and status in FITTING, response
        raise Stopped(status.name)

    def create(self):
        self.ends.append(self.server.create(self.name, max_instances=2))
        return self.ends[-1]

    def opened(self, response, handle):
        self.check(response)
        self.handles.append(handle(response))
        return self.handles[-1]

    def await_client(self, pipe, opening=None):
        """`opening`: the request that opens the pipe, and may fail."""
        listening = pipe.start("listen")
        while opening is not None and pipe.agent.answer(listening).pending:
            self.waiting(opening)
            pipe.agent.settle()
        status = Status(pipe.agent.await_answer(listening).status)
        if status == Status.PIPE_CLOSING and self.may_fail:
            raise Stopped("the client has gone")
        assert status in (Status.SUCCESS, 0xC00000B2), status

    def on_server(self, pipe, op, **fields):
        """What the native server does has no reason to fail but that the client has gone."""
        status, answer = pipe.call(op, **fields)
        if self.may_fail and status in (Status.PIPE_BROKEN, Status.PIPE_CLOSING):
            raise Stopped("the client has gone")
        assert status in (Status.SUCCESS, Status.BUFFER_OVERFLOW), (op, status)
        return answer

    def gets(self, pipe, data):
        got = b""
        while len(got) < len(data):
            got += self.on_server(pipe, "read", length=65536).bytes()
        assert got == data

    def waiting(self, pending, *expected):
        """A request that is not over yet, but may have failed, or be over with the status that is expected."""
        self.client.echo()
        if pending.over:
            self.check(pending.final(), Status.PENDING, *expected)
        return pending

    def wait_for_reads(self, client, pipe, file):
        """One is answered late, one is cancelled."""
        reading = self.waiting(client.start_read(file))
        self.on_server(pipe, "write", data=b"late")
        assert self.check(reading.final()).data == b"late"
        reading = self.waiting(client.start_read(file))
        reading.cancel()
        self.check(reading.final(), Status.CANCELLED)

    def play(self):
        try:
            self.steps()
        finally:
            for handle in self.handles:
                self.client.close(handle)
            for end in self.ends:
                end.close()


class Smb2Round(Round):
    def open(self, name, **options):
        return self.opened(self.client.create(name, **options), lambda response: response.file_id)

    def steps(self):
        client, pipe = self.client, self.create()
        maximal_access = struct.pack("<IHHHHI", 0, 16, 4, 0, 24, 0) + b"MxAc" + bytes(4)
        file = self.open(self.name, contexts=maximal_access)
        self.await_client(pipe)
        self.check(client.set_modes(file))
        self.transfer(client, pipe, file)
        self.ask(client, file)
        self.look_around(client, pipe)
        self.check(client.close(self.handles.pop(0)))

    def transfer(self, client, pipe, file):
        for data in b"", b"question", bytes(range(256)) * 400:
            writing = self.waiting(client.start_write(file, data), Status.SUCCESS)
            if data:
                self.gets(pipe, data)
            self.check(writing.final())
            if not data:
                self.on_server(pipe, "read", length=10)
            answer = data[:9000] or b"-"
            pipe.start("write", data=answer)
            assert self.check(client.read(file, 10000)).data == answer
        self.wait_for_reads(client, pipe, file)
        transceiving = self.waiting(client.start_transceive(file, b"question"))
        self.gets(pipe, b"question")
        self.on_server(pipe, "write", data=b"answer")
        assert self.check(transceiving.final()).data == b"answer"
        self.on_server(pipe, "write", data=b"seen")
        assert self.check(client.ioctl(file, FSCTL_PIPE_PEEK, b"", 100)).data.endswith(b"seen")
        assert self.check(client.read(file, 100)).data == b"seen"
        flushing = client.start_flush(file)
        self.check(flushing.final())

    def ask(self, client, file):
        for information_class in 5, 18, 23, 24, 25:
            self.check(client.query_info(file, information_class), Status.SUCCESS, Status.INVALID_INFO_CLASS, Status.INVALID_PARAMETER)
        self.check(client.query_info(file, TREE, kind=VOLUME))
        descriptor = self.check(client.query_security(file, DACL)).data
        self.check(client.set_security(file, DACL, descriptor), Status.SUCCESS, Status.ACCESS_DENIED)

    def look_around(self, client, pipe):
        self.create()
        self.check(client.wait(self.name, 60000))
        root = self.open("")
        assert self.name.encode("utf-16le") in self.check(client.query_directory(root, 12)).data
        notifying = self.waiting(client.change_notify(root))
        self.ends.pop().close()
        notifying.cancel()
        self.check(notifying.final(), Status.SUCCESS, Status.CANCELLED, 0x10C)


class Smb1Round(Round):
    def open(self, response):
        return self.opened(response, lambda opened: opened.fid)

    def steps(self):
        client, pipe = self.client, self.create()
        self.check(client.wait(self.name, 60000))
        file = self.open(client.create(self.name))
        self.await_client(pipe)
        self.check(client.set_modes(file))
        self.transfer(client, pipe, file)
        self.ask(client, file)
        calling = self.create()
        self.call(client, calling)
        self.reopen(client, calling)
        self.check(client.close(self.handles.pop(0)))

    def transfer(self, client, pipe, file):
        self.check(client.write(file, b"question"))
        self.gets(pipe, b"question")
        pipe.start("write", data=b"answer")
        assert self.check(client.read(file)).data == b"answer"
        self.wait_for_reads(client, pipe, file)
        for data in b"question", bytes(range(256)) * 8:  # the second one in several packets
            transceiving = self.waiting(client.start_transceive(file, data))
            self.gets(pipe, data)
            self.on_server(pipe, "write", data=b"answer")
            assert self.check(transceiving.final()).data == b"answer"
        self.on_server(pipe, "write", data=b"seen")
        assert self.check(client.peek(file)).data == b"seen"
        assert self.check(client.core_read(file)).data == b"seen"
        self.check(client.core_write(file, b"old"))
        self.gets(pipe, b"old")
        self.check(client.flush(file))

    def ask(self, client, file):
        self.check(client.query_state(file)[0])
        self.check(client.trans(Trans.QUERY_INFO, file, parameters=struct.pack("<H", 1)))
        for level in 0x102, 0x107, 1023:
            self.check(client.query_file(file, level), Status.SUCCESS, Status.INVALID_LEVEL)

    def call(self, client, pipe):
        calling = client.start_pipe_call(self.name, b"a call", timeout_ms=60000)
        self.await_client(pipe, calling)
        self.gets(pipe, b"a call")
        self.on_server(pipe, "write", data=b"an answer")
        assert self.check(calling.final()).data == b"an answer"
        pipe.call("disconnect")
        pipe.start("listen")

    def reopen(self, client, pipe):
        """In the other ways."""
        for response in client.open_andx(self.name), None:
            self.check(client.close(self.open(response or client.call(client.nt_transact_create_request(self.name)))))
            self.handles.pop()
            pipe.call("disconnect")
            pipe.start("listen")


DIALECTS = {"smb2": (Smb2Client, Smb2Round), "smb1": (Smb1Client, Smb1Round)}


@pytest.fixture(params=["memory", "system"])
def injector(build, request):
    with Injector(build, request.param, within=WITHIN) as made:
        yield made


@pytest.mark.timeout(0 if ALL else 300)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_requests(build, injector, dialect):
    make_client, kind_of_round = DIALECTS[dialect]
    with make_smbd(build, environment=injector.environment) as smbd, Server(build, smbd.ntpipe_dir) as server, \
            make_client(smbd.port, *next(iter(smbd.users.items()))) as client:
        pid = smbd.connection_process(client.connection.socket.getsockname()[1])
        try:
            print(Sweep(injector, pid, lambda may_fail: kind_of_round(server, client, may_fail).play()).run())
        finally:
            assert "INTERNAL ERROR" not in smbd.log()


@pytest.mark.timeout(0 if ALL else 300)
def test_first_request(build, injector):
    """What fails when the module connects to the broker is tried again."""
    with make_smbd(build, environment=injector.environment) as smbd, Server(build, smbd.ntpipe_dir) as server:

        def open_first(number):
            """How many calls there were; 0: the one that was to fail was not among them."""
            name = f"test-first-{next(names)}"
            instances = [server.create(name, max_instances=2) for _ in range(2)]
            with Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
                pid = smbd.connection_process(client.connection.socket.getsockname()[1])
                injector.arm(pid, number)
                response = client.create(name)
                state = injector.arm(pid, 0)
                assert response.status == Status.SUCCESS or (state.failed and response.status in FITTING), (response, injector.last_fault())
                assert client.create(name).status == Status.SUCCESS, injector.last_fault()
            for instance in instances:
                instance.close()
            return state.calls if number == 0 or state.failed else 0

        calls = open_first(0)
        numbers = itertools.count(1) if ALL else random.sample(range(1, calls + 1), min(SAMPLE, calls))
        print(sum(1 for _ in itertools.takewhile(bool, map(open_first, numbers))), "faults")
        assert "INTERNAL ERROR" not in smbd.log()
