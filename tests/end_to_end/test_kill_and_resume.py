import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.stand_ins.git_host import BareRepo
from tests.stand_ins.github import GitHub
from tests.stand_ins.model import Call, ModelServer, Reply
from tests.stand_ins.server import Answer, Request

from .run_scripts import CHANGES, GOOD_WORK, GUIDE, POLICY, SUBJECTS, THREE_TASKS
from .world import SLUG, URL, Ended, World, until

HELD = Reply(held_until=Event())  # an answer that never comes


def asked_for(model: ModelServer, path: str) -> list[Call]:
    """The questions to the worker about the task that is to write this file."""
    return [call for call in model.calls("worker") if f"Change or make only: {path}." in call.user]


def assert_it_is_as_if_nothing_had_happened(world: World, repo: BareRepo, model: ModelServer, done: Ended) -> None:
    """All three tasks are on one branch, in order, each once; there is one pull request, and one plan was made."""
    assert (done.code, done.err) == (0, "")
    (branch,) = repo.branches().keys() - {"main"}
    assert [commit.subject for commit in repo.log(branch, since="main")] == SUBJECTS
    assert [pull.head for pull in world.github.pulls(SLUG)] == [branch]
    assert world.tasks() == dict.fromkeys(("T1", "T2", "T3"), "done")
    assert (world.state() or {})["phase"] == "PR_OPEN"
    assert len(model.calls("planner")) == 1
    assert world.clones() == []
    assert not world.is_locked()


