# SPDX-License-Identifier: GPL-3.0-or-later
"""subunit_reporter.py: a plug-in of pytest's that writes each result into a file, in the words of subunit: pytest -p subunit_reporter."""
import os


def pytest_configure(config):
    # With several processes the first one hears of all results.
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(os.environ["NTPIPE_SUBUNIT"]), "ntpipe-subunit")


def one_word(test):
    """Subunit wants names without brackets after blanks, and without line ends."""
    return test.replace(" ", "_").replace("\n", "_")


class Reporter:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8")
        self.open = {}

    def say(self, line):
        self.file.write(line + "\n")
        self.file.flush()

    def pytest_runtest_logreport(self, report):
        """Setting up, the test itself, and tearing down: the worst of the three counts."""
        known = self.open.setdefault(report.nodeid, ["success", ""])
        if report.failed:
            known[:] = "failure", str(report.longrepr)
        elif report.skipped and known[0] == "success":
            known[:] = "skip", report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if report.when == "teardown":
            outcome, text = self.open.pop(report.nodeid)
            self.write(one_word(report.nodeid), outcome, text)

    def write(self, name, outcome, text):
        self.say(f"test: {name}")
        if outcome == "success":
            self.say(f"success: {name}")
            return
        # A line with nothing but a bracket would end the text.
        lines = [" " + line if line == "]" else line for line in text.splitlines()]
        self.say("\n".join([f"{outcome}: {name} [", *lines, "]"]))

    def pytest_collectreport(self, report):
        if report.failed:
            self.write(one_word(f"collecting {report.nodeid}"), "failure", str(report.longrepr))

    def pytest_sessionfinish(self):
        for node in list(self.open):
            self.write(one_word(node), "failure", "it did not end")
        self.file.close()
