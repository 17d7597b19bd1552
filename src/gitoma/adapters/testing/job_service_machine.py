"""The whole job service as a state machine: whatever clients do and whatever processes do, in any order.

    class MyMachine(JobServiceMachine):
        make_store = MyJobStore
        make_output = MyOutputLog

    TestMyJobService = MyMachine.TestCase

It drives the real service, supervisor, queue and dispatcher over a store and an output log of your choice, with
scripted processes on a virtual clock, so that an hour's timeout costs microseconds. What it holds against them is the
contract: terminal is final, nobody runs beyond the limit or out of turn, a stream is complete but for what its gaps
say, and a cancelled job has left nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gitoma.adapters.local import LocalDispatcher
from gitoma.adapters.memory import MemoryJobStore, MemoryOutputLog
from gitoma.adapters.testing.processes import FakeProcesses, FakeProcessRunner, Script, ending
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.errors import JobAlreadyEnded, QueueFull, RateLimited, TooManyFollowers, UnknownJob
from gitoma.domain.jobs.admission import Queue, RateLimit
from gitoma.domain.jobs.commands import Analyze
from gitoma.domain.jobs.eviction import Retention
from gitoma.domain.jobs.lifecycle import Job, Status
from gitoma.domain.jobs.output import Batch, End, Gap
from gitoma.domain.jobs.ports import Exited, Follower, JobStore, OutputLog, ProcessEvent, Stop, Wrote
from gitoma.domain.jobs.service import JobService
from gitoma.domain.jobs.stopping import KILL_WAIT_S
from gitoma.domain.jobs.supervisor import Limits, Supervisor
from gitoma.domain.repos.names import RepoUrl

T = TypeVar("T")

MAX_RUNNING, MAX_WAITING, RATE, CAP, TTL_S, TIMEOUT_S, GRACE_S = 2, 3, 12, 4, 100.0, 60.0, 5.0

ROUNDING_S = 1e-6  # moments are sums of floats

SCRIPTS: dict[str, Script] = {
    "succeeds": Script(ending(0, after=3, saying=b"hello\n")),
    "fails": Script(ending(3, after=1, saying=b"no final newline")),
    "ends-at-once": Script(ending(0)),
    "crashes": Script(ending(-11, after=2)),
    "talks": Script((*((float(n), Wrote(b"line\n" * 300)) for n in range(1, 9)), *ending(0, after=9))),
    "never-ends": Script(()),
    "cleans-up": Script((), on_terminate=ending(0, after=2, saying=b"bye\n")),
    "ignores-term": Script((), on_terminate=None),
    "dies-bit-by-bit": Script((), on_terminate=((0.2, Exited(0)), (3.0, ProcessEvent.GONE))),
    "outlives-kill": Script((), on_terminate=None, on_kill=None),
    "leaves-a-daemon": Script(((1.0, Exited(0)),), on_terminate=((0.5, ProcessEvent.GONE),)),
    "leaves-a-chatty-daemon": Script(
        ((1.0, Exited(0)), *((1.0 + n / 10, Wrote(b"still here\n")) for n in range(40))), on_terminate=None
    ),
    "closes-its-output": Script(((1.0, ProcessEvent.OUTPUT_CLOSED), *ending(0, after=4))),
    "cannot-start": Script(refusal="No such file or directory: agent"),
}

_ALLOWED_NEXT = {
    Status.QUEUED: {Status.RUNNING, Status.CANCELLED, Status.FAILED},
    Status.RUNNING: {Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.TIMED_OUT},
}


class _Reader:
    """A client that follows a job, and what it has been sent so far."""

    def __init__(self, job_id: str, after: int, follower: Follower) -> None:
        self.job_id = job_id
        self.follower = follower
        self.last = after  # the number of the last line that it has, or was told it has missed
        self.end: End | None = None

    def take(self, deliveries: Sequence[Batch | Gap | End]) -> None:
        """Check that what comes is what is due."""
        for delivery in deliveries:
            assert self.end is None, "something came after the end"
            if isinstance(delivery, Gap):
                assert delivery.count > 0
                self.last += delivery.count
            elif isinstance(delivery, Batch):
                assert delivery.first == self.last + 1, f"line {delivery.first} came after line {self.last}"
                assert delivery.lines
                self.last = delivery.last
            else:
                self.end = delivery


class _WatchedStore(JobStore):
    """A store that remembers what was removed from it, as it was then."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self.removed: dict[str, Job] = {}

    async def add(self, job: Job) -> None:
        await self._store.add(job)

    async def get(self, job_id: str) -> Job:
        return await self._store.get(job_id)

    async def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        return await self._store.update(job_id, change)

    async def all(self) -> Sequence[Job]:
        return await self._store.all()

    async def remove(self, job_ids: Sequence[str]) -> None:
        known = {job.id: job for job in await self._store.all()}
        self.removed |= {job_id: known[job_id] for job_id in job_ids if job_id in known}
        await self._store.remove(job_ids)


