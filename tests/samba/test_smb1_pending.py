# SPDX-License-Identifier: LGPL-2.1-or-later
"""test_smb1_pending.py: NT_CANCEL, and what CLOSE, tree disconnect, log-off and lost connections do to pending requests over SMB1."""
import pytest
from private_smbd import is_alive, wait_until
from smb1client import Smb1Client, Trans
from smb2client import Status

PENDING = ("read_andx", "read", "read_nmpipe", "raw_read", "write_andx", "write", "write_nmpipe", "flush", "transact", "ioctl")
FSCTL_PIPE_TRANSCEIVE = 0x11C017


def start_pending(client, fid, pipe, what):
    """Starts a request that waits, whatever the server end does not do."""
    if what in ("write_andx", "write", "write_nmpipe", "flush"):
        client.write(fid, b"0123456789")
    pending = {
        "read_andx": lambda: client.start_read(fid),
        "read": lambda: client.start(client.core_read_request(fid, 100)),
        "read_nmpipe": lambda: client.start_trans(Trans.READ, fid),
        "raw_read": lambda: client.start_trans(Trans.RAW_READ, fid),
        "write_andx": lambda: client.start_write(fid, b"too much"),
        "write": lambda: client.start(client.core_write_request(fid, b"too much")),
        "write_nmpipe": lambda: client.start_trans(Trans.WRITE, fid, b"too much"),
        "flush": lambda: client.start_flush(fid),
        "transact": lambda: client.start_transceive(fid, b"question"),
        "ioctl": lambda: client.start_control(fid, FSCTL_PIPE_TRANSCEIVE, b"question"),
    }[what]()
    client.echo()
    assert not pending.over
    return pending


@pytest.fixture
def join_small(join):
    """A pipe whose client may not have more than ten bytes unread."""
    return lambda client: join(client, inbound_quota=10)


# ---- NT_CANCEL ----


@pytest.mark.parametrize("what", PENDING)
def test_cancel_is_answered(smb1, join_small, what):
    fid, pipe = join_small(smb1)
    pending = start_pending(smb1, fid, pipe, what)
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    assert smb1.peek(fid).status == Status.SUCCESS


def test_cancel_of_one_of_several(smb1, join):
    fid, pipe = join(smb1)
    reads = [smb1.start_read(fid) for _ in range(3)]
    smb1.echo()
    reads[1].cancel()
    assert reads[1].final().status == Status.CANCELLED
    pipe.write(b"one")
    pipe.write(b"two")
    assert [reads[0].final().data, reads[2].final().data] == [b"one", b"two"]


def test_cancelled_read_takes_nothing(smb1, join):
    fid, pipe = join(smb1)
    pending = start_pending(smb1, fid, pipe, "read_andx")
    pending.cancel()
    pending.final()
    pipe.write(b"later")
    assert smb1.read(fid).data == b"later"


def test_cancelled_write_is_never_read(smb1, join_small):
    fid, pipe = join_small(smb1)
    pending = start_pending(smb1, fid, pipe, "write_andx")
    pending.cancel()
    assert pending.final().status == Status.CANCELLED
    assert pipe.read() == b"0123456789"
    smb1.write(fid, b"later")
    assert pipe.read() == b"later"


@pytest.mark.parametrize("other", [{"mid": 0x7777}, {"pid": 0x1234}, {"tree_id": 0x1234}, {"session_id": 0x1234}],
                         ids=["mid", "pid", "tid", "uid"])  # fmt: skip
def test_cancel_of_something_else(smb1, join, other):
    """It cancels what has the same TID, PID, MID and UID."""
    fid, pipe = join(smb1)
    pending = start_pending(smb1, fid, pipe, "read_andx")
    pending.cancel(**other)
    assert smb1.echo().status == Status.SUCCESS
    assert not pending.over
    pipe.write(b"x")
    assert pending.final().data == b"x"


def test_cancel_of_what_is_over(smb1, join):
    fid, pipe = join(smb1)
    pipe.write(b"x")
    pending = smb1.start_read(fid)
    pending.final()
    pending.cancel()
    assert smb1.echo().status == Status.SUCCESS


