# SPDX-License-Identifier: LGPL-2.1-or-later
"""windows.py: the bridge to a Wine prefix, Windows clients of native servers, and native clients of a Windows server
(tests/wine/programs/stream.c)."""
import time

from kill.native import ClientPool, use_pipe
from kill.part import Mortal, NotBack, Part, down
from wine import windows
from wine.conftest import Meeting

CLIENTS, NATIVE_CLIENTS, INSTANCES = 2, 2, 8
IMPORTED, EXPORTED = ("kill", "steady"), "from-windows"
WINDOWS_SERVER = 16
GROUP, GROUP_OF_SERVER, GROUP_OF_NATIVE = 1, 2, 3
NOT_FOUND, BUSY = 2, 231
GONE = (109, 230, 232, 233)


def missing(build):
    """Why this part cannot be there; None if it can."""
    return windows.missing_bridge(build)


class WindowsPart(Part):
    name = "Windows"
    kills = {"bridge": 2, "windows_client": 1, "windows_server": 1, "client_of_windows": 1}
    stops = {"bridge": 1, "wineserver": 1, "windows_client": 1}

    def __init__(self, crowd):
        super().__init__(crowd)
        self.server_mortal = Mortal(crowd.witness, WINDOWS_SERVER)
        self.meeting = self.server = self.prober = self.native_prober = None
        self.clients = []
        self.native_clients = ClientPool(self, lambda: crowd.native.client(EXPORTED, WINDOWS_SERVER, GROUP_OF_NATIVE))

    def start(self):
        self.meeting = Meeting(self.crowd.build, self.crowd.pipes)
        self.meeting.start_bridge()
        self.server = self.start_server()
        self.prober = self.meeting.windows()
        self.native_prober = self.meeting.native()

    def windows(self):
        """A Windows program that shares the file with all others."""
        agent = self.meeting.windows()
        mapped = agent.call("MapWitness", name="Z:" + self.crowd.witness.path.replace("/", "\\"))
        assert mapped.status == 0, mapped
        return agent

    def start_server(self):
        agent = self.windows()
        served = agent.call("CheckedEcho", name=rf"\\.\pipe\{EXPORTED}", instances=INSTANCES, group=GROUP_OF_SERVER)
        assert served.status == 0, served
        return agent

    def start_client(self):
        agent, name = self.windows(), self.random.choice(IMPORTED)
        agent.stream = self.crowd.witness.take()
        mortal = self.crowd.native.over_the_bridge[name]
        agent.streaming = agent.start("Stream", name=rf"\\.\pipe\{name}", stream=agent.stream, server=mortal.server, group=GROUP)
        return agent

    def begin(self):
        self.clients = [self.start_client() for _ in range(CLIENTS)]
        self.native_clients.begin(NATIVE_CLIENTS)

    def end(self):
        self.native_clients.end()
        for client in self.clients:
            client.call("StopStreams")
            client.await_patiently(client.streaming)
            client.finish()
            self.forget(client)
        self.clients = []

    def forget(self, client):
        """It has ended."""
        self.faults += self.told(client)
        self.crowd.witness.give_back(client.stream)
        self.meeting.programs.remove(client)

    @staticmethod
    def told(agent):
        return [f"a Windows program: {line}" for line in agent.error_output().splitlines() if line.startswith("wrong")]

    # ---- strikes ----

    def kill_bridge(self):
        with down(self.server_mortal, *self.crowd.native.over_the_bridge.values()):
            self.meeting.bridge.kill()
            self.meeting.programs.remove(self.meeting.bridge)
            begin = time.monotonic()
            self.meeting.start_bridge()
        return begin

    def kill_windows_client(self):
        begin, number = time.monotonic(), self.random.randrange(CLIENTS)
        self.clients[number].stop()
        self.forget(self.clients[number])
        self.later = lambda: self.clients.__setitem__(number, self.start_client())
        return begin

    def kill_windows_server(self):
        with down(self.server_mortal):
            self.server.stop()
            self.faults += self.told(self.server)
            self.meeting.programs.remove(self.server)
            begin = time.monotonic()
            self.server = self.start_server()
        return begin

    def kill_client_of_windows(self):
        return self.native_clients.kill()

    def pid_of(self, kind):
        if kind == "windows_client":
            return self.random.choice(self.clients).pid
        return self.meeting.bridge.pid if kind == "bridge" else self.meeting.prefix.server

    # ---- looking ----

    def probe(self):
        for name in IMPORTED:
            self.use(name)
        use_pipe(self.native_prober, self.native_prober.session, EXPORTED, self.crowd.witness.probe(), self.crowd.message)

    def use(self, name):
        agent = self.prober
        opened = agent.call("CreateFile", name=rf"\\.\pipe\{name}", access=0xC0000000)
        if opened.status in (NOT_FOUND, BUSY, *GONE):
            raise NotBack(f"{name} in the prefix: error {opened.status}")
        assert opened.status == 0, opened
        try:
            sent = self.crowd.message(self.crowd.witness.probe(), 0, 100)
            done = agent.call("SetNamedPipeHandleState", end=opened["id"], mode=2)
            if done.status == 0:
                done = agent.call("TransactNamedPipe", end=opened["id"], data=sent, length=65536)
            if done.status in GONE:
                raise NotBack(f"{name} in the prefix: error {done.status}")
            assert (done.status, done.bytes()) == (0, sent), done
        finally:
            agent.call("CloseHandle", end=opened["id"])

    def lasting(self):
        return {"bridge": self.meeting.bridge.pid, "wineserver": self.meeting.prefix.server, "Windows program": self.prober.pid}

    def counts(self):
        return {"Windows clients": self.crowd.witness.counts(GROUP), "Windows server": self.crowd.witness.counts(GROUP_OF_SERVER),
                "native clients of it": self.crowd.witness.counts(GROUP_OF_NATIVE)}

    # ---- the end ----

    def finish(self):
        self.faults += self.told(self.server)

    def close(self):
        self.native_clients.close()
        if self.meeting is not None:
            self.meeting.close()
