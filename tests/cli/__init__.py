# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests of the command line, the examples, and what they need."""
