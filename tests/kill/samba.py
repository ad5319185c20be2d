# SPDX-License-Identifier: GPL-3.0-or-later
"""samba.py: SMB clients of native servers through smbd with the module; and with stock smbd and ntpipe-samba in between, where also native
clients use a pipe of Samba's own."""
import contextlib
import os
import signal
import threading
import time
import uuid

from agent import driver
from kill.part import PATIENCE, Mortal, NotBack, Part, down, wait_until
from wine import samba as found  # puts the folders of Samba's tests and of private_smbd where they are found

from load import BROKEN, Client, Fault, Load, LostServer, Stream, message  # noqa: I001: found through the module just named
from native import Server
from private_smbd import PrivateSmbd
from rpcclient import BIND_ACK, RpcPipe
from smb2client import Smb2Client, Status

LSARPC = (uuid.UUID("12345778-1234-abcd-ef00-0123456789ab"), 0)
EXPORTED = ("kill", "steady")
# On a machine that has too much to do, an open takes longer than clients should be made to wait.
PATIENT = {"ntpipe:open timeout": str(PATIENCE * 1000)}
FOR_EVER = 10**6  # seconds
GATEWAY = "samba_module/ntpipe-samba"
# NPA carries messages up to this.
LONGEST = 65535


def missing(build):
    """Why this part cannot be there; None if it can."""
    return found.missing(build)


class Loads:
    """SMB clients, threads of this process, that come and go."""

    def __init__(self, part, make):
        self.part, self.make, self.loads, self.threads = part, make, [], []
        self.total = {}

    def begin(self):
        self.loads = self.make()
        self.threads = [threading.Thread(target=load.run, args=(FOR_EVER,), daemon=True) for load in self.loads]
        for thread in self.threads:
            thread.start()

    def end(self):
        for load in self.loads:
            load.end = 0
        for thread in self.threads:
            thread.join(2 * PATIENCE)
            if thread.is_alive():
                self.part.faults.append("SMB clients do not come to an end")
        for load in self.loads:
            self.part.faults += load.faults
            for name, count in load.counts.items():
                self.total[name] = self.total.get(name, 0) + count
        self.loads = []

    def counts(self):
        counts = dict(self.total)
        for load in self.loads:
            for name, count in load.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def broker_is_killed(self):
        for load in self.loads:
            load.broker_deaths += 1

    def any_client(self):
        return self.part.random.choice([client for load in self.loads for client in load.clients])

    def connection_process(self, client):
        """The smbd of a client, which is between two connections now and then."""
        with contextlib.suppress(AttributeError, OSError):
            return self.part.smbd.connection_process(client.smb.connection.socket.getsockname()[1])
        return None

    def kill_smbd(self):
        begin, client = time.monotonic(), self.any_client()
        pid = self.connection_process(client)
        if pid is not None:
            client.killed = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return begin

    def kill_client(self):
        """What the kernel does to a client's connection when the client dies."""
        begin, client = time.monotonic(), self.any_client()
        with contextlib.suppress(AttributeError, OSError):
            smb, client.killed = client.smb, True
            smb.connection.socket.shutdown(2)
        return begin


def settled_load(part, name, server, **options):
    seed = part.crowd.random.randrange(10**9)
    return Load(part.smbd, server, name, seed=seed, closing=part.crowd.closing, **options)


