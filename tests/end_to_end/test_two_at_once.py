import signal
from threading import Event

import pytest

from tests.stand_ins.model import Reply

from .run_scripts import GOOD_WORK, THREE_TASKS
from .world import SLUG, URL, World

GADGET = "acme/gadget"


def test_a_second_run_on_a_repository_is_told_whose_it_is_and_all_else_goes_on(world: World) -> None:
    world.repo()
    gadget = world.repo(slug=GADGET)
    gate = Event()
    worker: list[Reply | str] = [Reply(GOOD_WORK[0], held_until=gate), *GOOD_WORK, *GOOD_WORK, *GOOD_WORK[1:]]
    model = world.model({"planner": [THREE_TASKS] * 3, "worker": worker})
    first = world.start("run", URL, "--yes")
    model.wait_for_call("worker")
    before = world.state() or {}

    second = world.gitoma("run", URL, "--yes")
    elsewhere = world.gitoma("run", f"https://github.com/{GADGET}", "--yes")
    analysis = world.gitoma("analyze", URL)
    dry = world.gitoma("run", URL, "--dry-run")

    assert (second.code, second.result["error"]) == (5, "repo_busy")
    assert f"{SLUG} is worked on by process {first.pid}" in second.err
    assert elsewhere.code == 0
    assert len(gadget.branches()) == 2
    assert analysis.code == 0
    assert dry.code == 0
    for name in ("run_id", "phase", "pid", "branch", "updated_at", "errors"):  # all but the heartbeat
        assert (world.state() or {})[name] == before[name]

    gate.set()
    assert first.ended().code == 0
    assert len(world.github.pulls(SLUG)) == 1


def test_a_second_job_says_for_whom_it_waits_and_then_works(world: World) -> None:
    repo = world.repo()
    held = Reply(held_until=Event())
    model = world.model({"planner": [THREE_TASKS], "worker": [GOOD_WORK[0], held, *GOOD_WORK[1:]]})
    first = world.start("run", URL, "--yes", GITOMA_JOB_ID="job-1")
    model.wait_for_call("worker", 1)
    second = world.start("run", URL, "--yes", "--resume", GITOMA_JOB_ID="job-2")
    third = world.start("run", URL, "--yes", GITOMA_JOB_ID="job-3")
    waits = f"[IDLE] waiting for process {first.pid} (job job-1), which works on {SLUG}"
    assert {second.wait_for_line("waiting"), third.wait_for_line("waiting")} == {waits}

    third.signal(signal.SIGTERM)
    assert third.ended().code == 143
    first.signal(signal.SIGTERM)
    assert first.ended().code == 143
    ended = second.ended()

    assert ended.code == 0
    assert ended.lines[2].startswith("[IDLE] resuming run=")
    assert (world.state() or {})["job_id"] == "job-2"
    assert len(repo.branches()) == 2
    assert not world.is_locked()


@pytest.mark.parametrize("command", [["review", URL, "--integrate", "--pr", "1"], ["fix-ci", URL, "--branch", "main"]])
def test_the_other_agents_that_write_are_told_as_well(world: World, command: list[str]) -> None:
    repo = world.repo()
    repo.commit({"a": "a"}, branch="topic")
    world.github.add_pull(SLUG, "topic")
    world.github.add_run(SLUG, "main")
    model = world.model({"planner": [Reply(held_until=Event())]})
    first = world.start("run", URL, "--yes")
    model.wait_for_call("planner")

    second = world.gitoma(*command)

    assert (second.code, second.result["error"]) == (5, "repo_busy")
    assert f"process {first.pid}" in second.err
