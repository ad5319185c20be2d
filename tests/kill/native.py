# SPDX-License-Identifier: LGPL-2.1-or-later
"""native.py: the broker, native servers (programs/checked_echo.cc) and clients (programs/kill_client.cc)."""
import os
import subprocess
import time

from agent import driver
from conformance import vocabulary as nt
from kill.part import ABSENT, PATIENCE, Mortal, NotBack, Part, down

# Name: instances. Nobody kills the last one. Of the second there are fewer than clients.
SERVERS = {"kill": 24, "scarce": 3, "steady": 24}
CLIENTS = 4
# On a machine that has much to do, too, names wait for their servers.
BROKER_OPTIONS = ("--grace", str(PATIENCE), *(["--system"] if os.geteuid() == 0 else []))
GROUP, OVER_THE_BRIDGE = 0, 8


class Member(driver.Program):
    """A server or a client, which ends when its standard input is closed and says what was wrong."""

    def __init__(self, *command):
        super().__init__(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.said = ""

    def read_line(self):
        line = self.process.stdout.readline().decode()
        self.said += line
        return line

    def faults(self):
        """When it has ended."""
        self.said += self.process.stdout.read().decode()
        self.process.stdin.close()
        self.process.stdout.close()
        return [f"{self.arguments[0]}: {line}" for line in self.said.splitlines() if line.startswith("wrong")]

    def leave(self):
        self.process.stdin.close()
        self.process.wait(2 * PATIENCE)
        self.wait()
        return self.faults()


def use_pipe(agent, session, name, stream, message):
    """Opens it, has a message sent back, and closes it."""
    opened = agent.start("open", session=session, name=name)
    status = agent.await_answer(opened).status
    if status in ABSENT:
        raise NotBack(f"{name}: {nt.Status(status)}")
    assert status == nt.SUCCESS, (name, nt.Status(status))
    try:
        assert agent.call("set_pipe_info", end=opened, read_mode=1, completion_mode=0).status in (nt.SUCCESS, *ABSENT)
        sent = message(stream, 0, 100)
        answer = agent.call("transceive", end=opened, data=sent, length=65536)
        if answer.status in ABSENT:
            raise NotBack(f"{name}: {nt.Status(answer.status)}")
        assert (answer.status, answer.bytes()) == (nt.SUCCESS, sent), (name, nt.Status(answer.status))
    finally:
        agent.call("free", end=opened)


class ClientPool:
    """Some kill_clients, of which one may be killed."""

    def __init__(self, part, make):
        self.part, self.make, self.members = part, make, []

    def begin(self, count):
        self.members = [self.make() for _ in range(count)]

    def kill(self):
        begin, number = time.monotonic(), self.part.random.randrange(len(self.members))
        victim = self.members[number]
        victim.kill()
        self.part.faults += victim.faults()
        self.part.crowd.witness.give_back(victim.stream)
        self.part.later = lambda: self.members.__setitem__(number, self.make())
        return begin

    def end(self):
        for member in self.members:
            self.part.faults += member.leave()
            self.part.crowd.witness.give_back(member.stream)
        self.members = []

    def close(self):
        for member in self.members:
            member.kill()


class NativePart(Part):
    name = "native"
    kills = {"broker": 2, "server": 2, "client": 3}
    stops = {"broker": 1, "server": 1, "client": 1}

    def __init__(self, crowd):
        super().__init__(crowd)
        self.broker, self.servers, self.prober = None, {}, None
        # As native clients and SMB clients see it, and as Windows clients do, for whom the bridge is in between.
        self.mortals = {name: Mortal(crowd.witness, number) for number, name in enumerate(SERVERS)}
        self.over_the_bridge = {name: Mortal(crowd.witness, OVER_THE_BRIDGE + number) for number, name in enumerate(SERVERS)}
        self.clients = ClientPool(self, self.client)

    def program(self, name):
        return os.path.join(self.crowd.build, "tests", name)

    def start(self):
        self.start_broker()
        self.servers = {name: self.server(name) for name in SERVERS}
        self.prober = driver.Agent(self.crowd.build)
        self.session = self.prober.call("session", directory=self.crowd.pipes, never_start_broker=True)["id"]

    def start_broker(self):
        self.broker = driver.Broker(self.crowd.build, self.crowd.pipes, *BROKER_OPTIONS)

    def server(self, name):
        member = Member(self.program("checked_echo"), self.crowd.pipes, name, str(SERVERS[name]), self.crowd.witness.path)
        assert member.read_line() == "ready\n", member.error_output()
        return member

    def client(self, name=None, server=None, group=GROUP):
        if name is None:
            name = self.random.choice(list(SERVERS))
            server = self.mortals[name].server
        stream = self.crowd.witness.take()
        member = Member(self.program("kill_client"), self.crowd.pipes, name, str(stream), self.crowd.witness.path, str(server), str(group),
                        *self.crowd.brevity)
        member.stream = stream
        return member

    def begin(self):
        self.clients.begin(CLIENTS)

    def end(self):
        self.clients.end()

    # ---- strikes ----

    def kill_broker(self):
        for part in self.crowd.parts:
            part.broker_is_killed()
        self.broker.kill()
        self.crowd.pause(0.05)
        begin = time.monotonic()
        self.start_broker()
        return begin

    def kill_server(self):
        name = self.random.choice([name for name in SERVERS if name != "steady"])
        with down(self.mortals[name], self.over_the_bridge[name]):
            self.servers[name].kill()
            self.faults += self.servers[name].faults()
            begin = time.monotonic()
            self.servers[name] = self.server(name)
        return begin

    def kill_client(self):
        return self.clients.kill()

    def pid_of(self, kind):
        if kind == "broker":
            return self.broker.pid
        return self.random.choice(list(self.servers.values()) if kind == "server" else self.clients.members).pid

    # ---- looking ----

    def probe(self):
        for name in SERVERS:
            if name == "scarce":  # others may have all instances
                if name not in {listing["name"] for listing in self.prober.call("list", session=self.session).get("listings", [])}:
                    raise NotBack("the name is not listed")
            else:
                use_pipe(self.prober, self.session, name, self.crowd.witness.probe(), self.crowd.message)

    def usage(self):
        """What the broker has charged to the user who runs all this, but for what it looks at only when it hands over more."""
        lines = self.prober.call("usage", session=self.session, user=os.getuid())["lines"]
        return {name: line["used"] for name, line in lines.items() if name not in ("descriptors", "messages")}

    def lasting(self):
        return {"broker": self.broker.pid, "native client": self.prober.pid,
                **{f"server {name}": server.pid for name, server in self.servers.items()}}

    def counts(self):
        return {"native clients": self.crowd.witness.counts(GROUP)}

    # ---- the end ----

    def finish(self):
        self.prober.finish()
        for server in self.servers.values():
            self.faults += server.leave()
        self.servers = {}
        self.broker.terminate()

    def close(self):
        self.clients.close()
        for program in [*self.servers.values(), self.prober, self.broker]:
            if program is not None:
                program.kill()
