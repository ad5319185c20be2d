# SPDX-License-Identifier: GPL-3.0-or-later
"""commands.py: runs one suite of a kind in an environment; what comes back is its stream of results."""
import os
import signal
import subprocess
import sys
from pathlib import Path

from environments import ROOT, alarms, instrumented


def run_limited(command, limit, **options):
    """(output, what went wrong or None). All that the command has started ends with it."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        start_new_session=True, **options,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return output, f"it was not over after {limit} s"
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode < 0:
        return output, f"it was ended by signal {-process.returncode}"
    return output, f"exit status {process.returncode}" if process.returncode else None


class Commands:
    def __init__(self, build, environments, folder):
        self.build, self.environments, self.folder = build, environments, Path(folder)
        self.alarms_before = {}

    def run(self, suite, environment):
        """(stream, what went wrong or None, the environment's smbd or None)."""
        return getattr(self, suite.kind)(suite, environment)

    def known_alarms(self, environment):
        """How many lines smbd had logged before the suite that say that it went wrong."""
        return self.alarms_before[environment]

    def torture(self, suite, environment):
        smbd = self.environments[environment]
        self.alarms_before[environment] = len(alarms(smbd))
        name, target = suite.arguments
        user, password = next(iter(smbd.users.items()))
        target = target.format(host=smbd.host, share=smbd.share)
        command = ["smbtorture", target, "-U", f"{user}%{password}", "-p", str(smbd.port)]
        command += ["--option=client min protocol=NT1", "--format=subunit", name]
        # It leaves files where it runs.
        output, failure = run_limited(command, suite.limit, cwd=smbd.directory)
        return output, failure, smbd

    def pytest(self, suite, environment):
        """Tests of ours start what they need themselves. Their own output is kept beside their results."""
        results = self.folder / f"{suite.name}({environment}).subunit"
        results.unlink(missing_ok=True)
        tests = ROOT / "tests"
        build = instrumented(self.build) if environment == "asan" else self.build
        command = [sys.executable, "-m", "pytest", "-c", str(tests / "pytest.ini"), f"--rootdir={tests}", f"--build={build}"]
        command += ["-p", "subunit_reporter", "-n", str((os.cpu_count() or 1) + 1), "-q", *suite.arguments]
        variables = {
            **os.environ,
            **dict(suite.variables),
            "NTPIPE_SUBUNIT": str(results),
            "PYTHONPATH": str(ROOT / "selftest"),
            "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
        }
        output, failure = run_limited(command, suite.limit, cwd=tests, env=variables)
        results.with_suffix(".output").write_text(output)
        text = results.read_text() if results.exists() else ""
        return text if text or not failure else output, failure, None
