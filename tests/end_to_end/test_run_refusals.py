"""What a run needs before it begins, and how it says what is missing."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from threading import Event

import pytest

from tests.stand_ins.github_answers import forbidden
from tests.stand_ins.model import ModelServer, Reply

from .run_scripts import GOOD_WORK, POLICY, THREE_TASKS
from .world import LIMIT_S, NOBODY, SLUG, URL, Ended, World, plan, task

POLICY_TASK = plan(task("Security-Policy", "SECURITY.md"))


def assert_nothing_was_done(world: World, done: Ended, code: int, error: str | None) -> None:
    """It ended with this, asked the model nothing, pushed nothing, opened nothing, and left nothing behind."""
    assert done.code == code
    if error is not None:
        assert done.result["error"] == error
    assert world.state() is None
    assert world.clones() == []
    assert not world.is_locked()
    assert world.github.requests("POST") == []


def test_without_a_terminal_it_must_be_confirmed_beforehand(world: World) -> None:
    world.repo()

    done = world.gitoma("run", URL)

    assert_nothing_was_done(world, done, 2, None)
    assert "--yes" in done.err
    assert "--dry-run" in done.err
    assert world.github.journal == []


def on_a_terminal(world: World, typed: bytes) -> tuple[int, str]:
    """Run it on a terminal, and type this where it asks; the exit code and what was on the screen."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gitoma", "run", URL]
    process = subprocess.Popen(command, env=world.environment(), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    screen = b""
    try:
        while chunk := read(ours):
            screen += chunk
            if screen.endswith(b"[y/N] "):
                os.write(ours, typed)
        return process.wait(LIMIT_S), screen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read(terminal: int) -> bytes:
    """What comes next on a terminal; nothing once the other side is gone."""
    ready, _, _ = select.select([terminal], [], [], LIMIT_S)
    assert ready, f"nothing came for {LIMIT_S:g} s"
    try:
        return os.read(terminal, 65536)
    except OSError:  # how the end of the other side shows on Linux
        return b""


# No signal is among them: one that comes between the question and the read behind it ends only the next read.
@pytest.mark.parametrize("typed", [b"n\n", b"\x04", b"yesno\n"], ids=repr)
def test_on_a_terminal_it_asks_and_anything_but_yes_is_no(world: World, typed: bytes) -> None:
    world.repo()

    code, screen = on_a_terminal(world, typed)

    assert code == 1
    assert f"pushes a branch to {SLUG}" in screen
    assert "nothing was done" in screen
    assert world.github.journal == []
    assert world.state() is None


def test_on_a_terminal_yes_is_yes(world: World) -> None:
    world.repo()
    world.model({"planner": [POLICY_TASK], "worker": [POLICY]})

    code, screen = on_a_terminal(world, b"y\n")

    assert code == 0
    assert "[PR_OPEN] " in screen
    assert len(world.github.pulls(SLUG)) == 1


def test_without_a_token_it_names_the_variable(world: World) -> None:
    world.repo()

    done = world.gitoma("run", URL, "--yes", GITHUB_TOKEN=None)

    assert_nothing_was_done(world, done, 3, "config")
    assert "GITHUB_TOKEN is not set" in done.err
    assert world.github.journal == []


def test_without_a_model_server_nothing_is_cloned(world: World) -> None:
    world.repo()

    done = world.gitoma("run", URL, "--yes")

    assert_nothing_was_done(world, done, 3, "model_unavailable")
    assert NOBODY.removeprefix("http://") in done.err
    assert "LM_STUDIO_BASE_URL" in done.err
    assert not (world.home / "work").exists()


def test_an_unknown_model_is_refused_with_those_that_there_are(world: World) -> None:
    world.repo()
    world.model({}, models=["qwen3-8b", "gemma-3-12b"])

    done = world.gitoma("run", URL, "--yes", LM_STUDIO_MODEL="qwen3-9b")

    assert_nothing_was_done(world, done, 3, "model_missing")
    assert "'qwen3-9b' (LM_STUDIO_MODEL); it lists qwen3-8b, gemma-3-12b" in done.err
    assert not (world.home / "work").exists()


def archived(world: World) -> None:
    world.repo(archived=True)


def not_ours(world: World) -> None:
    world.repo(can_push=False)


def not_there(_: World) -> None: ...


def not_to_be_seen(world: World) -> None:
    world.repo()
    world.github.trouble(forbidden("metadata=read"))


def empty(world: World) -> None:
    world.repo(None)


def test_a_default_branch_that_agents_do_not_take_is_told_as_such(world: World) -> None:
    world.repo(default_branch="release+1")
    world.model({})

    done = world.gitoma("run", URL, "--yes")

    assert_nothing_was_done(world, done, 2, "usage")
    assert "--base" in done.err


def test_a_repository_beyond_what_a_clone_may_have_is_not_cloned(world: World) -> None:
    world.repo(size_kib=3 * 1024 * 1024)
    world.model({})

    done = world.gitoma("run", URL, "--yes")

    assert_nothing_was_done(world, done, 1, "too_large")


@pytest.mark.parametrize(
    ("prepare", "error", "words"),
    [
        (archived, "archived", "acme/widget is archived"),
        (not_ours, "forbidden", "the token may not push to acme/widget"),
        (not_there, "not_found", "acme/widget"),
        (not_to_be_seen, "forbidden", "metadata=read"),
        (empty, "not_found", "acme/widget has no commits yet"),
    ],
)
def test_a_repository_that_cannot_be_worked_on_is_left_alone(
    world: World, prepare: Callable[[World], None], error: str, words: str
) -> None:
    prepare(world)
    model = world.model({})

    done = world.gitoma("run", URL, "--yes")

    assert_nothing_was_done(world, done, 4, error)
    assert words in done.err
    assert model.calls() == []


@pytest.mark.parametrize(
    ("arguments", "code", "error", "words"),
    [
        (["--branch", "topic"], 4, "branch_exists", "the branch topic exists already"),
        (["--base", "nowhere"], 4, "not_found", "nowhere"),
        (["--resume"], 2, "usage", "there is no run to resume"),
    ],
)
def test_a_start_that_makes_no_sense_is_refused_before_the_model_is_asked(
    world: World, arguments: list[str], code: int, error: str, words: str
) -> None:
    repo = world.repo()
    repo.commit({"a": "a"}, branch="topic")
    refs = repo.refs()
    model = world.model({})

    done = world.gitoma("run", URL, "--yes", *arguments)

    assert_nothing_was_done(world, done, code, error)
    assert words in done.err
    assert model.calls() == []
    assert repo.refs() == refs


def test_a_finished_run_is_not_resumed(world: World) -> None:
    world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})
    world.gitoma("run", URL, "--yes")
    before = world.state()

    done = world.gitoma("run", URL, "--yes", "--resume")

    assert (done.code, done.result["error"]) == (2, "usage")
    assert "the last one is PR_OPEN" in done.err
    assert world.state() == before
    assert len(model.calls()) == 4


