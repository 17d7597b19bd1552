"""What every `OutputLog` promises, one check for each promise.

    @pytest.mark.parametrize("check", OUTPUT_LOG_CHECKS, ids=lambda check: check.__name__)
    async def test_my_log_keeps_its_promise(check):
        await check(MyOutputLog)

A check takes a maker of empty logs and raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gitoma.domain.errors import TooManyFollowers, UnknownJob
from gitoma.domain.jobs.lifecycle import Status
from gitoma.domain.jobs.output import RING_LINES, Batch, Delivery, End, Gap
from gitoma.domain.jobs.ports import Follower, OutputLog

LIMIT_S = 10.0
"""How long a check waits for what must come."""

MOMENT_S = 0.02
"""How long a check waits for what must not come."""


async def read_to_end(follower: Follower) -> list[Delivery]:
    """Everything that a reader gets, up to and including the end."""
    deliveries: list[Delivery] = []
    while not (deliveries and isinstance(deliveries[-1], End)):
        deliveries += await follower.take(LIMIT_S)
    follower.close()
    return deliveries


def numbered(deliveries: list[Delivery]) -> list[tuple[int, str]]:
    """The lines among deliveries, with their numbers."""
    return [pair for each in deliveries if isinstance(each, Batch) for pair in enumerate(each.lines, each.first)]


async def check_a_reader_gets_what_was_and_what_comes_once_each(make: Callable[[], OutputLog]) -> None:
    """Replay and subscription are one step, and the end comes last."""
    log = make()
    await log.open("a")
    await log.append("a", ["one", "two"])
    follower = await log.follow("a", 0)
    await log.append("a", ["three"])
    await log.end("a", Status.COMPLETED)

    deliveries = await read_to_end(follower)
    assert numbered(deliveries) == [(1, "one"), (2, "two"), (3, "three")]
    assert deliveries[-1] == End(Status.COMPLETED)


async def check_a_reader_that_waits_is_woken(make: Callable[[], OutputLog]) -> None:
    """`take` returns once something is there."""
    log = make()
    await log.open("a")
    follower = await log.follow("a", 0)
    waiting = asyncio.ensure_future(follower.take(LIMIT_S))
    await asyncio.sleep(0)
    await log.append("a", ["news"])

    assert numbered(list(await waiting)) == [(1, "news")]
    follower.close()


async def check_a_reader_that_waits_in_vain_is_told(make: Callable[[], OutputLog]) -> None:
    """`take` raises `TimeoutError`, and the reader can go on."""
    log = make()
    await log.open("a")
    follower = await log.follow("a", 0)
    try:
        await follower.take(MOMENT_S)
    except TimeoutError:
        pass
    else:
        raise AssertionError("something came out of nothing")
    await log.append("a", ["late"])

    assert numbered(list(await follower.take(LIMIT_S))) == [(1, "late")]
    follower.close()


async def check_a_reader_resumes_behind_the_line_it_has(make: Callable[[], OutputLog]) -> None:
    """`after`, also beyond the last line."""
    log = make()
    await log.open("a")
    await log.append("a", ["one", "two", "three"])
    behind_two, beyond = await log.follow("a", 2), await log.follow("a", 99)
    await log.append("a", ["four"])
    await log.end("a", Status.FAILED)

    assert numbered(await read_to_end(behind_two)) == [(3, "three"), (4, "four")]
    assert numbered(await read_to_end(beyond)) == [(4, "four")]


async def check_lines_out_of_the_ring_show_as_one_gap(make: Callable[[], OutputLog]) -> None:
    """A late reader is told how many lines it has missed."""
    log = make()
    await log.open("a")
    for number in range(RING_LINES + 7):
        await log.append("a", [f"line {number + 1}"])
    await log.end("a", Status.COMPLETED)

    deliveries = await read_to_end(await log.follow("a", 0))
    assert deliveries[0] == Gap(7)
    assert numbered(deliveries)[0] == (8, "line 8")
    assert len(numbered(deliveries)) == RING_LINES
    assert (await log.buffered(["a", "never"])) == {"a": RING_LINES}


async def check_the_first_end_counts(make: Callable[[], OutputLog]) -> None:
    """Nothing is added after the end, and a second end changes nothing."""
    log = make()
    await log.open("a")
    await log.end("a", Status.CANCELLED)
    await log.end("a", Status.COMPLETED)
    await log.append("a", ["too late"])

    assert await read_to_end(await log.follow("a", 0)) == [End(Status.CANCELLED)]


async def check_a_job_that_was_forgotten_is_unknown_but_its_readers_keep_what_they_have(
    make: Callable[[], OutputLog],
) -> None:
    """`forget`, and everything after it."""
    log = make()
    await log.open("a")
    await log.append("a", ["one"])
    follower = await log.follow("a", 0)
    await log.end("a", Status.COMPLETED)
    await log.forget(["a", "never"])
    await log.append("a", ["nobody's"])
    await log.end("a", Status.FAILED)

    deliveries = await read_to_end(follower)
    assert numbered(deliveries) == [(1, "one")]
    assert deliveries[-1] == End(Status.COMPLETED)
    for job_id in ("a", "never"):
        try:
            await log.follow(job_id, 0)
        except UnknownJob:
            continue
        raise AssertionError(f"{job_id} can be followed")


async def check_a_place_that_was_given_up_can_be_taken(make: Callable[[], OutputLog]) -> None:
    """Only so many readers at once; closing twice is allowed."""
    log = make()
    await log.open("a")
    followers: list[Follower] = []
    try:
        while len(followers) < 10_000:
            followers.append(await log.follow("a", 0))
    except TooManyFollowers as refusal:
        assert refusal.retry_after_s >= 1
    else:
        raise AssertionError("readers without end were let in")
    followers[0].close()
    followers[0].close()

    (await log.follow("a", 0)).close()
    for follower in followers:
        follower.close()


OUTPUT_LOG_CHECKS = (
    check_a_reader_gets_what_was_and_what_comes_once_each,
    check_a_reader_that_waits_is_woken,
    check_a_reader_that_waits_in_vain_is_told,
    check_a_reader_resumes_behind_the_line_it_has,
    check_lines_out_of_the_ring_show_as_one_gap,
    check_the_first_end_counts,
    check_a_job_that_was_forgotten_is_unknown_but_its_readers_keep_what_they_have,
    check_a_place_that_was_given_up_can_be_taken,
)
