"""Jobs run on this machine, each supervised by a task of this process's event loop."""

from __future__ import annotations

import asyncio

from gitoma.domain.jobs.admission import Queue
from gitoma.domain.jobs.ports import Dispatcher
from gitoma.domain.jobs.supervisor import Supervisor


class LocalDispatcher(Dispatcher):
    """Runs jobs in the order of `queue`, through `supervisor`."""

    def __init__(self, *, queue: Queue, supervisor: Supervisor) -> None:
        self._queue = queue
        self._supervisor = supervisor
        self._tasks: set[asyncio.Task[None]] = set()

    async def launch(self, job_id: str) -> None:
        """See the port."""
        self._queue.enter(job_id)
        self._start_next()

    async def interrupt(self, job_id: str) -> None:
        """See the port."""
        if not self._queue.withdraw(job_id):
            self._supervisor.interrupt(job_id)

    async def close(self) -> None:
        """See the port."""
        for job_id in self._queue.running:  # also those that have ended and whose leftovers are still there
            self._supervisor.interrupt(job_id)
        while self._tasks:
            await asyncio.wait(self._tasks)

    def kill(self) -> None:
        """See the port."""
        self._supervisor.kill()

    def _start_next(self) -> None:
        while job_id := self._queue.take():
            task = asyncio.create_task(self._run(job_id), name=f"job {job_id}")
            self._tasks.add(task)  # the event loop itself keeps only a weak reference
            task.add_done_callback(self._tasks.discard)

    async def _run(self, job_id: str) -> None:
        try:
            await self._supervisor.run(job_id)
        finally:
            self._queue.done(job_id)
            self._start_next()
