"""`gitoma fix-ci`, as a process and as a job, between a git host, GitHub and a model server."""

from __future__ import annotations

import json
import signal
from threading import Event

import pytest

from tests.rest.service import Service
from tests.stand_ins.github_answers import NOT_FOUND, Trouble
from tests.stand_ins.github_documents import Job
from tests.stand_ins.model import Call, Reply

from .failing_ci import APPROVED, FIX, LOG, NAMELESS_LOG, TOTAL, UNBALANCED, WORKFLOW_LOG, WRONG, FailingCi, returning
from .world import SLUG, URL, Ended, World, block, verdict, whole_file

REVISE = verdict(False, "it is wrong for empty lists", "Keep total right for empty lists.")
REFLEXION = {"fixer": [UNBALANCED, WRONG, FIX], "critic": [REVISE, APPROVED]}


@pytest.fixture
def failing(world: World) -> FailingCi:
    return FailingCi(world)


def fix_ci(world: World, *arguments: str, branch: str = "topic", **variables: str | None) -> Ended:
    return world.gitoma("fix-ci", URL, "--branch", branch, *arguments, **variables)


def roles(calls: list[Call]) -> list[str]:
    return [call.role for call in calls]


def check_reflexion(world: World, failing: FailingCi, calls: list[Call]) -> None:
    """What must be seen of the conversation, however the command was started."""
    assert roles(calls) == ["fixer", "fixer", "critic", "fixer", "critic"]  # no critic for what does not parse
    first, second, _, third, _ = (call.user for call in calls)
    assert TOTAL in first
    assert "assert 1 == 3" in first
    assert "would not parse" in second
    assert "Keep total right for empty lists." in third
    assert "sum(items) or 1" in third
    assert failing.code() == TOTAL.replace("[:-1]", "")
    (commit,) = failing.repo.log("topic", since=failing.begun)
    assert commit.subject == "fix(ci): test"
    assert "Gitoma-CI-Run: " in commit.message
    assert world.github.pulls(SLUG) == ()
    (fetched,) = world.github.logs.journal
    assert "authorization" not in fetched.headers
    assert "outcome: fixed" in world.artifact("fix-ci.txt")
    assert (world.clones(), world.is_locked()) == ([], False)


def test_what_was_learned_from_each_attempt_is_in_the_next_one(world: World, failing: FailingCi) -> None:
    failing.fails()
    model = world.model(REFLEXION)

    done = fix_ci(world)

    assert (done.code, done.err) == (0, "")
    assert done.phases == ["IDLE", "FIX-CI"]
    check_reflexion(world, failing, model.calls())
    assert (done.result["pushed"], done.result["fixed"], done.result["calls"]) == ("topic", 1, 5)
    assert done.lines[-2] == "[FIX-CI] 1 of 1 failures mended; CI says whether it holds"


def dispatched(service: Service, **fields: object) -> str:
    answer = service.http.post("/api/v1/fix-ci", json={"repo_url": URL, **fields})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def test_it_is_the_same_as_a_job_and_a_job_that_mends_nothing_has_failed(world: World, failing: FailingCi) -> None:
    failing.fails()
    model = world.model({"fixer": [*REFLEXION["fixer"], "no", "no", "no"], "critic": REFLEXION["critic"]})
    service = world.serve()

    job = dispatched(service, branch="topic")

    assert service.ended(job)["status"] == "completed"
    check_reflexion(world, failing, model.calls())
    lines = service.lines(job)
    assert json.loads(lines[-1].removeprefix("RESULT "))["pushed"] == "topic"
    assert (world.state() or {})["job_id"] == job

    failing.fails()

    assert service.ended(dispatched(service, branch="topic"))["status"] == "failed"


def test_what_the_critic_never_approves_is_not_pushed(world: World, failing: FailingCi) -> None:
    failing.fails()
    fixes = [returning(f"sum(items) or {n}") for n in range(3)]
    model = world.model({"fixer": fixes, "critic": [verdict(False, f"no {n}", f"Not {n}.") for n in range(3)]})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "no_fix")
    assert roles(model.calls()) == ["fixer", "critic"] * 3
    assert (done.result["fixed"], done.result["failed"], done.result["pushed"]) == (0, 1, None)
    assert failing.pushed == []
    assert (world.state() or {})["errors"][0] == "test: no fix was found"
    assert "outcome: exhausted" in world.artifact("fix-ci.txt")


def test_of_two_failures_the_one_that_can_be_mended_is(world: World, failing: FailingCi) -> None:
    other = (
        LOG.replace("test_total", "test_other").replace("tests/test_other.py", "NEWS.md").replace("1 == 3", "0 == 9")
    )
    failing.fails(Job("lint", log=other), Job("test", log=LOG), Job("test (3.12)", log=LOG))
    world.model({"fixer": ["no", "still no", "never", FIX], "critic": [APPROVED]})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "partial")
    assert (done.result["fixed"], done.result["failed"], done.result["pushed"]) == (1, 1, "topic")
    assert failing.pushed == ["fix(ci): test"]
    assert "not mended: lint: no fix was found" in done.out


