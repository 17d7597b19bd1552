"""The parent of one job's processes: a program of its own, one process for each job. The server never imports it.

The runner starts it with the arguments GRACE_S LC_CTYPE COMMAND… and talks to it through its standard input, one end of
a socket pair; its standard output is the job's pipe, its standard error the server's log. It does three things that
nothing inside the server could:

* It is the *child subreaper* of the job: whatever the job forks and abandons becomes a child of this process and not
  of init, so a process can leave its group, its session and its environment, and is still found. Of the mechanisms
  that were tried (process groups, walking /proc, environment markers) only this one and cgroups missed nothing.
* It outlives the server. The end of the socket pair says that the server is gone, even by SIGKILL, and then it stops
  the job by itself.
* It reaps what the job leaves, without touching the other children of the server.

    from the server   T: SIGTERM to all, once     K: SIGKILL until none is left     end of file: T, GRACE_S seconds, K
    to the server     "started PID", or "failed ERRNO" and no more; "exited CODE"; "gone"; each a line

It never decides how long a job may take to stop: that is the server's policy, as long as there is a server.

Standard library only, one thread, and few imports, because its start is part of each job's start.
"""

import ctypes
import os
import select
import time

TYPE_CHECKING = False  # typing's own would cost its import
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
else:
    try:
        # The public module wraps this one in enums, and building those takes 7 of the 22 ms of this program's start.
        import _signal as signal
    except ImportError:
        import signal

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CONTROL = 0
OUTPUT = 1
OOM_SCORE_ADJ = 500  # of 1000: when memory runs out a job goes before the server does
FIRST_ROUND_S, LAST_ROUND_S = 0.001, 0.1  # between rounds of SIGKILL: the first often catches all, a stuck one waits


def main(arguments: list[str]) -> None:
    """Run the command, look after its processes until none is left, and end this process.

    Args:
        arguments: Seconds between SIGTERM and SIGKILL once the server is gone; the value of LC_CTYPE for the command,
            "" for none, because this interpreter may have changed it; the command.
    """
    run(float(arguments[0]), arguments[1], arguments[2:])
    os._exit(0)  # at once: there is nothing to clean up, and the server waits for the end


def run(grace_s: float, locale: str, command: list[str]) -> None:
    """Run the command and look after its processes until none is left."""
    os.environ["LC_CTYPE"] = locale
    if not locale:
        del os.environ["LC_CTYPE"]
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    is_subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1)
    # A job can stop this process. The server continues it while there is a server; its death must do so too.
    prctl(PR_SET_PDEATHSIG, signal.SIGCONT)
    wakeups = wake_on_signals()
    pid, errno = start(command)
    # From here on only the job holds its pipe, so that the pipe's end means that nobody is left who could write.
    os.dup2(os.open(os.devnull, os.O_RDWR), OUTPUT)
    if errno:
        tell(f"failed {errno}")
        return
    tell(f"started {pid}")
    JobParent(pid, is_subreaper, wakeups, grace_s).run()
    tell("gone")


def prctl(option: int, value: int) -> bool:
    """Set a property of this process; False where the system knows no such thing (it is Linux's)."""
    try:
        call = ctypes.CDLL(None).prctl
    except AttributeError:
        return False
    call.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)
    return bool(call(option, value, 0, 0, 0) == 0)


def tell(message: str) -> None:
    """Send a line to the server."""
    try:
        os.write(CONTROL, f"{message}\n".encode())
    except (BrokenPipeError, ConnectionResetError):
        return  # the server is gone; the next read says so and has its consequence


def hear() -> bytes:
    """What the server says, or nothing if it is gone."""
    try:
        return os.read(CONTROL, 64)
    except ConnectionResetError:  # it left without having read everything
        return b""


def wake_on_signals() -> int:
    """Have each signal of interest put its number into a pipe, and return the pipe's reading end."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # without a handler nothing is put into the pipe
    return reading


def start(command: list[str]) -> tuple[int, int]:
    """Fork the job's main process; return its pid, and the errno of a failed exec or 0.

    Signals are blocked at the fork, so that none reaches the child while it still has this program's handlers.
    """
    parent = os.getpid()
    reading, writing = os.pipe()  # closed by a successful exec
    pid = os.fork()
    if pid == 0:
        try:
            execute(command, parent)
        except OSError as error:
            os.write(writing, str(error.errno).encode())
        os._exit(127)
    os.close(writing)
    errno = os.read(reading, 16)
    os.close(reading)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    return pid, int(errno or 0)


def execute(command: list[str], parent: int) -> None:
    """Become the job's main process."""
    os.setsid()
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked for
        os._exit(127)
    os.dup2(os.open(os.devnull, os.O_RDONLY), CONTROL)
    os.dup2(OUTPUT, 2)
    raise_oom_score()
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.execvp(command[0], command)


