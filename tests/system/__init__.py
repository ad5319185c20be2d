# SPDX-License-Identifier: LGPL-2.1-or-later
"""What processes do to each other: deaths, restarts, forks, hostile messages, users; and whether the documents are true."""
