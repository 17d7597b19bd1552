"""Where the credentials are not, whatever an agent does: told apart from where they must be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins.git_host import GitHost
from tests.stand_ins.github import GitHub
from tests.stand_ins.github_documents import Job
from tests.stand_ins.server import Answer, Request, Server

from .failing_ci import APPROVED, FIX, LOG, TOTAL, WRONG, FailingCi
from .git_shim import GitShim
from .reviewed import TYPED, Reviewed, suggestion
from .world import URL, Ended, World, verdict

TOKEN = "ghp_SECRET" + "7Q" * 13
KEY = "a-key-for-the-model-5531"


def forms(secret: str) -> list[bytes]:
    """A secret, and the texts that any base64 of something with it in it has in it."""
    found = [secret.encode()]
    for before in range(3):
        coded = base64.b64encode(b"x" * before + secret.encode()).decode()
        found.append(coded[4:-4].encode())  # without the groups that what stands beside it shows in
    found.append(base64.b64encode(f"x-access-token:{secret}".encode()))
    return found


def holding(secret: str, *texts: bytes | str) -> list[bytes]:
    """Those of the texts that hold it."""
    raw = [text.encode() if isinstance(text, str) else text for text in texts]
    return [text for text in raw if any(form in text for form in forms(secret))]


class Elsewhere(Server):
    """A server that nobody should come to."""

    def answer(self, request: Request) -> Answer:
        return Answer(200, b"[]", {"content-type": "application/json"})


@pytest.fixture
def shim(tmp_path: Path) -> GitShim:
    return GitShim(tmp_path / "shim")


@pytest.fixture
def world(tmp_path: Path, shim: GitShim) -> Iterator[World]:
    with GitHost(tmp_path / "git") as git, GitHub(git, token=TOKEN) as github:
        world = World(tmp_path / "world", git, github)
        world.settings = {"GITHUB_TOKEN": TOKEN, "LM_STUDIO_API_KEY": KEY, "PATH": shim.path}
        yield world
        world.close()


def check_no_leak(world: World, shim: GitShim, done: Ended, asked: list[Request]) -> None:
    """After a command that used the network, and asked a model."""
    calls = shim.calls()
    assert {"clone", "push"} <= {call.arguments[0] for call in calls}
    assert asked
    kept = [path.read_bytes() for path in world.home.rglob("*") if path.is_file()]
    assert kept
    for secret in (TOKEN, KEY):
        assert holding(secret, done.out, done.err, *kept) == []
        assert holding(secret, *(call.processes for call in calls), *(call.config for call in calls)) == []
        assert holding(secret, *("\0".join(call.arguments) for call in calls)) == []
    assert holding(TOKEN, *(call.environment for call in calls if not call.is_online)) == []
    assert all(holding(TOKEN, call.environment) for call in calls if call.is_online)
    assert holding(KEY, *(call.environment for call in calls)) == []
    check_no_request_leaks(world, asked)


def check_no_request_leaks(world: World, asked: list[Request]) -> None:
    """The token goes to GitHub's API and the key to the model server, each in its header and nowhere else."""
    for request in asked:
        assert not any(request.holds(form.decode()) for form in forms(TOKEN))
        assert request.headers.get("authorization") == f"Bearer {KEY}"
    for request in world.github.journal:
        assert not any(request.holds(form.decode()) for form in forms(KEY))
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert holding(TOKEN, request.path, json.dumps(dict(request.query)), request.body) == []
    for request in world.github.logs.journal:
        assert not any(request.holds(form.decode()) for form in (*forms(TOKEN), *forms(KEY)))


def test_fix_ci_tells_no_secret_though_files_and_logs_hold_them(world: World, shim: GitShim) -> None:
    failing = FailingCi(world)
    secrets = f"# {TOKEN} {KEY}\n"
    failing.repo.commit({"src/total.py": secrets + TOTAL}, branch="topic")
    failing.fails(Job("test", log=LOG.replace("E       assert", f"E  {TOKEN} {KEY} in {secrets.strip()} assert")))
    model = world.model({"fixer": [WRONG, FIX], "critic": [verdict(False, f"Why {TOKEN}?"), APPROVED]})

    done = world.gitoma("fix-ci", URL, "--branch", "topic")

    assert done.code == 0
    assert "REDACTED" in model.calls()[0].user
    assert failing.code() == secrets + TOTAL.replace("[:-1]", "")  # what was there stays, to the letter
    check_no_leak(world, shim, done, model.journal)


def test_a_dry_run_shows_no_secret_of_the_lines_around_a_change(world: World, shim: GitShim) -> None:
    failing = FailingCi(world)
    failing.repo.commit({"src/total.py": f"# {TOKEN}\n{TOTAL}"}, branch="topic")
    failing.fails()
    world.model({"fixer": [FIX], "critic": [APPROVED]})

    done = world.gitoma("fix-ci", URL, "--branch", "topic", "--dry-run")

    assert done.code == 0
    assert "   # REDACTED" in done.lines
    assert "# REDACTED" in world.artifact("fix-ci.diff")
    assert holding(TOKEN, done.out, done.err, world.artifact("fix-ci.diff"), world.artifact("fix-ci.txt")) == []


def test_review_tells_no_secret_though_comments_hold_them(world: World, shim: GitShim) -> None:
    reviewed = Reviewed(world)
    asked = reviewed.asked(f"Annotate it, and log in with {TOKEN} or {KEY}.")
    leaking = reviewed.asked(suggestion(f'    return "{TOKEN}"'), line=7)
    model = world.model({"worker": [TYPED, f"NO_CHANGE: {TOKEN} is nobody's business"]})

    done = world.gitoma("review", URL, "--integrate")

    assert done.result["threads"] == {"fixed": 1, "declined": 1}
    assert list(reviewed.answers()) == [asked.id, leaking.id]
    assert TOKEN not in reviewed.code
    assert holding(TOKEN, *reviewed.answers().values()) == []
    check_no_leak(world, shim, done, model.journal)


def test_further_pages_that_are_said_to_be_elsewhere_are_not_fetched(world: World) -> None:
    reviewed = Reviewed(world)
    for number in range(101):
        reviewed.asked(f"Thread {number}", author="mallory", association="NONE")
    with Elsewhere() as elsewhere:
        world.github.next_page_at = elsewhere.url

        done = world.gitoma("review", URL)

        assert done.code == 0
        assert done.result["threads"] == {"untrusted": 100}
        assert "the code host has more elsewhere, which is not followed" in done.out
        assert elsewhere.journal == []