def raise_oom_score() -> None:
    """Let the job be the first to go when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "r+") as file:  # noqa: PTH123 (pathlib costs its import)
            if int(file.read()) < OOM_SCORE_ADJ:
                file.write(str(OOM_SCORE_ADJ))
    except OSError:
        return  # no /proc, or a sandbox: the job runs all the same


class JobParent:
    """Looks after the processes of one job.

    Args:
        main: The pid of the main process, which leads the job's session and group.
        is_subreaper: Orphans of the job come to this process; otherwise only the group can be found.
        wakeups: Reading end of a pipe in which numbers of signals arrive.
        grace_s: Seconds between SIGTERM and SIGKILL once the server is gone.
    """

    def __init__(self, main: int, is_subreaper: bool, wakeups: int, grace_s: float) -> None:
        self._main = main
        self._is_subreaper = is_subreaper
        self._wakeups = wakeups
        self._grace_s = grace_s
        self._exited = False
        self._terminated = False
        self._kill_at: float | None = None
        self._round_s = FIRST_ROUND_S
        self._seen: list[int] = []
        self._poll = select.poll()
        self._poll.register(CONTROL, select.POLLIN)
        self._poll.register(wakeups, select.POLLIN)

    def run(self) -> None:
        """Do as told until no process of the job is left."""
        while self._reap():
            for source, _ in self._poll.poll(self._pause_ms()):
                if source == CONTROL:
                    self._obey(hear())
                else:
                    self._note(os.read(self._wakeups, 4096))
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._kill_all()

    def _reap(self) -> bool:
        """Collect what has ended; whether anything of the job is left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._main:
                    self._exited = True
                    tell(f"exited {os.waitstatus_to_exitcode(status)}")
        except ChildProcessError:
            return not self._is_subreaper and self._group_exists()

    def _group_exists(self) -> bool:
        try:
            os.killpg(self._main, 0)
        except OSError:
            return False
        return True

    def _pause_ms(self) -> float | None:
        if self._kill_at is not None:
            return 1000 * max(self._round_s, self._kill_at - time.monotonic())
        if self._exited and not self._is_subreaper:
            return 1000 * LAST_ROUND_S  # the end of a group is not announced to anybody
        return None

    def _obey(self, orders: bytes) -> None:
        if not orders:
            self._poll.unregister(CONTROL)
            self._stop_alone()
        if b"T" in orders:
            self._terminate_all()
        if b"K" in orders:
            self._kill_at = time.monotonic()

    def _note(self, signals: bytes) -> None:
        if any(number != signal.SIGCHLD for number in signals):
            self._stop_alone()  # somebody stops this process: the job must not be left without it

    def _stop_alone(self) -> None:
        self._terminate_all()
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._grace_s

    def _terminate_all(self) -> None:
        """SIGTERM, once: a second one must not disturb a clean-up. Stopped processes are continued to act on it."""
        if not self._terminated:
            self._terminated = True
            for number in (signal.SIGTERM, signal.SIGCONT):
                self._signal_all(number, list(self._descendants()))

    def _kill_all(self) -> None:
        """One round of SIGKILL. The next comes soon while there are new processes, later when they are stuck."""
        found = list(self._descendants())
        self._signal_all(signal.SIGKILL, found)
        self._round_s = min(2 * self._round_s, LAST_ROUND_S) if found == self._seen else FIRST_ROUND_S
        self._seen = found

    def _signal_all(self, number: int, found: list[int]) -> None:
        outside = [pid for pid in found if not self._is_in_group(pid)]
        # A group that has no member left may be somebody else's by now, its number being free again.
        if not self._is_subreaper or not self._exited or len(outside) < len(found):
            send(os.killpg, self._main, number)
        for pid in outside:
            send(os.kill, pid, number)

    def _is_in_group(self, pid: int) -> bool:
        try:
            return os.getpgid(pid) == self._main
        except ProcessLookupError:
            return False

    def _descendants(self) -> "Iterator[int]":
        """Every living process below this one, nearest first."""
        if not self._is_subreaper:
            return
        found = [os.getpid()]
        for parent in found:
            children = children_of(parent)
            found += children
            yield from children


def send(how, target: int, number: int) -> None:  # type: ignore[no-untyped-def]  # os.kill or os.killpg
    """Send a signal to what may be gone already, or have become another user's."""
    try:
        how(target, number)
    except (ProcessLookupError, PermissionError):
        return  # gone is fine; a process that is not ours to signal shows as one that outlives SIGKILL


def children_of(pid: int) -> list[int]:
    """The children of all threads of a process; none if it has gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found
