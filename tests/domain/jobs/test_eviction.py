"""Which jobs are forgotten, and which never are."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.clock import Instant
from gitoma.domain.jobs.eviction import Retention
from gitoma.domain.jobs.lifecycle import Event, Job

NOON = datetime(2026, 4, 21, 12, tzinfo=UTC)


def at(seconds: float) -> Instant:
    # The wall clock stands still: eviction must not look at it.
    return Instant(NOON, seconds)


def job(name: str, finished: float | None = None, *, running: bool = False) -> Job:
    new = Job(id=name, label="run", argv=("agent",), created=at(0))
    if finished is not None:
        return new.after(Event.CLAIMED, at(0)).after(Event.SUCCEEDED, at(finished))
    return new.after(Event.CLAIMED, at(0)) if running else new


@st.composite
def job_lists(draw: st.DrawFn) -> list[Job]:
    ends = draw(st.lists(st.one_of(st.none(), st.floats(0, 2000)), max_size=30))
    return [job(f"j{number}", end, running=draw(st.booleans())) for number, end in enumerate(ends)]


def test_a_finished_job_is_known_for_its_ttl_and_no_longer():
    retention = Retention(ttl_s=900, cap=50)
    jobs = [job("a", finished=100)]

    assert retention.evicted(jobs, at(999.9)) == ()
    assert retention.evicted(jobs, at(1000)) == ("a",)


def test_over_the_cap_the_job_that_finished_first_goes_first():
    jobs = [job("late", finished=30), job("early", finished=10), job("middle", finished=20)]

    assert Retention(ttl_s=900, cap=1).evicted(jobs, at(31)) == ("early", "middle")


def test_queued_and_running_jobs_never_go_however_many_they_are():
    jobs = [job(f"w{number}") for number in range(60)] + [job(f"r{number}", running=True) for number in range(60)]

    assert Retention(ttl_s=0, cap=1).evicted(jobs, at(10_000)) == ()


@given(job_lists(), st.floats(0, 1000), st.integers(1, 40), st.floats(0, 4000))
def test_what_is_left_is_within_the_cap_or_alive_and_within_its_time(
    jobs: list[Job], ttl_s: float, cap: int, now: float
):
    evicted = Retention(ttl_s, cap).evicted(jobs, at(now))

    left = [each for each in jobs if each.id not in evicted]
    alive = [each for each in jobs if not each.is_terminal]
    assert len(set(evicted)) == len(evicted)
    assert all(each in left for each in alive)
    assert len(left) <= max(cap, len(alive))
    assert all(now - each.finished.monotonic < ttl_s for each in left if each.finished)


@given(job_lists(), st.integers(1, 40))
def test_nothing_goes_before_its_time_while_there_is_room(jobs: list[Job], cap: int):
    evicted = Retention(ttl_s=10_000, cap=cap).evicted(jobs, at(2000))

    assert len(evicted) == min(max(0, len(jobs) - cap), sum(each.is_terminal for each in jobs))
