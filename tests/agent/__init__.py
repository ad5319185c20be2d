# SPDX-License-Identifier: LGPL-2.1-or-later
"""The test agent: a native program on libntpipe that does what a test tells it, and the module that drives it."""
