# SPDX-License-Identifier: GPL-3.0-or-later
# private_smbd.py: runs the distribution's smbd and our broker privately, for tests and demonstrations.
"""
    with PrivateSmbd(module="build/samba_module/ntpipe.so", options={"ntpipe:export": "echo"}, broker="build/broker/ntpiped") as smbd:
        smbd.host, smbd.port          127.0.0.1 and the port that smbd listens on
        smbd.users                    {"games": "games-password", "news": ...}: users that can log in
        smbd.ntpipe_dir               the broker's directory: what a native program needs as NTPIPE_DIR
        smbd.environment              os.environ with NTPIPE_DIR: for native programs
        smbd.configuration            the smb.conf, for smbclient -s and smbcontrol -s
        smbd.share                    "tmp", a share where everybody may write; IPC$ is always there
        smbd.log()                    what smbd has logged, a text
        smbd.broker                   the Broker: .pid, .pause(), .go_on(), .kill(), .stop(), .start()

Everything lives in one short directory below /tmp, listens on 127.0.0.1 only, and is ended with the `with` block: smbd, the
samba-dcerpcd that it may have started, and the broker. It does not touch the system's Samba, /run, or /etc, and any number can run
side by side. It needs root, since smbd does.

The users are accounts that every Debian has and nobody uses (see USERS), with passwords in the private passdb only: no account
is made. Wrong user names are mapped to guest, wrong passwords are refused.

As a program: see private-smbd --help.
"""
import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SMBD = "/usr/sbin/smbd"
# Another release of Debian, such as trixie, for all that do not choose by themselves.
RELEASE = os.environ.get("NTPIPE_SAMBA_RELEASE")
START_TIMEOUT = 60
STOP_TIMEOUT = 30

# Accounts of base-passwd that own nothing and run nothing.
USERS = {"games": "games-password", "news": "news-password"}

# Every process that an environment starts carries this variable with the environment's directory, however it detaches itself.
MARK = "NTPIPE_PRIVATE_SMBD"

CONFIGURATION = """\
[global]
	server role = standalone server
	workgroup = NTPIPETEST
	netbios name = NTPIPE
	interfaces = {host}/8
	bind interfaces only = yes
	smb ports = {port}
	disable netbios = yes
	private dir = {directory}/private
	lock directory = {directory}/lock
	state directory = {directory}/state
	cache directory = {directory}/cache
	pid directory = {directory}/pid
	ncalrpc dir = {directory}/ncalrpc
	passdb backend = tdbsam:{directory}/private/passdb.tdb
	log file = {directory}/log/smbd
	log level = {log_level}
	max log size = 0
	map to guest = Bad User
	guest account = nobody
	load printers = no
	printing = bsd
	printcap name = /dev/null
	disable spoolss = yes
	server min protocol = NT1
	client min protocol = NT1
	ntlm auth = ntlmv1-permitted
	multicast dns register = no
{options}
[tmp]
	path = {directory}/share
	read only = no
	guest ok = yes
"""

VFS_CONFIGURATION = """\
[IPC$]
	path = {directory}/share
	guest ok = yes
	vfs objects = ntpipe
"""

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def of_release(module):
    """The same file of the build for that release, if it is one of the build directory."""
    other = module.parents[1] / RELEASE / module.parent.name / module.name
    return other if other.exists() else module


def die_with_parent():
    """For preexec_fn: the process ends when ours does, however that ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def wait_until(condition, what, timeout=START_TIMEOUT):
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.01)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def marked_processes(directory):
    """The processes that belong to the environment in that directory."""
    wanted = f"{MARK}={directory}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0") and is_alive(entry):
                    found.append(int(entry))
    return found


def reserve_port(host):
    """A socket that holds a port which nobody else is given, but which smbd, with SO_REUSEPORT, can listen on."""
    reservation = socket.socket()
    reservation.bind((host, 0))
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return reservation


class Broker:
    """A private ntpiped in the foreground."""

    def __init__(self, program, directory, *, system=False, options=(), environment=None, log=None):
        self.command = [str(program), "--directory", str(directory), *(["--system"] if system else []), *options]
        self.directory, self.environment = Path(directory), environment
        self.log_path = Path(log or self.directory.parent / "ntpiped.log")
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment, preexec_fn=die_with_parent
            )
        wait_until(self.is_listening, "the broker does not start")

    def is_listening(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the broker has ended: {self.log_path.read_text()}")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            return probe.connect_ex(str(self.directory / "broker.sock")) == 0

    def pause(self):
        """It stands still: it neither answers nor hangs up."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """The hard way."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.go_on()
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()