class JobServiceMachine(RuleBasedStateMachine):
    """Clients, time and processes against the job service."""

    make_store: ClassVar[Callable[[], JobStore]] = MemoryJobStore
    make_output: ClassVar[Callable[[], OutputLog]] = MemoryOutputLog

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._do(self._set_up())

    async def _set_up(self) -> None:
        numbers = count(1)
        errors = count(1)
        self.clock = VirtualClock()
        self.processes = FakeProcessRunner(self.clock, lambda argv: SCRIPTS[argv[-1].rsplit("/", 1)[-1]])
        self.store = _WatchedStore(type(self).make_store())
        output = type(self).make_output()
        supervisor = Supervisor(
            store=self.store,
            output=output,
            runner=self.processes,
            clock=self.clock,
            redact=lambda text: text,
            limits=Limits(timeout_s=TIMEOUT_S, grace_s=GRACE_S),
            new_error_id=lambda: f"e{next(errors)}",
        )
        self.queue = Queue(max_running=MAX_RUNNING, max_waiting=MAX_WAITING)
        self.service = JobService(
            store=self.store,
            output=output,
            dispatcher=LocalDispatcher(queue=self.queue, supervisor=supervisor),
            clock=self.clock,
            rate_limit=RateLimit(RATE),
            retention=Retention(TTL_S, CAP),
            agent_command=("agent",),
            redact=lambda text: text,
            new_job_id=lambda: f"j{next(numbers)}",
        )
        self.seen: dict[str, Job] = {}
        self.accepted: list[str] = []
        self.readers: list[_Reader] = []

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @rule(script=st.sampled_from(sorted(SCRIPTS)))
    def dispatch(self, script: str) -> None:
        """A client starts a job."""
        self._do(self._dispatch(Analyze(RepoUrl.parse(f"https://github.com/acme/{script}"))))

    async def _dispatch(self, command: Analyze) -> None:
        # Looked at here, where nothing else has its turn before the dispatch has.
        room = len(self.queue.waiting) < MAX_WAITING or len(self.queue.running) < MAX_RUNNING
        try:
            job = await self.service.dispatch(command)
        except QueueFull:
            assert not room
        except RateLimited:
            assert len(self.accepted) >= RATE
        else:
            assert room
            self.accepted.append(job.id)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """A client cancels a job, whatever has become of it."""
        self._do(self._cancel(data.draw(st.sampled_from(self.accepted))))

    async def _cancel(self, job_id: str) -> None:
        before = self.seen.get(job_id)
        was_queued = job_id in self.queue.waiting
        try:
            job = await self.service.cancel(job_id)
        except JobAlreadyEnded:
            assert (await self.store.get(job_id)).is_terminal
        except UnknownJob:
            assert job_id in self.store.removed
        else:
            assert not (before and before.is_terminal)
            assert job.is_terminal == (was_queued or job.started is None)

    @precondition(lambda self: self.accepted)
    @rule(data=st.data(), after=st.sampled_from([0, 0, 1, 700, 10_000]))
    def follow(self, data: st.DataObject, after: int) -> None:
        """A client follows a job."""
        job_id = data.draw(st.sampled_from(self.accepted))
        try:
            follower = self._do(self.service.follow(job_id, after))
        except (UnknownJob, TooManyFollowers):
            return
        if after <= 1:  # every job has a first line; one that is ahead gets whatever comes, so nothing can be checked
            self.readers.append(_Reader(job_id, after, follower))
        else:
            follower.close()

    @precondition(lambda self: self.readers)
    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """A client takes what waits for it."""
        self._read(data.draw(st.sampled_from(self.readers)))

    def _read(self, reader: _Reader) -> None:
        if reader.end is None:
            try:
                reader.take(self._do(reader.follower.take(0)))
            except TimeoutError:
                return

    @rule(seconds=st.sampled_from([0.1, 0.3, 1.0, 2.5, 5.0, 6.0, 61.0, 101.0]))
    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self._do(self.clock.advance(seconds))

    @rule()
    def list(self) -> None:
        """A client lists the jobs: as many as may be known, and nobody who is alive is missing."""
        reports = self._do(self.service.list())
        alive = [report for report in reports if not report.job.is_terminal]
        assert len(reports) <= max(CAP, len(alive))
        assert {*self.queue.waiting} <= {report.job.id for report in reports}

    @invariant()
    def statuses_only_go_forward(self) -> None:
        """Terminal is final, the error id fits the status, and nobody who is alive is forgotten."""
        now = {job.id: job for job in self._do(self.store.all())}
        for job_id, before in self.seen.items():
            after = now.get(job_id)
            if after is None:
                assert self.store.removed[job_id].is_terminal
            elif before.is_terminal:
                assert after == before
            elif after.status is not before.status:
                assert after.status in _ALLOWED_NEXT[before.status] | (
                    _ALLOWED_NEXT[Status.RUNNING] if before.status is Status.QUEUED else set()
                )
        for job in now.values():
            if job.status in (Status.FAILED, Status.TIMED_OUT):
                assert job.error_id
            elif job.status is not Status.CANCELLED:
                assert job.error_id is None
        self.seen.update(now)

    @invariant()
    def no_more_run_than_may(self) -> None:
        """The limit holds for processes, not only for the books."""
        assert len(self.queue.running) <= MAX_RUNNING
        assert sum(not processes.closed for processes in self.processes.started) <= MAX_RUNNING

    @invariant()
    def they_started_in_their_turn(self) -> None:
        """First come, first served; and nobody twice."""
        started = [processes.job_id for processes in self.processes.started]
        assert started == sorted(set(started), key=self.accepted.index)

    @invariant()
    def a_cancelled_job_has_left_nothing(self) -> None:
        """`cancelled` without an error id means that its last process is gone."""
        for processes in self.processes.started:
            job = self.seen.get(processes.job_id)
            if job and job.status is Status.CANCELLED and job.error_id is None:
                assert processes.is_gone

    @invariant()
    def the_grace_is_kept(self) -> None:
        """TERM comes first, and KILL no sooner than the grace behind it."""
        for processes in self.processes.started:
            self._check_stops(processes)

    @staticmethod
    def _check_stops(processes: FakeProcesses) -> None:
        moments = {how: moment for moment, how in reversed(processes.stops)}
        assert len(processes.stops) == len(moments), "a signal was sent twice"
        if Stop.KILL in moments:
            assert moments[Stop.KILL] - moments[Stop.TERMINATE] >= GRACE_S - ROUNDING_S

    def teardown(self) -> None:
        """The server closes: everything comes to an end, and every reader is told."""
        try:
            within = GRACE_S + KILL_WAIT_S
            begin = self.clock.now().monotonic
            self._do(self.clock.complete(self.service.close()))
            assert self.clock.now().monotonic - begin <= within + ROUNDING_S
            for job in self._do(self.store.all()):
                assert job.is_terminal
            for reader in self.readers:
                self._read(reader)
                assert reader.end is not None, f"the reader of {reader.job_id} was never told the end"
            assert not self.queue.running
            assert not self.queue.waiting
        finally:
            self._runner.close()