def test_where_nothing_fails_nobody_is_asked(world: World, failing: FailingCi) -> None:
    assert "CI has never run on a branch topic" in fix_ci(world).out
    failing.fails()
    failing.fails(conclusion="success")  # the failed run behind it is old

    done = fix_ci(world)  # nobody listens where the model would be

    assert (done.code, done.err, done.result["failed"]) == (0, "", 0)
    assert "nothing to fix: no workflow failed when it last ran on topic" in done.out
    assert world.state() is None


def test_a_branch_that_does_not_exist_is_not_one_whose_ci_is_fine(world: World, failing: FailingCi) -> None:
    failing.fails()

    done = fix_ci(world, branch="topik")

    assert (done.code, done.result["error"], done.result["branch"]) == (4, "not_found", "topik")
    assert "nothing to fix" not in done.out
    assert "topik" in done.err
    assert (world.clones(), world.state()) == ([], None)


def test_while_ci_runs_there_is_nothing_to_fix_yet(world: World, failing: FailingCi) -> None:
    failing.fails()
    failing.fails(conclusion=None)

    done = fix_ci(world)

    assert done.code == 0
    assert "nothing to fix yet: still running on topic: ci" in done.out


def test_what_fails_on_a_forks_branch_of_the_same_name_is_not_looked_at(world: World, failing: FailingCi) -> None:
    world.github.add_run(SLUG, "topic", jobs=[Job("test", log=LOG)], of_a_fork=True)

    done = fix_ci(world)

    assert done.code == 0
    assert "CI has never run on a branch topic" in done.out


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (WORKFLOW_LOG, "the workflow itself fails, which only people mend"),
        (NAMELESS_LOG, "its log names no file of the repository"),
        (b"\xff\x00\x1b]0;\x07" * 1000, "its log names no file of the repository"),
    ],
)
def test_what_agents_cannot_mend_is_left_to_people(
    world: World, failing: FailingCi, log: str | bytes, reason: str
) -> None:
    failing.fails(Job("test", log=log))
    model = world.model({})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "needs_human")
    assert f"[FIX-CI] not mended: test: {reason}" in done.lines
    assert model.calls() == []


def test_a_workflow_that_does_not_start_is_left_to_people(world: World, failing: FailingCi) -> None:
    failing.fails(conclusion="startup_failure")

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "needs_human")
    assert "agents do not edit workflows" in done.err


def test_a_log_that_is_gone_keeps_nothing_else_from_being_mended(world: World, failing: FailingCi) -> None:
    failing.fails(Job("old", log=LOG), Job("test", log=LOG))
    world.github.trouble(Trouble(NOT_FOUND, path="/logs$"))
    world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "partial")
    assert "not mended: old: its log is gone; run it again" in done.out
    assert failing.pushed == ["fix(ci): test"]


def test_a_log_of_a_megabyte_is_read_where_it_matters(world: World, failing: FailingCi) -> None:
    noise = "2026-04-21T10:00:00.0000000Z compiling src/total.py and much more of it\n" * 15_000
    failing.fails(Job("test", log=noise + LOG))
    model = world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world)

    assert done.code == 0
    assert "assert 1 == 3" in model.calls()[0].user
    assert len(model.calls()[0].user) < 20_000


def test_the_default_branch_is_not_pushed_to_and_the_fix_is_proposed_once(world: World, failing: FailingCi) -> None:
    failing.fails(branch="main")
    main = failing.repo.sha("main") or ""
    model = world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world, branch="main")

    own = f"gitoma/fix-ci-{main[:7]}"
    assert (done.code, done.result["pushed"], done.result["pr"]) == (0, own, 1)
    (pull,) = world.github.pulls(SLUG)
    assert (pull.head, pull.base, pull.title) == (own, "main", "Mend CI on main")
    assert failing.code(own) == TOTAL.replace("[:-1]", "")
    assert failing.repo.sha("main") == main

    again = fix_ci(world, branch="main")

    assert (again.code, again.result["pr"]) == (0, 1)
    assert f"on {own} mends it; CI has not ended on it yet" in again.out
    assert len(world.github.pulls(SLUG)) == 1
    assert len(model.calls()) == 2


def test_the_default_branch_is_pushed_to_where_the_operator_says_so(world: World, failing: FailingCi) -> None:
    failing.fails(branch="main")
    world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world, branch="main", GITOMA_FIX_CI_DIRECT="on")

    assert (done.code, done.result["pushed"], done.result["pr"]) == (0, "main", None)
    assert failing.code("main") == TOTAL.replace("[:-1]", "")


