# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ends that look for an answer before they sleep: they hear what those hear that sleep at once, and they do sleep (ntpipe_session_set_spin)."""
import os
import select
import signal
import subprocess

import pytest
from agent import driver

LONG = 20000  # microseconds; nobody who spins so long has to sleep between a question and its answer
SHORT = 1


class Spinner(driver.Program):
    """One side of tests/programs/spinning.cc."""

    def __init__(self, place, microseconds, role):
        super().__init__([os.path.join(place.programs, "tests/spinning"), place.directory, str(microseconds), role, "pipe"],
                         env=driver.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        place.running.append(self)

    def line(self):
        return self.process.stdout.readline().strip()

    def ask(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self.line()


def await_sleep(process):
    """Returns when the process waits in the kernel, as nobody does who spins."""
    for _ in range(driver.PATIENCE * 100):
        with open(f"/proc/{process.pid}/stat", encoding="utf-8") as file:
            if file.read().rpartition(")")[2].split()[0] == "S":
                return
        select.select([], [], [], 0.01)
    raise AssertionError("it does not sleep")


@pytest.fixture
def pair(place):
    place.broker()

    started = []

    def start(server, client):
        started.append(Spinner(place, server, "serve"))
        assert started[0].line() == "ready"
        started.append(Spinner(place, client, "ask"))
        return started

    yield start
    for spinner in started:
        spinner.kill()


@pytest.mark.parametrize("server, client", [(LONG, LONG), (LONG, 0), (0, LONG), (SHORT, SHORT), (0, 0)])
def test_each_question_has_its_answer(pair, server, client):
    _, asking = pair(server, client)
    assert asking.ask(2000) == "2000 right"


def test_who_spins_sleeps_when_nothing_comes(pair):
    """A process that waits in the kernel and for nothing else, in spite of having spun, and yet is woken by the next question."""
    serving, asking = pair(LONG, LONG)
    assert asking.ask(1) == "1 right"
    for _ in range(3):
        await_sleep(serving)
        assert asking.ask(1) == "1 right"


def test_who_spins_sees_a_death(pair):
    serving, asking = pair(LONG, LONG)
    assert asking.ask(1) == "1 right"
    os.kill(serving.process.pid, signal.SIGSTOP)
    asking.process.stdin.write("1\n")
    asking.process.stdin.flush()
    await_sleep(asking)
    os.kill(serving.process.pid, signal.SIGKILL)
    assert asking.line() == "the other end is closed and everything is read"


def test_a_session_that_is_used_in_turns(place):
    """Within a turn the descriptor is quiet and answers are looked for; what is left it tells (ntpipe_session_begin_turn)."""
    place.broker()
    server = Spinner(place, 0, "serve")
    assert server.line() == "ready"
    asking = driver.Program([os.path.join(place.programs, "tests/turns"), place.directory, "pipe", "600"], env=driver.environment(),
                            stdout=subprocess.PIPE, text=True)
    place.running.append(asking)
    assert asking.process.stdout.readline().strip() == "600 right"
    asking.wait()
    server.kill()
