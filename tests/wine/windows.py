# SPDX-License-Identifier: LGPL-2.1-or-later
"""windows.py: drives programs/agent.c, a Windows program that does what a test tells it, in a prefix of its own."""
import os
import shutil

from agent import driver
from wine import headless
from wine.quiet import quiet

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PREPARED = os.path.join(TOP, ".deps", "wine")
TEMPLATE = os.path.join(PREPARED, "prefix")
# Names are UTF-16 in hex, of which no character can be mistaken for a separator.
NAMES = {"name"}
# Calls that block before they can be seen to have begun.
BLOCKING = {"flush", "FlushFileBuffers", "WaitNamedPipe", "CallNamedPipe", "ReadSynchronously", "ListenSynchronously"}


def program(build, name="agent.exe"):
    return os.path.join(str(build), "tests", "wine", name)


def bridge_of(build):
    return os.path.join(str(build), "wine_bridge", "ntpipe-wine.exe.so")


def missing(build):
    """Why no Windows program of ours can run; None if one can."""
    if not headless.is_installed():
        return "Wine is not installed: ./bootstrap --only test"
    if shutil.which("x86_64-w64-mingw32-gcc") is None and not os.access(program(build), os.R_OK):
        return "mingw is not installed: ./bootstrap --only test"
    if not os.access(program(build), os.R_OK):
        return f"{program(build)} is not built"
    if not os.access(TEMPLATE, os.R_OK):
        return "there is no template prefix: ./bootstrap --only test"
    return None


def missing_bridge(build):
    """Why there is no bridge to run; None if there is."""
    reason = missing(build)
    if reason is None and not os.access(bridge_of(build), os.R_OK):
        return f"{bridge_of(build)} is not built: libwine-dev is not installed, or the build was configured without it"
    return reason


class WindowsPrefix(headless.Prefix):
    """A copy of the template prefix, and the programs that tests run in it."""

    def __init__(self, directory, **variables):
        super().__init__(directory, TEMPLATE)
        self.variables = variables
        self._server = None

    def environment(self, **more):
        return super().environment(**self.variables, **more)

    @property
    def server(self):
        """The process of Wine's server. It is there once a program has run."""
        if self._server is None or not is_server(self._server):
            self._server = next((pid for pid in self.processes() if is_server(pid)), None)
        return self._server

    def start(self, *command, **options):
        """Starts a program of Windows, whose end the caller sees to."""
        return driver.Program([os.path.join(headless.WINE, "wine64"), *command], cwd=self.directory, env=self.environment(), **options)


def is_server(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
            return file.read().startswith("wineserver")
    except OSError:
        return False


class WindowsAgent(driver.Agent):
    """programs/agent.c in a prefix. Its operations are those of ntpipe-test-agent that concern ends, and functions of Win32."""

    def __init__(self, build, prefix):
        self.prefix = prefix
        super().__init__(build, command=[os.path.join(headless.WINE, "wine64"), program(build)], cwd=prefix.directory,
                         env=prefix.environment())

    def send(self, op, **fields):
        number = self.next_id
        self.next_id += 1
        shown = "".join(f" {name}={encode(name, value)}" for name, value in fields.items() if value is not None)
        try:
            self._write(f"{number} {op}{shown}\n".encode())
        except BrokenPipeError:
            self.process.wait(driver.PATIENCE)
            self.checked = True
            raise driver.AgentFailure(self.died("to be there")) from None
        return number

    def _write(self, line):
        while line:
            line = line[self.process.stdin.write(line):]

    def start(self, op, **fields):
        number = super().start(op, **fields)
        if op in BLOCKING and self.answers[number].pending:
            quiet([self.pid, self.prefix.server])
        return number

    def call_patiently(self, op, **fields):
        """A call that may be under way longer than one answer is waited for; pytest's time limit ends it."""
        return self.await_patiently(self.start(op, **fields))

    def await_patiently(self, number):
        while self.answers[number].pending:
            try:
                self._take(self._read_line())
            except driver.AgentFailure:
                if self.process.poll() is not None:
                    raise
        return self.answers[number]


def start_agent(build, prefix):
    """An agent that has answered. On a busy machine Wine now and then ends a program, without a word, before it begins."""
    for _ in range(2):
        agent = WindowsAgent(build, prefix)
        try:
            agent.call("pid")
            return agent
        except driver.AgentFailure:
            agent.stop()
    agent = WindowsAgent(build, prefix)
    agent.call("pid")
    return agent


def encode(name, value):
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if name in NAMES:
        return value.encode("utf-16-le").hex()
    raise TypeError(f"a Windows program is not told {name}={value!r}")
