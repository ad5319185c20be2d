# SPDX-License-Identifier: LGPL-2.1-or-later
"""cases: the cases. Files of numbered cases are called after the headings of SEMANTICS section 10; the others, which begin with
`section_`, state rules of sections 1 to 6 that no numbered case covers. from_wine.py has those that Wine's pipe tests expect."""
