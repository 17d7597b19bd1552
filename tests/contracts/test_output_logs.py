"""Each output log keeps the promises of the port."""

from collections.abc import Awaitable, Callable

import pytest

from gitoma.adapters.memory import MemoryOutputLog
from gitoma.adapters.testing.output_logs import OUTPUT_LOG_CHECKS
from gitoma.domain.jobs.ports import OutputLog


@pytest.mark.parametrize("make", [MemoryOutputLog])
@pytest.mark.parametrize("check", OUTPUT_LOG_CHECKS, ids=lambda check: check.__name__)
async def test_an_output_log_keeps_its_promise(
    check: Callable[[Callable[[], OutputLog]], Awaitable[None]], make: Callable[[], OutputLog]
):
    await check(make)
