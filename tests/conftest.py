# SPDX-License-Identifier: LGPL-2.1-or-later
"""conftest.py: what all tests share: where the build is, the list of unit tests, and the collection of results."""
import json
import os
import sys

import pytest

TESTS = os.path.dirname(os.path.abspath(__file__))
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

import unit_programs  # noqa: E402: it is found through the path just set
from conformance import numbered  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--build", default=os.path.join(os.path.dirname(TESTS), "build"), help="the build directory")
    parser.addoption("--results", default=None, help="a file for the outcome of each test, as JSON")


def pytest_configure(config):
    config.stash_build = os.path.abspath(config.getoption("--build"))
    if hasattr(config, "workerinput"):
        config.unit_tests = json.loads(config.workerinput["unit_tests"])
    else:
        config.unit_tests = unit_programs.find(config.stash_build)
        config.pluginmanager.register(Results(config), "ntpipe-results")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    """The controller has asked the unit test programs for their tests; the workers need not."""
    node.workerinput["unit_tests"] = json.dumps(node.config.unit_tests)


def pytest_generate_tests(metafunc):
    if "unit_test" in metafunc.fixturenames:
        tests = metafunc.config.unit_tests
        metafunc.parametrize("unit_test", tests, ids=[f"{variant}-{os.path.basename(program)}-{test}"
                                                      for variant, program, test in tests])


def pytest_itemcollected(item):
    """Tests of numbered cases that stand elsewhere count as such (conformance/numbered.py)."""
    found = numbered.of_item(item)
    if found:
        item.user_properties += zip(("case", "transport"), found)


@pytest.fixture(scope="session")
def build(request):
    """The release build's directory."""
    return request.config.stash_build


class Results:
    """Gathers the outcome of every test in the process that controls the others."""

    def __init__(self, config):
        self.path = config.getoption("--results")
        self.outcomes = {}
        self.collection_errors = 0

    def pytest_runtest_logreport(self, report):
        known = self.outcomes.setdefault(report.nodeid, {"outcome": "passed", "seconds": 0.0})
        known["seconds"] = round(known["seconds"] + report.duration, 3)
        known.update(dict(report.user_properties))
        if report.failed:
            known["outcome"] = "failed"
        elif report.skipped and known["outcome"] == "passed":
            known["outcome"] = "skipped"

    def pytest_collectreport(self, report):
        if report.failed:
            self.collection_errors += 1

    def pytest_sessionfinish(self):
        if self.path:
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump({"outcomes": self.outcomes, "collection_errors": self.collection_errors}, file)
