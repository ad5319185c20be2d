# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_mad_broker.py: what stands behind the socket is no broker that one can work with."""
import os
import socket
import time

from spec_peer import codec

# The pauses grow from 2 ms to a quarter of a second: so many connections cannot take less time than that.
CONNECTIONS = 12
AT_LEAST = 0.7


def test_who_is_hung_up_on_again_and_again_makes_pauses(place):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(os.path.join(place.directory, "broker.sock"))
        listener.listen(1)
        listener.settimeout(60)
        native = place.native()
        native.start("list")
        begin = time.monotonic()
        for _ in range(CONNECTIONS):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                connection.recv(codec.LARGEST_PACKET)
                connection.send(codec.encode("WELCOME", version=codec.VERSION, layout=codec.LAYOUT, broker=1, maximum_overflow=1 << 20))
        assert time.monotonic() - begin >= AT_LEAST
        native.agent.kill()
