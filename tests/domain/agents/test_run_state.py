from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.repo_states import json_values, states
from gitoma.domain.agents import run_state
from gitoma.domain.agents.errors import Code
from gitoma.domain.agents.plan import Plan, Source, Status, Subtask, to_json
from gitoma.domain.agents.run_state import Fresh, IllegalMove, Refuse, Resume, begun, decide_start, moved, reconciled
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Json, Phase, RepoState, decode, encode

REPO = RepoUrl.parse("https://github.com/acme/widget")
OURS = Branch("gitoma/improve-20260421-100000")
OTHER = Branch("other")
MAIN = Branch("main")
NOW = datetime(2026, 4, 21, 22, tzinfo=UTC)
UNFINISHED = (Phase.ANALYZING, Phase.PLANNING, Phase.WORKING)


def a_task(status: Status = Status.PENDING, sha: str | None = None, number: int = 1) -> Subtask:
    return Subtask(f"T{number}", "Readme", "Say more", "Say it", ("README.md",), status, sha)


def plan_field(*tasks: Subtask) -> dict[str, Json]:
    return to_json(Plan(Source.FALLBACK, "", tasks))  # type: ignore[return-value]  # it is JSON, field by field


def unfinished(phase: Phase = Phase.WORKING, **changes: object) -> RepoState:
    state = begun(REPO, OURS, run_id="r1", base="main", base_sha="b1", job_id=None, now=NOW - timedelta(hours=3))
    plan = plan_field(a_task(Status.DONE, "s1"), a_task(number=2))
    found = replace(state, phase=phase, task_plan=plan, updated_at=NOW - timedelta(hours=2))
    return replace(found, **changes)  # type: ignore[arg-type]


def decide(state: RepoState | None, **changes: object) -> Fresh | Resume | Refuse:
    asked = {"branch": None, "from_base": MAIN, "base_sha": "b1", "remote_sha": None, "resume": False, "fresh": False}
    return decide_start(state, **{**asked, "now": NOW, **changes})  # type: ignore[arg-type]


def test_the_phases_follow_each_other_to_the_pull_request_and_its_end() -> None:
    way = [Phase.IDLE, Phase.ANALYZING, Phase.PLANNING, Phase.WORKING, Phase.PR_OPEN, Phase.REVIEWING, Phase.PR_OPEN]
    for now, to in zip(way, [*way[1:], Phase.DONE], strict=True):
        assert moved(now, to) is to


@given(st.sampled_from(Phase), st.sampled_from(Phase))
def test_no_phase_leads_back_except_from_a_review_to_its_pull_request(now: Phase, to: Phase) -> None:
    order = list(Phase)
    if order.index(to) <= order.index(now) and (now, to) != (Phase.REVIEWING, Phase.PR_OPEN):
        with pytest.raises(IllegalMove):
            moved(now, to)


def test_a_run_and_its_branch_are_named_by_the_moment_in_utc() -> None:
    moment = datetime(2026, 4, 21, 12, tzinfo=UTC).astimezone(tz=None)

    assert run_state.new_run_id(moment, "7f3a") == "20260421-120000-7f3a"
    assert run_state.new_branch(moment) == Branch("gitoma/improve-20260421-120000")


def test_what_a_run_keeps_survives_its_document() -> None:
    state = decode(encode(begun(REPO, OURS, run_id="r1", base="main", base_sha="b1", job_id="j1", now=NOW)))

    assert (state.phase, state.branch, state.repo_url) == (Phase.IDLE, OURS.name, REPO.text)
    assert (run_state.run_id(state), run_state.base(state), run_state.base_sha(state)) == ("r1", "main", "b1")
    assert run_state.job_id(state) == "j1"


def test_a_new_run_forgets_all_but_what_fix_ci_goes_by() -> None:
    before = unfinished(kept={"run_id": "r0", "threads": {}, "ci_fixes": {"31:ab": "s1"}, "ci_pulls": {"a b": 7}})
    state = begun(REPO, OURS, run_id="r1", base="main", base_sha="b1", job_id=None, now=NOW, before=before)

    assert state.kept == {
        "run_id": "r1",
        "base": "main",
        "base_sha": "b1",
        "ci_fixes": {"31:ab": "s1"},
        "ci_pulls": {"a b": 7},
    }
    assert state.task_plan is None


