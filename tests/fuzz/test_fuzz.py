# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_fuzz.py: each fuzz target, from its seeds and for ten seconds. `make fuzz` takes longer."""
import os
import re
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import targets  # noqa: E402: found through the path just set

SECONDS = 10


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", targets.names())
def test_fuzz(build, tmp_path, name):
    if not os.path.exists(targets.program(build, name)):
        pytest.skip("the fuzz targets are not built: make build-fuzz")
    grown = tmp_path / "corpus"
    grown.mkdir()
    options = [f"-max_total_time={SECONDS}", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    run = subprocess.run(targets.command(build, name, [str(grown)], options), capture_output=True, text=True, errors="replace",
                         env=targets.environment(), check=False)  # fmt: skip
    output = run.stdout + run.stderr
    assert run.returncode == 0, output[-8000:]
    executed = re.search(r"number_of_executed_units:\s*(\d+)", output)
    # The seeds at least: a target that does nothing must not count as one that finds nothing.
    assert executed and int(executed[1]) >= len(os.listdir(targets.seeds(name))), output[-8000:]
