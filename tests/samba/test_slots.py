# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_slots.py: the module fits the Samba of each release that it can be built for: versions, prototypes, relocation slots.

That it was compiled says that the prototypes are right; that it loads, that every symbol is there. How smbd's library calls its
own functions is asked of the module and, independently, of readelf.
"""
import os
import re
import subprocess

import pytest
from conftest import MODULE, RELEASES
from private_smbd import SANITIZER_OPTIONS

REPORT = "samba_module/ntpipe-samba-report"
FUNCTION_SLOTS = ("R_X86_64_JUMP_SLOT", "R_X86_64_GLOB_DAT", "R_X86_64_64")


class Release:
    """A Samba, and the module that was built for it."""

    def __init__(self, build, name):
        self.folder, self.root = RELEASES[name].place(build)
        self.libraries = os.path.join(self.root, "usr/lib/x86_64-linux-gnu")

    def run(self, program, *arguments):
        """A program of ours with that release's libraries."""
        loader = os.path.join(self.root, "lib64/ld-linux-x86-64.so.2")
        path = f"{self.libraries}:{self.libraries}/samba"
        command = [loader, "--library-path", path, os.path.join(self.folder, program), *arguments]
        environment = {**os.environ, **SANITIZER_OPTIONS}  # the loader never gives back what it has
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)

    def smbd_base(self):
        folder = os.path.join(self.libraries, "samba")
        return os.path.join(folder, next(name for name in os.listdir(folder) if name.startswith("libsmbd-base-")))


@pytest.fixture(params=list(RELEASES))
def release(build, request):
    return Release(build, request.param)


@pytest.fixture
def report(release):
    """What the module says of itself: (all is well, {what: [text]})."""
    done = release.run(REPORT, "--fit", "--module", os.path.join(release.folder, MODULE))
    assert done.stderr == ""
    said = {}
    for line in done.stdout.splitlines()[:-1]:
        what, _, text = line[2:].partition(" ")
        said.setdefault(line[0] + what, []).append(text.strip())
    return done.returncode == 0, said


def test_the_module_fits(report):
    well, said = report
    assert well and len(said[" redirects"]) >= 14, said
    assert not [what for what in said if what.startswith("!")]


def test_each_redirected_function_has_one_slot(release, report):
    """As readelf sees it: one slot with that symbol, which is defined in the same library, and no addend."""
    command = ["readelf", "--wide", "--relocs", "--dyn-syms", release.smbd_base()]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    slots = re.findall(r"^[0-9a-f]+ +[0-9a-f]+ +(\S+) +[0-9a-f]+ +([^\s@]+)\S* \+ (\S+)$", output, re.MULTILINE)
    defined = set(re.findall(r"FUNC +GLOBAL +DEFAULT +\d+ ([^\s@]+)", output))
    for function in report[1][" redirects"]:
        found = [(kind, addend) for kind, name, addend in slots if name == function]
        assert len(found) == 1 and found[0][0] in FUNCTION_SLOTS and found[0][1] == "0", (function, found)
        assert function in defined, function