OWN_FIELDS = st.sampled_from(["run_id", "base", "base_sha", "job_id", "threads"])


@given(st.dictionaries(OWN_FIELDS, json_values()))
def test_whatever_is_in_the_place_of_what_a_run_keeps_reading_it_never_fails(kept: dict[str, Json]) -> None:
    state = RepoState(slug=REPO.slug, phase=Phase.WORKING, kept=kept)

    for read in (run_state.run_id, run_state.base, run_state.base_sha, run_state.job_id):
        found = read(state)
        assert found is None or (isinstance(found, str) and found)


def test_without_an_earlier_run_a_new_branch_is_begun() -> None:
    assert decide(None) == Fresh(Branch("gitoma/improve-20260421-220000"))


def test_a_branch_that_is_asked_for_and_not_there_is_begun() -> None:
    assert decide(None, branch=OTHER) == Fresh(OTHER)


@pytest.mark.parametrize("state", [None, unfinished(), unfinished(Phase.DONE)])
def test_a_branch_that_is_there_and_not_ours_is_refused(state: RepoState | None) -> None:
    decision = decide(state, branch=OTHER, remote_sha="x")

    assert isinstance(decision, Refuse)
    assert decision.code is Code.BRANCH_EXISTS
    assert decision.error().code is Code.BRANCH_EXISTS


@pytest.mark.parametrize("phase", UNFINISHED)
@pytest.mark.parametrize("branch", [None, OURS])
@pytest.mark.parametrize("resume", [True, False])
def test_an_unfinished_run_is_gone_on_with(phase: Phase, branch: Branch | None, resume: bool) -> None:
    assert decide(unfinished(phase), branch=branch, resume=resume) == Resume("r1", OURS, phase)


def test_a_run_that_was_killed_before_its_pull_request_goes_on_with_nothing_left_to_do() -> None:
    state = unfinished(task_plan=plan_field(a_task(Status.DONE, "s1")))

    assert decide(state, remote_sha="s1") == Resume("r1", OURS, Phase.WORKING)


@pytest.mark.parametrize("phase", UNFINISHED)
def test_a_branch_of_our_name_that_we_never_pushed_to_is_somebody_elses(phase: Phase) -> None:
    decision = decide(unfinished(phase, task_plan=plan_field(a_task())), remote_sha="x")

    assert isinstance(decision, Refuse)
    assert decision.code is Code.BRANCH_EXISTS


NOT_RESUMABLE = {
    "finished": unfinished(Phase.DONE),
    "in review": unfinished(Phase.REVIEWING),
    "with a pull request": unfinished(Phase.PR_OPEN),
    "on a base that has moved": unfinished(kept={"run_id": "r1", "base": "main", "base_sha": "b0"}),
    "from another base": unfinished(kept={"run_id": "r1", "base": "other", "base_sha": "b1"}),
    "from a base that git does not take": unfinished(kept={"run_id": "r1", "base": "a..b", "base_sha": "b1"}),
    "without an id": unfinished(kept={"base": "main", "base_sha": "b1"}),
    "without a branch": unfinished(branch=None),
    "on no branch that git takes": unfinished(branch="a..b"),
    "without a plan": unfinished(task_plan=None),
    "with half a plan": unfinished(task_plan={"source": "model", "model": "m", "tasks": [{}]}),
    "a day old": unfinished(started_at=NOW - timedelta(hours=24)),
    "of no time": unfinished(started_at=None),
}


@pytest.mark.parametrize("state", NOT_RESUMABLE.values(), ids=NOT_RESUMABLE)
def test_any_other_run_is_left_alone_and_that_is_said(state: RepoState) -> None:
    decision = decide(state)

    assert isinstance(decision, Fresh)
    assert decision.branch != OURS
    assert decision.reason


