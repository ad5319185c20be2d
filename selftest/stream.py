# SPDX-License-Identifier: GPL-3.0-or-later
"""stream.py: the stream of results on its way from the suites through Samba's own filters, and what is read from it.

Samba's selftest/filter-subunit names a suite's tests and knows those that are expected to fail; selftest/format-subunit shows what
happened, and its exit status says whether all of it was expected. Both come from the source of the Samba that is installed.
"""
import os
import re
import subprocess
import sys
import threading

RESULT = re.compile(r"(success|successful|failure|error|skip|xfail|uxsuccess): (.*?)( \[)?\n")


def tool(samba_source, name, *arguments):
    return [sys.executable, os.path.join(samba_source, "selftest", name), *arguments]


def environment():
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def prefixed(samba_source, text, prefix):
    """A suite's own stream with the names of its tests made unique. One without any result is an error."""
    command = tool(samba_source, "filter-subunit", f"--prefix={prefix}", "--fail-on-empty", "--strip-passed-output")
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, errors="replace", env=environment())
    return done.stdout, done.returncode


def results(lines):
    """Each (test, outcome, what was said about it) of a stream."""
    result = None
    for line in lines:
        if result and line != "]\n":
            result[2].append(line)
        elif result:
            yield result[0], result[1], "".join(result[2])
            result = None
        elif match := RESULT.fullmatch(line):
            outcome, name, has_reason = match.groups()
            outcome = "success" if outcome == "successful" else outcome
            if has_reason:
                result = name, outcome, []
            else:
                yield name, outcome, ""


class Stream:
    """Open until close(), which returns whether all was expected. `outcomes`: {test: outcome}, `texts`: {test: what
    was said about it}, both after the filters."""

    def __init__(self, samba_source, knownfail, folder, show):
        self.outcomes, self.texts = {}, {}
        self.copy = open(os.path.join(folder, "subunit"), "w", encoding="utf-8")
        pipes = {"stdin": subprocess.PIPE, "text": True, "errors": "replace", "env": environment()}
        known = [f"--expected-failures={path}" for path in knownfail]
        self.filter = subprocess.Popen(
            tool(samba_source, "filter-subunit", *known, "--strip-passed-output"), stdout=subprocess.PIPE, **pipes
        )
        self.formatter = subprocess.Popen(tool(samba_source, "format-subunit", f"--prefix={folder}"), stdout=show, **pipes)
        self.reader = threading.Thread(target=self.hand_on)
        self.reader.start()

    def hand_on(self):
        for name, outcome, text in results(self.copied()):
            self.outcomes[name], self.texts[name] = outcome, text

    def copied(self):
        for line in self.filter.stdout:
            self.copy.write(line)
            self.formatter.stdin.write(line)
            self.formatter.stdin.flush()
            yield line

    def write(self, text):
        self.filter.stdin.write(text)
        self.filter.stdin.flush()

    def close(self):
        self.filter.stdin.close()
        self.reader.join()
        self.formatter.stdin.close()
        self.copy.close()
        self.filter.wait()
        return self.formatter.wait() == 0
