"""Starts the processes of jobs, reads what they print, and stops them to the last one.

Each job has a small process between itself and the server (`job_parent.py`, which says why). Here is the server's side
of it: one pipe to read, one socket to talk through, and nothing that blocks the event loop. It works on asyncio's own
loop and on uvloop; uvloop's and asyncio's subprocesses are not used, because they fork, which takes 16 ms in a server
of 400 MB, where `subprocess.Popen` alone uses vfork and takes 0.2 ms.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from gitoma.adapters.posix.environment import job_environment
from gitoma.adapters.posix.leftovers import kill_marked
from gitoma.domain.errors import CannotStart
from gitoma.domain.jobs.ports import Exited, JobProcesses, ProcessEvent, ProcessRunner, Stop, Wrote

PIPE_BYTES = 256 * 1024
"""How much a job can write ahead of us. A MiB was measured to be no faster, and Linux lends each user 64 MiB for all
pipes, of which 50 jobs take a fifth like this."""

CHUNK_BYTES = 128 * 1024
"""How much is read at once. 64 KiB read a tenth slower; 256 KiB no faster, and others would wait longer meanwhile."""

LOST_POLL_S = 0.05
"""How often to look for what is left of a job whose parent process was killed."""

SLOW_START_S = 0.2
"""Ten times as long as a start takes: then the job may have stopped its parent before that could tell of the start."""

CONTINUE_EVERY_S = 1.0
"""How often a job's parent is continued, in case the job has stopped it: until then the job's end would not be seen."""

ORDERS = {Stop.TERMINATE: b"T", Stop.KILL: b"K"}

JOB_PARENT = "import sys; sys.path.append(sys.argv[1]); from job_parent import main; main(sys.argv[2:])"
"""How `job_parent.py` is run: imported, because a file that is run is compiled each time, which takes 4 of 20 ms."""


def contains_escapees() -> bool:
    """Whether processes that leave their job's group are found here: on Linux yes, elsewhere only the group is."""
    return sys.platform == "linux" and Path("/proc/self/task").is_dir()


class ProcessGroupRunner(ProcessRunner):
    """Runs jobs as processes of this machine.

    Args:
        environment: The server's own; jobs get of it what `job_environment` lets through.
        also_inherit: Names of further variables that jobs inherit.
        grace_s: Seconds between SIGTERM and SIGKILL where the server cannot tell because it is gone.
        interpreter: The Python that runs `job_parent.py`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        also_inherit: Collection[str] = (),
        grace_s: float = 5.0,
        interpreter: str = sys.executable,
    ) -> None:
        self._environment = dict(environment)
        self._also_inherit = frozenset(also_inherit)
        self._job_parent = [interpreter, "-I", "-S", "-c", JOB_PARENT, str(Path(__file__).parent), str(grace_s)]

    async def start(self, job_id: str, argv: Sequence[str]) -> JobProcesses:
        """Start a job's main process, and return once its program runs."""
        processes = self._spawn(job_id, argv)
        try:
            await processes.started(argv[0])
        except BaseException:
            processes.close()
            raise
        return processes

    def _spawn(self, job_id: str, argv: Sequence[str]) -> PosixJobProcesses:
        environment = job_environment(self._environment, job_id, also=self._also_inherit)
        # In the C locale an interpreter changes LC_CTYPE in its own environment: the job must find what the server has.
        locale = environment.get("LC_CTYPE", "")
        try:
            with ExitStack() as ours, ExitStack() as theirs:
                output, job_output = os.pipe()
                ours.callback(os.close, output)
                theirs.callback(os.close, job_output)
                control, job_control = socket.socketpair()
                ours.callback(control.close)
                theirs.callback(job_control.close)
                parent = subprocess.Popen(
                    [*self._job_parent, locale, *argv],
                    stdin=job_control.fileno(),
                    stdout=job_output,
                    env=environment,
                    start_new_session=True,  # Ctrl-C in the server's terminal is the server's to handle
                )
                ours.pop_all()
        except (OSError, ValueError) as error:  # ValueError: a null byte in the command
            raise CannotStart(getattr(error, "strerror", None) or str(error)) from error
        return PosixJobProcesses(job_id, parent, control, output)