class SmbPart(Part):
    """`steady`: a connection that nobody kills."""

    name = "SMB"
    kills = {"smbd": 2, "smb_client": 1}
    stops = {"smbd": 1}

    def __init__(self, crowd):
        super().__init__(crowd)
        self.smbd = self.steady = None
        self.loads = Loads(self, lambda: [settled_load(self, name, crowd.native.mortals[name], connections=2, witness=crowd.witness)
                                          for name in EXPORTED])
        self.smbd = PrivateSmbd(module=os.path.join(crowd.build, found.MODULE),
                                options={"ntpipe:directory": crowd.pipes, "ntpipe:export": "*:*", **PATIENT})
        self.user = next(iter(self.smbd.users.items()))

    def start(self):
        self.smbd.__enter__()
        self.steady = Smb2Client(self.smbd.port, *self.user)

    def begin(self):
        self.loads.begin()

    def end(self):
        loads = self.loads.loads
        self.loads.end()
        wait_until(lambda: loads[0].connections() <= 1, "smbd keeps connections whose clients are gone")

    def kill_smbd(self):
        return self.loads.kill_smbd()

    def kill_smb_client(self):
        return self.loads.kill_client()

    def pid_of(self, kind):
        return self.loads.connection_process(self.loads.any_client())

    def broker_is_killed(self):
        self.loads.broker_is_killed()

    def probe(self):
        """On the connection that lasts, and on a new one."""
        with Smb2Client(self.smbd.port, *self.user) as new:
            for client in self.steady, new:
                for name in EXPORTED:
                    self.use(client, name)

    def use(self, client, name):
        response = client.create(name)
        if response.status != Status.SUCCESS:
            raise NotBack(f"CREATE of {name}: {response.status!r}")
        try:
            sent = message(self.crowd.witness.probe(), 0, 100)
            done = client.set_modes(response.file_id).status == Status.SUCCESS and client.transceive(response.file_id, sent)
            if not done or done.status in BROKEN:
                raise NotBack(f"{name} breaks")
            assert (done.status, done.data) == (Status.SUCCESS, sent), done.status
        finally:
            client.close(response.file_id)

    def lasting(self):
        return {"smbd": self.smbd.process.pid,
                "smbd's child": self.smbd.connection_process(self.steady.connection.socket.getsockname()[1])}

    def counts(self):
        return {"SMB clients": self.loads.counts()}

    def finish(self):
        self.steady.drop()
        assert "INTERNAL ERROR" not in self.smbd.log(), self.smbd.log()[-2000:]

    def close(self):
        if self.steady is not None:
            self.steady.drop()
        self.smbd.close()


class Either:
    """One that is down when one of several is."""

    def __init__(self, *mortals):
        self.mortals = mortals

    @property
    def deaths(self):
        return sum(mortal.deaths for mortal in self.mortals)

    @property
    def is_down(self):
        return any(mortal.is_down for mortal in self.mortals)


class GatewayClient(Client):
    """An SMB client of a program's pipe through stock smbd and ntpipe-samba: one pipe at a time, no calls that stock smbd does itself."""

    def act(self):
        if self.streams:
            super().act()
        else:
            self.open()

    def steps(self):
        return [self.transceive, self.send, self.receive, self.receive]

    def leave(self):
        self.random.choice([self.close_all, self.vanish, self.reset])()
        self.load.count("left")

    def open(self):
        deaths = self.load.server.deaths
        response = self.smb.create(self.load.name)
        if response.status == Status.SUCCESS:
            self.streams.append(Stream(response.file_id, deaths))
            self.load.count("opens")
        elif self.load.broker_deaths or self.load.server.deaths:
            self.load.count("opens refused")
            time.sleep(0.05)  # nothing waits for this: others are to have the processor
        else:
            raise Fault(f"CREATE gave {response.status!r}")

    def size(self):
        return min(super().size(), LONGEST - 16)

    def expect_alive(self, stream, status, what):
        """Whatever smbd calls it: it is over if the server or the gateway has died, and for no other reason. But CREATE is a success
        before the pipe is opened, and a WRITE before it is carried on: that the names are not back the first operations tell."""
        if self.load.server.is_down or self.load.server.deaths != stream.deaths_before:
            raise LostServer
        if len(stream.owed) == stream.sent and self.load.excuses(Status.OBJECT_NAME_NOT_FOUND):
            raise LostServer
        raise Fault(f"through the gateway, stream {stream.stream}: {what} gave {status!r}")

    def receive(self, stream):
        """Of a message that is longer than READ asks for stock smbd gives the beginning without a word about the rest."""
        if not stream.owed:
            self.send(stream)
            return
        response = self.smb.read(stream.file_id, LONGEST)
        if response.status != Status.SUCCESS:
            self.expect_alive(stream, response.status, "READ")
        self.expect_message(stream, response.data)

    def transceive(self, stream):
        """Stock smbd gives the whole answer or its beginning, and the rest to READ."""
        if stream.owed:
            self.receive(stream)
            return
        data = stream.next_message(self.size())
        stream.owed.append(data)
        response = self.smb.transceive(stream.file_id, data, 65536)
        if response.status != Status.SUCCESS:
            self.expect_alive(stream, response.status, "TRANSCEIVE")
        self.expect_message(stream, response.data)


