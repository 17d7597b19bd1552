"""What a client can ask of jobs: dispatch, status, list, cancel, follow. And the end of the service itself."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Sequence
from typing import NamedTuple

from gitoma.domain.clock import Clock
from gitoma.domain.errors import Closing, JobAlreadyEnded, QueueFull, UnknownJob
from gitoma.domain.jobs.admission import RateLimit
from gitoma.domain.jobs.commands import Command
from gitoma.domain.jobs.eviction import Retention
from gitoma.domain.jobs.lifecycle import Event, Job
from gitoma.domain.jobs.ports import Dispatcher, Follower, JobStore, OutputLog

log = logging.getLogger(__name__)


class JobReport(NamedTuple):
    """A job, and how many of its lines can be replayed."""

    job: Job
    lines_buffered: int


class JobService:
    """The jobs of one server.

    Args:
        store: Where jobs are.
        output: What they print.
        dispatcher: What brings them to a worker.
        clock: The time.
        rate_limit: How many may be dispatched in a minute.
        retention: How long finished jobs stay known.
        agent_command: What every job's command line begins with.
        redact: Takes credentials out of text, for the first line of a job's output.
        new_job_id: Makes a fresh UUID4, as text.
    """

    def __init__(
        self,
        *,
        store: JobStore,
        output: OutputLog,
        dispatcher: Dispatcher,
        clock: Clock,
        rate_limit: RateLimit,
        retention: Retention,
        agent_command: tuple[str, ...],
        redact: Callable[[str], str],
        new_job_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._output = output
        self._dispatcher = dispatcher
        self._clock = clock
        self._rate_limit = rate_limit
        self._retention = retention
        self._agent_command = agent_command
        self._redact = redact
        self._new_job_id = new_job_id
        self._closing = False

    async def dispatch(self, command: Command) -> Job:
        """Accept a job; whether it runs at once or waits for its turn, its status says.

        Raises:
            Closing: The service takes nothing new.
            RateLimited: Too many have been accepted in the last minute.
            QueueFull: Too many wait already.
        """
        if self._closing:
            raise Closing
        now = self._clock.now()
        self._rate_limit.enter(now)
        argv = (*self._agent_command, *command.arguments())
        job = Job(id=self._new_job_id(), label=command.label, argv=argv, created=now)
        await self._store.add(job)
        await self._output.open(job.id)
        await self._output.append(job.id, [self._redact(f"$ {_as_typed(argv)}")])
        try:
            await self._dispatcher.launch(job.id)
        except QueueFull:
            self._rate_limit.take_back()
            await self._forget([job.id])
            raise
        await self.evict()
        log.info("job dispatched", extra={"job_id": job.id, "label": job.label})
        return job

    async def status(self, job_id: str) -> JobReport:
        """The job as it is now.

        Raises:
            UnknownJob: It never was, or it has been evicted.
        """
        job = await self._known(job_id)
        buffered = await self._output.buffered([job_id])
        return JobReport(job, buffered.get(job_id, 0))

    async def list(self) -> Sequence[JobReport]:
        """Every known job, in the order of their dispatch."""
        jobs = await self._store.all()
        if await self._evict_from(jobs):
            jobs = await self._store.all()
        buffered = await self._output.buffered([job.id for job in jobs])
        return [JobReport(job, buffered.get(job.id, 0)) for job in jobs]

    async def cancel(self, job_id: str) -> Job:
        """Ask for the end of a job: a queued one never starts, a running one is stopped. Asking twice is asking once.

        Raises:
            UnknownJob: It never was, or it has been evicted.
            JobAlreadyEnded: It is terminal.
        """
        await self._known(job_id)
        now = self._clock.now()
        job = await self._store.update(job_id, lambda job: job.after(Event.CANCEL_ASKED, now))
        if job.is_terminal:
            await self._output.end(job_id, job.status)
        await self._dispatcher.interrupt(job_id)
        log.info("job cancel asked", extra={"job_id": job_id, "label": job.label})
        return job

    async def follow(self, job_id: str, after: int) -> Follower:
        """A reader of the job's output behind line number `after`; it must be closed.

        Raises:
            UnknownJob: It never was, or it has been evicted.
            TooManyFollowers: As many readers follow it as may follow one job.
        """
        await self._known(job_id)
        return await self._output.follow(job_id, after)

    async def evict(self) -> None:
        """Forget the finished jobs whose time is over, and the oldest of those that are too many."""
        await self._evict_from(await self._store.all())

    async def _evict_from(self, jobs: Sequence[Job]) -> bool:
        """Forget those of all `jobs` that may go; whether there were any."""
        evicted = self._retention.evicted(jobs, self._clock.now())
        await self._forget(evicted)
        return bool(evicted)

    async def close(self) -> None:
        """Take nothing new, cancel what waits and what runs, and wait until nothing runs any more."""
        self._closing = True
        for job in await self._store.all():
            if not job.is_terminal:
                try:
                    await self.cancel(job.id)
                except (JobAlreadyEnded, UnknownJob):  # it ended by itself in the meantime
                    continue
        await self._dispatcher.close()

    def kill(self) -> None:
        """SIGKILL to everything that runs: for a server that is asked a second time to stop."""
        self._dispatcher.kill()

    async def _known(self, job_id: str) -> Job:
        job = await self._store.get(job_id)
        if job.is_terminal and self._retention.is_expired(job, self._clock.now()):
            await self._forget([job_id])
            raise UnknownJob(job_id)
        return job

    async def _forget(self, job_ids: Sequence[str]) -> None:
        if job_ids:
            await self._store.remove(job_ids)
            await self._output.forget(job_ids)


def _as_typed(argv: Sequence[str]) -> str:
    """A command as a shell would be given it, on one line, whatever bytes the operator has put into it."""
    line = shlex.join(argv).replace("\n", "\\n")
    return line.encode("utf-8", "replace").decode()