def test_cancel_of_a_transaction_that_is_not_whole(smb1, join):
    fid, pipe = join(smb1)
    pending = smb1.start_pieces(smb1.trans_request((Trans.WRITE, fid), b"half", totals=(0, 8)), wait=False)
    pending.wait_interim()
    pending.cancel()
    assert smb1.echo().status == Status.SUCCESS
    smb1.write(fid, b"goes on")
    assert pipe.read() == b"goes on"


# ---- CLOSE ----


@pytest.mark.parametrize("what", PENDING)
def test_close_answers_what_is_pending(smb1, join_small, what):
    fid, pipe = join_small(smb1)
    pending = start_pending(smb1, fid, pipe, what)
    assert smb1.close(fid).status == Status.SUCCESS
    assert pending.final().status in (Status.PIPE_BROKEN, Status.CANCELLED)
    pipe.drain()


def test_close_answers_all(smb1, join):
    fid, pipe = join(smb1)
    reads = [smb1.start_read(fid) for _ in range(10)]
    assert smb1.close(fid).status == Status.SUCCESS
    assert {read.final().status for read in reads} <= {Status.PIPE_BROKEN, Status.CANCELLED}
    pipe.await_end_of_client()


# ---- the end of trees, sessions and connections ----


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
@pytest.mark.parametrize("what", PENDING)
def test_end_of_tree_or_session(smb1, join_small, what, end):
    fid, pipe = join_small(smb1)
    pending = start_pending(smb1, fid, pipe, what)
    assert getattr(smb1, end)().status == Status.SUCCESS
    assert pending.final().status >= 0xC0000000
    pipe.drain()


@pytest.mark.parametrize("end", ["tree_disconnect", "logoff"])
def test_end_of_tree_or_session_ends_waits_and_calls(smb1, server, name, end):
    pipe = server.create(name)
    smb1.open(name)
    other = server.create(f"{name}-call")
    waiting = smb1.start_wait(name, -1)
    calling = smb1.start_pipe_call(f"{name}-call", b"question")
    smb1.echo()
    other.await_client()
    assert getattr(smb1, end)().status == Status.SUCCESS
    assert waiting.final().status >= 0xC0000000
    assert calling.final().status >= 0xC0000000
    pipe.drain()
    other.drain()


@pytest.mark.parametrize("how", ["drop", "reset"])
@pytest.mark.parametrize("what", PENDING)
def test_lost_connection_closes_the_pipe(connect_smb1, smbd, join_small, what, how):
    client = connect_smb1()
    process = smbd.connection_process(client.connection.socket.getsockname()[1])
    fid, pipe = join_small(client)
    start_pending(client, fid, pipe, what)
    getattr(client, how)()
    pipe.drain()
    wait_until(lambda: not is_alive(process), "smbd's process for the connection lives on")


def test_lost_connection_in_the_middle_of_a_transaction(connect_smb1, smbd, join):
    client = connect_smb1()
    process = smbd.connection_process(client.connection.socket.getsockname()[1])
    fid, pipe = join(client)
    client.start_pieces(client.trans_request((Trans.WRITE, fid), b"half", totals=(0, 8)), wait=False).wait_interim()
    client.drop()
    pipe.await_end_of_client()
    wait_until(lambda: not is_alive(process), "smbd's process for the connection lives on")


# ---- several sessions and trees ----


def test_two_users_on_one_connection(smb1, join, other_user):
    other = smb1.another_session(*other_user)
    (first, first_pipe), (second, second_pipe) = join(smb1), join(other)
    assert [first_pipe.client["account"], second_pipe.client["account"]] == [smb1.user, other.user]
    waiting, staying = start_pending(smb1, first, first_pipe, "read_andx"), start_pending(other, second, second_pipe, "read_andx")
    assert smb1.logoff().status == Status.SUCCESS
    assert waiting.final().status >= 0xC0000000
    assert not staying.over
    second_pipe.write(b"still here")
    assert staying.final().data == b"still here"


