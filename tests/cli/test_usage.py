# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_usage.py: help, wrong usage, names, exit statuses, and what happens without a broker."""
import os

import pytest

from .conftest import wait_until

SUBCOMMANDS = ["ls", "info", "serve", "connect", "call", "peek", "wait", "relay", "wine"]


def test_help_names_every_subcommand(bare_place):
    text = bare_place.ok("--help").decode()
    for name in SUBCOMMANDS:
        assert f"\n  {name} " in text
    assert "exit status" in text
    assert bare_place.ok("-h").decode() == text


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_each_subcommand_has_help(bare_place, name):
    text = bare_place.ok(name, "--help").decode()
    assert text.startswith(f"Usage: ntpipe {name} [OPTION...]")
    assert "--directory" in text


def test_version(bare_place):
    assert bare_place.ok("--version").startswith(b"ntpipe ")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["ls", "a", "b"],
        ["ls", "--nonsense"],
        ["serve"],
        ["serve", "x", "y"],
        ["serve", "x", "--type", "stream"],
        ["serve", "x", "--instances", "0"],
        ["serve", "x", "--instances", "many"],
        ["serve", "x", "--quota", "99999999999999999999"],
        ["serve", "x", "--sddl", "nonsense"],
        ["serve", "x", "--type", "byte", "--framing", "line"],
        ["serve", "x", "--"],
        ["connect"],
        ["call"],
        ["call", "x", "y", "z"],
        ["call", "x", "y", "--timeout", "soon"],
        ["call", "x", "y", "--timeout", "-1"],
        ["peek"],
        ["wait"],
        ["wait", "x", "--timeout"],
        ["relay", "x"],
        ["relay", "x", "/some/path"],
        ["relay", "x", "unix:"],
        ["relay", "x", "unix:" + "p" * 200],
        ["relay", "x", "tcp:localhost"],
        ["relay", "x", "tcp::1"],
        ["relay", "x", "unix:s", "--type", "message"],
        ["relay", "x", "unix:s", "--framing", "line"],
    ],
    ids=" ".join,
)
def test_wrong_usage_says_what_is_wrong(bare_place, arguments):
    bare_place.fails(2, *arguments)


@pytest.mark.parametrize("name", ["", r"\\.\pipe" + "\\", "//./pipe/", r"\\server\pipe\x", r"\\server"])
@pytest.mark.parametrize("subcommand", ["serve", "connect", "call", "peek", "wait", "info"])
def test_names_that_are_none(place, subcommand, name):
    text = place.fails(2, subcommand, name)
    assert "give" in text


@pytest.mark.parametrize("subcommand", ["serve", "connect", "wait"])
def test_a_name_that_is_not_utf8(place, subcommand):
    assert r"\xff\xfe" in place.fails(2, subcommand, b"\xff\xfe")


def test_every_form_of_a_name(place):
    place.serve("//./pipe/Forms/x")
    for name in ["//./pipe/Forms/x", r"\\.\pipe\Forms\x", r"\\.\PIPE\forms\X", "//?/PIPE/FORMS/X", r"Forms\x"]:
        assert place.ok("call", name, "hello") == b"hello"
        assert place.json("info", name)["name"] == r"Forms\x"


def test_a_control_character_does_not_reach_the_terminal(place):
    place.serve("a\x1b[2Jb")
    assert b"\\x1b[2Jb" in place.ok("ls")
    assert place.json("ls")[0]["name"] == "a\x1b[2Jb"


@pytest.mark.parametrize("arguments", [["call", "x", "y"], ["connect", "x"], ["peek", "x"], ["wait", "x"], ["info", "x"]], ids=" ".join)
def test_no_such_pipe(place, arguments):
    assert "no pipe of that name" in place.fails(3, *arguments)


@pytest.mark.parametrize("arguments", [["ls"], ["info"], ["call", "x", "y"], ["serve", "x"], ["wait", "x"]], ids=" ".join)
def test_no_broker(bare_place, arguments):
    assert "NTPIPE_DIR" in bare_place.fails(7, *arguments, "--no-start")
    assert not os.path.exists(bare_place.environment["NTPIPE_DIR"])


def test_a_broker_that_cannot_be_started(bare_place):
    bare_place.environment["NTPIPE_BROKER"] = "/nonexistent"
    bare_place.fails(7, "ls")


def test_a_broker_is_started_on_demand(bare_place):
    assert bare_place.json("ls") == []
    # It runs until nobody is there for some seconds; then its socket goes.
    socket = os.path.join(bare_place.environment["NTPIPE_DIR"], "broker.sock")
    wait_until(lambda: not os.path.exists(socket), "the end of the broker")


def test_the_directory_can_be_given(place):
    directory = place.environment["NTPIPE_DIR"]
    place.environment["NTPIPE_DIR"] = "/nonexistent/directory"
    assert place.json("info", "--no-start", "--directory", directory) == {"directory": directory, "pipes": 0}
    place.fails(7, "info", "--no-start")


def test_a_directory_that_others_may_write_is_not_trusted(place):
    os.chmod(place.environment["NTPIPE_DIR"], 0o777)
    place.fails(6, "ls")


def test_a_full_disk_is_noticed(place):
    with open("/dev/full", "wb") as full:
        process = place.start("ls", stdout=full)
        assert process.wait(60) == 1
    assert b"standard output" in process.stderr.read()
