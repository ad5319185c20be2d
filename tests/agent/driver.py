# SPDX-License-Identifier: LGPL-2.1-or-later
"""driver.py: drives ntpipe-test-agent from a test. What the agent can do stands at the top of tests/agent/main.cc."""
import atexit
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile

# A sanitizer that finds something ends the program, so that the test that drives it fails.
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1:detect_stack_use_after_return=1:check_initialization_order=1",
    "LSAN_OPTIONS": "report_objects=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:abort_on_error=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:second_deadlock_stack=1",
}

# How long an answer may take. Nothing is ever measured against it: it only turns a hang into a readable failure.
PATIENCE = 30


class AgentFailure(AssertionError):
    """The agent itself went wrong: it died, it found a fault in itself, or it did not understand."""


def environment(**more):
    """The environment of the programs under test: nothing of the user's reaches them."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return {**kept, **SANITIZERS, **more}


def instrumented(build):
    """Whether the programs in this build directory carry the address sanitizer."""
    return os.path.basename(os.path.normpath(str(build))) == "asan"


def await_end_of(pid):
    """Returns when a process that is not ours to wait for has ended."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([process], [], [], PATIENCE)[0]:
            raise AgentFailure(f"process {pid} does not end")
    finally:
        os.close(process)


def is_open_to_all(path):
    """Whether every user may go to a file."""
    folders = os.path.abspath(path).split("/")[1:-1]
    return all(os.stat("/" + "/".join(folders[:count])).st_mode & 0o001 for count in range(len(folders) + 1))


