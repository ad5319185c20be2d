# SPDX-License-Identifier: LGPL-2.1-or-later
"""The conformance suite: what NT's named pipes do, case by case, over every way in which ntpipe can be reached.

  cases/          the cases, in the words of steps.py
  vocabulary.py   names: statuses, modes, states, rights, and the kinds of pipe that cases use
  registry.py     @case and @rule: how a case says which statement of the semantics it is
  steps.py        what a case can do, and how it says what must come of it
  settle.py       how "pending" is told from "not yet"
  transports/     the ways in: each one file, with what it can and cannot express
  table.py        which case applies to which transport, and why not where it does not
  numbered.py     cases whose tests stand elsewhere
  wine_map.py     which cases cover what Wine's own pipe tests expect
  report.py       writes docs/CONFORMANCE.md
"""
