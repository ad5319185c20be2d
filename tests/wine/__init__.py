# SPDX-License-Identifier: LGPL-2.1-or-later
"""wine: Wine's own pipe tests, run on the stock Wine that is installed.

  prepare            builds them from Wine's source package and makes the prefix that tests copy (called by ./bootstrap)
  headless.py        a Wine prefix of one's own, and running programs in it
  results.py         what a run of Wine's tests has printed, by the functions of their source
  baseline.py        how it must come out: the numbers
"""
