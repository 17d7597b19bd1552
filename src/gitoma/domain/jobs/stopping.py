"""How a job is stopped, as data: the supervisor walks it."""

from __future__ import annotations

from dataclasses import dataclass

from gitoma.domain.jobs.ports import Stop

KILL_WAIT_S = 5.0
"""How long to wait for processes after SIGKILL. The kernel needs microseconds; what is left after this is stuck in it
(a dead network disk, usually), and no signal will ever end it."""

LEFTOVER_WAIT_S = 1.0
"""How long what a finished job left behind may go on before it is stopped: the contract of jobs."""


@dataclass(frozen=True, slots=True)
class Step:
    """Do `how`, then wait up to `wait_s` seconds for the last process to be gone."""

    how: Stop
    wait_s: float


def stop_steps(grace_s: float) -> tuple[Step, ...]:
    """TERM, the grace, KILL, and a last wait. `grace_s` is 5 on the REST page, `GITOMA_CANCEL_GRACE_S` here."""
    return (Step(Stop.TERMINATE, grace_s), Step(Stop.KILL, KILL_WAIT_S))
