"""What every `JobStore` promises, one check for each promise.

    @pytest.mark.parametrize("check", JOB_STORE_CHECKS, ids=lambda check: check.__name__)
    async def test_my_store_keeps_its_promise(check):
        await check(MyJobStore)

A check takes a maker of empty stores and raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

from gitoma.domain.clock import Instant
from gitoma.domain.errors import JobAlreadyEnded, UnknownJob
from gitoma.domain.jobs.lifecycle import Event, Job
from gitoma.domain.jobs.ports import JobStore

_NOW = Instant(datetime(2026, 4, 21, 10, tzinfo=UTC), 5.0)


def new_job(job_id: str) -> Job:
    """A queued job."""
    return Job(id=job_id, label="run", argv=("agent", "run"), created=_NOW)


async def check_a_job_is_found_as_it_was_added(make: Callable[[], JobStore]) -> None:
    """`get` after `add`."""
    store = make()
    await store.add(new_job("a"))

    assert await store.get("a") == new_job("a")


async def check_an_id_is_used_once(make: Callable[[], JobStore]) -> None:
    """`add` of a known id raises and changes nothing."""
    store = make()
    await store.add(new_job("a"))
    try:
        await store.add(replace(new_job("a"), label="review"))
    except ValueError:
        pass
    else:
        raise AssertionError("a second job of the same id was taken")

    assert (await store.get("a")).label == "run"


async def check_a_job_that_is_not_there_is_unknown(make: Callable[[], JobStore]) -> None:
    """`get` and `update` of what never was, or was removed."""
    store = make()
    await store.add(new_job("a"))
    await store.remove(["a", "never"])
    for job_id in ("a", "never"):
        assert await _is_unknown(store.get(job_id)), f"{job_id} was found"
        assert await _is_unknown(store.update(job_id, lambda job: job)), f"{job_id} was updated"


async def check_all_jobs_come_in_the_order_in_which_they_were_added(make: Callable[[], JobStore]) -> None:
    """`all`, also after updates and removals."""
    store = make()
    for job_id in ("c", "a", "d", "b"):
        await store.add(new_job(job_id))
    await store.update("c", lambda job: job.after(Event.CLAIMED, _NOW))
    await store.remove(["d"])

    assert [job.id for job in await store.all()] == ["c", "a", "b"]


async def check_a_change_that_raises_changes_nothing(make: Callable[[], JobStore]) -> None:
    """`update` passes the error through."""
    store = make()
    await store.add(new_job("a"))
    await store.update("a", lambda job: job.after(Event.CANCEL_ASKED, _NOW))
    before = await store.get("a")
    try:
        await store.update("a", lambda job: job.after(Event.CLAIMED, _NOW))
    except JobAlreadyEnded:
        pass
    else:
        raise AssertionError("a finished job was claimed")

    assert await store.get("a") == before


async def check_of_two_events_that_race_exactly_one_ends_the_job(make: Callable[[], JobStore]) -> None:
    """`update` is atomic: two endings at once, one of which finds the job ended."""
    store = make()
    await store.add(new_job("a"))
    await store.update("a", lambda job: job.after(Event.CLAIMED, _NOW))

    async def end(event: Event) -> bool:
        try:
            await store.update("a", lambda job: job.after(event, _NOW, error_id="e1"))
        except JobAlreadyEnded:
            return False
        return True

    ended = await asyncio.gather(*(end(event) for event in (Event.SUCCEEDED, Event.BROKE) * 8))
    assert ended.count(True) == 1, f"{ended.count(True)} of the racing endings were taken"


async def _is_unknown(call: Awaitable[Job]) -> bool:
    try:
        await call
    except UnknownJob:
        return True
    return False


JOB_STORE_CHECKS = (
    check_a_job_is_found_as_it_was_added,
    check_an_id_is_used_once,
    check_a_job_that_is_not_there_is_unknown,
    check_all_jobs_come_in_the_order_in_which_they_were_added,
    check_a_change_that_raises_changes_nothing,
    check_of_two_events_that_race_exactly_one_ends_the_job,
)
