# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_answers.py: the table of answers in docs/SAMBA.md: ours are as they must be, and the table says what is answered."""
from pathlib import Path

import pytest
from answers import sides, table

ROWS = table.all_rows()
DOCUMENT = (Path(__file__).parents[2] / "docs/SAMBA.md").read_text()


@pytest.fixture
def ours(smbd, server):
    with sides.Ours(smbd, server) as side:
        yield side


@pytest.mark.parametrize("each", ROWS, ids=lambda row: row.name)
def test_we_answer_as_we_must(ours, each):
    assert each.answer(ours) == each.ours


def in_document(each):
    return table.read_from(DOCUMENT).get((table.title_of(each.dialect), each.section, table.cell(each.operation)))


def test_document_has_the_rows():
    told = {each.name: in_document(each) for each in ROWS}
    expected = {each.name: (table.cell(each.windows), table.cell(each.ours)) for each in ROWS}
    assert {name: answers and answers[1:] for name, answers in told.items()} == expected, "run make docs"
    assert len(table.read_from(DOCUMENT)) == len(ROWS), "run make docs"


@pytest.mark.timeout(300)  # every row in one test
def test_stock_answers_as_the_document_says():
    if table.version_in(DOCUMENT) != sides.samba_version():
        pytest.skip(f"the table is about Samba {table.version_in(DOCUMENT)}, this is {sides.samba_version()}")
    with sides.stock() as side:
        told = {each.name: table.cell(answer) for each, answer in zip(ROWS, sides.ask(side, ROWS).values(), strict=True)}
    assert told == {each.name: in_document(each)[0] for each in ROWS}, "run make docs"
