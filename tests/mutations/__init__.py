# SPDX-License-Identifier: LGPL-2.1-or-later
"""mutations: rules of NPFS that are broken on purpose, one at a time, to see that the tests notice."""
