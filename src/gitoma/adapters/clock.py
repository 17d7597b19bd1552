"""The machine's two clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from gitoma.domain.clock import Clock, Instant


class SystemClock(Clock):
    """The wall clock and the monotonic clock of this machine."""

    def now(self) -> Instant:
        """The present moment."""
        return Instant(datetime.now(UTC), time.monotonic())
