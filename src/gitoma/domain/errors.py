"""Everything that gitoma raises on purpose.

The classes below `GitomaError` say whose mistake an error is, because that decides who is told what:

* `CallerError`: whoever called asked for something that cannot be. They are told, in words they can act on.
* `Busy`: nobody's mistake; the same call may work later. They are told when.
* `OperatorError`: the installation is at fault. Whoever runs gitoma is told.
* `Defect`: gitoma is at fault. The log is told; the caller learns an `error_id` and nothing else.

Nothing here knows of HTTP: `adapters/http/errors.py` holds the table from error to status.
"""

from __future__ import annotations

from typing import NamedTuple


class GitomaError(Exception):
    """The root: whatever gitoma raises on purpose is one of these."""


class CallerError(GitomaError):
    """The caller's mistake: the message is for them, and never quotes what they sent."""


class Busy(GitomaError):
    """Nobody's mistake: the same call may succeed after `retry_after_s` seconds."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class OperatorError(GitomaError):
    """The installation's mistake: the message is one line for whoever runs gitoma."""


class Defect(GitomaError):
    """Our own mistake."""


class Problem(NamedTuple):
    """One bad field of a request.

    Attributes:
        field: The field's name, or "" for the request as a whole.
        message: What it must be, in words; never what it was.
        kind: One of the types that clients of the REST API know: `missing`, `string_type`, `bool_type`,
            `string_too_long`, `value_error`, `json_invalid`, `model_attributes_type`.
    """

    field: str
    message: str
    kind: str = "value_error"


class InvalidRequest(CallerError):
    """One or more fields are bad; `problems` has all of them."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in self.problems)


class InvalidName(CallerError, ValueError):
    """A repository URL, a branch or a slug that breaks a rule; the message says which rule."""

    def __init__(self, message: str, *, kind: str = "value_error") -> None:
        super().__init__(message)
        self.kind = kind


class BranchRequired(CallerError):
    """`fix-ci` was asked for without the branch to fix."""

    def __init__(self) -> None:
        super().__init__("branch is required for fix-ci")


class UnknownJob(CallerError, LookupError):
    """No job of this id is known: it never was, or it has been evicted."""

    def __init__(self, job_id: str) -> None:
        super().__init__("Job not found")
        self.job_id = job_id


class JobAlreadyEnded(CallerError):
    """The job is terminal, and terminal is final."""

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(f"Job is already {status}")
        self.job_id = job_id
        self.status = status


class QueueFull(Busy):
    """As many jobs wait as may wait."""

    def __init__(self, limit: int) -> None:
        # Nobody knows when a job ends; a minute is the order of magnitude of the shortest real ones.
        super().__init__(f"{limit} jobs are waiting already; try again later", retry_after_s=60)


class RateLimited(Busy):
    """This caller has dispatched as many jobs as it may in the window."""

    def __init__(self, limit: int, window_s: float, retry_after_s: int) -> None:
        super().__init__(f"At most {limit} dispatches in {window_s:g} s", retry_after_s=retry_after_s)


class TooManyFollowers(Busy):
    """As many readers follow this job as may follow one."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} readers follow this job already", retry_after_s=1)


class Closing(Busy):
    """The service is shutting down and takes nothing new."""

    def __init__(self) -> None:
        super().__init__("The server is shutting down.", retry_after_s=10)


class InvalidSetting(OperatorError, ValueError):
    """A setting whose value makes no sense.

    Args:
        name: The variable, as the operator wrote it.
        got: What it was set to, already fit to be shown (a secret's value is not).
        takes: What it takes, in words.
    """

    def __init__(self, name: str, got: str, takes: str) -> None:
        super().__init__(f"{name}={got!r} is not valid: it takes {takes}")
        self.name = name


class CannotStart(OperatorError):
    """The operating system refused to start a job's command; `reason` is its own word for it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidTransition(Defect):
    """An event that the lifecycle table has no row for."""

    def __init__(self, phase: str, event: str) -> None:
        super().__init__(f"a job that is {phase} cannot take {event}")
        self.phase = phase
        self.event = event
