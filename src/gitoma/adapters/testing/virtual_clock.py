"""A clock that stands still until a test moves it, so that an hour passes in microseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

from gitoma.domain.clock import Clock, Instant

T = TypeVar("T")

QUIET_TURNS = 25
"""Turns of the event loop without a new timer after which everybody is taken to wait. Between two waits of ours there
are a handful of `await`s that return at once."""

A_DAY_S = 86_400.0


@dataclass(order=True, slots=True)
class Timer:
    """Something that is due at a moment of a `VirtualClock`."""

    moment: float
    number: int
    due: Callable[[], None] | None = field(compare=False)

    def cancel(self) -> None:
        """Let it never be due."""
        self.due = None


class VirtualClock(Clock):
    """A clock whose two readings move together, and only when told to.

    Args:
        wall: What it shows at first.
    """

    def __init__(self, wall: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self._start = wall
        self._elapsed = 0.0
        self._numbers = count()
        self._timers: list[Timer] = []

    def now(self) -> Instant:
        """The present moment; `monotonic` began at 0."""
        return Instant(self._start + timedelta(seconds=self._elapsed), self._elapsed)

    def call_at(self, moment: float, due: Callable[[], None]) -> Timer:
        """Have `due` called once `monotonic` has reached `moment`, in the order of moments, then of calls to this."""
        timer = Timer(moment, next(self._numbers), due)
        heappush(self._timers, timer)
        return timer

    async def sleep(self, seconds: float) -> None:
        """Wait until that many seconds have passed on this clock."""
        await self.wait(asyncio.get_running_loop().create_future(), self._elapsed + seconds)

    async def wait(self, waiter: asyncio.Future[None], deadline: float) -> None:
        """Wait until somebody sets the result of `waiter`, at most until `deadline`, a value of `monotonic`."""
        timer = self.call_at(deadline, lambda: resolve(waiter))
        try:
            await waiter
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Let time pass. All who wait for a moment on the way have their turn at that very moment."""
        end = self._elapsed + seconds
        await self._settle()
        while (moment := self._next_moment()) is not None and moment <= end:
            self._jump(moment)
            await self._settle()
        self._elapsed = end

    async def complete(self, work: Coroutine[Any, Any, T], *, within: float = A_DAY_S) -> T:
        """Run `work` to its end, jumping to the next moment that somebody waits for whenever nothing else moves.

        Raises:
            TimeoutError: It had not ended after `within` seconds on this clock.
            RuntimeError: It waits for something that no moment will bring.
        """
        task = asyncio.ensure_future(work)
        end = self._elapsed + within
        try:
            await self._settle()
            while not task.done():
                moment = self._next_moment()
                if moment is None:
                    raise RuntimeError("everything waits, and no moment will change that")
                if moment > end:
                    raise TimeoutError
                self._jump(moment)
                await self._settle()
        finally:
            task.cancel()
        return task.result()

    def _next_moment(self) -> float | None:
        while self._timers and self._timers[0].due is None:
            heappop(self._timers)
        return self._timers[0].moment if self._timers else None

    def _jump(self, moment: float) -> None:
        self._elapsed = max(self._elapsed, moment)
        while (following := self._next_moment()) is not None and following <= self._elapsed:
            due = heappop(self._timers).due
            if due:
                due()

    async def _settle(self) -> None:
        """Let everybody run until they wait for a moment, or for each other."""
        quiet, newest = 0, -1
        while quiet < QUIET_TURNS:
            await asyncio.sleep(0)
            latest = max((timer.number for timer in self._timers), default=-1)
            quiet = quiet + 1 if latest == newest else 0
            newest = latest


def resolve(waiter: asyncio.Future[None] | None) -> None:
    """Set the result of a future that may be set or cancelled already."""
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