def test_a_branch_that_is_protected_is_not_pushed_to(world: World) -> None:
    repo = world.repo()
    repo.protect("release")
    world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})

    done = world.gitoma("run", URL, "--yes", "--branch", "release")

    assert (done.code, done.result["error"]) == (4, "protected")
    assert "release" in done.err
    assert list(repo.branches()) == ["main"]
    assert done.result["branch"] is None


def test_a_model_server_that_dies_leaves_a_run_that_can_be_resumed(world: World) -> None:
    repo = world.repo()
    model: ModelServer = world.model({"planner": [THREE_TASKS], "worker": [POLICY]})

    failed = world.gitoma("run", URL, "--yes")  # the second task gets a 400
    world.model({"worker": GOOD_WORK[1:]})
    done = world.gitoma("run", URL, "--yes")

    assert (failed.code, failed.result["error"]) == (3, "model_unavailable")
    assert failed.result["branch"] == done.result["branch"]
    assert len(model.missed) == 1
    assert done.code == 0
    assert len(repo.log(done.result["branch"], since="main")) == 3


def test_a_branch_that_came_meanwhile_is_not_taken_for_ones_own(world: World) -> None:
    repo = world.repo()
    made = Event()
    world.model({"planner": [Reply(THREE_TASKS, held_until=made)], "worker": GOOD_WORK})
    running = world.start("run", URL, "--yes", "--branch", "topic")
    running.wait_for_line("[PLANNING]")
    theirs = repo.commit({"theirs": "x"}, branch="topic")
    made.set()

    first = running.ended()
    again = world.gitoma("run", URL, "--yes", "--branch", "topic")

    assert (first.code, first.result["error"]) == (4, "branch_exists")
    assert (again.code, again.result["error"]) == (4, "branch_exists")
    assert repo.sha("topic") == theirs
    assert world.github.pulls(SLUG) == ()