@functools.lru_cache
def for_other_users(build):
    """A build directory whose programs every user may run: a checkout below /root, say, is closed to others."""
    build = str(build)
    if is_open_to_all(os.path.join(build, "broker/ntpiped")):
        return build
    copy = tempfile.mkdtemp(prefix="ntpipe-build-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    os.chmod(copy, 0o755)
    for name in ("broker/ntpiped", "tests/ntpipe-test-agent", "lib/libntpipe.so.0"):
        os.makedirs(os.path.join(copy, os.path.dirname(name)), 0o755, exist_ok=True)
        shutil.copy(os.path.join(build, name), os.path.join(copy, name))
    return copy


class Program:
    """A program under test with its standard error in a file. Whoever starts it must end it, and its exit status counts."""

    def __init__(self, arguments, **options):
        self.arguments = [str(argument) for argument in arguments]
        self.errors = tempfile.TemporaryFile()
        options.setdefault("env", environment())
        self.process = subprocess.Popen(self.arguments, stderr=self.errors, close_fds=True, **options)
        self.checked = False

    @property
    def pid(self):
        return self.process.pid

    def error_output(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def died(self, expected):
        """A text that says how the program has ended, other than expected."""
        status = self.process.returncode
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return f"{self.arguments[0]} {how}, expected was {expected}\n{self.error_output()}"

    def wait(self, expected=0):
        """Waits for its end; expected: the exit status, negative for a signal."""
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AgentFailure(f"{self.arguments[0]} did not end\n{self.error_output()}") from None
        self.checked = True
        if self.process.returncode != expected:
            raise AgentFailure(self.died(expected))
        if "Sanitizer" in self.error_output():
            raise AgentFailure(f"{self.arguments[0]}: a sanitizer reports\n{self.error_output()}")

    def kill(self):
        """Ends it hard, without asking how it went: for clean-up after a failure and for tests of sudden death."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.checked = True

    def terminate(self, expected=0):
        """Asks it to end, as an administrator does, and checks how it did."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait(expected)


class Broker(Program):
    """A private ntpiped in the foreground."""

    def __init__(self, build, directory, *options, **popen):
        self.directory = str(directory)
        build = for_other_users(build) if "user" in popen else build
        super().__init__([os.path.join(str(build), "broker/ntpiped"), "--directory", directory, *options],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **popen)
        self.await_socket()

    def await_socket(self):
        """Returns when the broker listens: it says so, as to a service manager, after it has made its socket."""
        path = os.path.join(self.directory, "broker.sock")
        for _ in range(PATIENCE * 100):
            if os.path.exists(path) and "serving in" in self.error_output():
                return
            if self.process.poll() is not None:
                break
            select.select([], [], [], 0.01)
        failure = AgentFailure(f"the broker does not come up in {self.directory}\n{self.error_output()}")
        self.kill()
        raise failure


class Answer(dict):
    """The last answer to a request: the fields of the agent's JSON, and what they say most often."""

    @property
    def pending(self):
        return "status" not in self

    @property
    def status(self):
        return self["status"]

    def bytes(self, field="data"):
        return bytes.fromhex(self[field])


class Agent(Program):
    """A native program on libntpipe. Requests are started with start(); a result that is there can be had with answer()."""

    def __init__(self, build, loop="tevent", command=None, **popen):
        """`command`: another program that speaks the agent's language."""
        self.next_id = 1
        self.answers = {}
        self.events = []
        self.buffer = b""
        build = for_other_users(build) if "user" in popen else build
        super().__init__(command or [os.path.join(str(build), "tests/ntpipe-test-agent"), f"--loop={loop}"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, **popen)

    # ---- lines ----

    def _read_line(self):
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            if not ready:
                raise AgentFailure(f"the agent does not answer\n{self.error_output()}")
            received = os.read(self.process.stdout.fileno(), 1 << 20)
            if not received:
                self.process.wait(PATIENCE)
                self.checked = True
                raise AgentFailure(self.died("an answer"))
            self.buffer += received
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def _take(self, line):
        if "watch" in line or "gateway" in line:
            self.events.append(line)
            return None
        if "error" in line:
            raise AgentFailure(f"the agent does not understand: {line['error']}")
        self.answers[line["id"]] = Answer(line)
        return line["id"]

    def send(self, op, **fields):
        """Sends a request and returns its number; the answer comes some time."""
        number = self.next_id
        self.next_id += 1
        line = {"id": number, "op": op, **{name: encode(value) for name, value in fields.items() if value is not None}}
        try:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
        except BrokenPipeError:
            self.process.wait(PATIENCE)
            self.checked = True
            raise AgentFailure(self.died("to be there")) from None
        return number

    def receive(self, number):
        """Waits for the next answer to a request: the first one, or after "pending" the last one."""
        while self._take(self._read_line()) != number:
            pass
        return self.answers[number]

    # ---- requests ----

    def start(self, op, **fields):
        """Starts an operation and returns its number: answer(number) says whether it is over."""
        number = self.send(op, **fields)
        self.receive(number)
        return number

    def answer(self, number):
        return self.answers[number]

    def call(self, op, **fields):
        """Does an operation and waits until it is over."""
        return self.await_answer(self.start(op, **fields))

    def await_answer(self, number):
        while self.answers[number].pending:
            self._take(self._read_line())
        return self.answers[number]

    def await_event(self, event, **fields):
        """The next event of that kind and with these fields; it is taken out, those before it stay."""
        seen = 0
        while True:
            for place in range(seen, len(self.events)):
                line = self.events[place]
                if line["event"] == event and all(line.get(name) == value for name, value in fields.items()):
                    return self.events.pop(place)
            seen = len(self.events)
            self._take(self._read_line())

    def settle(self):
        """One round of settling; returns what happened in it. See tests/conformance/settle.py."""
        return self.call("settle")["progress"]

    # ---- its end ----

    def finish(self):
        """Lets it clean up and leave, and checks that it could."""
        if self.process.poll() is None:
            self.call("exit")
        self.process.stdin.close()
        self.wait()
        self.process.stdout.close()

    def stop(self):
        """Kills it, whatever it is doing."""
        self.kill()
        self.process.stdin.close()
        self.process.stdout.close()


def encode(value):
    return value.hex() if isinstance(value, (bytes, bytearray)) else value
