# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_rebuild.py: ntpipe samba check and rebuild, as they were installed: a module that does not fit any more is made anew."""
import os
import subprocess

import pytest
from conftest import make_smbd
from installation import install
from native import Server
from smb2client import Smb2Client, Status

# The set-up installs, which may have to wait for another test that does.
pytestmark = pytest.mark.timeout(600)


class Installation:
    """What `make install DESTDIR=...` has made. Nothing of the build directory is used."""

    def __init__(self, build, place):
        install(build, place)
        (tool,) = place.rglob("bin/ntpipe")
        self.tool, self.libdir = tool, tool.parent.parent / "lib"
        self.samba = self.libdir / "ntpipe/samba"
        self.module = self.samba / "ntpipe.so"
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.libdir), "NTPIPE_SAMBA_DIR": str(self.samba)}

    def run(self, *words, timeout=60):
        return subprocess.run(
            [self.tool, "samba", *words], env=self.environment, capture_output=True, text=True, timeout=timeout, check=False
        )

    def smbd(self, build, **options):
        return make_smbd(build, root="/", module=self.module, environment={"LD_LIBRARY_PATH": str(self.libdir)}, **options)


@pytest.fixture(scope="module")
def installed(build, tmp_path_factory):
    return Installation(build, tmp_path_factory.mktemp("installed"))




def text_of(done):
    return " ".join(done.stdout.split())


def test_check_when_all_is_well(build, installed):
    options = {"ntpipe:export": 'echo, app-*:games, "odd name":@games, x:*'}
    with installed.smbd(build, options=options) as smbd:
        done = installed.run("check", "--configuration", str(smbd.configuration))
        assert done.returncode == 0 and done.stdout.splitlines()[-1] == "all is well", done.stdout
        text = text_of(done)
        for part in (
            "which the module was built for",
            "redirects smbd_smb2_request_process_create",
            f"loaded by preload modules = {installed.module}",
            "ntpipe:export the pipe 'echo', of user root",
            "ntpipe:export pipes that match 'app-*', of user games",
            "ntpipe:export the pipe 'odd name', of members of group games",
            "ntpipe:export the pipe 'x', of anybody",
            f"broker answers in {smbd.ntpipe_dir}",
        ):
            assert part in text, (part, done.stdout)
        smbd.broker.stop()
        done = installed.run("check", "--configuration", str(smbd.configuration))
        assert done.returncode == 1 and "! broker none that smbd would trust in" in text_of(done)


@pytest.mark.parametrize(
    "lines, complaint",
    [
        ("preload modules = /nowhere/ntpipe.so", "! loaded by preload modules = /nowhere/ntpipe.so, which cannot be read"),
        ("", "! loaded by nothing"),
        ("ntpipe:export = a:@no-such-group-here", "! ntpipe:export the item 'a:@no-such-group-here' names an unknown group"),
        ("ntpipe:directory = /nowhere", "! broker none that smbd would trust in /nowhere: STATUS_CONNECTION_REFUSED"),
        ("no such option = 1", 'testparm Unknown parameter encountered: "no such option"'),
    ],
)
def test_check_finds_what_is_wrong_in_the_configuration(installed, tmp_path, lines, complaint):
    configuration = tmp_path / "smb.conf"
    configuration.write_text(f"[global]\n{lines}\n")
    done = installed.run("check", "--configuration", str(configuration))
    assert done.returncode == 1 and complaint in text_of(done), done.stdout


def test_wrong_usage(installed, tmp_path):
    assert installed.run().returncode == 2
    assert "knows check and rebuild" in installed.run("repair").stderr
    assert installed.run("check", "--no-such-option").returncode == 2
    assert installed.run("rebuild", "--no-such-option").returncode == 2
    assert "cannot read it" in installed.run("check", "--configuration", str(tmp_path / "none")).stdout
    for words in ["--help"], ["check", "--help"], ["rebuild", "--help"]:
        assert "usage: ntpipe samba" in installed.run(*words).stdout


def test_rebuild_leaves_a_module_alone_that_fits(installed):
    before = installed.module.stat()
    done = installed.run("rebuild")
    assert (done.returncode, "nothing to do" in done.stdout) == (0, True), done.stdout + done.stderr
    assert installed.module.stat().st_ino == before.st_ino


def test_rebuild_after_an_update_of_samba(build, installed):
    """The module is made one for another version; what is built anew is right, and smbd serves with it. So is the gateway."""
    gateway = installed.libdir.parent / "sbin/ntpipe-samba"
    gateway.write_bytes(b"not even a program")
    whole = installed.module.read_bytes()
    version = subprocess.run(["/usr/sbin/smbd", "--version"], capture_output=True, check=True).stdout.split()[1]
    assert version + b"\0" in whole
    installed.module.write_bytes(whole.replace(version + b"\0", version[:-1] + b"?\0"))
    done = installed.run("check", "--fit")
    assert done.returncode == 1 and "'ntpipe samba rebuild' makes it anew" in done.stdout, done.stdout
    done = installed.run("rebuild", timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert version.decode() in done.stdout and not list(installed.samba.glob("*.new"))
    subprocess.run([gateway, "--help"], env=installed.environment, capture_output=True, check=True, timeout=60)
    done = installed.run("check", "--fit")
    assert done.returncode == 0, done.stdout
    with installed.smbd(build) as smbd, Server(build, smbd.ntpipe_dir) as server:
        server.create("test")
        with Smb2Client(smbd.port, *next(iter(smbd.users.items()))) as client:
            assert client.create("test").status == Status.SUCCESS
