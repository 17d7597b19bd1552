"""Time, as the domain sees it: a value that a port hands out.

A wall clock tells people when something happened; only a monotonic clock can tell how long ago it was, because the
wall clock is set, corrected and changed by hand. An `Instant` carries both, so that nobody has to choose.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import NamedTuple, Protocol


class Instant(NamedTuple):
    """One moment on both clocks.

    Attributes:
        wall: Aware, UTC: what people and files are shown.
        monotonic: Seconds since an arbitrary start, never backwards: what TTLs, deadlines and windows are counted in.
    """

    wall: datetime
    monotonic: float


class Clock(Protocol):
    """Tells the time."""

    @abstractmethod
    def now(self) -> Instant:
        """The present moment; `monotonic` of a later call is never smaller."""
