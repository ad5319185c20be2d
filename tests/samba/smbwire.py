# SPDX-License-Identifier: LGPL-2.1-or-later
# smbwire.py: what the raw SMB1 and SMB2 clients share: the connection's packets, and logging in by NTLM.
"""
A Wire sends and receives packets, each behind its length ([MS-SMB2] 2.1, as NetBIOS does). Who inherits from it has take_packet().
A Login makes the two tokens of an NTLMSSP authentication in SPNEGO.
"""
import select
import socket
import struct
import time

from impacket import ntlm, spnego

TIMEOUT = 60


class Wire:
    """A connection that carries whole packets."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.recorder = None  # a function that is given each packet before it is sent

    def send_packet(self, packet):
        if self.recorder is not None:
            self.recorder(bytes(packet))
        self.socket.settimeout(TIMEOUT)
        self.socket.sendall(struct.pack(">I", len(packet)) + packet)

    def receive_until(self, condition, timeout):
        end = time.monotonic() + timeout
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or not self.receive_some(left):
                raise TimeoutError("no response")

    def receive_some(self, timeout):
        """Takes in what arrives within that time. False: nothing did."""
        if not select.select([self.socket], [], [], timeout)[0]:
            return False
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the server has hung up")
        self.buffer += data
        while len(self.buffer) >= 4:
            (length,) = struct.unpack_from(">I", self.buffer)
            if len(self.buffer) < 4 + length:
                break
            packet = bytes(self.buffer[4 : 4 + length])
            del self.buffer[: 4 + length]
            self.take_packet(packet)
        return True

    def take_packet(self, packet):
        raise NotImplementedError

    def drop(self):
        """Closes the connection without a word."""
        self.socket.close()

    def reset(self):
        """Closes the connection with a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()


class Login:
    """Without user and password: an anonymous one."""

    def __init__(self, user, password, domain, workstation):
        self.user, self.password, self.domain, self.workstation = user, password, domain, workstation
        self.negotiate = ntlm.getNTLMSSPType1("", "", bool(user), use_ntlmv2=True)
        self.session_key = None

    def first_token(self):
        token = spnego.SPNEGO_NegTokenInit()
        token["MechTypes"] = [spnego.TypesMech["NTLMSSP - Microsoft NTLM Security Support Provider"]]
        token["MechToken"] = self.negotiate.getData()
        return token.getData()

    def second_token(self, answer):
        """The token that answers the server's; the session key is known then."""
        challenge = spnego.SPNEGO_NegTokenResp(answer)["ResponseToken"]
        self.negotiate.setWorkstation(self.workstation)
        authenticate, self.session_key = ntlm.getNTLMSSPType3(
            self.negotiate, challenge, self.user, self.password, self.domain, "", "", use_ntlmv2=True
        )
        token = spnego.SPNEGO_NegTokenResp()
        token["ResponseToken"] = authenticate.getData()
        return token.getData()