@pytest.mark.parametrize("state", [None, *NOT_RESUMABLE.values()])
def test_to_resume_what_cannot_be_is_wrong_usage(state: RepoState | None) -> None:
    decision = decide(state, resume=True)

    assert isinstance(decision, Refuse)
    assert decision.code is Code.USAGE


def test_a_run_just_younger_than_a_day_goes_on() -> None:
    state = unfinished(started_at=NOW - timedelta(hours=24) + timedelta(seconds=1))

    assert isinstance(decide(state), Resume)


def test_starting_anew_leaves_an_unfinished_run_alone() -> None:
    assert decide(unfinished(), fresh=True) == Fresh(run_state.new_branch(NOW), "as was asked")


def test_starting_anew_on_the_branch_of_the_unfinished_run_is_refused() -> None:
    assert isinstance(decide(unfinished(), fresh=True, branch=OURS, remote_sha="s1"), Refuse)


@given(
    st.none() | states(st.just(REPO.slug)) | st.sampled_from([unfinished(phase) for phase in Phase]),
    st.sampled_from([None, OURS, OTHER]),
    st.sampled_from([MAIN, OTHER]),
    st.sampled_from(["b1", "b2"]),
    st.sampled_from([None, "s1", "x"]),
    st.booleans(),
    st.booleans(),
    st.integers(-48, 48).map(lambda hours: NOW + timedelta(hours=hours)),
)
def test_whatever_was_left_behind_a_decision_is_safe(
    state: RepoState | None,
    branch: Branch | None,
    base: Branch,
    base_sha: str,
    remote_sha: str | None,
    resume: bool,
    fresh: bool,
    now: datetime,
) -> None:
    asked = {"branch": branch, "from_base": base, "base_sha": base_sha, "resume": resume, "fresh": fresh, "now": now}

    decision = decide(state, remote_sha=remote_sha, **asked)

    match decision:
        case Resume(run_id, chosen, phase):
            assert state is not None
            assert not fresh
            assert (state.phase, state.branch, state.kept["run_id"]) == (phase, chosen.name, run_id)
            assert branch in (None, chosen)
            assert (state.kept["base"], state.kept["base_sha"]) == (base.name, base_sha)
        case Fresh(chosen, _):
            assert not resume
            assert branch in (None, chosen)
            assert branch is None or remote_sha is None
        case Refuse(code, message, hint):
            assert code in (Code.USAGE, Code.BRANCH_EXISTS)
            assert message
            assert hint


TASKS = st.lists(
    st.builds(a_task, st.sampled_from(Status), st.none() | st.sampled_from(["s1", "s2", "s3"])), max_size=5
).map(lambda tasks: tuple(replace(task, id=f"T{n}") for n, task in enumerate(tasks)))


@given(TASKS, st.sets(st.sampled_from(["s1", "s2", "s3"])))
def test_a_task_is_done_exactly_if_its_commit_is_on_the_branch(tasks: tuple[Subtask, ...], there: set[str]) -> None:
    plan = Plan(Source.FALLBACK, "", tasks)

    found = reconciled(plan, there.__contains__)

    assert reconciled(found, there.__contains__) == found
    for before, after in zip(plan.tasks, found.tasks, strict=True):
        if before.status in (Status.FAILED, Status.SKIPPED):
            assert after == before
        else:
            assert (after.status is Status.DONE) == (before.sha in there)
            assert after.status is Status.DONE or (after.status, after.sha) == (Status.PENDING, None)


def test_the_errors_of_an_unfinished_run_stay_when_somebody_else_works_meanwhile() -> None:
    left, done = unfinished(errors=("a",)), unfinished(phase=Phase.PR_OPEN, errors=("a",))

    assert run_state.taken_up(left, REPO, job_id=None, now=NOW).errors == ("a",)
    assert run_state.taken_up(done, REPO, job_id=None, now=NOW).errors == ()


def test_a_run_does_not_grow_younger_by_what_others_write_down() -> None:
    state = unfinished(started_at=NOW - timedelta(hours=25), updated_at=NOW)

    assert isinstance(decide(state), Fresh)
