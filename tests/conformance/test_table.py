# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_table.py: holds the cases' tests against the table of what applies where (table.py)."""
import pytest
from conformance import numbered, registry
from conformance.table import COLUMNS, COMING, TABLE
from conformance.transports import TRANSPORTS


def has_test(number, transport):
    """Whether there is a test of the case over the transport."""
    mine = (case for case in registry.load() if case.number == number)
    return any(transport.reason_against(case) is None for case in mine) or (number, transport.name) in numbered.everywhere()


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda transport: transport.name)
def test_each_case_is_tested_where_it_applies(transport):
    missing = [number for number, cells in TABLE.items()
               if cells[transport.column].applies and number not in COMING and not has_test(number, transport)]
    assert missing == []


@pytest.mark.parametrize("transport", TRANSPORTS, ids=lambda transport: transport.name)
def test_no_case_is_tested_where_it_does_not_apply(transport):
    surplus = {number: cells[transport.column].reason for number, cells in TABLE.items()
               if not cells[transport.column].applies and has_test(number, transport)}
    assert surplus == {}


def test_all_numbers_are_of_the_table():
    numbers = {case.number for case in registry.load() if case.is_numbered} | {number for number, _ in numbered.everywhere()}
    assert numbers <= set(TABLE)
    assert {transport for _, transport in numbered.everywhere()} <= {transport.name for transport in TRANSPORTS}


def test_all_transports_are_of_the_table():
    assert {transport.column for transport in TRANSPORTS} <= set(COLUMNS)
