# SPDX-License-Identifier: LGPL-2.1-or-later
"""results.py: what a run of Wine's tests has printed, line by line of their source, and by the functions there."""
import re
from collections import Counter
from dataclasses import dataclass, field

# With WINETEST_REPORT_SUCCESS=1 there is one such line for each expectation that was checked.
CHECKED = re.compile(r"pipe\.c:(\d+): Test (succeeded inside todo block|succeeded|marked todo|failed)")
SUMMARY = re.compile(r"[0-9a-f]+:pipe: (\d+) tests executed \((\d+) marked as todo, (?:(\d+) as flaky, )?(\d+) failures?\), "
                     r"(\d+) skipped\.")
HEAD = re.compile(r"[A-Za-z_].*?\b(\w+)\(")


@dataclass
class Summary:
    """What a process says at its end."""

    tests: int
    todos: int
    flaky: int
    failures: int
    skipped: int


@dataclass
class Results:
    """How often the expectation in each line of the source was checked, by how that came out."""

    succeeded: Counter = field(default_factory=Counter)
    todo: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)  # what was printed about failures, and about todos that are none
    summaries: list = field(default_factory=list)  # of the processes that ended by themselves, the main one last

    @property
    def lines(self):
        return sorted(self.succeeded | self.todo)


def read(path):
    """The results in that file."""
    found = Results()
    with open(path, encoding="utf-8", errors="replace") as file:
        for text in file:
            for line, outcome in CHECKED.findall(text):
                {"succeeded": found.succeeded, "marked todo": found.todo}.get(outcome, Counter())[int(line)] += 1
                if outcome in ("failed", "succeeded inside todo block"):
                    found.wrong.append(text.strip())
            summary = SUMMARY.search(text)
            if summary:
                found.summaries.append(Summary(*(int(number or 0) for number in summary.groups())))
    return found


class Source:
    """Where the functions of a C source are."""

    def __init__(self, path):
        self.functions = {}  # line -> name
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        head = name = None
        for number, text in enumerate(lines, 1):
            if text == "{" and head:
                name = head
            elif name is None and HEAD.match(text):
                head = HEAD.match(text)[1]
            if name is not None:
                self.functions[number] = name
            if text == "}":
                head = name = None

    def function(self, line):
        return self.functions[line]

    def by_function(self, counts):
        """The counts of the lines, summed up: function -> count."""
        found = Counter()
        for line, count in counts.items():
            found[self.function(line)] += count
        return found
