"""Each clock keeps the promises of the port."""

from collections.abc import Callable

import pytest

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.testing.clocks import CLOCK_CHECKS
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.clock import Clock


@pytest.mark.parametrize("make", [SystemClock, VirtualClock])
@pytest.mark.parametrize("check", CLOCK_CHECKS, ids=lambda check: check.__name__)
def test_a_clock_keeps_its_promise(check: Callable[[Callable[[], Clock]], None], make: Callable[[], Clock]):
    check(make)
