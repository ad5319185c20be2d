# SPDX-License-Identifier: GPL-3.0-or-later
"""suites.py: the list of suites, one line each, and what is run for each kind of them.

A suite runs in environments (environments.py); where it runs on stock smbd, too, its results elsewhere are held against those.
"""
import dataclasses

# Where what smbd answers by itself must not change, and how the module can be loaded.
EVERYWHERE = ("stock", "preload", "vfs", "asan")
# The short selection of what runs everywhere.
QUICK = ("stock", "preload")
# The pipe of Samba's own that the suite uses is a native one.
NATIVE = ("stock", "native")
# What only smbd with the module has.
OURS = ("preload", "asan")


@dataclasses.dataclass(frozen=True)
class Suite:
    name: str
    kind: str  # a method of Commands
    arguments: tuple = ()
    environments: tuple = EVERYWHERE
    limit: int = 240  # seconds; whoever takes longer hangs
    quick: tuple = ()  # the environments in which it belongs to the short selection
    variables: tuple = ()  # (name, value): the suite's environment


def torture(name, *, on="//{host}/{share}", environments=EVERYWHERE, quick=True, limit=240):
    """smbtorture's suite of that name. `on`: what it is told to connect to."""
    chosen = QUICK if quick is True else quick or ()
    return Suite(name, "torture", (name, on), environments, limit, chosen)


def rpc(name, pipe, *, quick=False, limit=240):
    return torture(name, on="ncacn_np:{host}[%s]" % pipe, quick=quick, limit=limit)


def pytests(name, *arguments, environments=OURS, limit=3600, quick=(), **variables):
    """Tests of ours below tests/, in processes of their own, which start what they need."""
    return Suite(name, "pytest", arguments, environments, limit, quick, tuple(variables.items()))


SUITES = [
    # Samba's pipes through smbd.
    torture("rpc.samba3.bind"),
    torture("rpc.samba3.srvsvc"),
    torture("rpc.samba3.lsa"),
    torture("rpc.samba3.wkssvc"),
    torture("rpc.samba3.winreg"),
    torture("rpc.samba3.smb-reauth1"),
    torture("rpc.samba3.smb-reauth2"),
    torture("rpc.samba3.smb2-reauth1"),
    torture("rpc.samba3.smb2-reauth2"),
    torture("rpc.samba3.smb1-pipe-name"),
    torture("rpc.samba3.smb2-pipe-name"),
    torture("rpc.samba3.pipes_supported_interfaces"),
    torture("rpc.samba3.netlogon", quick=False),
    torture("rpc.samba3.sessionkey", quick=False),
    torture("rpc.samba3.sharesec", quick=False),
    torture("rpc.samba3.getusername", quick=False),
    torture("rpc.samba3.getaliasmembership-0", quick=False),
    torture("rpc.samba3.regconfig", quick=False),
    torture("rpc.samba3.lsa_over_netlogon", quick=False),
    rpc("rpc.lsa-getuser", "lsarpc", quick=True),
    rpc("rpc.lsa.lookupsids", "lsarpc"),
    rpc("rpc.mgmt", "srvsvc"),
    rpc("rpc.asyncbind", "lsarpc"),
    rpc("rpc.bench-rpc", "srvsvc"),
    rpc("rpc.bind", "lsarpc"),
    # A READ that waits while its pipe, tree or session ends. Stock smbd takes a minute to fail the first.
    torture("rpc.samba3.smb2-pipe-read-close", environments=NATIVE, quick=("native",)),
    torture("rpc.samba3.smb2-pipe-read-tdis", environments=NATIVE, quick=("native",)),
    torture("rpc.samba3.smb2-pipe-read-logoff", environments=NATIVE, quick=("native",)),
    # Files, and the rest of the protocol.
    torture("base.tcondev"),
    torture("base.trans2", quick=False),
    torture("base.scan-ioctl", quick=False),
    torture("base.nttrans", quick=False, limit=1200),
    torture("base.scan-pipe_number", on="//{host}/IPC$", quick=False, limit=1200),
    torture("smb2.connect"),
    torture("smb2.tcon"),
    torture("smb2.ioctl"),
    torture("smb2.compound"),
    torture("smb2.compound_async", quick=False),
    # Requests that we write ourselves, byte by byte; identities, loading, gateways: all that is in tests/samba.
    pytests("requests", "samba", *(f"--ignore=samba/test_{each}.py" for each in ("selftest", "answers", "load", "rpc_gateway"))),
    pytests("answers", "samba/test_answers.py"),
    # Native programs that call Samba's own RPC services, lsarpc, srvsvc and samr, without any SMB.
    pytests("rpc", "samba/test_rpc_gateway.py", environments=("preload",)),
    # Of those the ones in which something ends that is still in use: a quick look with the sanitizer.
    pytests("lifetimes", "samba/test_smb2_cancel.py", "samba/test_smb2_compound.py", "-k", "not vfs and not trixie", environments=("asan",),
            quick=("asan",)),
    # The cases of SEMANTICS.md, their client an SMB client.
    pytests("conformance", "conformance/test_conformance.py", "-k", "smb1- or smb2-"),
    # 200 clients for a minute, then half a minute with the broker killed again and again, and half a minute with everybody.
    pytests("load", "samba/test_load.py", NTPIPE_LOAD_SECONDS="60", NTPIPE_LOAD_CONNECTIONS="200"),
]
