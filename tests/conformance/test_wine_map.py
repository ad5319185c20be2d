# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_wine_map.py: the map of Wine's expectations names only cases that there are, and says something about each of them.
tests/wine/test_wine_pipe_tests.py holds it against a run."""
from collections import Counter

from conformance import wine_map


def test_cases_exist():
    assert not wine_map.unknown_cases(wine_map.present_cases())


def test_each_group_has_a_fate():
    """It is covered, or a reason says why not, or all of it is about objects."""
    open_questions = [f"{program} {function} {group.lines}" for program, function, group in wine_map.groups()
                      if not group.by and not group.why and len(wine_map.numbers(group.objects)) != group.expectations]
    assert not open_questions


def test_no_line_is_in_two_groups():
    for program in wine_map.MAP:
        lines = Counter(line for of, _, group in wine_map.groups() if of == program for line in wine_map.numbers(group.lines))
        assert not [line for line, times in lines.items() if times > 1]


def test_section():
    """Every group has its row, and the sums are those of the groups."""
    text = wine_map.section()
    assert all(f"| {function} | {group.lines} |" in text for _, function, group in wine_map.groups())
    for program in wine_map.MAP:
        expectations = sum(group.expectations for of, _, group in wine_map.groups() if of == program)
        assert wine_map.tally(program, wine_map.present_cases()).total() == expectations
