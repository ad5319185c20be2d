# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_access_check.py: our access check and our SDDL against Samba's own: random descriptors, tokens and masks."""
import random

import pytest
from agent import driver

samba_security = pytest.importorskip("samba.security", reason="python3-samba is not installed")
from samba.dcerpc import security  # noqa: E402: there if samba.security is
from samba.ndr import ndr_pack, ndr_unpack  # noqa: E402

# Four tests of as many, in parts that fit into the pipes to the agent and back.
TRIPLES, AT_ONCE = 2500, 25
SIDS = ["S-1-1-0", "S-1-5-7", "S-1-5-11", "S-1-5-18", "S-1-5-32-544", "S-1-22-1-1000", "S-1-22-2-100", "S-1-5-21-1-2-3-1103"]
NAMES = {"S-1-1-0": "WD", "S-1-5-7": "AN", "S-1-5-11": "AU", "S-1-5-18": "SY", "S-1-5-32-544": "BA", "S-1-3-4": "OW"}
OWNER_RIGHTS = "S-1-3-4"
PRIVILEGES = [0, 0x800, 0x2000]  # as Samba counts them: Security, TakeOwnership
STANDARD = [0x20000, 0x40000, 0x80000, 0x120089, 0x120116, 0x1F01FF]
LETTERS = ["CC", "DC", "LC", "SW", "RP", "WP", "DT", "LO", "CR", "RC", "SD", "WD", "WO"]
FLAGS = ["", "", "", "IO", "OI", "CI", "OICIIO", "NP", "CIID"]
MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY = 0x2000000, 0x1000000
DOMAIN = security.dom_sid("S-1-5-21-1-2-3")


class Source(random.Random):
    def mask(self):
        return self.choice([self.randrange(1, 0x200), self.choice(STANDARD), self.getrandbits(21)]) | self.choice([0, 0, 0, *STANDARD[:3]])

    def rights(self):
        return self.choice([f"0x{self.mask():x}", "".join(self.sample(LETTERS, self.randrange(1, 6)))])

    def sid(self, *more):
        sid = self.choice([*SIDS, *more])
        return self.choice([sid, NAMES.get(sid, sid)])

    def sddl(self):
        aces = "".join(f"({self.choice('AAD')};{self.choice(FLAGS)};{self.rights()};;;{self.sid(OWNER_RIGHTS)})"
                       for _ in range(self.randrange(7)))
        flags = self.choice(["", "", "P", "AI", "PAI"]) if aces else ""  # Samba cannot read flags without an entry
        dacl = f"D:{flags}{aces}"
        audit = f"S:(AU;SAFA;{self.rights()};;;{self.sid()})"
        return f"O:{self.sid()}G:{self.sid()}{self.choice([dacl] * 9 + [''])}{self.choice(['', '', '', audit])}"

    def token(self):
        token = security.token()
        sids = self.sample(SIDS, self.randrange(1, 6))
        token.sids = [security.dom_sid(sid) for sid in sids]
        token.num_sids = len(sids)
        token.privilege_mask = self.choice([*PRIVILEGES, sum(PRIVILEGES)])
        return token, {"sids": sids, "privileges": token.privilege_mask}

    def desired(self, descriptor):
        plain = self.choice([0, *[self.mask()] * 9])
        # Without a list Samba gives what is asked for, even to read who is audited, for which Windows wants the privilege.
        return plain if descriptor.dacl is None else plain | self.choice([0, 0, 0, MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY])


def call_each(agent, op, requests):
    """The answers to several requests, all of which are sent before the first one is looked at."""
    numbers = [agent.send(op, **fields) for fields in requests]
    return [agent.receive(number) for number in numbers]


def decision_of_samba(descriptor, token, desired):
    if descriptor.dacl is None:  # Samba lets nobody in then, unlike Windows, to which it is the same as a list that is NULL
        descriptor.type |= security.SEC_DESC_DACL_PRESENT
    try:
        return 0, samba_security.access_check(descriptor, token, desired) & 0xFFFFFFFF
    except RuntimeError as error:  # NTSTATUSError
        return error.args[0] & 0xFFFFFFFF, 0


def packed(descriptor):
    """Its bytes. Samba's SDDL writes the revision of directory services into lists that need no more than the plain one."""
    for acl in (descriptor.dacl, descriptor.sacl):
        if acl is not None:
            acl.revision = security.SECURITY_ACL_REVISION_NT4
    return ndr_pack(descriptor)


def compare_texts(agent, texts):
    """Reads the texts and writes them again, both ways; returns the descriptors, ours and Samba's."""
    ours = [bytes.fromhex(answer["data"]) for answer in call_each(agent, "sddl_to_descriptor", [{"sddl": text} for text in texts])]
    theirs = [security.descriptor.from_sddl(text, DOMAIN) for text in texts]
    for text, own, descriptor in zip(texts, ours, theirs):
        assert packed(ndr_unpack(security.descriptor, own)) == packed(descriptor), text
    written = [answer["sddl"] for answer in call_each(agent, "descriptor_to_sddl", [{"data": packed(each).hex()} for each in theirs])]
    for text, back, descriptor in zip(texts, written, theirs):
        # Samba 4.17 reads FA, all rights of a file, as 0x1FF.
        again = security.descriptor.from_sddl(back.replace(";FA;;;", ";0x1f01ff;;;"), DOMAIN)
        assert packed(again) == packed(descriptor), (text, back)
    return ours, theirs


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_same_as_samba(build, seed):
    source = Source(seed)
    agent = driver.Agent(build)
    outcomes = set()
    for _ in range(TRIPLES // AT_ONCE):
        texts = [source.sddl() for _ in range(AT_ONCE)]
        ours, theirs = compare_texts(agent, texts)
        tokens = [source.token() for _ in texts]
        masks = [source.desired(descriptor) for descriptor in theirs]
        answers = call_each(agent, "check_access", [{"data": own.hex(), "desired_access": desired, "identity": identity}
                                                    for own, desired, (_, identity) in zip(ours, masks, tokens)])
        for text, descriptor, (token, identity), desired, answer in zip(texts, theirs, tokens, masks, answers):
            decided = answer.status, answer["granted_access"] if answer.status == 0 else 0
            assert decided == decision_of_samba(descriptor, token, desired), (text, identity, hex(desired))
            outcomes.add(answer.status)
        agent.answers.clear()
    agent.finish()
    assert len(outcomes) == 3  # granted, denied, a privilege lacks
