# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: a private broker for each test of the command line, and the processes that a test starts."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

LIMIT = 60  # seconds; a hang ends here


def wait_until(condition, what):
    """Until the condition is true; what it gives then."""
    end = time.monotonic() + LIMIT
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.01)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def exchange(process, data):
    """What a connected client prints of as much as it is given; its input ends only then, and so must it."""
    writer = threading.Thread(target=lambda: (process.stdin.write(data), process.stdin.flush()), daemon=True)
    writer.start()
    answer = process.stdout.read(len(data))
    writer.join(LIMIT)
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(LIMIT) == 0
    return answer


class Place:
    """A private directory with a broker, and programs that use it."""

    def __init__(self, build):
        self.build = build
        self.directory = tempfile.mkdtemp(prefix="ntpipe-cli-", dir="/tmp")
        self.processes = []
        self.environment = {
            **os.environ,
            "NTPIPE_DIR": os.path.join(self.directory, "b"),
            "NTPIPE_BROKER": os.path.join(build, "broker", "ntpiped"),
        }
        self.tool = os.path.join(build, "tools", "ntpipe")
        self.broker = None

    def path(self, name):
        return os.path.join(self.directory, name)

    # ---- programs ----

    def spawn(self, *command, **options):
        """A process that the test leaves running."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen(command, env=self.environment, cwd=self.directory, **options)
        self.processes.append(process)
        return process

    def start(self, *arguments, **options):
        return self.spawn(self.tool, *arguments, **options)

    def run(self, *arguments, data=b"", program=None):
        """ntpipe with these arguments, to its end."""
        return subprocess.run(
            [program or self.tool, *arguments], input=data, capture_output=True, env=self.environment, cwd=self.directory, timeout=LIMIT, check=False
        )

    def ok(self, *arguments, data=b""):
        """What it has printed; it must succeed and say nothing else."""
        result = self.run(*arguments, data=data)
        assert (result.returncode, result.stderr) == (0, b""), result
        return result.stdout

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def fails(self, status, *arguments, data=b""):
        """What it says on standard error; it must print nothing and end with that exit status."""
        result = self.run(*arguments, data=data)
        assert (result.returncode, result.stdout) == (status, b""), result
        text = result.stderr.decode()
        assert text.startswith("ntpipe: ") and text.count("\n") == 1, text
        return text

    # ---- servers ----

    def start_broker(self):
        self.broker = self.spawn(self.environment["NTPIPE_BROKER"], "--directory", self.environment["NTPIPE_DIR"], stderr=subprocess.DEVNULL)
        socket = os.path.join(self.environment["NTPIPE_DIR"], "broker.sock")
        wait_until(lambda: os.path.exists(socket), "the broker's socket")

    def serve(self, name, *arguments):
        """An ntpipe serve that is ready."""
        return self.ready(self.start("serve", name, *arguments))

    def relay(self, name, address, *arguments):
        return self.ready(self.start("relay", name, address, *arguments))

    @staticmethod
    def ready(process):
        """Its first line on standard error says that it is."""
        line = process.stderr.readline().decode()
        assert line.startswith(("ntpipe: serving ", "ntpipe: listening on ")), line + process.stderr.read().decode()
        process.announced = line.split()[-1]
        return process

    def listing(self, name):
        return next((pipe for pipe in self.json("ls") if pipe["name"] == name), None)

    def settled(self, name, **wanted):
        """Waits until the listing of the pipe says so."""
        return wait_until(lambda: (pipe := self.listing(name)) and all(pipe[key] == value for key, value in wanted.items()) and pipe, f"{name}: {wanted}")

    # ---- ending ----

    @staticmethod
    def end(process, number=signal.SIGTERM):
        """Its exit status after the signal."""
        process.send_signal(number)
        return process.wait(LIMIT)

    def close(self):
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(LIMIT)
            for stream in process.stdin, process.stdout, process.stderr:
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        shutil.rmtree(self.directory, ignore_errors=True)


@pytest.fixture
def bare_place(build):
    """No broker runs yet."""
    place = Place(build)
    yield place
    place.close()


@pytest.fixture
def place(bare_place):
    bare_place.start_broker()
    return bare_place
