# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_mutations.py: the list of mutations still fits the sources, and that of the explorer's mutants. To see that each one is caught takes
longer: `make mutations`, `tests/explore/mutants.py`."""
import os
import runpy

import pytest
from mutations.mutations import MUTATIONS

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEAST = 45


@pytest.mark.parametrize("number", range(1, len(MUTATIONS) + 1))
def test_mutation_can_be_made(number):
    mutation = MUTATIONS[number - 1]
    with open(os.path.join(ROOT, mutation.file), encoding="utf-8") as file:
        text = file.read()
    assert text.count(mutation.find) == 1, f"in {mutation.file}: {mutation.find}"
    assert text.replace(mutation.find, mutation.replace) != text


def test_mutants_of_the_explorer_can_be_made():
    mutants = runpy.run_path(os.path.join(ROOT, "tests", "explore", "mutants.py"))["MUTANTS"]
    misfits = []
    for name, (file, old, new, _) in mutants.items():
        with open(os.path.join(ROOT, "lib", file), encoding="utf-8") as source:
            if source.read().count(old) != 1 or old == new:
                misfits.append(name)
    assert mutants and not misfits, misfits


def test_mutations_differ():
    assert len({mutation[2:] for mutation in MUTATIONS}) == len(MUTATIONS) >= LEAST
