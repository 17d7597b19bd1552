"""One job from its claim to its end, on a virtual clock: what is done when, and what the client is told."""

import asyncio
import re
from collections.abc import Coroutine
from dataclasses import dataclass

import pytest

from gitoma.adapters.memory import MemoryJobStore, MemoryOutputLog
from gitoma.adapters.testing.job_stores import new_job
from gitoma.adapters.testing.output_logs import numbered, read_to_end
from gitoma.adapters.testing.processes import FakeProcesses, FakeProcessRunner, Script, ending
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.jobs.lifecycle import Event, Job, Status
from gitoma.domain.jobs.output import End
from gitoma.domain.jobs.ports import Exited, ProcessEvent, Stop, Wrote
from gitoma.domain.jobs.supervisor import DRAIN_S, Limits, Supervisor

ERROR_ID = "0123456789abcdef"


@dataclass
class World:
    """A supervisor, one queued job, and what its processes will do."""

    script: Script

    def __post_init__(self) -> None:
        self.clock = VirtualClock()
        self.store = MemoryJobStore()
        self.output = MemoryOutputLog()
        self.runner = FakeProcessRunner(self.clock, lambda argv: self.script)
        self.supervisor = Supervisor(
            store=self.store,
            output=self.output,
            runner=self.runner,
            clock=self.clock,
            redact=lambda text: text.replace("secret", "REDACTED"),
            limits=Limits(timeout_s=60, grace_s=5),
            new_error_id=lambda: ERROR_ID,
        )

    async def queue(self) -> None:
        await self.store.add(new_job("j"))
        await self.output.open("j")

    async def run(self) -> Job:
        """The job after it was run to its end, and everything it left to theirs."""
        await self.queue()
        await self.clock.complete(self.supervisor.run("j"))
        return await self.job()

    async def cancel(self) -> None:
        now = self.clock.now()
        await self.store.update("j", lambda job: job.after(Event.CANCEL_ASKED, now))
        self.supervisor.interrupt("j")

    async def job(self) -> Job:
        return await self.store.get("j")

    async def lines(self) -> list[str]:
        deliveries = await read_to_end(await self.output.follow("j", 0))
        assert deliveries[-1] == End((await self.job()).status)
        return [line for _, line in numbered(deliveries)]

    @property
    def processes(self) -> FakeProcesses:
        return self.runner.started[0]


async def test_a_job_that_exits_with_0_is_completed():
    world = World(Script(ending(0, after=3, saying=b"one\ntwo\n")))

    job = await world.run()
    assert (job.status, job.error_id) == (Status.COMPLETED, None)
    assert job.finished
    assert job.finished.monotonic == 3
    assert await world.lines() == ["one", "two"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "exit code 3"),
        (-9, "ended by signal 9 (SIGKILL)"),
        (-11, "ended by signal 11 (SIGSEGV)"),
        (-40, "signal 40"),
    ],
)
async def test_a_job_that_exits_otherwise_is_failed_and_its_last_line_says_how(code: int, words: str):
    world = World(Script(ending(code, after=1, saying=b"half a line")))

    job = await world.run()
    *others, last = await world.lines()
    assert (job.status, job.error_id) == (Status.FAILED, ERROR_ID)
    assert others == ["half a line"]
    assert words in last
    assert re.fullmatch(rf"\[error\] .* \(error_id={ERROR_ID}\)", last)


async def test_a_job_that_cannot_be_started_is_failed_and_says_why():
    world = World(Script(refusal="No such file or directory: agent"))

    job = await world.run()
    assert (job.status, job.error_id) == (Status.FAILED, ERROR_ID)
    assert await world.lines() == [f"[error] could not start: No such file or directory: agent (error_id={ERROR_ID})"]


async def test_a_job_that_was_cancelled_while_it_waited_never_starts():
    world = World(Script(ending(0)))
    await world.queue()
    await world.cancel()
    await world.supervisor.run("j")

    assert world.runner.started == []


async def test_a_job_that_is_cancelled_between_claim_and_start_is_stopped_at_once():
    world = World(Script())
    await world.queue()
    start = world.runner.start

    async def start_late(job_id: str, argv: tuple[str, ...]) -> FakeProcesses:
        await world.cancel()
        return await start(job_id, argv)

    world.runner.start = start_late  # type: ignore[method-assign, assignment]
    await world.clock.complete(world.supervisor.run("j"))
    assert world.processes.stops == [(0, Stop.TERMINATE)]
    assert (await world.job()).status is Status.CANCELLED


async def run_beside(world: World, other: Coroutine[None, None, None]) -> Job:
    """The job after it was run to its end, while something else went on."""

    async def both() -> None:
        await asyncio.gather(world.supervisor.run("j"), other)

    await world.clock.complete(both())
    return await world.job()


async def cancel_at(world: World, seconds: float) -> Job:
    """The job after it was cancelled at this moment."""

    async def cancel_later() -> None:
        await world.clock.sleep(seconds)
        await world.cancel()

    await world.queue()
    return await run_beside(world, cancel_later())


