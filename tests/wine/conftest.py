# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: a prefix with the bridge, a private broker, and programs on both sides, for the tests of the bridge."""
import contextlib
import os
import shutil
import tempfile

import pytest
from agent import driver
from conformance.vocabulary import Status
from wine import samba, windows
from wine.bridge import Bridge
from wine.quiet import quiet_with_clock


class Meeting:
    """A prefix and a broker in a directory of their own, and the bridge between them. Everything that it starts it ends."""

    def __init__(self, build, pipes=None):
        self.build = str(build)
        # Short, because a socket's path in it must be.
        self.directory = tempfile.mkdtemp(prefix="ntpipe-")
        self.pipes = str(pipes or os.path.join(self.directory, "broker"))
        self.programs = []
        self.prefix = windows.WindowsPrefix(self.directory)
        self.broker = self.bridge = None

    # ---- programs ----

    def keep(self, program):
        self.programs.append(program)
        return program

    def start_broker(self):
        self.broker = self.keep(driver.Broker(self.build, self.pipes))

    def start_bridge(self, environment=None):
        self.bridge = self.keep(Bridge(self.build, self.prefix, self.pipes, environment))

    def configure(self, *lines):
        """Writes ntpipe.conf as editors do: all at once."""
        path = os.path.join(self.prefix.path, "ntpipe.conf")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.writelines(line + "\n" for line in lines)
        os.rename(path + ".new", path)

    def windows(self):
        """A Windows program."""
        return self.keep(windows.start_agent(self.build, self.prefix))

    def native(self):
        """A native program with a session."""
        agent = self.keep(driver.Agent(self.build))
        agent.session = agent.call("session", directory=self.pipes, never_start_broker=True)["id"]
        return agent

    def tool(self, *arguments, **options):
        """An `ntpipe` that is left running."""
        environment = driver.environment(NTPIPE_DIR=self.pipes, NTPIPE_BROKER="/nonexistent", WINEPREFIX=self.prefix.path)
        return self.keep(driver.Program([os.path.join(self.build, "tools", "ntpipe"), *arguments], env=environment, **options))

    # ---- pipes ----

    @staticmethod
    def serve(agent, name, **parameters):
        """A native instance, listening: its number."""
        made = agent.call("create", session=agent.session, name=name, **{"max_instances": 0xFFFFFFFF, **parameters})
        assert made.status == 0, Status(made.status)
        return made["id"]

    def open(self, agent, name, host="."):
        """A Windows client's end, waited for as programs do: its number."""
        path = rf"\\{host}\pipe\{name}"
        for _ in range(driver.PATIENCE * 20):
            made = agent.call("CreateFile", name=path, access=0xC0000000)
            if made.status == 0:
                return made["id"]
            assert made.status in (2, 231), made
            # Not there yet, or busy: the bridge makes it when it has heard of it.
            self.settle()
            driver.select.select([], [], [], 0.05)
        raise driver.AgentFailure(f"{path} cannot be opened: {made}\n{self.bridge.error_output()}")

    def settle(self):
        pids = [program.pid for program in self.programs if program.process.poll() is None]
        if self.bridge is None or self.bridge.process.poll() is not None:
            return
        quiet_with_clock([self.prefix.server, *pids], self.bridge.pid)

    def close(self):
        for program in reversed(self.programs):
            program.kill()
        self.prefix.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def a_meeting(build, **options):
    reason = windows.missing_bridge(build)
    if reason:
        pytest.skip(reason)
    meeting = Meeting(build, **options)
    try:
        yield meeting
    finally:
        meeting.close()
    assert meeting.prefix.processes() == []


@pytest.fixture
def bare_meeting(build):
    """The same without a bridge, which the test starts in its own way."""
    with a_meeting(build) as meeting:
        meeting.start_broker()
        yield meeting


@pytest.fixture
def samba_meeting(build):
    """The same at the broker of a private smbd with the module: `meeting.smbd`."""
    with samba.start_smbd(build) as smbd, a_meeting(build, pipes=smbd.ntpipe_dir) as meeting:
        meeting.smbd = smbd
        yield meeting


@pytest.fixture
def meeting(bare_meeting):
    """With the bridge running."""
    bare_meeting.start_bridge()
    return bare_meeting
