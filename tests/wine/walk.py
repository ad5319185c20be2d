# SPDX-License-Identifier: LGPL-2.1-or-later
"""walk.py: goes through the scenarios with two programs, and keeps what each has written down.

The ways to go (WAYS):
  wine      two Windows programs on the plain Wine: the oracle
  native    two native programs and a broker
  client    a Windows client, the bridge, a native server
  server    a native client, the bridge, a Windows server
"""
import os
import shutil
import tempfile

from agent import driver
from wine import windows
from wine.bridge import Bridge
from wine.halves import NativeHalf, WindowsHalf
from wine.quiet import quiet, quiet_with_clock
from wine.scenarios import SCENARIOS

WAYS = ("wine", "native", "client", "server")


class Programs:
    """The two programs of a walk, and what is between them."""

    def __init__(self, build, way):
        self.build = build
        # Short, because a socket's path in it must be.
        self.directory = tempfile.mkdtemp(prefix="ntpipe-")
        self.prefix = self.broker = self.bridge = None
        self.agents = []
        self.sides = {"wine": (True, True), "native": (False, False), "client": (False, True), "server": (True, False)}[way]
        try:
            self.start()
        except BaseException:
            self.discard()
            raise

    def start(self):
        if not all(self.sides):
            self.broker = driver.Broker(self.build, os.path.join(self.directory, "broker"))
        if any(self.sides):
            self.prefix = windows.WindowsPrefix(self.directory)
        if any(self.sides) and self.broker is not None:
            self.bridge = Bridge(self.build, self.prefix, self.broker.directory)
        for is_windows in self.sides:
            self.agents.append(windows.start_agent(self.build, self.prefix) if is_windows else driver.Agent(self.build))
            self.agents[-1].call("pid")

    def pids(self):
        own = [self.broker.pid] if self.broker else []
        own += [self.prefix.server] if self.prefix else []
        own += [self.bridge.pid] if self.bridge else []
        return own + [agent.pid for agent in self.agents]

    def settle(self):
        if self.bridge:
            quiet_with_clock(self.pids(), self.bridge.pid)
        else:
            quiet(self.pids())
        for agent in self.agents:
            agent.call("settle")

    def close(self):
        for agent in self.agents:
            agent.finish()
        if self.bridge:
            self.bridge.terminate()
        if self.broker:
            self.broker.terminate()
        self.discard()

    def discard(self):
        for program in [*self.agents, self.bridge, self.broker]:
            if program is not None:
                program.kill()
        if self.prefix:
            self.prefix.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Walk:
    """One scenario under way."""

    def __init__(self, programs, name):
        self.programs = programs
        self.name = lambda: name
        self.server, self.client = (self.half(agent) for agent in programs.agents)

    def half(self, agent):
        if isinstance(agent, windows.WindowsAgent):
            return WindowsHalf(self, agent)
        return NativeHalf(self, agent, agent.call("session", directory=self.programs.broker.directory, never_start_broker=True)["id"])

    def settle(self):
        self.programs.settle()

    def end(self):
        """Frees all that the scenario has made."""
        for agent in self.programs.agents:
            agent.call("free_all")
        self.settle()


def walk(build, way, only=None):
    """Scenario -> {"server": lines, "client": lines}."""
    programs = Programs(build, way)
    transcripts = {}
    try:
        for number, (name, scenario) in enumerate(SCENARIOS.items()):
            if only is not None and only not in name:
                continue
            under_way = Walk(programs, f"walk-{number}")
            scenario(under_way)
            transcripts[name] = {"server": under_way.server.lines, "client": under_way.client.lines}
            under_way.end()
        programs.close()
    except BaseException:
        programs.discard()
        raise
    return transcripts
