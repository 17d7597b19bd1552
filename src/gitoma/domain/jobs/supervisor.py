"""Brings one job from `queued` to its end: claim, start, read, deadline, TERM, grace, KILL.

The order of things, and why:

1. Claim, then start. `started` is recorded before any process exists, so a job that was cancelled while it waited never
   gets one; and because a cancel may come between the two, the job is looked at again after the start.
2. The main process decides. When it has ended, its exit code is the job's result, after a short drain of what is still
   in the pipe, even while a grandchild holds that pipe open.
3. What the job leaves behind is stopped all the same: it gets a second, then the same steps as a cancelled job.
4. A job that was told to stop has ended when its last process is gone, so `cancelled` means that nothing is left.

There is one coroutine a job and no timer: every wait goes through `JobProcesses.next`, with the time to the nearest
deadline as its limit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gitoma.domain.clock import Clock, Instant
from gitoma.domain.errors import CannotStart, JobAlreadyEnded, UnknownJob
from gitoma.domain.jobs.lifecycle import Event, Job, Status
from gitoma.domain.jobs.output import LineReader
from gitoma.domain.jobs.ports import (
    Exited,
    JobProcesses,
    JobStore,
    OutputLog,
    ProcessEvent,
    ProcessRunner,
    Stop,
    Wrote,
)
from gitoma.domain.jobs.stopping import LEFTOVER_WAIT_S, Step, stop_steps

DRAIN_S = 0.25
"""How long after its main process a job's output may still come, if somebody holds the pipe open."""

DRAIN_BYTES = 1024 * 1024
"""How much may still come: no less than a pipe can hold, so that all that the job itself wrote is read, however slowly
we get to it; bounded, so that a grandchild that floods the pipe does not hold up the end."""

_NEVER = float("inf")

