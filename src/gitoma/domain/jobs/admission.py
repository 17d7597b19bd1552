"""Who may start a job, and when it is its turn: the queue and the rate limit, as plain data structures."""

from __future__ import annotations

from collections import deque
from math import ceil

from gitoma.domain.clock import Instant
from gitoma.domain.errors import QueueFull, RateLimited

WINDOW_S = 60.0
"""The window of the rate limit: the contract of `GITOMA_DISPATCH_RATE_LIMIT`."""


class Queue:
    """First come, first served.

    Args:
        max_running: How many jobs run at once; above 0.
        max_waiting: How many may wait for their turn.
    """

    def __init__(self, *, max_running: int, max_waiting: int) -> None:
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._running: set[str] = set()
        # A dict and not a deque: it keeps the order too, and a cancelled job leaves it without a search.
        self._waiting: dict[str, None] = {}

    def enter(self, job_id: str) -> None:
        """Take a place behind all others.

        Raises:
            QueueFull: It could not start at once, and as many wait as may wait.
        """
        free = self._max_running - len(self._running)
        if len(self._waiting) >= self._max_waiting + free:
            raise QueueFull(self._max_waiting)
        self._waiting[job_id] = None

    def take(self) -> str | None:
        """The next job whose turn it is, now counted as running; None while none may start."""
        if not self._waiting or len(self._running) >= self._max_running:
            return None
        job_id = next(iter(self._waiting))
        del self._waiting[job_id]
        self._running.add(job_id)
        return job_id

    def withdraw(self, job_id: str) -> bool:
        """Give up a place in the queue; False if the job does not wait."""
        return self._waiting.pop(job_id, self) is None

    def done(self, job_id: str) -> None:
        """The job runs no longer."""
        self._running.discard(job_id)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The jobs that wait, first in line first."""
        return tuple(self._waiting)

    @property
    def running(self) -> frozenset[str]:
        """The jobs that run."""
        return frozenset(self._running)


class RateLimit:
    """At most so many dispatches in any 60 seconds. Only accepted ones count.

    Args:
        limit: How many; 0 switches the limit off.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._accepted: deque[float] = deque()

    def enter(self, now: Instant) -> None:
        """Count one dispatch.

        Raises:
            RateLimited: The window is full; nothing was counted.
        """
        if self._limit == 0:
            return
        while self._accepted and now.monotonic - self._accepted[0] >= WINDOW_S:
            self._accepted.popleft()
        if len(self._accepted) >= self._limit:
            wait_s = self._accepted[0] + WINDOW_S - now.monotonic
            raise RateLimited(self._limit, WINDOW_S, max(1, ceil(wait_s)))
        self._accepted.append(now.monotonic)

    def take_back(self) -> None:
        """The dispatch that was counted last has been refused for another reason."""
        if self._accepted:
            self._accepted.pop()