async def test_a_cancelled_job_gets_term_at_once_and_no_kill_if_it_obeys():
    world = World(Script((), on_terminate=ending(143, after=2, saying=b"cleaned up\n")))

    job = await cancel_at(world, 10)
    assert world.processes.stops == [(10, Stop.TERMINATE)]
    assert (job.status, job.error_id) == (Status.CANCELLED, None)
    assert job.finished
    assert job.finished.monotonic == 12
    assert await world.lines() == ["cleaned up"]


async def test_one_that_does_not_obey_gets_kill_after_the_grace():
    world = World(Script((), on_terminate=None))

    job = await cancel_at(world, 10)
    assert world.processes.stops == [(10, Stop.TERMINATE), (15, Stop.KILL)]
    assert (job.status, job.error_id) == (Status.CANCELLED, None)


async def test_one_that_outlives_even_kill_is_given_up_and_has_an_error():
    world = World(Script((), on_terminate=None, on_kill=None))

    job = await cancel_at(world, 10)
    assert (job.status, job.error_id) == (Status.CANCELLED, ERROR_ID)
    assert job.finished
    assert job.finished.monotonic == 20
    assert await world.lines() == [f"[error] some process outlived SIGKILL (error_id={ERROR_ID})"]


async def test_a_cancelled_job_has_ended_only_when_its_last_process_is_gone():
    world = World(Script((), on_terminate=((0.1, Exited(0)), (3, ProcessEvent.OUTPUT_CLOSED), (4, ProcessEvent.GONE))))

    job = await cancel_at(world, 1)
    assert job.finished
    assert job.finished.monotonic == 5
    assert job.status is Status.CANCELLED


async def test_a_job_that_takes_too_long_is_stopped_the_same_way_and_timed_out():
    world = World(Script((), on_terminate=None))

    job = await world.run()
    assert world.processes.stops == [(60, Stop.TERMINATE), (65, Stop.KILL)]
    assert (job.status, job.error_id) == (Status.TIMED_OUT, ERROR_ID)
    assert await world.lines() == [f"[error] timed out after 60 s (error_id={ERROR_ID})"]


async def test_a_grandchild_that_holds_the_pipe_delays_the_end_by_no_more_than_the_drain():
    world = World(Script(((2, Exited(0)),), on_terminate=((0, ProcessEvent.GONE),)))

    job = await world.run()
    assert job.status is Status.COMPLETED
    assert job.finished
    assert job.finished.monotonic == 2 + DRAIN_S


async def test_what_a_job_leaves_behind_gets_one_second_then_term_then_the_grace_then_kill():
    world = World(Script(((2, Exited(0)), (2, ProcessEvent.OUTPUT_CLOSED)), on_terminate=None))

    job = await world.run()
    assert job.finished
    assert job.finished.monotonic == 2
    assert world.processes.stops == [(3, Stop.TERMINATE), (8, Stop.KILL)]
    assert world.processes.is_gone


async def test_what_comes_during_the_drain_is_shown_and_what_comes_later_is_not():
    late = ((2, Exited(0)), (2.1, Wrote(b"in time\n")), (2.9, Wrote(b"too late\n")))
    world = World(Script(late, on_terminate=((0, ProcessEvent.GONE),)))

    await world.run()
    assert await world.lines() == ["in time"]


async def test_a_grandchild_that_floods_the_pipe_does_not_hold_up_the_end():
    flood = tuple((2 + n / 100, Wrote(b"x" * 65_535 + b"\n")) for n in range(1, 200))
    world = World(Script(((2, Exited(0)), *flood), on_terminate=((0, ProcessEvent.GONE),)))

    job = await world.run()
    assert job.finished
    assert job.finished.monotonic <= 2 + DRAIN_S


async def test_a_second_signal_to_the_server_skips_the_grace():
    world = World(Script((), on_terminate=None))

    async def hurry() -> None:
        await world.clock.sleep(10)
        await world.cancel()
        await world.clock.sleep(1)
        world.supervisor.kill()

    await world.queue()
    job = await run_beside(world, hurry())
    assert world.processes.stops == [(10, Stop.TERMINATE), (11, Stop.KILL)]
    assert job.status is Status.CANCELLED


async def test_credentials_are_taken_out_before_anyone_sees_a_line():
    world = World(Script(ending(0, saying=b"the secret\n")))

    await world.run()
    assert await world.lines() == ["the REDACTED"]


async def test_a_defect_of_ours_fails_the_job_without_its_text_and_the_log_has_it(caplog: pytest.LogCaptureFixture):
    world = World(Script(ending(0, saying=b"hello\n")))
    await world.queue()

    async def broken_append(job_id: str, lines: list[str]) -> None:
        if list(lines) == ["hello"]:
            raise RuntimeError("the very private reason")

    world.output.append = broken_append  # type: ignore[method-assign, assignment]
    await world.clock.complete(world.supervisor.run("j"))
    job = await world.job()
    assert (job.status, job.error_id) == (Status.FAILED, ERROR_ID)
    assert "the very private reason" in caplog.text
    assert caplog.records[-1].__dict__["error_id"] == ERROR_ID
    assert world.processes.closed
