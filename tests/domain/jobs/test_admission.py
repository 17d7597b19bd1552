"""The queue and the rate limit."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gitoma.domain.clock import Instant
from gitoma.domain.errors import QueueFull, RateLimited
from gitoma.domain.jobs.admission import WINDOW_S, Queue, RateLimit


def at(seconds: float) -> Instant:
    return Instant(datetime(2026, 4, 21, tzinfo=UTC), seconds)


def test_a_job_starts_at_once_while_there_is_room():
    queue = Queue(max_running=2, max_waiting=0)

    queue.enter("a")
    assert queue.take() == "a"
    queue.enter("b")
    assert queue.take() == "b"


def test_where_nobody_may_wait_the_next_job_is_refused():
    queue = Queue(max_running=1, max_waiting=0)
    queue.enter("a")
    queue.take()

    with pytest.raises(QueueFull) as refusal:
        queue.enter("b")
    assert refusal.value.retry_after_s >= 1


def test_a_job_that_gave_up_its_place_never_starts():
    queue = Queue(max_running=1, max_waiting=2)
    for name in ("a", "b", "c"):
        queue.enter(name)
    assert queue.take() == "a"

    assert queue.withdraw("b")
    assert not queue.withdraw("a")
    queue.done("a")
    assert queue.take() == "c"


class QueueMachine(RuleBasedStateMachine):
    """The queue against two plain lists."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(max_running=2, max_waiting=3)
        self.waiting: list[str] = []
        self.running: list[str] = []
        self.count = 0

    @rule()
    def enter(self) -> None:
        self.count += 1
        name = f"j{self.count}"
        fits = len(self.waiting) < 3 + 2 - len(self.running)
        try:
            self.queue.enter(name)
        except QueueFull:
            assert not fits
        else:
            assert fits
            self.waiting.append(name)

    @rule()
    def take(self) -> None:
        expected = self.waiting[0] if self.waiting and len(self.running) < 2 else None
        assert self.queue.take() == expected
        if expected:
            self.running.append(self.waiting.pop(0))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.waiting))
        assert self.queue.withdraw(name)
        self.waiting.remove(name)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self.running))
        self.queue.done(name)
        self.running.remove(name)

    @invariant()
    def agrees(self) -> None:
        assert self.queue.waiting == tuple(self.waiting)
        assert self.queue.running == frozenset(self.running)


TestQueueMachine = QueueMachine.TestCase


def test_the_rate_limit_says_when_the_next_dispatch_may_come():
    limit = RateLimit(2)
    limit.enter(at(0))
    limit.enter(at(10))

    with pytest.raises(RateLimited) as refusal:
        limit.enter(at(20.5))
    assert refusal.value.retry_after_s == 40
    limit.enter(at(60))


def test_a_dispatch_that_is_taken_back_does_not_count():
    limit = RateLimit(1)
    limit.enter(at(0))
    limit.take_back()

    limit.enter(at(1))


def test_a_limit_of_0_is_no_limit():
    limit = RateLimit(0)

    for _ in range(5000):
        limit.enter(at(0))


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5))
def test_no_window_holds_more_than_the_limit_and_retry_after_keeps_its_word(waits: list[float], most: int):
    limit = RateLimit(most)
    accepted: list[float] = []
    now = 0.0
    for wait in waits:
        now += wait
        try:
            limit.enter(at(now))
        except RateLimited as refusal:
            later = now + refusal.retry_after_s
            assert sum(later - moment < WINDOW_S for moment in accepted) < most
        else:
            accepted.append(now)
    for moment in accepted:
        assert sum(moment <= other < moment + WINDOW_S for other in accepted) <= most