# The numbers that POSIX fixes, and the two that every system shares.
_SIGNALS = {1: "HUP", 2: "INT", 3: "QUIT", 6: "ABRT", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a job may take.

    Attributes:
        timeout_s: Seconds from its claim to the moment when it is told to stop.
        grace_s: Seconds from SIGTERM to SIGKILL (REST page: 5).
    """

    timeout_s: float = 3600.0
    grace_s: float = 5.0


@dataclass(slots=True)
class _Watch:
    """What is known of one job's processes, and the moments at which something must be done about them."""

    job_id: str
    processes: JobProcesses
    reader: LineReader
    deadline: float
    exit: Exited | None = None
    output_closed: bool = False
    gone: bool = False
    settled: bool = False  # the job is terminal; what goes on is the end of its leftovers
    told_to_stop: bool = False  # the job's own phase says so, or the server closes
    hurry: bool = False  # straight to SIGKILL
    steps: list[Step] | None = None  # what is still to be done to stop it; None: nothing has been done
    next_step: float = _NEVER
    outlived: bool = False
    drain_until: float = _NEVER
    drained: int = 0
    leftovers_until: float = _NEVER

    def next_moment(self) -> float:
        """The nearest of the moments, on the monotonic clock."""
        if self.steps is not None:
            return self.next_step
        return self.deadline if self.exit is None else min(self.drain_until, self.leftovers_until)

    def is_drained(self, now: float) -> bool:
        """Nothing more of its output need be waited for."""
        return self.output_closed or self.gone or now >= self.drain_until or self.drained >= DRAIN_BYTES

    def is_over(self) -> bool:
        """Nothing is left to watch."""
        return self.settled and (self.gone or self.outlived)


class Supervisor:
    """Runs jobs, any number at once, one coroutine each.

    Args:
        store: Where jobs are.
        output: Where their lines go.
        runner: What starts their processes.
        clock: The time.
        redact: Takes credentials out of text of many lines.
        limits: How long they may take.
        new_error_id: Makes a fresh error id, in hex.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        output: OutputLog,
        runner: ProcessRunner,
        clock: Clock,
        redact: Callable[[str], str],
        limits: Limits,
        new_error_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._output = output
        self._runner = runner
        self._clock = clock
        self._redact = redact
        self._limits = limits
        self._new_error_id = new_error_id
        self._watches: dict[str, _Watch] = {}

    async def run(self, job_id: str) -> None:
        """Bring the job to its end, and everything that it started to theirs.

        Returns at once if the job was cancelled while it waited. Raises nothing: a defect of ours fails the job.
        """
        try:
            now = self._clock.now()
            job = await self._store.update(job_id, lambda job: job.after(Event.CLAIMED, now))
        except (JobAlreadyEnded, UnknownJob):
            return
        try:
            await self._run_claimed(job)
        except Exception as defect:  # noqa: BLE001 - a job's edge: whatever went wrong, the job must end
            await self._fail_by_defect(job, defect)

    def interrupt(self, job_id: str) -> None:
        """Stop the job's processes, because the job has been told to stop or the server closes."""
        watch = self._watches.get(job_id)
        if watch:
            watch.told_to_stop = True
            watch.processes.wake()

    def kill(self) -> None:
        """Send SIGKILL to everything that runs, without waiting for any grace."""
        for watch in self._watches.values():
            watch.told_to_stop = watch.hurry = True
            watch.processes.wake()

    async def _run_claimed(self, job: Job) -> None:
        try:
            processes = await self._runner.start(job.id, job.argv)
        except CannotStart as error:
            await self._end(job.id, Event.BROKE, f"could not start: {error.reason}")
            return
        deadline = (job.started or job.created).monotonic + self._limits.timeout_s
        watch = _Watch(job.id, processes, LineReader(self._redact), deadline)
        self._watches[job.id] = watch
        try:
            watch.told_to_stop = (await self._store.get(job.id)).is_stopping
            await self._attend(watch)
        finally:
            del self._watches[job.id]
            processes.close()

    async def _attend(self, watch: _Watch) -> None:
        """Take what comes and do what is due, until nothing is left to watch."""
        while True:
            now = self._clock.now()
            await self._do_what_is_due(watch, now)
            if watch.is_over():
                return
            try:
                event = await watch.processes.next(max(0.0, watch.next_moment() - now.monotonic))
            except TimeoutError:
                continue
            await self._take(watch, event)

    async def _take(self, watch: _Watch, event: Wrote | Exited | ProcessEvent) -> None:
        match event:
            case Wrote(chunk):
                if watch.exit:
                    watch.drained += len(chunk)
                if not watch.settled:
                    await self._write(watch.job_id, watch.reader.feed(chunk))
            case Exited():
                watch.exit = event
                now = self._clock.now().monotonic
                watch.drain_until = now + DRAIN_S
                watch.leftovers_until = now + LEFTOVER_WAIT_S
            case ProcessEvent.OUTPUT_CLOSED:
                watch.output_closed = True
            case ProcessEvent.GONE:
                watch.gone = True
            case ProcessEvent.WOKEN:
                pass

    async def _do_what_is_due(self, watch: _Watch, now: Instant) -> None:
        if watch.steps is None and await self._must_stop(watch, now):
            watch.steps = list(stop_steps(self._limits.grace_s))
            watch.next_step = now.monotonic
        if watch.steps is not None:
            self._walk_steps(watch, now.monotonic)
        if not watch.settled and self._has_ended(watch, now.monotonic):
            await self._settle(watch)

    async def _must_stop(self, watch: _Watch, now: Instant) -> bool:
        """Whether it is time to begin to stop the processes; records it if the reason is the job's own deadline."""
        if watch.gone:
            return False
        if watch.told_to_stop:
            return True
        if watch.exit:
            return now.monotonic >= watch.leftovers_until
        if now.monotonic < watch.deadline:
            return False
        await self._store.update(watch.job_id, lambda job: job.after(Event.DEADLINE_PASSED, now))
        watch.told_to_stop = True
        return True

    def _walk_steps(self, watch: _Watch, now: float) -> None:
        """Take every step whose moment has come; after the last one's wait, nothing more can be done."""
        assert watch.steps is not None
        while not watch.gone and not watch.outlived and (now >= watch.next_step or watch.hurry):
            if watch.hurry:
                watch.steps = [step for step in watch.steps if step.how is Stop.KILL]
                watch.hurry = False
                if not watch.steps:  # it has been killed already
                    return
            if not watch.steps:
                watch.outlived = True
                log.error("some process of a job outlived SIGKILL", extra={"job_id": watch.job_id})
                return
            step = watch.steps.pop(0)
            watch.processes.stop(step.how)
            watch.next_step = now + step.wait_s

    def _has_ended(self, watch: _Watch, now: float) -> bool:
        if watch.gone or watch.outlived:
            return True
        return watch.exit is not None and not watch.told_to_stop and watch.is_drained(now)

    async def _settle(self, watch: _Watch) -> None:
        """Make the job terminal, by what became of its main process."""
        watch.settled = True
        watch.drain_until = _NEVER
        await self._write(watch.job_id, watch.reader.finish())
        if watch.outlived:
            await self._end(watch.job_id, Event.OUTLIVED_KILL, "some process outlived SIGKILL")
        elif watch.exit is None:
            await self._end(watch.job_id, Event.BROKE, "ended, and nobody could see how")
        elif watch.exit.code == 0:
            await self._end(watch.job_id, Event.SUCCEEDED, "")
        else:
            await self._end(watch.job_id, Event.BROKE, _describe(watch.exit))

    async def _end(self, job_id: str, event: Event, reason: str) -> None:
        """Make the job terminal, say why in its last line and in the log, and end its output."""
        now = self._clock.now()
        error_id = self._new_error_id()
        job = await self._store.update(job_id, lambda job: job.after(event, now, error_id=error_id))
        if job.error_id is None:
            log.info("job ended", extra={"job_id": job_id, "label": job.label, "status": job.status.value})
        else:
            if job.status is Status.TIMED_OUT:
                timed_out = f"timed out after {self._limits.timeout_s:g} s"
                reason = f"{timed_out}; {reason}" if event is Event.OUTLIVED_KILL else timed_out
            log.error(
                "job ended: %s",
                reason,
                extra={"job_id": job_id, "label": job.label, "status": job.status.value, "error_id": error_id},
            )
            await self._write(job_id, [f"[error] {reason} (error_id={error_id})"])
        await self._output.end(job_id, job.status)

    async def _fail_by_defect(self, job: Job, defect: Exception) -> None:
        error_id = self._new_error_id()
        log.error("supervision of a job broke", exc_info=defect, extra={"job_id": job.id, "error_id": error_id})
        now = self._clock.now()
        try:
            ended = await self._store.update(job.id, lambda job: job.after(Event.BROKE, now, error_id=error_id))
        except (JobAlreadyEnded, UnknownJob):  # it broke after the job's end: the log has it, the job stays as it is
            return
        await self._write(job.id, [f"[error] internal error (error_id={error_id})"])
        await self._output.end(job.id, ended.status)

    async def _write(self, job_id: str, lines: Sequence[str]) -> None:
        if lines:
            await self._output.append(job_id, lines)


def _describe(exit: Exited) -> str:
    """How a process ended, in words."""
    if exit.code > 0:
        return f"exit code {exit.code}"
    number = -exit.code
    return f"ended by signal {number}" + (f" (SIG{_SIGNALS[number]})" if number in _SIGNALS else "")