@contextlib.contextmanager
def held_answer(github: GitHub, method: str, path: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Hold back the answers to requests like this, which are carried out all the same; the event: one has come."""
    come, go_on = Event(), Event()
    answer = github.answer

    def held(request: Request) -> Answer:
        right = answer(request)
        if (request.method, request.path) == (method, path):
            come.set()
            github.hold(go_on)
        return right

    with monkeypatch.context() as patch:
        patch.setattr(github, "answer", held)
        try:
            yield come
        finally:
            go_on.set()


@contextlib.contextmanager
def held_push(repo: BareRepo, folder: Path, hook: str) -> Iterator[Path]:
    """Hold back a push in a hook of the host's: before it moves the branch, or after; the file: it is there.

    A push that is held before it has moved anything is refused in the end. Git may outlive the agent that was killed;
    it ends with the file.
    """
    come, script = folder / "come", repo.folder / "hooks" / hook
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\ntouch '{come}'\nwhile test -e '{come}'; do sleep 0.02; done\nexit 1\n")
    script.chmod(0o755)
    try:
        yield come
    finally:
        script.unlink()
        come.unlink(missing_ok=True)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, 137)])
def test_a_run_that_is_ended_after_its_first_push_goes_on_with_its_second_task(
    world: World, number: signal.Signals, code: int
) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": [POLICY, HELD, GUIDE, CHANGES]})
    running = world.start("run", URL, "--yes")
    model.wait_for_call("worker", 1)
    before = repo.branches()

    running.signal(number)
    ended = running.ended()

    assert ended.code == code
    if number is not signal.SIGKILL:
        assert ended.result["error"] == "cancelled"
        assert ended.result["tasks"] == {"pending": 2, "done": 1, "failed": 0, "skipped": 0}
        assert ended.result["branch"] in before
        assert world.clones() == []
    assert not world.is_locked()
    assert (world.state() or {})["phase"] == "WORKING"
    assert world.tasks() == {"T1": "done", "T2": "pending", "T3": "pending"}
    assert repo.branches() == before

    done = world.gitoma("run", URL, "--yes")

    assert done.lines[1].startswith(f"[IDLE] resuming run={(world.state() or {})['run_id']} ")
    assert done.phases == ["IDLE", "WORKING", "PR_OPEN"]
    assert len(asked_for(model, "SECURITY.md")) == 1
    assert repo.is_merged(before[done.result["branch"]], done.result["branch"])
    assert_it_is_as_if_nothing_had_happened(world, repo, model, done)


def test_a_job_that_is_cancelled_goes_on_when_it_is_dispatched_again(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": [POLICY, HELD, GUIDE, CHANGES]})
    service = world.serve()
    job = service.dispatch("widget", "run")
    model.wait_for_call("worker", 1)

    service.http.post(f"/api/v1/jobs/{job}/cancel")

    assert service.ended(job)["status"] == "cancelled"
    until(lambda: not world.clones())
    (state,) = service.http.get("/api/v1/state").json()
    assert (state["phase"], state["pr_number"]) == ("WORKING", None)

    again = service.dispatch("widget", "run")
    lines = service.lines(again)

    assert service.status(again)["status"] == "completed"
    assert len(asked_for(model, "SECURITY.md")) == 1
    assert_it_is_as_if_nothing_had_happened(world, repo, model, Ended(0, "\n".join(lines), ""))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_push_that_arrived_is_not_done_again_though_nobody_wrote_down_that_it_did(
    world: World, tmp_path: Path, number: signal.Signals
) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})
    with held_push(repo, tmp_path, "post-receive") as come:
        running = world.start("run", URL, "--yes")
        until(come.exists)
        running.signal(number)
        running.ended()
    assert world.tasks()["T1"] == "pending"
    assert len(repo.branches()) == 2

    done = world.gitoma("run", URL, "--yes")

    assert len(asked_for(model, "SECURITY.md")) == 1
    assert_it_is_as_if_nothing_had_happened(world, repo, model, done)


def test_a_commit_that_was_never_pushed_is_made_again(world: World, tmp_path: Path) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": [POLICY, *GOOD_WORK]})
    with held_push(repo, tmp_path, "pre-receive") as come:
        running = world.start("run", URL, "--yes")
        until(come.exists)
        running.signal(signal.SIGKILL)
        running.ended()
    state = world.state() or {}
    assert state["task_plan"]["tasks"][0]["sha"]
    assert list(repo.branches()) == ["main"]

    done = world.gitoma("run", URL, "--yes")

    assert len(asked_for(model, "SECURITY.md")) == 2
    assert_it_is_as_if_nothing_had_happened(world, repo, model, done)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_run_that_is_ended_while_its_pull_request_is_opened_has_one_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})
    with held_answer(world.github, method, f"/repos/{SLUG}/pulls", monkeypatch) as come:
        running = world.start("run", URL, "--yes")
        until(come.is_set)
        running.signal(signal.SIGKILL)
        running.ended()
    assert (world.state() or {})["phase"] == "WORKING"
    assert world.tasks() == dict.fromkeys(("T1", "T2", "T3"), "done")
    assert len(world.github.pulls(SLUG)) == (method == "POST")

    done = world.gitoma("run", URL, "--yes", "--resume")

    assert len(model.calls("worker")) == 3
    assert_it_is_as_if_nothing_had_happened(world, repo, model, done)


def test_a_run_that_is_ended_before_it_has_a_plan_makes_one(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [HELD, THREE_TASKS], "worker": GOOD_WORK})
    running = world.start("run", URL, "--yes")
    model.wait_for_call("planner")
    assert (world.state() or {})["phase"] == "PLANNING"
    running.signal(signal.SIGTERM)
    assert running.ended().code == 143

    done = world.gitoma("run", URL, "--yes")

    assert done.code == 0
    assert len(repo.branches()) == 2
    assert len(world.github.pulls(SLUG)) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_run_whose_output_finds_no_room_ends_in_one_line_and_can_be_gone_on_with(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": list(GOOD_WORK)})
    command = ["sh", "-c", 'exec "$@" >/dev/full', "sh", sys.executable, "-m", "gitoma", "run", URL, "--yes"]

    full = subprocess.run(command, env=world.environment(), stderr=subprocess.PIPE, text=True, timeout=60, check=False)

    assert (full.returncode, full.stderr.count("\n")) == (74, 1)
    assert not world.is_locked()
    assert_it_is_as_if_nothing_had_happened(world, repo, model, world.gitoma("run", URL, "--yes"))


@pytest.mark.parametrize("redirection", [">&- 2>&-", "<&- >&- 2>&-"])
def test_a_run_without_standard_streams_does_its_work(world: World, redirection: str) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": list(GOOD_WORK)})
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "gitoma", "run", URL, "--yes"]

    done = subprocess.run(command, env=world.environment(), timeout=60, check=False)

    assert_it_is_as_if_nothing_had_happened(world, repo, model, Ended(done.returncode, "", ""))


def test_a_run_whose_output_nobody_reads_any_more_ends_and_can_be_gone_on_with(world: World) -> None:
    repo = world.repo()
    gate = Event()
    model = world.model({"planner": [THREE_TASKS], "worker": [POLICY, Reply(GUIDE, held_until=gate), CHANGES]})
    command = [sys.executable, "-m", "gitoma", "run", URL, "--yes"]
    with subprocess.Popen(command, env=world.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        model.wait_for_call("worker", 1)
        process.stdout.close()
        gate.set()
        assert process.wait(60) == 141
    state = world.state() or {}
    assert (state["phase"], state["exit_clean"]) == ("WORKING", True)
    assert state["errors"] == ["ended because its output could not be written, or nobody read it any more"]
    assert world.clones() == []

    done = world.gitoma("run", URL, "--yes")

    assert len(model.calls("worker")) == 3
    assert_it_is_as_if_nothing_had_happened(world, repo, model, done)


def test_to_start_anew_leaves_what_was_unfinished_where_it_is(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS] * 2, "worker": [POLICY, HELD, *GOOD_WORK]})
    running = world.start("run", URL, "--yes", "--branch", "first")
    model.wait_for_call("worker", 1)
    running.signal(signal.SIGTERM)
    running.ended()
    unfinished = repo.sha("first")

    done = world.gitoma("run", URL, "--yes", "--fresh")

    assert done.code == 0
    assert done.result["branch"] != "first"
    assert len(repo.log(done.result["branch"], since="main")) == 3
    assert repo.sha("first") == unfinished
    assert [pull.head for pull in world.github.pulls(SLUG)] == [done.result["branch"]]


def test_to_resume_needs_no_word_about_the_base_that_it_began_on(world: World) -> None:
    repo = world.repo()
    repo.commit({}, branch="develop")
    model = world.model({"planner": [THREE_TASKS], "worker": [POLICY, HELD, GUIDE, CHANGES]})
    running = world.start("run", URL, "--yes", "--base", "develop")
    model.wait_for_call("worker", 1)
    running.signal(signal.SIGTERM)
    running.ended()

    done = world.gitoma("run", URL, "--yes", "--resume")

    assert done.code == 0
    assert [(pull.head, pull.base) for pull in world.github.pulls(SLUG)] == [(done.result["branch"], "develop")]
    assert len(repo.log(done.result["branch"], since="develop")) == 3


def test_a_base_that_has_moved_since_is_begun_on_anew(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS] * 2, "worker": [POLICY, HELD, *GOOD_WORK]})
    running = world.start("run", URL, "--yes", "--branch", "first")
    model.wait_for_call("worker", 1)
    running.signal(signal.SIGTERM)
    running.ended()
    repo.commit({"NEWS.md": "news\n"})

    refused = world.gitoma("run", URL, "--yes", "--resume")
    done = world.gitoma("run", URL, "--yes")

    assert refused.code == 2
    assert "the base branch has moved since" in refused.err
    assert done.code == 0
    assert "[IDLE] starting anew: the base branch has moved since" in done.lines
    assert "NEWS.md" in repo.files(done.result["branch"])
