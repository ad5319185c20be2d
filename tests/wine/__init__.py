# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine: Wine's own pipe tests, and Windows programs of ours, run on the stock Wine that is installed.

  prepare            builds them from Wine's source package and makes the prefix that tests copy (called by ./bootstrap)
  headless.py        a Wine prefix of one's own, and running programs in it
  results.py         what a run of Wine's tests has printed, by the functions of their source
  baseline.py        how it must come out: the numbers
  programs/          a Windows program that does what a test tells it
  windows.py         the same seen from the test: a prefix of its own, the program in it
  quiet.py           how a test knows that nothing is left to happen
  walk.py            the walk through every pipe call, in the ways that there are
  scenarios.py       where it goes
  halves.py          who goes: a Windows program or a native one
  differences.py     where they are known to differ
  bridge.py          the bridge, started by a test
  parties.py         who meets over it, when the Windows program is the server
  samba.py           a private smbd beside it
"""
