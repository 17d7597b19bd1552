"""What the domain of jobs needs from the outside.

All of these are used from one event loop. Every wait has a limit in seconds and raises `TimeoutError` at it, so that
the domain needs no timer of its own and a virtual clock can test an hour at once.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gitoma.domain.jobs.lifecycle import Job, Status
from gitoma.domain.jobs.output import Delivery


class JobStore(Protocol):
    """The jobs that are known. Ids are unique; a job that was removed is as unknown as one that never was."""

    @abstractmethod
    async def add(self, job: Job) -> None:
        """Keep a new job.

        Raises:
            ValueError: A job of this id is known already.
        """

    @abstractmethod
    async def get(self, job_id: str) -> Job:
        """The job as it is now.

        Raises:
            UnknownJob: No job of this id is known.
        """

    @abstractmethod
    async def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Replace the job by `change(job)` in one atomic step, and return the new one.

        `change` is pure, and may be called more than once. Whatever it raises passes through, and nothing changes.

        Raises:
            UnknownJob: No job of this id is known.
        """

    @abstractmethod
    async def all(self) -> Sequence[Job]:
        """Every known job, in the order in which they were added."""

    @abstractmethod
    async def remove(self, job_ids: Sequence[str]) -> None:
        """Forget these jobs; ids that are unknown are passed over."""


class Follower(Protocol):
    """One reader of one job's output. It must be closed; closing twice is allowed."""

    @abstractmethod
    async def take(self, timeout: float) -> Sequence[Delivery]:
        """Wait until something is there for this reader, and hand over all of it, oldest first.

        Batches come in order and never twice; lines that were lost show as one `Gap` where they are missing. The last
        delivery of all is `End`, and it is never lost.

        Raises:
            TimeoutError: Nothing came within `timeout` seconds.
        """

    @abstractmethod
    def close(self) -> None:
        """Give up the place of this reader."""


class OutputLog(Protocol):
    """What jobs print: a bounded memory of the last lines, and readers that follow live."""

    @abstractmethod
    async def open(self, job_id: str) -> None:
        """Begin the output of a new job."""

    @abstractmethod
    async def append(self, job_id: str, lines: Sequence[str]) -> None:
        """Add lines, already fit to be seen and without line ends; they are numbered from 1 as they come.

        After the end, or for a job that is not known, nothing is added.
        """

    @abstractmethod
    async def end(self, job_id: str, status: Status) -> None:
        """No further line will come: the job has become `status`. A second end changes nothing."""

    @abstractmethod
    async def buffered(self, job_ids: Sequence[str]) -> Mapping[str, int]:
        """How many lines of each job can still be replayed; unknown ids are left out."""

    @abstractmethod
    async def follow(self, job_id: str, after: int) -> Follower:
        """A new reader that gets every line after number `after`: first what can be replayed, then what comes.

        Replay and subscription are one step: no line is lost or doubled between them. Where `after` is beyond the last
        line, the reader gets whatever comes next.

        Raises:
            UnknownJob: No output of this id is known.
            TooManyFollowers: As many readers follow this job as may follow one.
        """

    @abstractmethod
    async def forget(self, job_ids: Sequence[str]) -> None:
        """Let go of these jobs' lines. Readers that follow one keep what they were promised."""


@dataclass(frozen=True, slots=True)
class Wrote:
    """The job's processes wrote this: never empty, as raw as it came, cut anywhere."""

    chunk: bytes


@dataclass(frozen=True, slots=True)
class Exited:
    """The job's main process has ended.

    Attributes:
        code: Its exit code, or minus the number of the signal that ended it (as `subprocess` has it).
    """

    code: int


class ProcessEvent(Enum):
    """What else a job's processes can report."""

    OUTPUT_CLOSED = "output closed"  # nobody is left who could write; reported at most once
    GONE = "gone"  # no process of the job is left, wherever it had gone; the last event of all
    WOKEN = "woken"  # nothing happened: `wake` was called


class Stop(Enum):
    """How a job is told to stop."""

    TERMINATE = "SIGTERM"
    KILL = "SIGKILL"


class JobProcesses(Protocol):
    """All the processes of one job: its main process, its group, and whatever has left the group."""

    @abstractmethod
    async def next(self, timeout: float) -> Wrote | Exited | ProcessEvent:
        """Wait for what happens next.

        What is ready already is returned even when `timeout` is 0. Output is read only when this is called, so a
        caller that does not ask slows the job and fills no memory. After `GONE`, this must not be called again.

        Raises:
            TimeoutError: Nothing happened within `timeout` seconds.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make the pending call of `next`, or the next one, return `WOKEN` at once."""

    @abstractmethod
    def stop(self, how: Stop) -> None:
        """Signal every process of the job, those that left its group included; stopped ones are continued.

        After `KILL` it goes on until none is left, so that what is forked in between is not missed. Never raises:
        what is gone already cannot be signalled and need not be, and after `close` nothing is done.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of every descriptor; closing twice is allowed.

        Processes that are left are then stopped without us: TERM, grace, KILL.
        """


class ProcessRunner(Protocol):
    """Starts the processes of jobs."""

    @abstractmethod
    async def start(self, job_id: str, argv: Sequence[str]) -> JobProcesses:
        """Start a job's main process: its own session, stdin empty, stdout and stderr one pipe, in order.

        It finds `job_id` in its environment as `GITOMA_JOB_ID`, and of the server's environment only what the
        allow-list names.

        Raises:
            CannotStart: The operating system refused.
        """


class Dispatcher(Protocol):
    """Brings accepted jobs to a worker, first come, first served."""

    @abstractmethod
    async def launch(self, job_id: str) -> None:
        """Run this job now, or as soon as its turn comes.

        Raises:
            QueueFull: As many jobs wait as may wait.
        """

    @abstractmethod
    async def interrupt(self, job_id: str) -> None:
        """The job has been told to stop: give up its place in the queue, or have its processes stopped."""

    @abstractmethod
    async def close(self) -> None:
        """Wait until no job runs any more. Nothing is launched from here on."""

    @abstractmethod
    def kill(self) -> None:
        """Send SIGKILL to whatever runs, at once."""
