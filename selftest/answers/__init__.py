# SPDX-License-Identifier: GPL-3.0-or-later
"""
answers: what smbd answers to requests on pipes: stock, with our module, and what Windows' documents say. The table of docs/SAMBA.md.

    table.py       what a row is; the table
    rows_*.py      the rows, one file for each dialect: every file of that name is part of the table
    sides.py       the two smbds that are asked, and the pipes that they serve
    npa.py         a program that serves a pipe to stock smbd
    run            asks, and prints or writes the table

How to add a row: a function in one of the rows_*.py, which sends raw requests to `side` and returns what came back in a few words:

    @row("8.2", "READ of 4 bytes of a message of 10, and again", windows="BUFFER_OVERFLOW 4, SUCCESS 6 ([MS-SMB2] 3.3.4.4)",
         ours="BUFFER_OVERFLOW 4, SUCCESS 6")
    def read_part_of_message(side):
        client, file_id, pipe = side.join()
        pipe.write(b"0123456789")
        return ", ".join(f"{answer.status.name} {len(answer.data)}" for answer in (client.read(file_id, 4), client.read(file_id, 10)))

The same function runs on both sides. Whatever stock smbd cannot be given (another quota, a second instance) it says itself:
`side.join(quota=10)` raises CannotServe there, and the table has a dash. tests/samba/test_answers.py runs the rows; `make docs` writes
the table. A new dialect: a new file rows_NAME.py with a TITLE, and its client.
"""
