# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_load.py: many SMB clients that open and close pipes at random, with data, and vanish: every byte is looked at, and nothing is
left behind. Then the same while somebody kills the broker, the server, smbd's processes and clients.

NTPIPE_LOAD_SECONDS, NTPIPE_LOAD_CONNECTIONS and NTPIPE_LOAD_SEED: longer, more, the same again. The schedule depends on more than the
seed, so that a failure need not come again with it.
"""
import contextlib
import os
import random
import signal
import time

import pytest
from agent.driver import SANITIZERS, instrumented
from agent.traces import descriptors, private_kib, shared_mappings
from conftest import make_smbd
from load import EchoServer, Load, fresh_seed
from private_smbd import SANITIZER_OPTIONS, wait_until
from smb2client import Smb2Client

SECONDS = float(os.environ.get("NTPIPE_LOAD_SECONDS", "10"))
CONNECTIONS = int(os.environ.get("NTPIPE_LOAD_CONNECTIONS", "80"))
LIMIT = 600 + 10 * SECONDS
NAME = "load"
PATIENCE = 120
# On a machine that has too much to do, an open takes longer than clients should be made to wait.
PATIENT = {"ntpipe:open timeout": "60000"}

# What the C library may keep of memory that was freed. A page of each open that is not given back is more than that.
SPARE_KIB = 4096
# The address sanitizer keeps more, and so much only because it is told to.
SPARE_KIB_WITH_SANITIZER = 16384
QUARANTINE = ":quarantine_size_mb=2:thread_local_quarantine_size_kb=64"


class Process:
    """One that must not grow."""

    def __init__(self, name, pid):
        self.name, self.pid = name, pid
        self.idle, self.memory_before = self.look(), 0

    def look(self):
        return {**descriptors(self.pid), "shared mappings": shared_mappings(self.pid)}

    def more(self):
        """What it has more than at the beginning, when something may still have been on its way out."""
        return {kind: (count, self.idle.get(kind, 0)) for kind, count in self.look().items() if count > self.idle.get(kind, 0)}

    def await_idle(self):
        """Others hear of the end of a client when it is their turn."""
        with contextlib.suppress(TimeoutError):
            wait_until(lambda: not self.more(), "", PATIENCE)
        assert not self.more(), f"{self.name} has more than before"
        self.memory_before = self.memory_before or private_kib(self.pid)


@pytest.fixture
def small_quarantine(monkeypatch):
    for options in SANITIZERS, SANITIZER_OPTIONS:
        monkeypatch.setitem(options, "ASAN_OPTIONS", options["ASAN_OPTIONS"] + QUARANTINE)
    monkeypatch.setenv("ASAN_OPTIONS", SANITIZERS["ASAN_OPTIONS"])


@pytest.mark.timeout(LIMIT)
@pytest.mark.usefixtures("small_quarantine")
def test_nothing_is_left_behind(build):
    with make_smbd(build, options=PATIENT) as smbd, EchoServer(build, smbd.ntpipe_dir, NAME) as server, \
            Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as witness:
        lasting = smbd.connection_process(witness.connection.socket.getsockname()[1])
        use(witness)
        pids = {"broker": smbd.broker.pid, "server": server.pid, "smbd": smbd.process.pid, "smbd's child": lasting}
        processes = [Process(name, pid) for name, pid in pids.items()]
        seed = fresh_seed()
        load = Load(smbd, server, NAME, connections=CONNECTIONS, seed=seed)
        for share in 0.3, 0.7:  # the memory after the first part is the measure for the second
            load.run(SECONDS * share, meanwhile=lambda _: use(witness))
            load.await_end(but=1)
            for process in processes:
                process.await_idle()
        memory = {process.name: (process.memory_before, private_kib(process.pid)) for process in processes}
        grown = {name: after - before for name, (before, after) in memory.items()}
        print(f"seed {seed}: {dict(load.counts)}, KiB after the first part and at the end: {memory}")
        spare = SPARE_KIB_WITH_SANITIZER if instrumented(build) else SPARE_KIB
        assert all(growth < spare for growth in grown.values()), grown
        streams, messages = server.finish()
        assert not load.faults + server.faults, "\n".join(load.faults + server.faults)
        assert streams >= load.counts["opens"] and messages >= load.counts["messages"] > 0
        assert "INTERNAL ERROR" not in smbd.log()


def use(client):
    """Some hundred pipes on a connection that stays."""
    for _ in range(300):
        response = client.create(NAME)
        if response.status == 0:
            client.close(response.file_id)


class Killer:
    """Kills one after the other and makes it anew, until the load is over."""

    def __init__(self, smbd, server, victims, seed):
        self.smbd, self.server, self.random = smbd, server, random.Random(f"killer {seed}")
        self.kills = dict.fromkeys(victims, 0)

    def __call__(self, load):
        self.load = load
        while not load.is_over():
            time.sleep(self.random.uniform(0.05, 0.5))  # a moment nobody can foresee
            victim = self.random.choice(list(self.kills))
            getattr(self, f"kill_{victim}")()
            self.kills[victim] += 1

    def kill_broker(self):
        self.load.broker_deaths += 1
        self.smbd.broker.kill()
        time.sleep(self.random.uniform(0, 0.2))
        self.smbd.broker.start()

    def kill_server(self):
        self.server.kill_and_start()

    def kill_smbd(self):
        """The process of one client."""
        client = self.random.choice(self.load.clients)
        smb = client.smb
        with contextlib.suppress(AttributeError, OSError):
            pid = self.smbd.connection_process(smb.connection.socket.getsockname()[1])
            if pid is not None:
                client.killed = True
                os.kill(pid, signal.SIGKILL)

    def kill_client(self):
        """What the kernel does to a client's connection when the client dies."""
        client = self.random.choice(self.load.clients)
        smb = client.smb
        with contextlib.suppress(AttributeError, OSError):
            client.killed = True
            smb.connection.socket.shutdown(2)


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("victims", [("broker",), ("broker", "server", "smbd", "client")], ids=["broker", "everybody"])
def test_sudden_deaths(build, victims):
    """No message is lost, doubled or changed. A pipe breaks only if its server is killed: not when the broker is, nor other clients."""
    with make_smbd(build, options=PATIENT) as smbd, EchoServer(build, smbd.ntpipe_dir, NAME) as server:
        seed = fresh_seed()
        load = Load(smbd, server, NAME, connections=max(1, CONNECTIONS // 4), seed=seed)
        killer = Killer(smbd, server, victims, seed)
        load.run(SECONDS / 2, meanwhile=killer)
        load.await_end()
        print(f"seed {seed}: {dict(load.counts)}, killed: {killer.kills}")
        assert not load.faults + server.faults, "\n".join(load.faults + server.faults)
        assert load.counts["messages"] > 0
        assert sum(killer.kills.values()) > 0
        # All of it still works.
        with Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
            wait_until(lambda: client.create(NAME).status == 0, "there is no pipe at the end", PATIENCE)
        server.finish()
        assert server.faults == []
        assert "INTERNAL ERROR" not in smbd.log()