class RpcUser(threading.Thread):
    """A native client of a pipe of Samba's own."""

    def __init__(self, part):
        super().__init__(daemon=True)
        self.part, self.stopping = part, False
        self.calls = self.refused = self.broken = 0
        self.server = Server(part.crowd.build, part.crowd.pipes)

    def run(self):
        try:
            while not self.stopping:
                self.bind()
                time.sleep(0.02)  # nothing waits for this: others are to have the processor
        except Exception as error:  # a thread's exception would be lost
            self.part.faults.append(f"a client of lsarpc: {type(error).__name__} {error}")

    def bind(self):
        """How soon the name is back nobody promises; but an open pipe breaks only if the gateway dies."""
        part, deaths = self.part, self.part.gateway_mortal.deaths
        try:
            pipe = RpcPipe(self.server, "lsarpc")
        except driver.AgentFailure:
            raise
        except AssertionError:
            self.refused += 1
            if not part.broker_deaths and not part.gateway_mortal.deaths:
                raise
            return
        with pipe:
            try:
                answer = pipe.bind(LSARPC)
            except driver.AgentFailure:
                raise
            except AssertionError:
                if deaths % 2 == 0 and part.gateway_mortal.deaths == deaths:
                    raise
                self.broken += 1
                return
        assert answer[2] == BIND_ACK
        self.calls += 1

    def finish(self):
        self.stopping = True
        self.join(2 * PATIENCE)
        assert not self.is_alive(), "a client of lsarpc does not come to an end"
        self.server.agent.finish()


class GatewayPart(SmbPart):
    name = "gateway"
    kills = {"gateway": 2, "stock_smbd": 1}
    stops = {"gateway": 1, "stock_smbd": 1}

    def __init__(self, crowd):
        super().__init__(crowd)
        self.broker_deaths, self.gateway, self.rpc, self.prober = 0, None, None, None
        self.gateway_mortal = Mortal()
        self.loads.make = lambda: [settled_load(self, name, Either(crowd.native.mortals[name], self.gateway_mortal), connections=1,
                                                client=GatewayClient) for name in EXPORTED]
        self.smbd = PrivateSmbd(options={"ntpipe:directory": crowd.pipes, "ntpipe:export": " ".join(f"{name}:*" for name in EXPORTED)})
        self.rpc_counts = {"binds": 0, "refused": 0, "broken": 0}

    def start(self):
        super().start()
        self.start_gateway()
        self.prober = Server(self.crowd.build, self.crowd.pipes)

    def start_gateway(self):
        self.gateway = found.Gateway(self.crowd.build, self.smbd)

    def begin(self):
        super().begin()
        self.rpc = RpcUser(self)
        self.rpc.start()

    def end(self):
        self.rpc.finish()
        self.rpc_counts["binds"] += self.rpc.calls
        self.rpc_counts["refused"] += self.rpc.refused
        self.rpc_counts["broken"] += self.rpc.broken
        self.rpc = None
        super().end()

    def kill_gateway(self):
        with down(self.gateway_mortal):
            self.gateway.kill()
            begin = time.monotonic()
            self.start_gateway()
        return begin

    def kill_stock_smbd(self):
        return self.loads.kill_smbd()

    def pid_of(self, kind):
        return self.gateway.pid if kind == "gateway" else super().pid_of(kind)

    def broker_is_killed(self):
        self.broker_deaths += 1
        super().broker_is_killed()

    def probe(self):
        try:
            with RpcPipe(self.prober, "lsarpc") as pipe:
                answer = pipe.bind(LSARPC)
        except driver.AgentFailure:
            raise
        except AssertionError as error:
            raise NotBack("lsarpc") from error
        assert answer[2] == BIND_ACK
        super().probe()

    def use(self, client, name):
        """What the gateway publishes is a socket, which is there a moment before it serves."""
        response = client.create(name)
        if response.status != Status.SUCCESS:
            raise NotBack(f"CREATE of {name}: {response.status!r}")
        sent = message(self.crowd.witness.probe(), 0, 100)
        done = client.transceive(response.file_id, sent, 65536)
        client.close(response.file_id)
        if done.status != Status.SUCCESS:
            raise NotBack(f"{name}: {done.status!r}")
        assert done.data == sent

    def lasting(self):
        return {"stock smbd": self.smbd.process.pid, "gateway": self.gateway.pid}

    def counts(self):
        return {"SMB clients of the gateway": self.loads.counts(), "native clients of lsarpc": dict(self.rpc_counts)}

    def finish(self):
        self.prober.agent.finish()
        self.gateway.terminate()
        super().finish()

    def close(self):
        for program in self.rpc and self.rpc.server.agent, self.prober and self.prober.agent, self.gateway:
            if program:
                program.kill()
        super().close()
