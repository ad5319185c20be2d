# SPDX-License-Identifier: LGPL-2.1-or-later
"""transports: the ways in which the two ends of a pipe can be reached. Each is a file with a class (base.py says what it must
have); a new one is added to the list here."""
from conformance.transports.broker import Broker, BrokerAsan, BrokerPoll
from conformance.transports.local import Local, LocalAsan, LocalPoll
from conformance.transports.npa import Npa
from conformance.transports.smb1 import Smb1
from conformance.transports.smb2 import Smb2
from conformance.transports.spec import SpecClient, SpecServer
from conformance.transports.wine import Wine, WineClient, WineServer

TRANSPORTS = [Local(), LocalPoll(), LocalAsan(), Broker(), BrokerPoll(), BrokerAsan(), Smb2(), Smb1(), Npa(), SpecClient(),
              SpecServer(), Wine(), WineClient(), WineServer()]


def by_name(name):
    return next(transport for transport in TRANSPORTS if transport.name == name)
