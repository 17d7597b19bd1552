"""Each adapter of code hosts keeps the promises of the port."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.github.rest import GitHubRest
from gitoma.adapters.testing.code_host_checks import CODE_HOST_CHECKS, Make
from gitoma.adapters.testing.code_hosts import ACME, RENAMED, MemoryCodeHost, world
from gitoma.domain.agents.code_host import CiRun, CodeHost, HostedRepo, NewPull, PullRequest, Remark, ReviewComment
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.repos.names import Slug
from tests.stand_ins.server import Answer, Request, Server, document

MISSING = document({"message": "Not Found"}, 404)
PER_PAGE = 2


def repo(one: HostedRepo) -> dict[str, object]:
    return {
        "full_name": str(one.slug),
        "default_branch": one.default_branch,
        "archived": one.archived,
        "size": one.size_kib,
        "permissions": {"push": one.can_push},
    }


def pull(one: PullRequest) -> dict[str, object]:
    return {
        "number": one.number,
        "html_url": one.url,
        "state": "open" if one.is_open else "closed",
        "merged_at": "2030-01-01T00:00:00Z" if one.is_merged else None,
        "head": {"ref": one.head_branch, "sha": one.head_sha, "repo": one.head_repo and {"full_name": one.head_repo}},
        "base": {"ref": one.base_branch, "sha": "0" * 40, "repo": {"full_name": str(ACME)}},
    }


def comment(one: ReviewComment) -> dict[str, object]:
    shown: dict[str, object] = {
        "id": one.id,
        "user": None if one.author == "ghost" else {"login": one.author},
        "author_association": one.association,
        "path": one.path,
        "line": one.line,
        "start_line": one.start_line,
        "diff_hunk": one.hunk,
        "body": one.body,
    }
    return shown if one.reply_to is None else shown | {"in_reply_to_id": one.reply_to}


def remark(one: Remark, **about: object) -> dict[str, object]:
    user = None if one.author == "ghost" else {"login": one.author}
    return {"user": user, "author_association": one.association, "body": one.body, "html_url": one.url, **about}


def runs(newest: CiRun) -> list[dict[str, object]]:
    """The newest run of a workflow, and behind it an older one that ended otherwise."""
    shown = {"id": newest.id, "workflow_id": len(newest.workflow), "name": newest.workflow, "head_sha": newest.head_sha}
    now = shown | {"run_number": 10, "run_attempt": 1, "conclusion": newest.conclusion}
    return [now, shown | {"id": newest.id - 20, "run_number": 9, "run_attempt": 3, "conclusion": "failure"}]


class Rest(Server):
    """GitHub's REST API, in front of a host in memory: lists in small pages, everything in its own words."""

    def __init__(self, host: MemoryCodeHost) -> None:
        super().__init__()
        self.host = host

    def answer(self, request: Request) -> Answer:
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, request.path)
            if found and method == request.method:
                try:
                    return handler(self, request, *found.groups())
                except AgentError:
                    return MISSING
        former = f"/repos/{RENAMED}"
        if request.path.startswith(former):
            location = f"{self.url}/repos/{ACME}{request.path.removeprefix(former)}"
            return Answer(301 if request.method == "GET" else 307, b"", {"location": location})
        return MISSING

    def user(self, request: Request) -> Answer:
        return document({"login": self.host.viewer()})

    def repo(self, request: Request, slug: str) -> Answer:
        return document(repo(self.host.repo(named(slug))))

    def pulls(self, request: Request, slug: str) -> Answer:
        head = request.query.get("head", ":").partition(":")[2]
        found = [one for one in self.host.open_pulls(named(slug)) if not head or one.head_branch == head]
        return self.page(request, [pull(one) for one in found])

    def pull(self, request: Request, slug: str, number: str) -> Answer:
        return document(pull(self.host.pull(named(slug), int(number))))

    def open(self, request: Request, slug: str) -> Answer:
        before = len(self.host.written)
        made = self.host.open_pull(named(slug), NewPull(**request.json()))
        if len(self.host.written) == before:
            return document({"message": "Validation Failed", "errors": [{"message": "already exists"}]}, 422)
        return document(pull(made), 201)

    def comments(self, request: Request, slug: str, number: str) -> Answer:
        return self.page(request, [comment(one) for one in self.host.review_comments(named(slug), int(number))])

    def reviews(self, request: Request, slug: str, number: str) -> Answer:
        said = [one for one in self.host.remarks(named(slug), int(number)) if "pullrequestreview" in one.url]
        shown = [remark(one, state="COMMENTED") for one in said]
        silent = [{**one, "body": "", "state": "APPROVED"} for one in shown]
        unsent = [{**one, "body": "Not done yet", "state": "PENDING"} for one in shown]
        return self.page(request, [*silent, *shown, *unsent])

    def conversation(self, request: Request, slug: str, number: str) -> Answer:
        said = [one for one in self.host.remarks(named(slug), int(number)) if "issuecomment" in one.url]
        return self.page(request, [*[remark(one) for one in said], *[remark(one, body=None) for one in said]])

    def reply(self, request: Request, slug: str, number: str, to: str) -> Answer:
        self.host.reply(named(slug), int(number), int(to), request.json()["body"])
        return document(comment(self.host.review_comments(named(slug), int(number))[-1]), 201)

    def runs(self, request: Request, slug: str) -> Answer:
        found = self.host.latest_runs(named(slug), request.query["branch"])
        return self.page(request, [each for one in found for each in runs(one)], "workflow_runs")

    def jobs(self, request: Request, slug: str, run: str) -> Answer:
        failed = self.host.failed_jobs(named(slug), int(run))
        shown = [{"id": one.id, "run_id": one.run_id, "name": one.name, "conclusion": "failure"} for one in failed]
        passed = {"id": 1, "run_id": int(run), "name": "build", "conclusion": "success"}
        return self.page(request, [passed, *shown, {**passed, "conclusion": None}], "jobs")

    def log(self, request: Request, slug: str, job: str) -> Answer:
        self.host.job_log(named(slug), int(job))
        return Answer(302, b"", {"location": f"{self.url}/logs/{job}"})

    def blob(self, request: Request, job: str) -> Answer:
        assert "authorization" not in request.headers
        return Answer(200, b"\xef\xbb\xbf" + self.host.job_log(ACME, int(job)).encode(), {"content-type": "text/plain"})

    def graphql(self, request: Request) -> Answer:
        asked = request.json()["variables"]
        resolved = self.host.resolved_comments(Slug(asked["owner"], asked["name"]), asked["number"])
        if resolved is None:
            return document({"errors": [{"message": "Could not resolve"}], "data": None})
        threads = [{"isResolved": True, "comments": {"nodes": [{"fullDatabaseId": str(one)} for one in resolved]}}]
        threads.append({"isResolved": False, "comments": {"nodes": [{"fullDatabaseId": "13"}]}})
        last = asked["after"] is not None
        page = {"nodes": threads[last : last + 1], "pageInfo": {"hasNextPage": not last, "endCursor": "x"}}
        return document({"data": {"repository": {"pullRequest": {"reviewThreads": page}}}})

    def page(self, request: Request, rows: list[dict[str, Any]], name: str = "") -> Answer:
        number = int(request.query.get("page", "1"))
        start = (number - 1) * PER_PAGE
        query = "&".join(f"{key}={value}" for key, value in {**request.query, "page": number + 1}.items())
        more = {"link": f'<{self.url}{request.path}?{query}>; rel="next"'} if start + PER_PAGE < len(rows) else {}
        shown = rows[start : start + PER_PAGE]
        return document({name: shown} if name else shown, headers=more)


