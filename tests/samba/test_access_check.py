# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_access_check.py: our access check and our SDDL against Samba's own: random descriptors, tokens and masks."""
import random

import pytest
from agent import driver

samba_security = pytest.importorskip("samba.security", reason="python3-samba is not installed")
from samba.dcerpc import security  # noqa: E402: there if samba.security is
from samba.ndr import ndr_pack, ndr_unpack  # noqa: E402

TRIPLES = 1500
SIDS = ["S-1-1-0", "S-1-5-7", "S-1-5-11", "S-1-5-18", "S-1-5-32-544", "S-1-22-1-1000", "S-1-22-2-100"]
OWNER_RIGHTS = "S-1-3-4"
PRIVILEGES = [0, 0x800, 0x2000]  # as Samba counts them: Security, TakeOwnership
STANDARD = [0x20000, 0x40000, 0x80000, 0x120089, 0x120116, 0x1F01FF]
MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY = 0x2000000, 0x1000000
DOMAIN = security.dom_sid("S-1-5-21-1-2-3")


class Source(random.Random):
    def mask(self):
        return self.choice([self.randrange(1, 0x200), self.choice(STANDARD)]) | self.choice([0, 0, 0, *STANDARD[:3]])

    def sddl(self):
        aces = "".join(f"({self.choice('AAD')};{self.choice(['', '', 'IO'])};0x{self.mask():x};;;{self.choice([*SIDS, OWNER_RIGHTS])})"
                       for _ in range(self.randrange(6)))
        return f"O:{self.choice(SIDS)}G:{self.choice(SIDS)}D:{aces}"


def entries(descriptor):
    return ([(ace.type, ace.flags, ace.access_mask, str(ace.trustee)) for ace in descriptor.dacl.aces],
            str(descriptor.owner_sid), str(descriptor.group_sid))


@pytest.mark.parametrize("seed", [1, 2])
def test_same_as_samba(build, seed):
    source = Source(seed)
    agent = driver.Agent(build)
    for _ in range(TRIPLES):
        text = source.sddl()
        ours = bytes.fromhex(agent.call("sddl_to_descriptor", sddl=text)["data"])
        theirs = security.descriptor.from_sddl(text, DOMAIN)
        assert entries(ndr_unpack(security.descriptor, ours)) == entries(theirs), text
        back = agent.call("descriptor_to_sddl", data=ndr_pack(theirs).hex())["sddl"]
        # Samba 4.17 reads FA, all rights of a file, as 0x1FF.
        assert entries(security.descriptor.from_sddl(back.replace("FA;;;", "0x1f01ff;;;"), DOMAIN)) == entries(theirs), back

        token = security.token()
        sids = source.sample(SIDS, source.randrange(1, 5))
        token.sids = [security.dom_sid(sid) for sid in sids]
        token.num_sids = len(sids)
        token.privilege_mask = source.choice([*PRIVILEGES, sum(PRIVILEGES)])
        desired = source.mask() | source.choice([0, 0, 0, MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY])
        try:
            expected = 0, samba_security.access_check(theirs, token, desired) & 0xFFFFFFFF
        except RuntimeError as error:  # NTSTATUSError
            expected = error.args[0] & 0xFFFFFFFF, 0
        answer = agent.call("check_access", data=ours.hex(), desired_access=desired,
                            identity={"sids": sids, "privileges": token.privilege_mask})
        granted = answer["granted_access"] if answer.status == 0 else 0
        assert (answer.status, granted) == expected, (text, sids, hex(desired))
    agent.finish()
