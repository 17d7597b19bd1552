"""Jobs and their output in the memory of one process, for one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from gitoma.domain.errors import TooManyFollowers, UnknownJob
from gitoma.domain.jobs.lifecycle import Job, Status
from gitoma.domain.jobs.output import Backlog, Delivery, Transcript
from gitoma.domain.jobs.ports import Follower, JobStore, OutputLog

MAX_FOLLOWERS = 16
"""Readers a job: the contract of the stream."""


class MemoryJobStore(JobStore):
    """Jobs in a dict. Atomic because nothing in it waits."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    async def add(self, job: Job) -> None:
        """See the port."""
        if job.id in self._jobs:
            raise ValueError(f"job {job.id} is known already")
        self._jobs[job.id] = job

    async def get(self, job_id: str) -> Job:
        """See the port."""
        try:
            return self._jobs[job_id]
        except KeyError:
            raise UnknownJob(job_id) from None

    async def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """See the port."""
        self._jobs[job_id] = job = change(await self.get(job_id))
        return job

    async def all(self) -> Sequence[Job]:
        """See the port."""
        return list(self._jobs.values())

    async def remove(self, job_ids: Sequence[str]) -> None:
        """See the port."""
        for job_id in job_ids:
            self._jobs.pop(job_id, None)


class _Channel:
    """One job's transcript, and the events that wake its readers."""

    def __init__(self) -> None:
        self.transcript = Transcript()
        self.news: set[asyncio.Event] = set()

    def announce(self) -> None:
        for news in self.news:
            news.set()


class MemoryFollower(Follower):
    """A reader of a `MemoryOutputLog`."""

    def __init__(self, channel: _Channel, backlog: Backlog) -> None:
        self._channel = channel
        self._backlog = backlog
        self._news = asyncio.Event()
        channel.news.add(self._news)

    async def take(self, timeout: float) -> Sequence[Delivery]:
        """See the port."""
        if self._backlog.is_empty:
            self._news.clear()
            async with asyncio.timeout(timeout):
                await self._news.wait()
        return self._backlog.take()

    def close(self) -> None:
        """See the port."""
        self._channel.news.discard(self._news)
        self._channel.transcript.unfollow(self._backlog)


class MemoryOutputLog(OutputLog):
    """The last lines of each job, and its readers."""

    def __init__(self, *, max_followers: int = MAX_FOLLOWERS) -> None:
        self._max_followers = max_followers
        self._channels: dict[str, _Channel] = {}

    async def open(self, job_id: str) -> None:
        """See the port."""
        self._channels[job_id] = _Channel()

    async def append(self, job_id: str, lines: Sequence[str]) -> None:
        """See the port."""
        channel = self._channels.get(job_id)
        if channel:
            channel.transcript.append(lines)
            channel.announce()

    async def end(self, job_id: str, status: Status) -> None:
        """See the port."""
        channel = self._channels.get(job_id)
        if channel:
            channel.transcript.end(status)
            channel.announce()

    async def buffered(self, job_ids: Sequence[str]) -> Mapping[str, int]:
        """See the port."""
        channels = self._channels
        return {job_id: channels[job_id].transcript.buffered for job_id in job_ids if job_id in channels}

    async def follow(self, job_id: str, after: int) -> Follower:
        """See the port."""
        channel = self._channels.get(job_id)
        if channel is None:
            raise UnknownJob(job_id)
        if len(channel.news) >= self._max_followers:
            raise TooManyFollowers(self._max_followers)
        return MemoryFollower(channel, channel.transcript.follow(after))

    async def forget(self, job_ids: Sequence[str]) -> None:
        """See the port."""
        for job_id in job_ids:
            self._channels.pop(job_id, None)
