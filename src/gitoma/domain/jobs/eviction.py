"""Which finished jobs are forgotten, and when: one pure function.

A finished job stays known for the TTL. When more jobs are known than the cap allows, the ones that finished first go
before their time. Queued and running jobs never go, so more than the cap can be known while that many are alive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitoma.domain.clock import Instant
from gitoma.domain.jobs.lifecycle import Job


@dataclass(frozen=True, slots=True)
class Retention:
    """How long, and how many.

    Attributes:
        ttl_s: Seconds that a finished job stays known (REST page: 15 minutes).
        cap: How many jobs are known at most, finished ones giving way (REST page: 50).
    """

    ttl_s: float = 900.0
    cap: int = 50

    def is_expired(self, job: Job, now: Instant) -> bool:
        """Whether the job's time as a finished one is over; on the monotonic clock, so no clock change hurries it."""
        return job.finished is not None and now.monotonic - job.finished.monotonic >= self.ttl_s

    def evicted(self, jobs: Sequence[Job], now: Instant) -> tuple[str, ...]:
        """The ids of the jobs to forget, the one that finished first leading; ties keep the order of `jobs`."""
        over_cap = len(jobs) - self.cap
        ends = [job.finished.monotonic for job in jobs if job.finished is not None]
        if over_cap <= 0 and (not ends or now.monotonic - min(ends) < self.ttl_s):
            return ()  # the usual case, at every listing
        finished = sorted(
            (job for job in jobs if job.finished is not None),
            key=lambda job: job.finished.monotonic if job.finished else 0.0,
        )
        return tuple(job.id for place, job in enumerate(finished) if place < over_cap or self.is_expired(job, now))
