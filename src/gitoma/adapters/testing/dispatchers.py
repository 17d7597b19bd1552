"""What every `Dispatcher` promises, one check for each promise.

A check takes a maker: given a supervisor, how many jobs run at once and how many may wait, it makes a dispatcher. The
supervisor is the real one, over scripted processes on a virtual clock. A check raises `AssertionError` where the
promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable

from gitoma.adapters.memory import MemoryJobStore, MemoryOutputLog
from gitoma.adapters.testing.job_stores import new_job
from gitoma.adapters.testing.processes import FakeProcessRunner, Script, ending
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.errors import QueueFull
from gitoma.domain.jobs.lifecycle import Event, Status
from gitoma.domain.jobs.ports import Dispatcher, Stop
from gitoma.domain.jobs.supervisor import Limits, Supervisor

JOB_S = 10.0
"""How long each job runs if nobody stops it."""

Make = Callable[[Supervisor, int, int], Dispatcher]


class _World:
    """Queued jobs, and a dispatcher for them."""

    def __init__(self, make: Make, *, running: int, waiting: int, script: Script | None = None) -> None:
        self.clock = VirtualClock()
        self.store = MemoryJobStore()
        self.processes = FakeProcessRunner(self.clock, lambda argv: script or Script(ending(0, after=JOB_S)))
        supervisor = Supervisor(
            store=self.store,
            output=MemoryOutputLog(),
            runner=self.processes,
            clock=self.clock,
            redact=lambda text: text,
            limits=Limits(),
            new_error_id=lambda: "e1",
        )
        self.dispatcher = make(supervisor, running, waiting)

    async def launch(self, job_id: str) -> None:
        await self.store.add(new_job(job_id))
        await self.dispatcher.launch(job_id)

    async def cancel(self, job_id: str) -> None:
        now = self.clock.now()
        await self.store.update(job_id, lambda job: job.after(Event.CANCEL_ASKED, now))
        await self.dispatcher.interrupt(job_id)

    @property
    def started(self) -> list[str]:
        return [processes.job_id for processes in self.processes.started]


async def check_a_job_starts_at_once_while_there_is_room(make: Make) -> None:
    """As many as may run do."""
    world = _World(make, running=2, waiting=0)
    await world.launch("a")
    await world.launch("b")
    await world.clock.advance(1)
    assert sorted(world.started) == ["a", "b"]


async def check_the_others_start_in_their_turn(make: Make) -> None:
    """First come, first served, each when one before it has ended."""
    world = _World(make, running=1, waiting=3)
    for job_id in ("c", "a", "b"):
        await world.launch(job_id)
    await world.clock.advance(1)
    assert world.started == ["c"]
    await world.clock.advance(3 * JOB_S)
    assert world.started == ["c", "a", "b"]


async def check_one_too_many_is_refused_and_disturbs_nobody(make: Make) -> None:
    """`QueueFull`, and the next one is taken when there is room."""
    world = _World(make, running=1, waiting=1)
    await world.launch("a")
    await world.launch("b")
    try:
        await world.launch("c")
    except QueueFull as refusal:
        assert refusal.retry_after_s >= 1
    else:
        raise AssertionError("more were let to wait than may")
    await world.clock.advance(JOB_S + 1)
    await world.launch("d")
    await world.clock.advance(2 * JOB_S)
    assert world.started == ["a", "b", "d"]


async def check_an_interrupted_job_gives_up_its_place(make: Make) -> None:
    """One that waits never starts; one that runs is stopped; an id that is not there disturbs nobody."""
    world = _World(make, running=1, waiting=1)
    await world.launch("a")
    await world.launch("b")
    await world.cancel("b")
    await world.launch("c")
    await world.clock.advance(1)
    await world.cancel("a")
    await world.dispatcher.interrupt("never")
    await world.clock.advance(JOB_S)
    assert world.started == ["a", "c"]
    assert [how for _, how in world.processes.started[0].stops] == [Stop.TERMINATE]
    assert (await world.store.get("a")).status is Status.CANCELLED


async def check_close_waits_for_the_last_process(make: Make) -> None:
    """Also for what an ended job has left behind, which it has stopped."""
    world = _World(make, running=2, waiting=0, script=Script((), on_terminate=ending(0, after=3)))
    await world.launch("a")
    await world.clock.advance(1)
    await world.cancel("a")
    await world.clock.complete(world.dispatcher.close())
    assert world.processes.started[0].is_gone
    assert world.clock.now().monotonic >= 4


async def check_kill_leaves_no_grace(make: Make) -> None:
    """SIGKILL at once to what has been told to stop."""
    world = _World(make, running=1, waiting=0, script=Script((), on_terminate=None))
    await world.launch("a")
    await world.clock.advance(1)
    await world.cancel("a")
    await world.clock.advance(1)
    world.dispatcher.kill()
    await world.clock.advance(0.1)
    assert [how for _, how in world.processes.started[0].stops] == [Stop.TERMINATE, Stop.KILL]
    await world.clock.complete(world.dispatcher.close())


DISPATCHER_CHECKS = (
    check_a_job_starts_at_once_while_there_is_room,
    check_the_others_start_in_their_turn,
    check_one_too_many_is_refused_and_disturbs_nobody,
    check_an_interrupted_job_gives_up_its_place,
    check_close_waits_for_the_last_process,
    check_kill_leaves_no_grace,
)