def test_on_a_protected_branch_the_fix_is_proposed_once(world: World, failing: FailingCi) -> None:
    failing.fails()
    failing.repo.protect("topic")
    model = world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world)

    own = f"gitoma/fix-ci-{failing.begun[:7]}"
    assert (done.code, done.result["pushed"], done.result["pr"]) == (0, own, 1)
    assert "topic is protected" in done.out
    (pull,) = world.github.pulls(SLUG)
    assert (pull.head, pull.base) == (own, "topic")
    assert failing.sha == failing.begun

    again = fix_ci(world)

    assert (again.code, again.result["pr"]) == (0, 1)
    assert len(model.calls()) == 2


def test_asked_again_before_ci_has_run_it_says_so(world: World, failing: FailingCi) -> None:
    failing.fails()
    model = world.model({"fixer": [FIX], "critic": [APPROVED]})
    fix_ci(world)
    sha = failing.sha

    again = fix_ci(world)

    assert (again.code, again.result["fixed"]) == (0, 0)
    assert f"test: {sha[:7]} on topic mends it; CI has not ended on it yet" in again.out
    assert failing.sha == sha
    assert len(model.calls()) == 2


def test_where_the_branch_moved_meanwhile_nothing_is_forced(world: World, failing: FailingCi) -> None:
    failing.fails()
    theirs: list[str] = []

    def answer(call: Call) -> str:
        if call.role == "fixer":
            theirs.append(failing.repo.commit({"NEWS.md": "# Better news\n"}, branch="topic"))
            return FIX
        return APPROVED

    world.model(answer)

    done = fix_ci(world)

    assert (done.code, done.result["error"], done.result["pushed"]) == (4, "branch_moved", None)
    assert [failing.sha] == theirs
    assert failing.code() == TOTAL


def test_a_dry_run_shows_the_diff_and_changes_nothing(world: World, failing: FailingCi) -> None:
    failing.fails()
    refs = failing.repo.refs()
    world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world, "--dry-run")

    assert (done.code, done.err) == (0, "")
    assert "  -    return sum(items[:-1])" in done.lines
    assert "  +    return sum(items)" in done.lines
    assert done.lines[-2] == "[FIX-CI] 1 of 1 failures would be mended"
    assert "+    return sum(items)\n" in world.artifact("fix-ci.diff")
    assert failing.repo.refs() == refs
    assert world.github.requests("POST") == []
    assert world.state() is None


def test_to_read_a_log_takes_a_token(world: World, failing: FailingCi) -> None:
    done = fix_ci(world, "--dry-run", GITHUB_TOKEN=None)

    assert (done.code, done.result["error"]) == (3, "config")
    assert "GITHUB_TOKEN" in done.err
    assert world.github.journal == []


def test_a_spent_budget_says_which_one(world: World, failing: FailingCi) -> None:
    failing.fails()
    world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = fix_ci(world, GITOMA_AGENT_MAX_CALLS="1")

    assert (done.code, done.result["error"], done.result["calls"]) == (1, "budget", 1)
    assert "GITOMA_AGENT_MAX_CALLS" in done.err
    assert failing.pushed == []


def test_without_a_model_it_ends_before_anything_is_cloned(world: World, failing: FailingCi) -> None:
    failing.fails()

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (3, "model_unavailable")
    assert not (world.home / "work").exists()


def test_a_cancelled_one_ends_soon_and_leaves_nothing_behind(world: World, failing: FailingCi) -> None:
    failing.fails()
    model = world.model({"fixer": [Reply(FIX, held_until=Event())]})
    running = world.start("fix-ci", URL, "--branch", "topic")
    model.wait_for_call("fixer")
    running.signal(signal.SIGTERM)

    ended = running.ended(limit_s=20)

    assert (ended.code, ended.result["error"]) == (143, "cancelled")
    assert (world.clones(), world.is_locked(), failing.pushed) == ([], False, [])
    assert (world.state() or {})["exit_clean"] is True


def test_the_failing_test_cannot_be_taken_away(world: World, failing: FailingCi) -> None:
    failing.fails()
    weaker = block("tests/test_total.py", "    assert total([1, 2]) == 3\n", "    total([1, 2])\n")
    model = world.model({"fixer": ["DELETE: tests/test_total.py\n", whole_file("tests/test_total.py", "\n"), weaker]})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "no_fix")
    assert roles(model.calls()) == ["fixer"] * 3
    assert failing.pushed == []


def test_an_answer_that_reaches_for_workflows_or_leads_away_is_refused(world: World, failing: FailingCi) -> None:
    failing.fails()
    paths = [".github/workflows/ci.yml", "src/../.github/workflows/ci.yml", "README.md"]
    model = world.model({"fixer": [block(path, "", "on: push\n") for path in paths]})

    done = fix_ci(world)

    assert (done.code, done.result["error"]) == (1, "no_fix")
    assert roles(model.calls()) == ["fixer"] * 3
    assert [line for line in done.lines if "refused: " in line]
    assert failing.pushed == []
