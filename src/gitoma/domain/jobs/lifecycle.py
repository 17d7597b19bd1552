"""The life of a job: one table, and the value it acts on.

A job is always in one of eight phases. Clients see six statuses, because two phases are ways of being `running`: a job
that has been told to stop still runs until its last process is gone.

    phase        status      what is so
    QUEUED       queued      accepted; no process exists or ever did
    RUNNING      running     claimed: its process exists, or is about to
    CANCELLING   running     told to stop, because somebody asked
    TIMING_OUT   running     told to stop, because its time is over
    COMPLETED    completed   ended by itself, exit code 0
    FAILED       failed      ended by itself in any other way, or never could be started
    CANCELLED    cancelled   stopped because somebody asked
    TIMED_OUT    timed_out   stopped because its time was over

`TRANSITIONS` below is the whole truth about what leads where. An event that has no row there raises and changes
nothing; no row leaves a terminal phase, so terminal is final. A race between two events (somebody cancels while the
process exits) is two rows of the table, and whichever is applied first decides.

The first reason to stop wins: a job that is timing out does not become cancelled, and the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from types import MappingProxyType

from gitoma.domain.clock import Instant
from gitoma.domain.errors import InvalidTransition, JobAlreadyEnded


class Status(StrEnum):
    """What clients are told. The values are those of the REST page."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class Phase(Enum):
    """Where a job is in its life; see the table at the top of this file."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    TIMING_OUT = "timing out"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"


class Event(Enum):
    """What can happen to a job."""

    CLAIMED = "claimed"  # a worker takes it, before any process exists
    CANCEL_ASKED = "cancel asked"
    DEADLINE_PASSED = "deadline passed"
    SUCCEEDED = "succeeded"  # its process ended with exit code 0
    BROKE = "broke"  # its process ended otherwise, could not be started, or we made a mistake
    OUTLIVED_KILL = "outlived kill"  # told to stop, killed, and still some process of it is there


_STATUS = {
    Phase.QUEUED: Status.QUEUED,
    Phase.RUNNING: Status.RUNNING,
    Phase.CANCELLING: Status.RUNNING,
    Phase.TIMING_OUT: Status.RUNNING,
    Phase.COMPLETED: Status.COMPLETED,
    Phase.FAILED: Status.FAILED,
    Phase.CANCELLED: Status.CANCELLED,
    Phase.TIMED_OUT: Status.TIMED_OUT,
}

TERMINAL = frozenset({Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED, Phase.TIMED_OUT})

TRANSITIONS: Mapping[tuple[Phase, Event], Phase] = MappingProxyType(
    {
        (Phase.QUEUED, Event.CLAIMED): Phase.RUNNING,
        (Phase.QUEUED, Event.CANCEL_ASKED): Phase.CANCELLED,
        (Phase.QUEUED, Event.BROKE): Phase.FAILED,
        (Phase.RUNNING, Event.SUCCEEDED): Phase.COMPLETED,
        (Phase.RUNNING, Event.BROKE): Phase.FAILED,
        (Phase.RUNNING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.RUNNING, Event.DEADLINE_PASSED): Phase.TIMING_OUT,
        # Being told to stop, a process ends as it likes; what counts is that it was told.
        (Phase.CANCELLING, Event.CANCEL_ASKED): Phase.CANCELLING,
        (Phase.CANCELLING, Event.DEADLINE_PASSED): Phase.CANCELLING,
        (Phase.CANCELLING, Event.SUCCEEDED): Phase.CANCELLED,
        (Phase.CANCELLING, Event.BROKE): Phase.CANCELLED,
        (Phase.CANCELLING, Event.OUTLIVED_KILL): Phase.CANCELLED,
        (Phase.TIMING_OUT, Event.CANCEL_ASKED): Phase.TIMING_OUT,
        (Phase.TIMING_OUT, Event.SUCCEEDED): Phase.TIMED_OUT,
        (Phase.TIMING_OUT, Event.BROKE): Phase.TIMED_OUT,
        (Phase.TIMING_OUT, Event.OUTLIVED_KILL): Phase.TIMED_OUT,
    }
)


@dataclass(frozen=True, slots=True)
class Job:
    """A job, as a value: it never changes, `after` makes the next one.

    Attributes:
        id: A UUID4, as text.
        label: `run`, `analyze`, `review` or `fix-ci`.
        argv: The whole command line, agent command first.
        created: When it was accepted.
        phase: Where it is in its life.
        started: When it was claimed; None before.
        finished: When it became terminal; None before.
        error_id: Hex, the key of the matching entry in the server's log; set exactly when `needs_error_id` says so.
    """

    id: str
    label: str
    argv: tuple[str, ...]
    created: Instant
    phase: Phase = Phase.QUEUED
    started: Instant | None = None
    finished: Instant | None = None
    error_id: str | None = None

    @property
    def status(self) -> Status:
        """What clients are told."""
        return _STATUS[self.phase]

    @property
    def is_terminal(self) -> bool:
        """Nothing can happen to it any more."""
        return self.phase in TERMINAL

    @property
    def is_stopping(self) -> bool:
        """It has been told to stop and has not ended yet."""
        return self.phase in (Phase.CANCELLING, Phase.TIMING_OUT)

    def after(self, event: Event, at: Instant, *, error_id: str | None = None) -> Job:
        """The job once `event` has happened.

        Args:
            event: What happened.
            at: When.
            error_id: For an event that ends the job: kept if the ending is one that has an error id, else ignored.
                The caller makes it, because only the caller knows what it wrote to the log.

        Raises:
            JobAlreadyEnded: The job is terminal.
            InvalidTransition: The table has no row for this; a defect of the caller.
            ValueError: The ending needs an error id and none was given.
        """
        if self.is_terminal:
            raise JobAlreadyEnded(self.id, self.status.value)
        phase = TRANSITIONS.get((self.phase, event))
        if phase is None:
            raise InvalidTransition(self.phase.value, event.value)
        if phase is Phase.RUNNING:
            return replace(self, phase=phase, started=at)
        if phase not in TERMINAL:
            return replace(self, phase=phase)
        if not needs_error_id(phase, event):
            error_id = None
        elif error_id is None:
            raise ValueError(f"a job that is {phase.value} needs an error id")
        return replace(self, phase=phase, finished=at, error_id=error_id)


def needs_error_id(phase: Phase, event: Event) -> bool:
    """Whether a job that becomes `phase` by `event` carries an error id.

    `failed` and `timed_out` always do. A cancel that worked is what somebody wanted, so it has none; one whose
    processes outlived SIGKILL has.
    """
    return phase in (Phase.FAILED, Phase.TIMED_OUT) or (phase is Phase.CANCELLED and event is Event.OUTLIVED_KILL)