def named(slug: str) -> Slug:
    return Slug(*slug.split("/"))


OF = r"/repos/((?!acme/old-name)[^/]+/[^/]+)"
ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/user", Rest.user),
    ("GET", OF, Rest.repo),
    ("GET", f"{OF}/pulls", Rest.pulls),
    ("POST", f"{OF}/pulls", Rest.open),
    ("GET", rf"{OF}/pulls/(\d+)", Rest.pull),
    ("GET", rf"{OF}/pulls/(\d+)/comments", Rest.comments),
    ("GET", rf"{OF}/pulls/(\d+)/reviews", Rest.reviews),
    ("GET", rf"{OF}/issues/(\d+)/comments", Rest.conversation),
    ("POST", rf"{OF}/pulls/(\d+)/comments/(\d+)/replies", Rest.reply),
    ("GET", f"{OF}/actions/runs", Rest.runs),
    ("GET", rf"{OF}/actions/runs/(\d+)/jobs", Rest.jobs),
    ("GET", rf"{OF}/actions/jobs/(\d+)/logs", Rest.log),
    ("GET", r"/logs/(\d+)", Rest.blob),
    ("POST", "/graphql", Rest.graphql),
)


def in_memory() -> MemoryCodeHost:
    known = world()
    return MemoryCodeHost({**known, RENAMED: known[ACME]})


@pytest.fixture
def github() -> Iterator[Make]:
    with ExitStack() as stack:

        def make() -> CodeHost:
            server = stack.enter_context(Rest(MemoryCodeHost(world())))
            return GitHubRest(
                api_url=server.url,
                token="token-of-a-test",
                clock=SystemClock(),
                sleep=lambda _: None,
                notice=lambda _: None,
                redact=str,
            )

        yield make


@pytest.mark.parametrize("check", CODE_HOST_CHECKS, ids=lambda check: check.__name__)
def test_the_host_in_memory_keeps_its_promise(check: Callable[[Make], None]) -> None:
    check(in_memory)


@pytest.mark.parametrize("check", CODE_HOST_CHECKS, ids=lambda check: check.__name__)
def test_github_keeps_its_promise(check: Callable[[Make], None], github: Make) -> None:
    check(github)