class PosixJobProcesses(JobProcesses):
    """The processes of one job, seen from the server.

    Args:
        job_id: The job.
        parent: The process that looks after them.
        control: Our end of what we talk to it through; owned.
        output: Our end of the job's pipe; owned.
    """

    def __init__(self, job_id: str, parent: subprocess.Popen[bytes], control: socket.socket, output: int) -> None:
        self._job_id = job_id
        self._parent = parent
        self._control = control
        self._output: int | None = output
        self._loop = asyncio.get_running_loop()
        self._unread = b""
        self._started = False
        self._refused = 0
        self._exits: deque[Exited] = deque()
        self._exit_told = False
        self._all_gone = False
        self._parent_ended = False
        self._still_readable = PIPE_BYTES
        self._woken = False
        self._is_closed = False
        self._waiter: asyncio.Future[None] | None = None
        control.setblocking(False)
        os.set_blocking(output, False)
        _enlarge(output)

    async def started(self, program: str) -> None:
        """Wait until the job's program runs.

        Raises:
            CannotStart: It does not.
        """
        while not self._heard_of_start():
            await self._wait(self._loop.time() + SLOW_START_S, [self._control.fileno()])
            self._continue_parent()
        if self._refused:
            raise CannotStart(f"{os.strerror(self._refused)}: {program}")
        # Killed before it could tell: the job may have done so itself, so it is treated as one that had been started.
        if not self._started and self._parent.returncode >= 0:
            raise CannotStart(f"the job's parent process ended with code {self._parent.returncode}")

    def _heard_of_start(self) -> bool:
        self._read_control()
        return self._started or self._parent_ended

    async def next(self, timeout: float) -> Wrote | Exited | ProcessEvent:
        """Wait for what happens next; each call lets the rest of the server have a turn, even in a flood."""
        deadline = self._loop.time() + timeout
        await asyncio.sleep(0)
        while (event := self._ready()) is None:
            now = self._loop.time()
            if now >= deadline:
                raise TimeoutError
            limit = LOST_POLL_S if self._parent_ended else CONTINUE_EVERY_S
            await self._wait(min(deadline, now + limit), self._descriptors())
            if self._loop.time() >= now + limit:
                self._continue_parent()
        return event

    def wake(self) -> None:
        """Make the pending call of `next`, or the next one, return `WOKEN` at once."""
        self._woken = True
        _resolve(self._waiter)

    def stop(self, how: Stop) -> None:
        """Have every process of the job signalled; without effect once `close` has handed that over."""
        if self._is_closed:
            return
        self._continue_parent()
        # Broken: nobody is left to hear it, or `next` is killing what is left already. Blocking: a parent that is kept
        # from reading has hundreds of orders before it, and needs no further one.
        with suppress(BrokenPipeError, ConnectionResetError, BlockingIOError):
            self._control.send(ORDERS[how])

    def close(self) -> None:
        """Let go of every descriptor; whoever looks after the processes sees it and stops what is left."""
        if self._is_closed:
            return
        self._is_closed = True
        self._close_output()
        self._control.close()
        self._continue_parent()
        if self._parent.poll() is None:
            # Nobody will ask again, and it must not stay a zombie: it lives for the grace and a moment.
            threading.Thread(target=self._parent.wait, name=f"reap {self._job_id}", daemon=True).start()

    def _continue_parent(self) -> None:
        """A job can stop its own parent, which then would neither hear nor tell anything."""
        self._parent.send_signal(signal.SIGCONT)

    def _descriptors(self) -> list[int]:
        control = [] if self._parent_ended else [self._control.fileno()]
        return control if self._output is None else [*control, self._output]

    async def _wait(self, deadline: float, descriptors: Sequence[int]) -> None:
        """Until one of these is readable, `wake` is called, or the deadline has come."""
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_at(deadline, _resolve, waiter)
        for descriptor in descriptors:
            self._loop.add_reader(descriptor, _resolve, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            for descriptor in descriptors:
                self._loop.remove_reader(descriptor)
            self._waiter = None

    def _ready(self) -> Wrote | Exited | ProcessEvent | None:
        """What can be told now, most urgent first; `GONE` only when the pipe has nothing more."""
        if self._woken:
            self._woken = False
            return ProcessEvent.WOKEN
        self._read_control()
        if self._exits:
            return self._exits.popleft()
        if self._output is not None and (event := self._read_output(self._output)):
            return event
        if self._parent_ended and (self._all_gone or not kill_marked(self._job_id)):
            return ProcessEvent.GONE
        return None

    def _read_output(self, output: int) -> Wrote | ProcessEvent | None:
        if self._parent_ended and self._still_readable <= 0:
            return None  # all that the job wrote has been read; a stranger whom it gave its pipe writes on
        try:
            chunk = os.read(output, CHUNK_BYTES)
        except BlockingIOError:
            return None
        if not chunk:
            self._close_output()
            return ProcessEvent.OUTPUT_CLOSED
        if self._parent_ended:
            self._still_readable -= len(chunk)
        return Wrote(chunk)

    def _close_output(self) -> None:
        if self._output is not None:
            os.close(self._output)
            self._output = None

    def _read_control(self) -> None:
        while not self._parent_ended:
            try:
                received = self._control.recv(256)
            except BlockingIOError:
                return
            except ConnectionResetError:  # it ended without having read our last order
                received = b""
            *lines, self._unread = (self._unread + received).split(b"\n")
            for line in lines:
                self._hear(line.decode())
            if not received:
                self._parent_ended = True
                self._parent.wait()  # its descriptors are closed, so it is in the middle of its exit
                if not self._exit_told:
                    self._tell_exit(-signal.SIGKILL)  # it was killed, and the kernel then killed the main process

    def _hear(self, line: str) -> None:
        match line.split():
            case ["started", _]:
                self._started = True
            case ["failed", errno]:
                self._refused = int(errno)
            case ["exited", code]:
                self._tell_exit(int(code))
            case ["gone"]:
                self._all_gone = True
            case _:
                raise AssertionError(f"job_parent.py said {line!r}")

    def _tell_exit(self, code: int) -> None:
        self._exit_told = True
        self._exits.append(Exited(code))


def _resolve(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _enlarge(pipe: int) -> None:
    """Give a pipe room for `PIPE_BYTES`, where the system can and the user may."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        try:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        except PermissionError:
            return  # the user's pipes hold as much as they may: this one works all the same, at its usual size
