# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_selftest.py: the short selection of `make selftest`, smbtorture's suites with the module beside stock smbd, and that the
machinery notices what it is there for."""
import os
import subprocess
import sys
from pathlib import Path

import environments
import pytest
import reasons
import stream
import summary
from private_smbd import RELEASE, PrivateSmbd
from smb2client import Smb2Client

ROOT = Path(__file__).resolve().parents[2]
SELFTEST = ROOT / "selftest"

# Each a run of its own, side by side.
PARTS = [r"^rpc\.samba3\.(bind|s)", r"^(?!rpc\.samba3\.(bind|s)|lifetimes)", "^lifetimes"]


# `make selftest DISTRO=...` runs the suites themselves.
on_the_installed = pytest.mark.skipif(RELEASE is not None, reason="what fails is known of the installed Samba only")


def run(build, folder, *arguments):
    command = [sys.executable, str(SELFTEST / "run"), str(build), "--output", str(folder), *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540)


@on_the_installed
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_quick(build, tmp_path, part):
    done = run(build, tmp_path, "--quick", part)
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith(" 0 unexpected"), done.stdout
    if "left out: " in done.stdout:
        pytest.skip(done.stdout[done.stdout.index("left out: ") :].splitlines()[0])


@on_the_installed
@pytest.mark.timeout(600)
def test_failure_that_is_not_known_counts(build, tmp_path):
    done = run(build, tmp_path, "--knownfail=/dev/null", r"^smb2\.compound\(preload")
    assert done.returncode == 1
    assert "failure: smb2.compound(preload).interim2\n" in done.stdout


@pytest.mark.timeout(600)
def test_success_that_is_not_known_counts(build, tmp_path):
    known = tmp_path / "knownfail"
    known.write_text("^smb2.tcon # believed to fail\n")
    done = run(build, tmp_path, f"--knownfail={known}", r"^smb2\.tcon\(preload")
    assert done.returncode == 1
    assert "uxsuccess: smb2.tcon(preload).tcon\n" in done.stdout


def test_what_is_worse_than_on_stock():
    stock = {"passes": "success", "fails": "xfail", "is gone": "success", "is skipped": "success", "is expected to fail": "success"}
    ours = {"passes": "success", "fails": "success", "is skipped": "skip", "is expected to fail": "xfail", "is new": "failure"}
    assert summary.worse_than(stock, ours) == ["is gone", "is skipped", "is expected to fail"]


@pytest.mark.parametrize("list_", ["knownfail", "knownfail.bookworm", "knownfail.trixie", "skip"])
def test_each_line_has_a_reason(list_):
    lines = [line for line in (SELFTEST / list_).read_text().splitlines() if line and not line.startswith("#")]
    assert len(list(reasons.read(SELFTEST / list_))) == len(lines)


def test_results_are_read_from_a_stream():
    lines = ["test: a\n", "failure: a [\n", "success: not a result\n", "]\n", "noise\n", "test: b\n", "successful: b\n"]
    assert list(stream.results(lines)) == [("a", "failure", "success: not a result\n"), ("b", "success", "")]


TESTS_OF_ALL_KINDS = """
import pytest
def test_good(): pass
def test_bad(): assert "one\\n]\\ntwo" == ""
def test_skipped(): pytest.skip("for a reason")
@pytest.fixture
def lasting():
    yield
    assert False, "too late"
def test_bad_at_the_end(lasting): pass
"""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("processes", [[], ["-n2"]], ids=["one", "several"])
def test_results_of_pytest_become_a_stream(tmp_path, processes):
    (tmp_path / "test_kinds.py").write_text(TESTS_OF_ALL_KINDS)
    environment = {**os.environ, "NTPIPE_SUBUNIT": str(tmp_path / "stream"), "PYTHONPATH": str(SELFTEST)}
    command = [sys.executable, "-m", "pytest", "-p", "subunit_reporter", "-p", "no:cacheprovider", *processes, "test_kinds.py"]
    subprocess.run(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, timeout=540)
    with open(tmp_path / "stream") as file:
        found = {name.split("::")[1]: (outcome, text) for name, outcome, text in stream.results(file)}
    assert {name: outcome for name, (outcome, _) in found.items()} == {
        "test_good": "success", "test_bad": "failure", "test_skipped": "skip", "test_bad_at_the_end": "failure"}  # fmt: skip
    assert "too late" in found["test_bad_at_the_end"][1]
    assert "for a reason" in found["test_skipped"][1]


OVERFLOWING_MODULE = """
#include <stdlib.h>
unsigned samba_init_module(void *context)
{
    volatile char *place = malloc(4);
    volatile int behind = 4;
    place[behind] = 1;
    return context == NULL;
}
"""


@pytest.mark.timeout(600)
def test_what_a_sanitizer_finds_in_smbd_is_noticed(tmp_path):
    """The environment asan rests on this: the module is instrumented, smbd is not."""
    source, module = tmp_path / "overflowing.c", tmp_path / "overflowing.so"
    source.write_text(OVERFLOWING_MODULE)
    subprocess.run(["gcc", "-shared", "-fPIC", "-fsanitize=address,undefined", "-o", module, source], check=True)
    with PrivateSmbd(module=module) as smbd:
        with pytest.raises(ConnectionError):
            Smb2Client(smbd.port, *next(iter(smbd.users.items())))
        assert any("heap-buffer-overflow" in line for line in environments.alarms(smbd))
