"""Jobs without processes: scripts that say what a job does when, on a virtual clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from gitoma.adapters.testing.virtual_clock import Timer, VirtualClock, resolve
from gitoma.domain.errors import CannotStart
from gitoma.domain.jobs.ports import Exited, JobProcesses, ProcessEvent, ProcessRunner, Stop, Wrote

Happening = tuple[float, Wrote | Exited | ProcessEvent]
"""Seconds, and what happens then, as the port reports it. Seconds count from the start of the script it is part of."""


def ending(code: int, *, after: float = 0.0, saying: bytes = b"") -> tuple[Happening, ...]:
    """Everything of a job ends at one moment: its last words, the main process, the output, the last process."""
    words: tuple[Happening, ...] = ((after, Wrote(saying)),) if saying else ()
    closed, gone = ProcessEvent.OUTPUT_CLOSED, ProcessEvent.GONE
    return (*words, (after, Exited(code)), (after, closed), (after, gone))


@dataclass(frozen=True, slots=True)
class Script:
    """What a job does.

    Attributes:
        happens: What happens if nobody stops it. Without `GONE`, some process of it stays for ever.
        on_terminate: What happens in place of the rest, from the first SIGTERM on; None: it is ignored.
        on_kill: What happens in place of the rest, from SIGKILL on; None: nothing, so it outlives even that.
        refusal: Why it cannot be started, if it cannot.
    """

    happens: tuple[Happening, ...] = ()
    on_terminate: tuple[Happening, ...] | None = ending(-15)
    on_kill: tuple[Happening, ...] | None = ending(-9)
    refusal: str = ""


class FakeProcessRunner(ProcessRunner):
    """Starts scripts in place of processes.

    Args:
        clock: The time that scripts go by.
        script: The script of a command.

    Attributes:
        started: Everything that was started, in order.
    """

    def __init__(self, clock: VirtualClock, script: Callable[[Sequence[str]], Script]) -> None:
        self._clock = clock
        self._script = script
        self.started: list[FakeProcesses] = []

    async def start(self, job_id: str, argv: Sequence[str]) -> FakeProcesses:
        """Start the script of this command."""
        script = self._script(argv)
        if script.refusal:
            raise CannotStart(script.refusal)
        processes = FakeProcesses(self._clock, script, job_id, argv)
        self.started.append(processes)
        return processes


class FakeProcesses(JobProcesses):
    """The pretended processes of one job.

    Attributes:
        job_id: The job.
        argv: Its command.
        stops: The moments at which it was told to stop, and how.
        closed: Whether it was let go of.
    """

    def __init__(self, clock: VirtualClock, script: Script, job_id: str, argv: Sequence[str]) -> None:
        self.job_id = job_id
        self.argv = tuple(argv)
        self.stops: list[tuple[float, Stop]] = []
        self.closed = False
        self._clock = clock
        self._script = script
        self._events: deque[Wrote | Exited | ProcessEvent] = deque()
        self._happened: set[type[Exited] | ProcessEvent] = set()
        self._woken = False
        self._waiter: asyncio.Future[None] | None = None
        self._timers: list[Timer] = []
        self._follow(script.happens)

    @property
    def is_gone(self) -> bool:
        """Whether its last process has ended."""
        return ProcessEvent.GONE in self._happened

    async def next(self, timeout: float) -> Wrote | Exited | ProcessEvent:
        """What happens next in the script."""
        assert not self.closed, "a job's processes were asked after they were let go of"
        deadline = self._clock.now().monotonic + timeout
        await asyncio.sleep(0)
        while not self._woken and not self._events:
            assert not self.is_gone, "GONE was reported: nothing comes after it"
            if self._clock.now().monotonic >= deadline:
                raise TimeoutError
            self._waiter = asyncio.get_running_loop().create_future()
            await self._clock.wait(self._waiter, deadline)
        if self._woken:
            self._woken = False
            return ProcessEvent.WOKEN
        return self._events.popleft()

    def wake(self) -> None:
        """Have `next` return `WOKEN`."""
        self._woken = True
        resolve(self._waiter)

    def stop(self, how: Stop) -> None:
        """Go on as the script says for this signal; a repeated SIGTERM changes nothing."""
        is_repeated = any(earlier is how for _, earlier in self.stops)
        self.stops.append((self._clock.now().monotonic, how))
        reaction = self._script.on_terminate if how is Stop.TERMINATE else self._script.on_kill
        if reaction is None or self.is_gone or is_repeated:
            return
        for timer in self._timers:
            timer.cancel()
        self._follow(reaction)

    def close(self) -> None:
        """Let go."""
        self.closed = True

    def _follow(self, happenings: Sequence[Happening]) -> None:
        now = self._clock.now().monotonic
        for seconds, event in happenings:
            if seconds > 0:
                self._timers.append(self._clock.call_at(now + seconds, partial(self._happen, event)))
            else:
                self._happen(event)

    def _happen(self, event: Wrote | Exited | ProcessEvent) -> None:
        """Each thing happens in its time, and what can happen once happens once."""
        if not isinstance(event, Wrote):
            once = Exited if isinstance(event, Exited) else event
            if once in self._happened:
                return
            self._happened.add(once)
        self._events.append(event)
        resolve(self._waiter)
