"""Each job store keeps the promises of the port."""

from collections.abc import Awaitable, Callable

import pytest

from gitoma.adapters.memory import MemoryJobStore
from gitoma.adapters.testing.job_stores import JOB_STORE_CHECKS
from gitoma.domain.jobs.ports import JobStore


@pytest.mark.parametrize("make", [MemoryJobStore])
@pytest.mark.parametrize("check", JOB_STORE_CHECKS, ids=lambda check: check.__name__)
async def test_a_job_store_keeps_its_promise(
    check: Callable[[Callable[[], JobStore]], Awaitable[None]], make: Callable[[], JobStore]
):
    await check(make)
