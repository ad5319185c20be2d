# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine_transact.py: TransactNamedPipe() of 64 bytes by a Windows program under Wine: to a native server through the bridge, beside a
server that is another Windows program of the same prefix. Rounds of the one and of the other take turns."""
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from agent import driver  # noqa: E402: found through the path just set
from wine import windows  # noqa: E402
from wine.bridge import Bridge  # noqa: E402

SIZE = 64
OURS, PEER = "bench-native", "bench-windows"


def missing(build):
    """Why it cannot run; None if it can."""
    return windows.missing_bridge(build)


def opened(client, name):
    """A Windows client's end."""
    for _ in range(driver.PATIENCE * 50):
        answer = client.call("OpenBlocking", name=rf"\\.\pipe\{name}")
        if answer.status == 0:
            return answer["id"]
        assert answer.status in (2, 231), answer  # not there yet: the bridge is another process
        time.sleep(0.02)
    raise AssertionError(f"{name}: {answer}")


def microseconds(client, end, count):
    """Of one call, over that many."""
    answer = client.call_patiently("Measure", end=end, count=count, length=SIZE)
    assert answer.status == 0, answer
    return answer["nanoseconds"] / 1000 / count


def measure(build, rounds, calls):
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="ntpipe-", ignore_cleanup_errors=True))
        pipes = os.path.join(directory, "broker")
        prefix = stack.enter_context(windows.WindowsPrefix(directory))

        def keep(program):
            stack.callback(program.kill)
            return program

        keep(driver.Broker(build, pipes))
        keep(driver.Program([build / "bench/pipe_echo", OURS], env=driver.environment(NTPIPE_DIR=pipes), stdout=subprocess.DEVNULL))
        keep(Bridge(build, prefix, pipes))
        server, client = (keep(windows.start_agent(build, prefix)) for _ in range(2))
        server.start("Echo", name=rf"\\.\pipe\{PEER}")
        ends = {"ours": opened(client, OURS), "peer": opened(client, PEER)}
        for end in ends.values():
            microseconds(client, end, 10)
        return [{side: microseconds(client, end, calls) for side, end in ends.items()} for _ in range(rounds)]
