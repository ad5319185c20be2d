# SPDX-License-Identifier: GPL-3.0-or-later
"""test_kill.py: whoever is killed or stopped, nothing is lost, doubled or changed, all is back, and nothing is left behind.

NTPIPE_KILL_SECONDS: it runs so long, with the bridge and Windows programs (`make kill`). NTPIPE_KILL_SEED: the same strikes again; what
they meet depends on more than the seed, so that a failure need not come again with it. NTPIPE_KILL_SOAK: the soak runs instead, with as
many kills and opens as so many hours of that have (`make kill SOAK=1`). NTPIPE_KILL_WITHOUT_WINE: without Wine, whose programs take most
of the time to start.
"""
import os
import time

import pytest
from agent import driver
from kill.crowd import SPARE_KIB, Crowd
from kill.storm import Storm, interruptible

SECONDS = float(os.environ.get("NTPIPE_KILL_SECONDS", "0") or 0)
SECONDS_ALWAYS = 20
SECONDS_INTERRUPTED = 8
SOAK = float(os.environ.get("NTPIPE_KILL_SOAK", "0") or 0)
# What ten minutes on two processors with much else to do had, six times.
KILLS_OF_AN_HOUR, OPENS_OF_AN_HOUR = 1700, 350_000


@pytest.fixture
def seed(monkeypatch):
    monkeypatch.setattr(driver, "PATIENCE", 60)
    chosen = int(os.environ.get("NTPIPE_KILL_SEED", time.time_ns() % 10**9))
    print(f"seed {chosen}")
    return chosen


def conclude(crowd, before):
    """Nothing is left behind, and nothing was wrong."""
    after = crowd.settled(before)
    print(crowd.report(before, after))
    grown = {name: (before[0][name][2], kib) for name, (_, _, kib) in after[0].items() if kib > before[0][name][2] + SPARE_KIB}
    assert not grown, grown
    crowd.finish()
    assert not crowd.faults(), "\n".join(crowd.faults())


@pytest.mark.skipif(SOAK != 0, reason="the soak was asked for")
@pytest.mark.timeout(600 + 10 * SECONDS)
def test_whoever_is_killed_nothing_is_lost(build, seed):
    with Crowd(build, seed, with_windows=SECONDS != 0) as crowd:
        before = crowd.idle()
        crowd.measure_probes(10)
        crowd.work(SECONDS or SECONDS_ALWAYS)
        conclude(crowd, before)
        counts = crowd.native.counts()["native clients"]
        assert counts["flushed"] > 0 and counts["messages"] > counts["flushed"]
        assert crowd.strikes


@pytest.mark.skipif(SOAK != 0, reason="the soak was asked for")
@pytest.mark.timeout(600 + 10 * SECONDS)
def test_whoever_is_interrupted_nothing_is_lost(build, seed, monkeypatch):
    """Signals break off the system calls of everybody, several hundred times a second. Nothing breaks, and nobody need try again."""
    interruptible(build, monkeypatch, driver.SANITIZERS)
    with Crowd(build, seed, with_windows=False) as crowd:
        before = crowd.idle()
        with Storm() as storm:
            crowd.work(min(SECONDS or SECONDS_INTERRUPTED, 60), strikes=False)
        print(f"signals: {dict(storm.sent)}")
        conclude(crowd, before)
        counts = crowd.native.counts()["native clients"]
        assert counts["messages"] > 0 and counts["broken"] == 0, counts
        expected = {"ntpiped", "checked_echo", "kill_client"} | ({"smbd", "ntpipe-samba"} if len(crowd.parts) > 1 else set())
        assert all(storm.sent[name] > 0 for name in expected), storm.sent


@pytest.mark.skipif(SOAK == 0, reason="runs on demand: make kill SOAK=1")
@pytest.mark.timeout(36000 * max(1, SOAK))
def test_as_often_as_in_an_hour(build, seed):
    with Crowd(build, seed, with_windows=not os.environ.get("NTPIPE_KILL_WITHOUT_WINE"), brief=True) as crowd:
        before = crowd.idle()
        crowd.hurry(SOAK * KILLS_OF_AN_HOUR, SOAK * OPENS_OF_AN_HOUR)
        conclude(crowd, before)
