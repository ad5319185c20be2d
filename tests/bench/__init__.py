# SPDX-License-Identifier: LGPL-2.1-or-later
"""That the benchmarks work; how fast anything is is not tested."""
