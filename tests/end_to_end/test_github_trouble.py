"""What the command line does when GitHub is slow, full, elsewhere, wrong, or not there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.stand_ins.github_answers import Trouble, exhausted, failing, failure, forbidden, rate_limited
from tests.stand_ins.github_documents import Comment
from tests.stand_ins.server import Answer, Request, Server, document

from .failing_ci import APPROVED, FIX, FailingCi
from .reviewed import BRANCH, Reviewed, suggestion
from .world import SLUG, URL, World


@pytest.fixture
def reviewed(world: World) -> Reviewed:
    return Reviewed(world)


def suggested(reviewed: Reviewed) -> Comment:
    """What takes no model to do."""
    return reviewed.asked(suggestion("    return 2 * n"), line=7)


def broken() -> Iterator[bytes]:
    """An answer that does not come to its end."""
    yield b"{"
    raise ConnectionResetError("as the test wants it")


def asked_of(world: World, method: str, end: str) -> int:
    """How often GitHub was asked for what ends so."""
    return sum(request.path.endswith(end) for request in world.github.requests(method))


def test_a_limit_that_is_soon_over_is_waited_for_whether_it_reads_or_writes(world: World, reviewed: Reviewed) -> None:
    asked = suggested(reviewed)
    world.github.trouble(rate_limited(1, path="/comments$"), rate_limited(1, path="/replies$"))

    done = world.gitoma("review", URL, "--integrate")

    assert (done.code, done.err) == (0, "")
    assert done.lines.count("  the code host asks us to wait for 1 s") == 2
    assert list(reviewed.answers()) == [asked.id]
    assert (asked_of(world, "GET", "/pulls/1/comments"), asked_of(world, "POST", "/replies")) == (2, 2)


def test_a_limit_that_lasts_an_hour_is_told_with_its_end(world: World, reviewed: Reviewed) -> None:
    reset = time.time() + 3600
    world.github.trouble(exhausted(reset, path="/comments$"))

    done = world.gitoma("review", URL, "--integrate")

    assert (done.code, done.result["error"]) == (4, "rate_limited")
    until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(reset + 1))
    assert f"try again after {until}" in done.err
    assert (world.state() or {})["phase"] == "PR_OPEN"
    assert world.clones() == []


def test_a_pull_request_that_somebody_else_has_opened_meanwhile_is_taken(world: World) -> None:
    ci = FailingCi(world)
    ci.fails(branch="main")
    world.model({"fixer": [FIX], "critic": [APPROVED]})
    own = f"gitoma/fix-ci-{(ci.repo.sha('main') or '')[:7]}"
    theirs = world.github.add_pull(SLUG, own)
    world.github.trouble(Trouble(document([]), method="GET", path="/pulls$"))  # it is not there when it is looked for

    done = world.gitoma("fix-ci", URL, "--branch", "main")

    assert (done.code, done.result["pr"]) == (0, theirs.number)
    assert asked_of(world, "POST", "/pulls") == 1
    assert len(world.github.pulls(SLUG)) == 1


def test_a_renamed_repository_is_followed_to_where_it_is(world: World, reviewed: Reviewed) -> None:
    asked = suggested(reviewed)
    world.github.rename(SLUG, "acme/gadget")

    done = world.gitoma("review", URL, "--integrate")

    assert (done.code, done.err) == (0, "")
    renamed = world.git.repo("acme/gadget")
    assert renamed is not None
    assert len(renamed.log(BRANCH, since=reviewed.begun)) == 1
    (answer,) = [comment for comment in world.github.comments("acme/gadget") if comment.reply_to == asked.id]
    assert answer.body.startswith("Applied the suggestion in ")


def test_ci_of_a_renamed_repository_is_mended_where_it_is(world: World) -> None:
    ci = FailingCi(world)
    ci.fails()
    world.model({"fixer": [FIX], "critic": [APPROVED]})
    world.github.rename(SLUG, "acme/gadget")

    done = world.gitoma("fix-ci", URL, "--branch", "topic")

    assert (done.code, done.result["pushed"]) == (0, "topic")


def test_a_token_that_is_refused_is_named_and_not_shown(world: World, reviewed: Reviewed) -> None:
    done = world.gitoma("review", URL, GITHUB_TOKEN="ghp_" + "Wr0ng" * 7)

    assert (done.code, done.result["error"]) == (4, "auth")
    assert "GITHUB_TOKEN is not valid there, or has expired" in done.err
    assert "Wr0ng" not in done.out + done.err


def test_a_token_that_may_not_is_told_what_it_would_have_to_have(world: World) -> None:
    FailingCi(world).fails()
    world.github.trouble(forbidden("actions=read", path="/actions/runs$"))

    done = world.gitoma("fix-ci", URL, "--branch", "topic")

    assert (done.code, done.result["error"]) == (4, "forbidden")
    assert "it needs the permissions actions=read" in done.err


def test_a_token_that_may_not_answer_leaves_the_answers_to_one_that_may(world: World, reviewed: Reviewed) -> None:
    asked = suggested(reviewed)
    world.github.trouble(forbidden("pull_requests=write", path="/replies$"))

    done = world.gitoma("review", URL, "--integrate")

    assert (done.code, done.result["error"]) == (4, "forbidden")
    assert (done.result["pr"], done.result["threads"]) == (1, {"applied": 1})
    assert "pull_requests=write" in done.err
    sha = reviewed.sha
    assert sha != reviewed.begun

    assert world.gitoma("review", URL, "--integrate").code == 0
    assert list(reviewed.answers()) == [asked.id]
    assert reviewed.sha == sha


def test_an_answer_whose_fate_is_unknown_is_not_sent_twice(world: World, reviewed: Reviewed) -> None:
    asked = suggested(reviewed)
    world.github.trouble(Trouble(Answer(201, broken()), path="/replies$"))

    done = world.gitoma("review", URL, "--integrate")

    assert (done.code, done.result["error"]) == (1, "network")
    assert "look whether it was done all the same" in done.err
    assert asked_of(world, "POST", "/replies") == 1

    assert world.gitoma("review", URL, "--integrate").code == 0
    assert list(reviewed.answers()) == [asked.id]
    assert len(reviewed.pushed) == 1


def test_a_repository_that_there_is_not_is_not_found(world: World) -> None:
    done = world.gitoma("fix-ci", URL, "--branch", "main")

    assert (done.code, done.result["error"]) == (4, "not_found")
    assert SLUG in done.err
    assert world.state() is None


@pytest.mark.parametrize(
    "trouble",
    [failing(503, path="/pulls$"), Trouble(Answer(200, broken()), path="/pulls$")],
    ids=["a 503", "a broken connection"],
)
def test_what_may_pass_is_tried_again(world: World, reviewed: Reviewed, trouble: Trouble) -> None:
    world.github.trouble(trouble)

    done = world.gitoma("review", URL)

    assert (done.code, done.err) == (0, "")
    assert asked_of(world, "GET", "/pulls") == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (failure(500, "Server Error"), "the code host failed with status 500"),
        (Answer(200, b"<html>Log in to the hotel's network</html>"), "what answers is not GitHub's API"),
        (document([{"number": "one"}]), "what answers is not GitHub's API"),
        (Answer(301, b"", {"location": "/repos/acme/widget/pulls"}), "sends us elsewhere, which is not followed"),
    ],
    ids=["500", "HTML", "other JSON", "a redirect to itself"],
)
def test_what_makes_no_sense_ends_it_in_a_line(world: World, answer: Answer, words: str) -> None:
    world.repo()
    world.github.trouble(Trouble(answer, path="/pulls$", times=10))

    done = world.gitoma("review", URL)

    assert (done.code, done.result["error"]) == (1, "network")
    assert words in done.err
    assert len(done.err.splitlines()) <= 2
    assert asked_of(world, "GET", "/pulls") <= 4


class Elsewhere(Server):
    """A server that nobody should come to."""

    def answer(self, request: Request) -> Answer:
        return document([])


def test_a_redirect_to_another_origin_is_not_followed(world: World) -> None:
    world.repo()
    with Elsewhere() as elsewhere:
        world.github.trouble(Trouble(Answer(301, b"", {"location": f"{elsewhere.url}/repos/acme/widget"})))

        done = world.gitoma("review", URL)

        assert (done.code, done.result["error"]) == (1, "network")
        assert "sends us elsewhere, which is not followed" in done.err
        assert elsewhere.journal == []
