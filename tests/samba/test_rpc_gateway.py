# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_rpc_gateway.py: a native program calls Samba's own RPC services through the gateway ntpipe-samba: binds, and enumerates."""
import uuid

import pytest
from native import Server
from ntpipe_samba import Gateway, gateway_of, private_smbd_without_module
from rpcclient import BIND_ACK, RpcPipe

base = pytest.importorskip("samba.dcerpc.base", reason="python3-samba is not installed")
from samba.dcerpc import lsa, samr, security, srvsvc  # noqa: E402: there if samba.dcerpc is
from samba.ndr import ndr_pack_in, ndr_unpack_out  # noqa: E402

MAXIMUM_ALLOWED = 0x02000000
ENOUGH = 0xFFFF


@pytest.fixture(scope="module")
def smbd(build):
    with private_smbd_without_module(build) as smbd:
        yield smbd


@pytest.fixture(scope="module")
def native(build, smbd):
    with Server(build, smbd.ntpipe_dir) as native, gateway_of(Gateway(build, smbd), native):
        yield native


class Service(RpcPipe):
    """A service whose calls Samba's library packs and unpacks."""

    def __init__(self, native, name, module):
        super().__init__(native, name)
        self.module = module
        syntax = module.abstract_syntax()
        assert self.bind((uuid.UUID(str(syntax.uuid)), syntax.if_version))[2] == BIND_ACK

    def do(self, function, **fields):
        """The call, with its out_... fields; it must succeed."""
        call = getattr(self.module, function)()
        for name, value in fields.items():
            setattr(call, f"in_{name}", value)
        ndr_unpack_out(call, self.call(call.opnum(), ndr_pack_in(call)))
        result = call.result[0] if isinstance(call.result, tuple) else call.result
        assert result == 0, (function, call.result)
        return call


def text(string):
    made = lsa.String()
    made.string = string
    return made


def test_srvsvc_tells_the_shares(native, smbd):
    wanted = srvsvc.NetShareInfoCtr()
    wanted.level, wanted.ctr = 1, srvsvc.NetShareCtr1()
    with Service(native, "srvsvc", srvsvc) as service:
        told = service.do("NetShareEnumAll", server_unc=None, info_ctr=wanted, max_buffer=0xFFFFFFFF, resume_handle=None)
    assert {share.name for share in told.out_info_ctr.ctr.array} >= {smbd.share, "IPC$"}
    assert told.out_totalentries == told.out_info_ctr.ctr.count


def test_lsarpc_tells_the_privileges_and_the_domain(native):
    with Service(native, "lsarpc", lsa) as service:
        policy = service.do("OpenPolicy2", system_name=None, attr=lsa.ObjectAttribute(), access_mask=MAXIMUM_ALLOWED).out_handle
        told = service.do("EnumPrivs", handle=policy, resume_handle=0, max_count=ENOUGH)
        assert "SeBackupPrivilege" in {each.name.string for each in told.out_privs.privs}
        domain = service.do("QueryInfoPolicy", handle=policy, level=lsa.LSA_POLICY_INFO_ACCOUNT_DOMAIN).out_info
        assert domain.name.string == "NTPIPE"
        assert str(domain.sid).startswith("S-1-5-21-")


def test_samr_tells_the_domains_and_their_users(native, smbd):
    with Service(native, "samr", samr) as service:
        server = service.do("Connect", system_name=None, access_mask=MAXIMUM_ALLOWED).out_connect_handle
        domains = service.do("EnumDomains", connect_handle=server, resume_handle=0, buf_size=ENOUGH).out_sam.entries
        assert {domain.name.string for domain in domains} == {"NTPIPE", "Builtin"}
        sid = service.do("LookupDomain", connect_handle=server, domain_name=text("NTPIPE")).out_sid
        assert isinstance(sid, security.dom_sid)
        domain = service.do("OpenDomain", connect_handle=server, access_mask=MAXIMUM_ALLOWED, sid=sid).out_domain_handle
        users = service.do("EnumDomainUsers", domain_handle=domain, resume_handle=0, acct_flags=0, max_size=ENOUGH).out_sam.entries
        assert {user.name.string for user in users} == set(smbd.users)


def test_several_services_side_by_side(native):
    """Each open is a connection of its own: handles of one are none in another."""
    with Service(native, "samr", samr) as one, Service(native, "samr", samr) as other, Service(native, "lsarpc", lsa):
        server = one.do("Connect", system_name=None, access_mask=MAXIMUM_ALLOWED).out_connect_handle
        call = samr.EnumDomains()
        call.in_connect_handle, call.in_resume_handle, call.in_buf_size = server, 0, ENOUGH
        with pytest.raises(AssertionError):  # a fault, or a status that is none of success
            other.do("EnumDomains", connect_handle=server, resume_handle=0, buf_size=ENOUGH)
        assert one.do("EnumDomains", connect_handle=server, resume_handle=0, buf_size=ENOUGH).out_num_entries == 2
