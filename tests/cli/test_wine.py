# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_wine.py: what ntpipe wine says of prefixes that it cannot use. Nothing here starts Wine; tests/wine/ does."""
import os

import pytest

ACTIONS = ["install", "uninstall", "status", "run"]


def make_prefix(place, registry="WINE REGISTRY Version 2\n"):
    """What passes for a prefix as long as Wine is not asked."""
    prefix = place.path("prefix")
    os.mkdir(prefix)
    with open(os.path.join(prefix, "system.reg"), "w", encoding="ascii") as file:
        file.write(registry)
    return prefix


@pytest.mark.parametrize("action", ACTIONS)
def test_no_prefix(bare_place, action):
    missing = bare_place.path("missing")
    text = bare_place.fails(3, "wine", action, "--prefix", missing)
    assert f"there is no Wine prefix '{missing}'" in text and "wineboot -i" in text


@pytest.mark.parametrize("action", ACTIONS)
def test_not_a_prefix(bare_place, action):
    assert "is no Wine prefix" in bare_place.fails(1, "wine", action, "--prefix", bare_place.directory)


def test_the_variable_names_the_prefix(bare_place):
    bare_place.environment["WINEPREFIX"] = bare_place.path("elsewhere")
    assert bare_place.path("elsewhere") in bare_place.fails(3, "wine", "status")
    del bare_place.environment["WINEPREFIX"]
    bare_place.environment["HOME"] = bare_place.path("home")
    assert bare_place.path("home/.wine") in bare_place.fails(3, "wine", "status")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("action", ACTIONS)
def test_prefix_of_somebody_else(bare_place, action):
    prefix = make_prefix(bare_place)
    os.chown(prefix, 65534, 65534)
    text = bare_place.fails(6, "wine", action, "--prefix", prefix)
    assert "belongs to nobody" in text


@pytest.mark.parametrize("action", ACTIONS)
def test_prefix_for_32_bit_programs(bare_place, action):
    prefix = make_prefix(bare_place, "WINE REGISTRY Version 2\n\n#arch=win32\n\n[Software]\n")
    assert "32-bit" in bare_place.fails(1, "wine", action, "--prefix", prefix)


def test_no_wine(bare_place):
    prefix = make_prefix(bare_place)
    bare_place.environment["NTPIPE_WINE"] = "/nonexistent/wine64"
    assert "/nonexistent/wine64" in bare_place.fails(1, "wine", "run", "--prefix", prefix)


def test_no_bridge(bare_place):
    prefix = make_prefix(bare_place)
    bare_place.environment["NTPIPE_WINE"] = "/bin/false"
    bare_place.environment["NTPIPE_WINE_BRIDGE"] = "/nonexistent/bridge"
    for action in "install", "run":
        assert "the bridge is not installed: there is no /nonexistent/bridge" in bare_place.fails(1, "wine", action, "--prefix", prefix)


def test_a_service_takes_plain_names_only(bare_place):
    prefix = make_prefix(bare_place)
    os.mkdir(os.path.join(prefix, "dosdevices"))
    os.symlink("/", os.path.join(prefix, "dosdevices", "z:"))
    bridge = bare_place.path("bridge")
    open(bridge, "w", encoding="ascii").close()
    bare_place.environment.update(NTPIPE_WINE="/bin/false", NTPIPE_WINE_BRIDGE=bridge)
    text = bare_place.fails(1, "wine", "install", "--prefix", prefix, "--directory", "/tmp/täglich")
    assert "plain ASCII" in text


def test_no_drive_leads_to_the_bridge(bare_place):
    prefix = make_prefix(bare_place)
    bridge = bare_place.path("bridge")
    open(bridge, "w", encoding="ascii").close()
    bare_place.environment.update(NTPIPE_WINE="/bin/false", NTPIPE_WINE_BRIDGE=bridge)
    assert f"no drive of the prefix leads to {bridge}" in bare_place.fails(1, "wine", "install", "--prefix", prefix)


def test_status_of_what_does_not_run(bare_place):
    prefix = make_prefix(bare_place)
    with open(os.path.join(prefix, "ntpipe.status"), "w", encoding="ascii") as file:
        file.write("pid 1\nimported echo\n")  # left over; process 1 is somebody else
    result = bare_place.run("wine", "status", "--prefix", prefix)
    assert (result.returncode, result.stdout.decode()) == (1, f"prefix {prefix}\n  the bridge does not run\n")


def test_wrong_action(bare_place):
    assert "install, uninstall, status, run" in bare_place.fails(2, "wine", "nonsense")
    bare_place.fails(2, "wine")
