"""What every `Clock` promises, one check for each promise.

A check takes a maker of clocks and raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from gitoma.domain.clock import Clock


def check_the_monotonic_clock_never_goes_back(make: Callable[[], Clock]) -> None:
    """A later call never gives a smaller `monotonic`."""
    clock = make()
    moments = [clock.now().monotonic for _ in range(1000)]
    assert moments == sorted(moments)


def check_the_wall_clock_is_aware_and_utc(make: Callable[[], Clock]) -> None:
    """`wall` has an offset, and it is none."""
    assert make().now().wall.utcoffset() == timedelta(0)


CLOCK_CHECKS = (check_the_monotonic_clock_never_goes_back, check_the_wall_clock_is_aware_and_utc)
