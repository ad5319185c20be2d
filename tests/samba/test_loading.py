# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_loading.py: the ways in which smbd is told to load the module, on the smbd of each release, and with the wrong module."""
import os

import pytest
from conftest import MODULE, RELEASES, make_smbd
from native import Server
from smb2client import Smb2Client, Status, StatusError


@pytest.fixture(params=list(RELEASES))
def release(build, request):
    """(the build directory, the root of that Samba)"""
    return RELEASES[request.param].place(build)


@pytest.fixture
def another_release(build):
    return RELEASES["trixie"].place(build)


def statuses(build, smbd, names):
    """What a client gets that opens a native pipe "test", and those names."""
    with Server(build, smbd.ntpipe_dir) as server, Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
        server.create("test")
        return [client.create(name).status for name in ("test", *names)]


def said(smbd):
    assert "INTERNAL ERROR" not in smbd.log() and "PANIC" not in smbd.log()
    return {line.strip() for line in smbd.log().splitlines() if "ntpipe: " in line}


@pytest.mark.parametrize("loading", ["preload", "vfs", "both"])
def test_each_way_to_load(build, release, loading):
    """Both at once are the same module twice."""
    folder, root = release
    with make_smbd(build, module=os.path.join(folder, MODULE), root=root, loading=loading) as smbd:
        assert statuses(build, smbd, ["srvsvc"]) == [Status.SUCCESS, Status.SUCCESS]
        assert said(smbd) == set()


def test_two_copies_loaded_in_both_ways(build, tmp_path):
    """The second one stays out and does no harm."""
    preloaded = os.path.join(build, MODULE)
    copy = tmp_path / "samba_module/ntpipe.so"
    copy.parent.mkdir()
    with open(preloaded, "rb") as original:
        copy.write_bytes(original.read())
    with make_smbd(build, module=copy, root="/", loading="both", options={"preload modules": preloaded},
                   environment={"LD_LIBRARY_PATH": os.path.join(build, "lib")}) as smbd:  # fmt: skip
        assert statuses(build, smbd, ["srvsvc"]) == [Status.SUCCESS, Status.SUCCESS]
        (line,) = said(smbd)
        assert "not active" in line and os.path.realpath(preloaded) in line


def test_a_module_for_another_release_is_refused_by_the_loader(build, another_release):
    """smbd says so in its log and serves on."""
    with make_smbd(build, module=os.path.join(another_release[0], MODULE), root="/") as smbd:
        assert statuses(build, smbd, ["srvsvc"]) == [Status.OBJECT_NAME_NOT_FOUND, Status.SUCCESS]
        assert "Error loading module" in smbd.log() and said(smbd) == set()


def test_this_release_s_module_is_refused_by_another_smbd(build, another_release):
    with make_smbd(build, module=os.path.join(build, MODULE), root=another_release[1]) as smbd:
        assert statuses(build, smbd, ["srvsvc"]) == [Status.OBJECT_NAME_NOT_FOUND, Status.SUCCESS]
        assert "Error loading module" in smbd.log() and said(smbd) == set()


def test_a_vfs_module_for_another_release_costs_the_share(build, another_release):
    """This is smbd's doing, and why preloading is the way that is recommended. Other shares are served."""
    with make_smbd(build, module=os.path.join(another_release[0], MODULE), root="/", loading="vfs") as smbd:
        with pytest.raises(StatusError):
            statuses(build, smbd, [])
        with Smb2Client(smbd.port, *next(iter(smbd.users.items())), share=smbd.share):
            pass
        assert "Error loading module" in smbd.log() and said(smbd) == set()
