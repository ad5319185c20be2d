# SPDX-License-Identifier: LGPL-2.1-or-later
"""registry.py: @case and @rule: how a case says which statement of the semantics it checks, and what it needs."""
import importlib
import pkgutil
from dataclasses import dataclass, field

# What a case may need that not every transport has. A transport that lacks one says why (Transport.lacks).
FEATURES = {
    "native client": "the client end is used by a native program: its rights, its name forms, its modes at the open",
    "two processes": "the ends are in different processes",
    "client listens": "the client end asks for what only a server end may do",
    "security": "the parties query and set security descriptors, take contexts on, and impersonate",
    "control codes": "the ends know all of FSCTL_PIPE_*, also what no message of the protocol stands for",
    "device": "the parties have handles of the device and of the directory of pipes",
    "objects": "a party tells of its handles, events, APCs, completion ports and threads, as Windows programs have them",
    "large counts": "one read or write may have more than 65535 bytes",
    "SMB": "the client end speaks SMB, of any dialect",
    "SMB1": "the client end speaks SMB1",
    "SMB2": "the client end speaks SMB2",
}


@dataclass
class Case:
    """One statement of the semantics as a function of the test context."""

    number: object  # of SEMANTICS section 10, or the section that states it
    source: str
    text: str
    function: object
    kinds: tuple = ()
    mirrored: bool = False
    each: dict = field(default_factory=dict)
    needs: tuple = ()
    ends: str = "both"
    note: str = ""

    @property
    def is_numbered(self):
        return isinstance(self.number, int)

    @property
    def identity(self):
        """What the case is called in test names and tables."""
        if self.is_numbered:
            return f"{self.number:03}"
        return f"{self.number}-{self.function.__name__.replace('_', '-')}"

    def variants(self):
        """(suffix of the name, arguments of the function) of each way to run the case."""
        found = [("", {})]
        if self.kinds:
            found = [(f"{name}-{kind.name}", {**given, "kind": kind}) for name, given in found for kind in self.kinds]
        if self.each:
            found = [(f"{name}-{label}", {**given, **self._given(value)})
                     for name, given in found for label, value in self.each.items()]
        if self.mirrored:
            # Whose end is called `a` in the case: once the server's, once the client's.
            found = [(f"{name}-{side}", {**given, "a_is": side}) for name, given in found for side in ("server", "client")]
        return [(name.lstrip("-"), given) for name, given in found]

    @staticmethod
    def _given(value):
        return value if isinstance(value, dict) else {"given": value}


CASES = []


def _register(number, source, text, **options):
    unknown = set(options.get("needs", ())) - set(FEATURES)
    assert not unknown, f"{number}: nobody knows what {unknown} is"

    def decorate(function):
        CASES.append(Case(number, source, text, function, **options))
        return function

    return decorate


def case(number, source, text, **options):
    """A case of SEMANTICS section 10, by its number and in its words.

    kinds     run it for each of these kinds of pipe; the function gets `kind`
    mirrored  run it once with the server's end as `a` (t.pair) and once with the client's
    each      name -> value, or arguments: run it for each of them
    needs     features that a transport must have
    ends      "server": it has no client end that a transport could bring in its own way
    note      which part of the case belongs elsewhere
    """
    return _register(number, source, text, **options)


def rule(section, name, text, **options):
    """A rule of the semantics that no case of section 10 states. `name` is the rule's place in its section."""
    return _register(section, name, text, **options)


def load():
    """All cases, in order: numbered ones first."""
    if not CASES:
        package = importlib.import_module("conformance.cases")
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"conformance.cases.{module.name}")
        CASES.sort(key=lambda case: (not case.is_numbered, case.number if case.is_numbered else section_key(case.number)))
        names = [case.identity for case in CASES]
        assert len(names) == len(set(names)), f"two cases of one name: {sorted(n for n in names if names.count(n) > 1)}"
    return CASES


def section_key(section):
    return [int(part) for part in section.split(".")]
