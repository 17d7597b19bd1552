"""The table of a job's life, row by row and as a whole."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.clock import Instant
from gitoma.domain.errors import InvalidTransition, JobAlreadyEnded
from gitoma.domain.jobs.lifecycle import TERMINAL, TRANSITIONS, Event, Job, Phase, Status

START = datetime(2026, 4, 21, 10, tzinfo=UTC)


def at(seconds: float) -> Instant:
    return Instant(START + timedelta(seconds=seconds), seconds)


def queued() -> Job:
    return Job(id="5f0c", label="run", argv=("agent", "run"), created=at(0))


def job_in(phase: Phase) -> Job:
    """A job that has come to `phase` by the shortest way."""
    ways: dict[Phase, tuple[Event, ...]] = {
        Phase.QUEUED: (),
        Phase.RUNNING: (Event.CLAIMED,),
        Phase.CANCELLING: (Event.CLAIMED, Event.CANCEL_ASKED),
        Phase.TIMING_OUT: (Event.CLAIMED, Event.DEADLINE_PASSED),
        Phase.COMPLETED: (Event.CLAIMED, Event.SUCCEEDED),
        Phase.FAILED: (Event.BROKE,),
        Phase.CANCELLED: (Event.CANCEL_ASKED,),
        Phase.TIMED_OUT: (Event.CLAIMED, Event.DEADLINE_PASSED, Event.BROKE),
    }
    job = queued()
    for event in ways[phase]:
        job = job.after(event, at(1), error_id="e0")
    assert job.phase is phase
    return job


def test_a_new_job_is_queued_and_has_neither_times_nor_an_error():
    job = queued()

    assert job.status is Status.QUEUED
    assert (job.started, job.finished, job.error_id) == (None, None, None)


@pytest.mark.parametrize(("phase", "event"), TRANSITIONS)
def test_each_row_of_the_table_leads_where_it_says(phase: Phase, event: Event):
    assert job_in(phase).after(event, at(2), error_id="e1").phase is TRANSITIONS[phase, event]


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("phase", sorted(TERMINAL, key=lambda phase: phase.name))
def test_a_finished_job_never_changes_again(phase: Phase, event: Event):
    job = job_in(phase)

    with pytest.raises(JobAlreadyEnded) as refusal:
        job.after(event, at(3), error_id="e2")
    assert refusal.value.status == job.status.value


def test_an_event_without_a_row_is_a_defect_and_changes_nothing():
    with pytest.raises(InvalidTransition):
        queued().after(Event.SUCCEEDED, at(1))


def test_a_job_that_is_told_to_stop_still_runs_for_those_who_ask():
    assert job_in(Phase.CANCELLING).status is Status.RUNNING
    assert job_in(Phase.TIMING_OUT).status is Status.RUNNING


def test_a_queued_job_that_is_cancelled_is_at_its_end():
    assert queued().after(Event.CANCEL_ASKED, at(1)).status is Status.CANCELLED


@pytest.mark.parametrize("ending", [Event.SUCCEEDED, Event.BROKE])
def test_however_a_cancelled_process_ends_the_job_is_cancelled_without_an_error(ending: Event):
    job = job_in(Phase.CANCELLING).after(ending, at(2), error_id="e1")

    assert job.status is Status.CANCELLED
    assert job.error_id is None


def test_a_cancelled_job_whose_processes_outlived_the_kill_has_an_error():
    assert job_in(Phase.CANCELLING).after(Event.OUTLIVED_KILL, at(2), error_id="e1").error_id == "e1"


def test_the_first_reason_to_stop_wins():
    timing_out = job_in(Phase.TIMING_OUT).after(Event.CANCEL_ASKED, at(2))
    cancelling = job_in(Phase.CANCELLING).after(Event.DEADLINE_PASSED, at(2))

    assert timing_out.after(Event.BROKE, at(3), error_id="e1").status is Status.TIMED_OUT
    assert cancelling.after(Event.BROKE, at(3), error_id="e1").status is Status.CANCELLED


def test_an_ending_that_needs_an_error_id_is_refused_without_one():
    with pytest.raises(ValueError, match="needs an error id"):
        job_in(Phase.RUNNING).after(Event.BROKE, at(2))


@given(st.lists(st.sampled_from(Event), max_size=12))
def test_whatever_happens_a_job_ends_at_most_once_and_its_times_and_error_fit_its_status(events: list[Event]):
    job = queued()
    endings = 0
    for second, event in enumerate(events, start=1):
        before = job
        try:
            job = before.after(event, at(second), error_id="e1")
        except (JobAlreadyEnded, InvalidTransition):
            assert job == before
            continue
        endings += job.is_terminal
        assert not before.is_terminal
        assert job.is_terminal == (job.finished is not None)
        assert (job.started is not None) == (before.started is not None or event is Event.CLAIMED)
        if job.status in (Status.FAILED, Status.TIMED_OUT):
            assert job.error_id
        if job.status in (Status.QUEUED, Status.RUNNING, Status.COMPLETED):
            assert job.error_id is None
    assert endings <= 1
