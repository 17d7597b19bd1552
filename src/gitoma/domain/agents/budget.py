"""What one agent may spend: time, questions to the model, and what the model writes.

A spent budget is an ordinary end: what was committed stays, and the error says which budget it was. The times stay
below the hour that the server gives a job, so that an agent which need not wait for another has the time to say and
write down how it ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.clock import Clock


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent.

    Attributes:
        seconds: From the beginning of the work.
        calls: Questions to the model, failed ones included.
        completion_tokens: What the model writes, its reasoning included.
    """

    seconds: float
    calls: int
    completion_tokens: int


LIMITS: Mapping[str, Limits] = MappingProxyType(
    {
        "run": Limits(45 * 60.0, 2 + 5 * 3, 60_000),  # two plans; three attempts at each of five tasks
        "review": Limits(30 * 60.0, 60, 60_000),  # three attempts at each of twenty threads
        "fix-ci": Limits(
            20 * 60.0, 3 * (3 + 3 + 1), 40_000
        ),  # three jobs: three fixes, three verdicts, one asked again
    }
)
"""What each agent may spend where the operator says nothing else."""

RUN_WITH_CRITIC = Limits(45 * 60.0, 2 * LIMITS["run"].calls, 60_000)
"""What `run` may spend where a critic judges each attempt."""


class Budget:
    """Counts what is spent.

    Args:
        limits: What may be.
        clock: Time is counted from now on, or from `begin`.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._started = clock.now().monotonic
        self._calls = 0
        self._tokens = 0

    def begin(self) -> None:
        """Count time from now on: what went before, waiting for others, is no work."""
        self._started = self._clock.now().monotonic

    @property
    def remaining_s(self) -> float:
        """How many seconds are left; below 0 once it is too late."""
        return self._limits.seconds - self._seconds

    @property
    def spent(self) -> Mapping[str, int]:
        """What is spent, for the result: `calls`, `tokens` and whole `seconds`."""
        return {"calls": self._calls, "tokens": self._tokens, "seconds": int(self._seconds)}

    def before_call(self) -> None:
        """Count a question that is about to be asked: one that fails costs as much.

        Raises:
            AgentError: `budget`: there is nothing left to ask it with. It is not counted then.
        """
        self.check()
        if self._calls >= self._limits.calls:
            raise _spent(f"{self._limits.calls} questions to the model", "CALLS")
        if self._tokens >= self._limits.completion_tokens:
            raise _spent(f"{self._limits.completion_tokens} tokens of answers", "TOKENS")
        self._calls += 1

    def charge(self, tokens: int) -> None:
        """Count what the model has written, of use or not; what a server says of it is not to be trusted below 0."""
        self._tokens += max(0, tokens)

    def check(self) -> None:
        """Go on only if there is time.

        Raises:
            AgentError: `budget`: the time is over.
        """
        if self._seconds >= self._limits.seconds:
            raise _spent(f"{self._limits.seconds / 60:g} minutes", "S")

    @property
    def _seconds(self) -> float:
        return self._clock.now().monotonic - self._started


def _spent(what: str, variable: str) -> AgentError:
    return AgentError(
        Code.BUDGET, f"the budget of {what} is spent", hint=f"GITOMA_AGENT_MAX_{variable} sets another one"
    )
