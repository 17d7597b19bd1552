"""What every `ProcessRunner` promises, one check for each promise.

    @pytest.mark.parametrize("check", PROCESS_RUNNER_CHECKS, ids=lambda check: check.__name__)
    async def test_my_runner_keeps_its_promise(check):
        await check(Subject(MyRunner(), my_commands.__getitem__))

A check raises `AssertionError` where the promise is broken. Checks wait for seconds where a promise is about waiting;
a runner on a virtual clock runs them in no time (`VirtualClock.complete`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from gitoma.domain.errors import CannotStart
from gitoma.domain.jobs.ports import Exited, JobProcesses, ProcessEvent, ProcessRunner, Stop, Wrote

LIMIT_S = 30.0
"""How long a check waits for what must come: far longer than it takes, so that a slow machine fails nothing."""

MOMENT_S = 0.05
"""How long a check waits for what must not come."""

A_LOT = 1024 * 1024


class Behaviour(Enum):
    """What the command of a check does; whoever runs the checks says by which command."""

    SAYS_HELLO = auto()
    """Writes `hello` and a newline, and exits with 0."""

    EXITS_WITH_3 = auto()
    """Writes nothing."""

    WRITES_A_LOT = auto()
    """Writes `A_LOT` times the letter x, and exits with 0."""

    SLEEPS = auto()
    """Writes nothing, and ends by SIGTERM or SIGKILL only."""

    CLOSES_OUTPUT_AND_SLEEPS = auto()
    """As `SLEEPS`, but its standard output and error are closed."""

    IGNORES_TERMINATE = auto()
    """Ignores SIGTERM, says so by `ready` and a newline, and sleeps."""

    CLEANS_UP = auto()
    """Says `ready` and a newline, and sleeps. After SIGTERM takes a second, in which another SIGTERM would end it at
    once; then says `bye` and a newline, and exits with 0."""

    LEAVES_A_CHILD_BEHIND = auto()
    """Starts a process that sleeps and holds the output open, and exits with 0."""

    LEAVES_AN_ESCAPEE_BEHIND = auto()
    """Starts one that ignores SIGTERM, in a session of its own, and exits with 0 once it is there."""

    CANNOT_START = auto()
    """No such command."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Attributes:
        runner: The runner.
        command: The command that behaves in a certain way.
        finds_escapees: Whether it promises to find processes that left their group.
    """

    runner: ProcessRunner
    command: Callable[[Behaviour], Sequence[str]]
    finds_escapees: bool = True

    @asynccontextmanager
    async def job(self, behaviour: Behaviour) -> AsyncIterator[JobProcesses]:
        """A job that behaves like this; whatever is found about it, nothing of it stays."""
        processes = await self.runner.start(f"job that {behaviour.name}", self.command(behaviour))
        try:
            yield processes
        finally:
            processes.stop(Stop.KILL)
            processes.close()


@dataclass(frozen=True, slots=True)
class Reported:
    """All that was reported of a job, to its end."""

    events: list[Wrote | Exited | ProcessEvent]

    @property
    def output(self) -> bytes:
        """What it wrote."""
        return b"".join(event.chunk for event in self.events if isinstance(event, Wrote))

    @property
    def codes(self) -> list[int]:
        """The exit codes: one, if all is well."""
        return [event.code for event in self.events if isinstance(event, Exited)]


async def until(processes: JobProcesses, last: ProcessEvent | type[Wrote] | type[Exited]) -> Reported:
    """Everything up to the first event of this kind."""
    events: list[Wrote | Exited | ProcessEvent] = []
    while not events or not (events[-1] is last or type(events[-1]) is last):
        events.append(await processes.next(LIMIT_S))
    return Reported(events)


async def nothing_happens(processes: JobProcesses, timeout: float = MOMENT_S) -> None:
    """Assert that for a moment nothing is reported."""
    try:
        event = await processes.next(timeout)
    except TimeoutError:
        return
    raise AssertionError(f"nothing should have happened, but {event} did")


async def check_a_job_reports_its_output_its_exit_and_its_end(subject: Subject) -> None:
    """The output is whole, the exit is told once, the output is closed once, and `GONE` is the last."""
    async with subject.job(Behaviour.SAYS_HELLO) as processes:
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.output == b"hello\n"
        assert reported.codes == [0]
        assert reported.events.count(ProcessEvent.OUTPUT_CLOSED) == 1
        assert b"" not in [event.chunk for event in reported.events if isinstance(event, Wrote)]


async def check_an_exit_code_is_told_as_it_is(subject: Subject) -> None:
    """Exit code 3 is 3."""
    async with subject.job(Behaviour.EXITS_WITH_3) as processes:
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.codes == [3]
        assert reported.output == b""


async def check_no_byte_is_lost(subject: Subject) -> None:
    """However much is written, all of it is read, even after the exit."""
    async with subject.job(Behaviour.WRITES_A_LOT) as processes:
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.output == b"x" * A_LOT


async def check_a_command_that_cannot_be_started_raises(subject: Subject) -> None:
    """`CannotStart` says why."""
    try:
        async with subject.job(Behaviour.CANNOT_START):
            reason = ""
    except CannotStart as error:
        reason = error.reason
    assert reason, "it was started, or nobody knows why it was not"


async def check_a_wait_has_its_limit(subject: Subject) -> None:
    """`TimeoutError` at the limit, at once where it is 0, and the job goes on."""
    async with subject.job(Behaviour.SLEEPS) as processes:
        for timeout in (0.0, MOMENT_S, 0.0):
            await nothing_happens(processes, timeout)
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)


async def check_what_is_ready_is_returned_without_waiting(subject: Subject) -> None:
    """A limit of 0 gets what is there: a job that has exited has written all that it wrote."""
    async with subject.job(Behaviour.SAYS_HELLO) as processes:
        reported = await until(processes, Exited)
        if not reported.output:
            assert await processes.next(0) == Wrote(b"hello\n")
        await until(processes, ProcessEvent.GONE)


async def check_wake_is_told_to_the_next_call(subject: Subject) -> None:
    """`WOKEN` comes at once, before what else is ready, and once however often `wake` was called."""
    async with subject.job(Behaviour.SLEEPS) as processes:
        processes.wake()
        processes.wake()
        assert await processes.next(0) is ProcessEvent.WOKEN
        await nothing_happens(processes)
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)


async def check_terminate_ends_a_job(subject: Subject) -> None:
    """SIGTERM arrives, and shows as the exit code."""
    async with subject.job(Behaviour.SLEEPS) as processes:
        processes.stop(Stop.TERMINATE)
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.codes == [-15]


async def check_kill_ends_a_job_that_ignores_terminate(subject: Subject) -> None:
    """SIGTERM alone ends nothing here; SIGKILL does."""
    async with subject.job(Behaviour.IGNORES_TERMINATE) as processes:
        await until(processes, Wrote)
        processes.stop(Stop.TERMINATE)
        await nothing_happens(processes)
        processes.stop(Stop.KILL)
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.codes == [-9]


async def check_a_second_terminate_disturbs_no_clean_up(subject: Subject) -> None:
    """What a job writes while it is being stopped is read, and it may end as it likes."""
    async with subject.job(Behaviour.CLEANS_UP) as processes:
        await until(processes, Wrote)
        processes.stop(Stop.TERMINATE)
        await nothing_happens(processes)
        processes.stop(Stop.TERMINATE)
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.output == b"bye\n"
        assert reported.codes == [0]


async def check_stopping_what_is_gone_does_nothing(subject: Subject) -> None:
    """`stop` never raises."""
    async with subject.job(Behaviour.EXITS_WITH_3) as processes:
        await until(processes, ProcessEvent.GONE)
        processes.stop(Stop.TERMINATE)
        processes.stop(Stop.KILL)


async def check_output_may_close_long_before_the_exit(subject: Subject) -> None:
    """`OUTPUT_CLOSED` is told when it is so, and not again at the end."""
    async with subject.job(Behaviour.CLOSES_OUTPUT_AND_SLEEPS) as processes:
        await until(processes, ProcessEvent.OUTPUT_CLOSED)
        await nothing_happens(processes)
        processes.stop(Stop.KILL)
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.events == [Exited(-9), ProcessEvent.GONE]


async def check_an_exit_is_told_while_a_child_holds_the_output(subject: Subject) -> None:
    """`Exited` does not wait for what is left behind; `GONE` does."""
    async with subject.job(Behaviour.LEAVES_A_CHILD_BEHIND) as processes:
        reported = await until(processes, Exited)
        assert reported.events == [Exited(0)]
        await nothing_happens(processes)
        processes.stop(Stop.TERMINATE)
        reported = await until(processes, ProcessEvent.GONE)
        assert reported.events == [ProcessEvent.OUTPUT_CLOSED, ProcessEvent.GONE]


async def check_what_left_the_group_is_found(subject: Subject) -> None:
    """`GONE` comes only when SIGKILL has reached a process in another session; nothing is asked of who cannot."""
    async with subject.job(Behaviour.LEAVES_AN_ESCAPEE_BEHIND) as processes:
        await until(processes, Exited)
        if subject.finds_escapees:
            await nothing_happens(processes)
        processes.stop(Stop.TERMINATE)
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)


PROCESS_RUNNER_CHECKS: tuple[Callable[[Subject], Coroutine[Any, Any, None]], ...] = (
    check_a_job_reports_its_output_its_exit_and_its_end,
    check_an_exit_code_is_told_as_it_is,
    check_no_byte_is_lost,
    check_a_command_that_cannot_be_started_raises,
    check_a_wait_has_its_limit,
    check_what_is_ready_is_returned_without_waiting,
    check_wake_is_told_to_the_next_call,
    check_terminate_ends_a_job,
    check_kill_ends_a_job_that_ignores_terminate,
    check_a_second_terminate_disturbs_no_clean_up,
    check_stopping_what_is_gone_does_nothing,
    check_output_may_close_long_before_the_exit,
    check_an_exit_is_told_while_a_child_holds_the_output,
    check_what_left_the_group_is_found,
)
