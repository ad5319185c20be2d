# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_walk.py: the walk through every pipe call (scenarios.py), by Windows programs among themselves, by native ones, and through the
bridge. What each half has written down is compared with what the same half of an oracle has, line by line (differences.py).

The comparison is left in BUILD/tests/wine/walk-*.txt, which `make test-wine` prints.
"""
import fcntl
import itertools
import json
import os

import pytest
from wine import windows
from wine.differences import COMPARISONS, DIFFERENCES
from wine.walk import walk

MISSING = {"native": windows.missing, "client": windows.missing_bridge, "server": windows.missing_bridge}


@pytest.fixture
def transcripts(build, tmp_path_factory):
    """A function that gives the transcripts of a way, which is gone once in a run of all tests, whoever asks."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent

    def of(way):
        path = shared / f"walk-{way}.json"
        with open(shared / f"walk-{way}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                gone = walk(build, way)
                path.write_text(json.dumps(gone), encoding="utf-8")
        return json.loads(path.read_text(encoding="utf-8"))

    return of


class Comparison:
    """What came of comparing the two transcripts of one half."""

    def __init__(self, way, half, oracle):
        self.way, self.half, self.oracle = way, half, oracle
        self.lines = 0
        self.unknown = []  # texts of differences that have no reason
        self.known = []  # (text, reason)
        self.met = set()  # of DIFFERENCES

    def compare(self, scenario, expected, came):
        for oracle, other in itertools.zip_longest(expected, came, fillvalue="(nothing)"):
            self.lines += 1
            if oracle == other:
                continue
            text = f"{scenario}\n    {self.oracle + ':':8} {oracle}\n    {self.way + ':':8} {other}"
            found = [entry for entry in DIFFERENCES if entry.covers(self.way, self.half, scenario, oracle, other)]
            self.met.update(found)
            if found:
                self.known.append((text, found[0].reason))
            else:
                self.unknown.append(text)

    def report(self):
        head = (f"{self.half} of the way '{self.way}' against '{self.oracle}': {self.lines} lines, "
                f"{len(self.known)} known differences, {len(self.unknown)} unknown\n")
        reasons = {}
        for text, reason in self.known:
            reasons.setdefault(reason, []).append(text)
        parts = [f"  {len(texts)} because {reason}\n" + "".join(f"   {text}\n" for text in texts) for reason, texts in reasons.items()]
        return head + "".join(parts) + "".join(f"   UNKNOWN {text}\n" for text in self.unknown)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", COMPARISONS)
def test_walk(build, transcripts, way):
    reason = MISSING[way](build)
    if reason:
        pytest.skip(reason)
    comparisons = []
    for gone, half, oracle in COMPARISONS[way]:
        comparison = Comparison(gone, half, oracle)
        expected, came = transcripts(oracle), transcripts(gone)
        assert list(expected) == list(came)
        for scenario, lines in expected.items():
            comparison.compare(scenario, lines[half], came[scenario][half])
        comparisons.append(comparison)
    report = "".join(comparison.report() for comparison in comparisons)
    with open(os.path.join(build, "tests", "wine", f"walk-{way}.txt"), "w", encoding="utf-8") as file:
        file.write(report)
    unknown = sum(len(comparison.unknown) for comparison in comparisons)
    met = set().union(*(comparison.met for comparison in comparisons))
    idle = [entry for entry in DIFFERENCES if entry.way == way and entry not in met]
    assert not unknown, report
    assert not idle, f"no longer different: {idle}"
    assert sum(comparison.lines for comparison in comparisons) > 1000