# What a sanitizer finds must end the process. smbd never gives back what it has at its end.
SANITIZER_OPTIONS = {"ASAN_OPTIONS": "abort_on_error=1:detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1:abort_on_error=1:halt_on_error=1"}


def sanitizer_of(module):
    """Variables for an smbd that is to load an instrumented module: the sanitizer's own library must be there before all others."""
    listing = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=False).stdout
    found = next((line.split()[2] for line in listing.splitlines() if "libasan.so" in line), None)
    return {"LD_PRELOAD": found, **SANITIZER_OPTIONS} if found else {}


class PrivateSmbd(contextlib.AbstractContextManager):
    """
    module   path of ntpipe.so; None: smbd without it. It may be one that was built with the address sanitizer
    options  lines for [global], a dictionary
    broker   path of ntpiped; None: no broker
    system   the broker gives each user a scope (ntpiped --system)
    broker_options  further arguments for ntpiped
    wrapper  a command in front of smbd, such as valgrind
    loading  how smbd is told to load the module: "preload", "vfs" (`vfs objects` of IPC$), or "both"
    root     where selftest/libraries has unpacked another release of Debian, whose smbd is to run; "/": the installed one; None: that
             of the release in the environment variable NTPIPE_SAMBA_RELEASE, with the module that was built for it, else the installed one
    environment     variables for smbd and all that it starts, a dictionary
    """

    def __init__(self, *, module=None, options=None, broker=None, system=True, broker_options=(), wrapper=(), environment=None,
                 log_level=1, root=None, loading="preload"):  # fmt: skip
        self.module, self.options, self.wrapper, self.log_level = module, dict(options or {}), list(wrapper), log_level
        if root is None and RELEASE:
            root, self.module = HERE.parent / ".deps" / RELEASE / "root", module and of_release(Path(module))
        self.root, self.loading = Path(root or "/").resolve(), loading
        self.users, self.share, self.host = dict(USERS), "tmp", "127.0.0.1"
        self.directory = Path(tempfile.mkdtemp(prefix="ntpipe-smbd-", dir="/tmp"))
        self.ntpipe_dir = self.directory / "ntpipe"
        self.configuration = self.directory / "smb.conf"
        self.own_environment = {**(sanitizer_of(module) if module is not None else {}), **(environment or {})}
        self.environment = {**os.environ, "NTPIPE_DIR": str(self.ntpipe_dir)}
        marked = {**os.environ, MARK: str(self.directory)}
        self.broker = broker and Broker(broker, self.ntpipe_dir, system=system, options=broker_options, environment=marked)
        self.process = None
        self.reservation = None

    def __enter__(self):
        try:
            self.prepare()
            if self.broker is not None:
                self.broker.start()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    # ---- preparing ----

    def prepare(self):
        if os.geteuid() != 0:
            raise PermissionError("smbd needs root")
        self.directory.chmod(0o755)
        for name, mode in (("private", 0o700), ("share", 0o1777), *((name, 0o755) for name in ("lock", "state", "cache", "pid", "ncalrpc", "log"))):
            folder = self.directory / name
            folder.mkdir()
            folder.chmod(mode)
        self.reservation = reserve_port(self.host)
        self.port = self.reservation.getsockname()[1]
        self.write_configuration()
        for user, password in self.users.items():
            command = ["smbpasswd", "-c", str(self.configuration), "-s", "-a", user]
            subprocess.run([*self.inside(), *command], input=f"{password}\n" * 2, text=True, check=True, capture_output=True, timeout=START_TIMEOUT)

    def write_configuration(self):
        """smbd looks at the file for each new connection; others see changes after `smbcontrol reload-config`."""
        options = {"ntpipe:directory": str(self.ntpipe_dir), **self.options}
        if self.module is not None and self.loading != "vfs":
            options = {"preload modules": str(Path(self.module).resolve()), **options}
        lines = "".join(f"\t{name} = {value}\n" for name, value in options.items())
        text = CONFIGURATION.format(
            host=self.host, port=self.port, directory=self.directory, options=lines, log_level=self.log_level
        )
        if self.loading != "preload":
            text += VFS_CONFIGURATION.format(directory=self.directory)
        new = self.configuration.with_suffix(".new")
        new.write_text(text)
        new.rename(self.configuration)

    def set_options(self, **options):
        """Changes options, with _ for blanks, and for the colon of ours: set_options(ntpipe_export="echo"). None takes one out."""
        for name, value in options.items():
            name = name.replace("_", " ")
            name = name.replace("ntpipe ", "ntpipe:", 1) if name.startswith("ntpipe ") else name
            self.options.pop(name, None)
            if value is not None:
                self.options[name] = value
        self.write_configuration()

    @staticmethod
    def mounts(root, loading):
        """Whether it takes a mount namespace to run that Samba, with the module loaded in that way."""
        return Path(root) != Path("/") or loading != "preload"

    def inside(self):
        """What runs a command of the other release, or with the module among the VFS modules, which must be below the sources' top
        folder, or /tmp."""
        if not self.mounts(self.root, self.loading):
            return []
        vfs = ["--vfs", str(Path(self.module).resolve())] if self.loading != "preload" else []
        view = self.directory / "root"
        view.mkdir(exist_ok=True)
        return [str(HERE / "inside"), *vfs, str(self.root), str(view), str(HERE.parent), "--"]

    # ---- running ----

    def start(self):
        command = [*self.inside(), *self.wrapper, SMBD, "-F", "--no-process-group", "-s", str(self.configuration), "-l", str(self.directory / "log")]
        environment = {**os.environ, **self.own_environment, MARK: str(self.directory)}
        if self.loading != "preload":
            # One that is built, but not installed, looks for the library near its file, and the VFS module is a link to that.
            near = Path(self.module).resolve().parents
            environment.setdefault("LD_LIBRARY_PATH", f"{near[1]}/lib:{near[2]}/lib")
        with open(self.directory / "output", "ab") as output:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                preexec_fn=die_with_parent,
                start_new_session=True,
                cwd="/",
            )
        wait_until(self.is_listening, "smbd does not start")

    def is_listening(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"smbd has ended: {self.log()}")
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def log(self):
        logs = [*sorted((self.directory / "log").glob("*smbd*")), self.directory / "output"]
        return "".join(path.read_text(errors="replace") for path in logs if path.is_file())

    def children(self):
        """The process ids of smbd's connections (and of its few other helpers)."""
        with contextlib.suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]
        return []

    def connection_process(self, local_port):
        """The smbd that serves the client's connection from that port."""
        wanted = f"{int.from_bytes(socket.inet_aton(self.host), 'little'):08X}:{local_port:04X}"
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[2] == wanted and int(fields[1].rpartition(":")[2], 16) == self.port:
                return next((pid for pid in self.children() if self.has_socket(pid, fields[9])), None)
        return None

    @staticmethod
    def has_socket(pid, inode):
        with contextlib.suppress(OSError):
            return any(os.readlink(entry) == f"socket:[{inode}]" for entry in Path(f"/proc/{pid}/fd").iterdir())
        return False

    def client_environment(self):
        """Variables that tell a command where smbd is."""
        user, password = next(iter(self.users.items()))
        return {
            **self.environment,
            "SMBD_HOST": self.host,
            "SMBD_PORT": str(self.port),
            "SMBD_CONF": str(self.configuration),
            "SMBD_SHARE": self.share,
            "SMBD_USER": user,
            "SMBD_PASSWORD": password,
        }

    # ---- ending ----

    def stop(self):
        """Ends smbd and all that it has started. The broker and the files stay."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_TIMEOUT)
        self.end_processes(spare=[self.broker.pid] if self.broker and self.broker.process else [])
        if self.process is not None:
            self.process.wait(STOP_TIMEOUT)

    def end_processes(self, spare=()):
        """By their numbers: what carries our mark. samba-dcerpcd detaches itself and outlives smbd."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            remaining = [pid for pid in marked_processes(self.directory) if pid not in spare]
            for pid in remaining:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda pids=remaining: not any(is_alive(pid) for pid in pids), "", 5)

    def close(self):
        """Ends everything and removes the files."""
        self.stop()
        if self.broker is not None:
            self.broker.stop()
        self.end_processes()
        if self.reservation is not None:
            self.reservation.close()
        shutil.rmtree(self.directory, ignore_errors=True)
