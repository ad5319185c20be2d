# SPDX-License-Identifier: LGPL-2.1-or-later
"""
test_fuzz_smb.py: changed conversations on pipes against a real smbd (fuzz_smb.py says how). NTPIPE_FUZZ_SECONDS=600 plays longer,
NTPIPE_FUZZ_SEED=5 and NTPIPE_FUZZ_ROUND=17 repeat what a failure names.
"""
import os
import signal
import time

import pytest
from conftest import make_smbd
from fuzz_smb import SMB1, SMB2, Broken, Fuzzer
from native import Server
from private_smbd import is_alive, wait_until

SECONDS = float(os.environ.get("NTPIPE_FUZZ_SECONDS", "6"))
SEED = int(os.environ.get("NTPIPE_FUZZ_SEED", time.time_ns() % 10**9))
FIRST_ROUND = int(os.environ.get("NTPIPE_FUZZ_ROUND", "1"))


@pytest.fixture(scope="module")
def victim(build):
    """An smbd of its own, and a server with pipes."""
    with make_smbd(build) as smbd, Server(build, smbd.ntpipe_dir) as server:
        yield smbd, server


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("dialect", [SMB1, SMB2], ids=lambda dialect: dialect.name)
def test_changed_conversations(victim, name, dialect):
    print(f"seed {SEED}")
    with Fuzzer(*victim, dialect, seed=SEED, name=name) as fuzzer:
        fuzzer.run(SECONDS, FIRST_ROUND)
        print(f"{fuzzer.rounds} rounds, {fuzzer.sent} packets, hung up {fuzzer.hung_up} times")


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGSEGV], ids=lambda number: number.name)
def test_the_end_of_a_process_is_noticed(build, name, number):
    """What this file is for: an smbd that crashes makes it fail."""
    with make_smbd(build) as smbd, Server(build, smbd.ntpipe_dir) as server:
        with Fuzzer(smbd, server, SMB2, seed=1, name=name) as fuzzer:
            with SMB2.make(smbd.port, *fuzzer.user) as client:
                process = smbd.connection_process(client.connection.socket.getsockname()[1])
                os.kill(process, number)
                wait_until(lambda: not is_alive(process), "smbd's process lives on")

            def is_noticed():
                try:
                    fuzzer.check_log()
                except Broken:
                    return True
                return False

            wait_until(is_noticed, "nobody has noticed")
