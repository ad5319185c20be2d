# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_conformance.py: runs every case over every transport that can express it."""
import os

import pytest
from conformance import registry
from conformance.steps import Context, Violation
from conformance.transports import TRANSPORTS


def runs(build):
    """Each case in each variant over each transport that is there, in the order of the transports: few processes are started."""
    for transport in TRANSPORTS:
        if transport.missing(build):
            continue
        for case in registry.load():
            if transport.reason_against(case) is None:
                for suffix, arguments in transport.variants(case):
                    name = f"{transport.name}-{case.identity}{f'[{suffix}]' if suffix else ''}"
                    yield pytest.param(transport, case, arguments, id=name)


def known_differences(build):
    """Each case over each transport where it comes out otherwise, with the variants of which one at least does. They take long: an
    own target runs them."""
    for transport in TRANSPORTS:
        if not transport.missing(build):
            for case in registry.load():
                if transport.differs(case) and transport.lacks_nothing_for(case):
                    yield pytest.param(transport, case, case.variants(), id=f"{transport.name}-{case.identity}")
                for suffix, arguments in (transport.differs_in_part(case) or (None, []))[1]:
                    yield pytest.param(transport, case, [(suffix, arguments)], id=f"{transport.name}-{case.identity}[{suffix}]")


def pytest_generate_tests(metafunc):
    if metafunc.function is test_case:
        metafunc.parametrize(("transport", "case", "arguments"), list(runs(metafunc.config.stash_build)))
    elif metafunc.function.__name__ == "test_known_difference":
        metafunc.parametrize(("transport", "case", "variants"), list(known_differences(metafunc.config.stash_build)))
    elif metafunc.function is test_transport_is_there:
        metafunc.parametrize("transport", TRANSPORTS, ids=[transport.name for transport in TRANSPORTS])


def test_transport_is_there(transport, build):
    """Says of each transport that cannot run why, once for all its cases."""
    if transport.missing(build):
        pytest.skip(f"the transport {transport.name}: {transport.missing(build)}")


class Environments:
    """One environment of each transport, made when it is first needed, made anew after a failure."""

    def __init__(self, build):
        self.build = build
        self.open = {}

    def of(self, transport):
        if transport.name not in self.open:
            self.open[transport.name] = transport.open(self.build)
        return self.open[transport.name]

    def discard(self, transport):
        self.open.pop(transport.name).discard()

    def close(self):
        failure = None
        for environment in self.open.values():
            try:
                environment.close()
            except Exception as error:  # the others must go, too
                environment.discard()
                failure = error
        if failure is not None:
            raise failure


@pytest.fixture(scope="session")
def environments(build):
    made = Environments(build)
    yield made
    made.close()


def describe(case, suffix, context, what):
    title = f"case {case.number}" if case.is_numbered else f"SEMANTICS {case.number}"
    notes = "".join(f"\n    {note}" for note in context.notes)
    return f"{what}\n{title} [{case.source}] {suffix}\n  {case.text}\nwhat happened:{notes}"


def test_case(environments, record_property, transport, case, arguments, request):
    record_property("case", case.identity)
    record_property("transport", transport.name)
    environment = environments.of(transport)
    given = dict(arguments)
    context = Context(environment, given.pop("a_is", "server"))
    failure = None
    try:
        environment.begin()
        case.function(context, **given)
        context.finish()
        environment.end()
    except Violation as violation:
        failure = describe(case, request.node.name, context, str(violation))
    except AssertionError as error:
        failure = describe(case, request.node.name, context, f"{type(error).__name__}: {error}")
    except BaseException:
        environments.discard(transport)
        raise
    if failure is not None:
        environments.discard(transport)
        pytest.fail(failure, pytrace=False)


if os.environ.get("NTPIPE_WINE_ALL"):

    def test_known_difference(environments, transport, case, variants):
        """In one variant at least it differs, or it is to be run as others are."""
        for _, arguments in variants:
            environment = environments.of(transport)
            given = dict(arguments)
            context = Context(environment, given.pop("a_is", "server"))
            try:
                environment.begin()
                case.function(context, **given)
                context.finish()
                environment.end()
            except (AssertionError, TypeError):
                environments.discard(transport)
                return
        pytest.fail(f"case {case.identity} no longer differs: {transport.differs(case) or transport.differs_in_part(case)[0]}")