def test_another_users_fid(smb1, join, other_user):
    fid, pipe = join(smb1)
    pipe.write(b"secret")
    other = smb1.another_session(*other_user)
    answers = [other.read(fid), other.write(fid, b"x"), other.core_read(fid), other.core_write(fid, b"x"), other.flush(fid),
               *(other.trans(subcommand, fid, b"\1\0a", b"\1\0") for subcommand in list(Trans)[:9]),
               other.query_file(fid, 1023), other.control(fid, 0x11400C)]  # fmt: skip
    assert {answer.status for answer in answers} <= {Status.INVALID_HANDLE}
    assert {answer.data for answer in answers} == {b""}
    other.close(fid)
    assert smb1.read(fid).data == b"secret"
    assert pipe.call("peek", length=10)[1]["available"] == 0


def test_another_users_uid_with_the_own_fid(smb1, join, other_user):
    """The first one's FID and tree with the second one's UID."""
    fid, pipe = join(smb1)
    pipe.write(b"secret")
    other = smb1.another_session(*other_user)
    response = smb1.call(smb1.read_request(fid, 100, minimum=1, timeout=-1), session_id=other.session_id)
    assert (response.status, response.data) == (Status.INVALID_HANDLE, b"")
    response = smb1.call(smb1.trans_request((Trans.READ, fid)), session_id=other.session_id)
    assert (response.status, response.data) == (Status.INVALID_HANDLE, b"")
    assert smb1.read(fid).data == b"secret"


def test_another_user_cannot_cancel(smb1, join, other_user):
    fid, pipe = join(smb1)
    other = smb1.another_session(*other_user)
    pending = start_pending(smb1, fid, pipe, "read_andx")
    other.send_cancel(pending)
    assert other.echo().status == Status.SUCCESS
    assert not pending.over
    pipe.write(b"x")
    assert pending.final().data == b"x"


def test_another_tree_of_the_same_user(smb1, join):
    """A second tree connect to IPC$: its end leaves the first one's pipes alone, and a FID belongs to its tree."""
    fid, pipe = join(smb1)
    first_tree = smb1.tree_id
    smb1.tree_connect("IPC$")
    assert smb1.tree_id != first_tree
    assert smb1.tree_disconnect().status == Status.SUCCESS
    smb1.tree_id = first_tree
    pipe.write(b"x")
    assert smb1.read(fid).data == b"x"


def test_authentication_again_leaves_pending_requests(smb1, join):
    fid, pipe = join(smb1)
    pending = start_pending(smb1, fid, pipe, "read_andx")
    assert smb1.log_in().status == Status.SUCCESS
    pipe.write(b"afterwards")
    assert pending.final().data == b"afterwards"


# ---- signing ----


@pytest.fixture(scope="module")
def signing_smbd(build):
    from conftest import make_smbd

    with make_smbd(build, options={"server signing": "auto"}) as smbd:
        yield smbd
        assert "INTERNAL ERROR" not in smbd.log()


def test_signed_session(build, signing_smbd, name):
    from native import Server

    with Server(build, signing_smbd.ntpipe_dir) as server, \
            Smb1Client(signing_smbd.port, *next(iter(signing_smbd.users.items())), signing=True) as client:  # fmt: skip
        assert client.connection.signing_key is not None
        pipe = server.create(name, inbound_quota=70_000, outbound_quota=70_000)
        fid = client.open(name)
        pipe.await_client()
        client.set_modes(fid)
        assert client.echo().signed
        # Answers that come later than those of later requests, cancels, which have no answer, and transactions in several packets.
        reads = [client.start_read(fid) for _ in range(3)]
        client.echo()
        reads[1].cancel()
        assert reads[1].final().status == Status.CANCELLED
        pipe.write(b"one")
        pipe.write(b"two")
        assert [reads[0].final().data, reads[2].final().data] == [b"one", b"two"]
        pending = client.start(client.trans_request((Trans.TRANSACT, fid), bytes(50_000), max_data=60_000, first=(0, 10_000), piece=16_000))
        assert pipe.read(70_000) == bytes(50_000)
        pipe.write(bytes(60_000))
        assert pending.final().data == bytes(60_000)
        read = client.start_read(fid)
        client.echo()
        assert client.close(fid).status == Status.SUCCESS
        assert read.final().status in (Status.PIPE_BROKEN, Status.CANCELLED)
        assert client.logoff().status == Status.SUCCESS
