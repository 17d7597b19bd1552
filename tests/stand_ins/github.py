"""A stand-in of GitHub's REST API, as far as agents use it: stateful, in memory, and in trouble when it is told to be.

Where branches stand is asked of the bare repositories of a `GitHost`, so what is pushed is what pull requests show:

    with GitHost() as git, GitHub(git) as github:
        git.create("acme/widget", {"README.md": "# widget"})
        github.add_repo("acme/widget")
        github.trouble(rate_limited(retry_after=2))  # of `github_answers`

Logs are somewhere else, as GitHub's are: `logs` is another server with a journal of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from threading import RLock
from typing import Self
from urllib.parse import urlencode

from . import github_documents as show
from .git_host import GitHost
from .github_answers import LIMITS, NO_USER, NOT_FOUND, Trouble, custom, failure, found, invalid
from .github_documents import Comment, Job, Pull, Repo, Run
from .server import Answer, Request, Server, document

TOKEN = "ghp_" + "0123456789" * 3 + "abcdef"  # of the form of a real one, so that filters of secrets see it
LOGIN = "gitoma-bot"

_PER_PAGE = 30  # what GitHub gives to whoever does not say how many
_PER_PAGE_MAX = 100


class LogStore(Server):
    """Where the logs are: gives each under its address, to whoever has the address."""

    def __init__(self) -> None:
        super().__init__()
        self._logs: dict[str, bytes] = {}

    def keep(self, path: str, log: str | bytes) -> str:
        """Keep a log; its address."""
        self._logs[path] = log.encode() if isinstance(log, str) else log
        return f"{self.url}{path}"

    def answer(self, request: Request) -> Answer:
        """The log, as plain text."""
        log = self._logs.get(request.path)
        return Answer(404) if log is None else Answer(200, log, {"content-type": "text/plain"})


Handler = Callable[..., Answer]


class GitHub(Server):
    """The stand-in. Its `url` is what a client takes for https://api.github.com.

    Attributes:
        logs: The server that logs are fetched from.
        viewer: Whose token it is; None: an app's, which has no `/user`.
        graphql: What `POST /graphql` answers; None: there is no such page.
        next_page_at: Where `Link` says that next pages are; None: here.

    Args:
        git: Where the branches are.
        token: The only token that is taken.
    """

    def __init__(self, git: GitHost, *, token: str = TOKEN) -> None:
        super().__init__()
        self.logs = LogStore()
        self.viewer: str | None = LOGIN
        self.graphql: Callable[[Request], Answer] | None = None
        self.next_page_at: str | None = None
        self._git = git
        self._token = token
        self._lock = RLock()
        self._ids = count(1)
        self._repos: dict[str, Repo] = {}  # by slug, in lower case; a former name leads to the same repository
        self._troubles: list[Trouble] = []

    def __enter__(self) -> Self:
        self.logs.__enter__()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__(*_)
        self.logs.__exit__(*_)

    def add_repo(
        self,
        slug: str,
        *,
        default_branch: str = "main",
        archived: bool = False,
        can_push: bool = True,
        size_kib: int = 12,
    ) -> Repo:
        """A repository; what is returned may be changed at any time."""
        with self._lock:
            repo = Repo(next(self._ids), slug, default_branch, archived, can_push, size_kib)
            self._repos[slug.lower()] = repo
            return repo

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name. Requests with the old one are led on, with a 301."""
        with self._lock:
            repo = self._repos[old.lower()]
            repo.slug = new
            self._repos[new.lower()] = repo
            self._git.rename(old, new)

    def add_pull(
        self,
        slug: str,
        head: str,
        *,
        base: str = "main",
        title: str = "A change",
        body: str = "",
        head_repo: str | None = "",
        author: str = LOGIN,
    ) -> Pull:
        """A pull request; `head_repo` is "" for the same repository, None for a fork that is gone."""
        with self._lock:
            repo = self._repos[slug.lower()]
            number = len(repo.pulls) + 1
            source = repo.slug if head_repo == "" else head_repo
            pull = Pull(next(self._ids), number, title, body, head, base, source, author)
            repo.pulls.append(pull)
            return pull

    def add_comment(self, slug: str, comment: Comment) -> Comment:
        """A review comment, with an id of its own."""
        with self._lock:
            comment.id = next(self._ids)
            self._repos[slug.lower()].comments.append(comment)
            return comment

    def add_run(
        self,
        slug: str,
        branch: str,
        *,
        workflow: str = "ci",
        conclusion: str | None = "failure",
        jobs: Sequence[Job] = (),
        sha: str | None = None,
        event: str = "push",
        attempt: int = 1,
    ) -> Run:
        """A run of a workflow on what `branch` is now, or on `sha`; it is newer than those before."""
        with self._lock:
            repo = self._repos[slug.lower()]
            for job in jobs:
                job.id = next(self._ids)
            known = {run.workflow: run.workflow_id for run in repo.runs}
            number = known.get(workflow) or next(self._ids)
            at = sha or self._sha(repo.slug, branch)
            run = Run(next(self._ids), workflow, branch, at, conclusion, event, attempt, tuple(jobs), number)
            repo.runs.append(run)
            return run

    def trouble(self, *troubles: Trouble) -> None:
        """What goes wrong from now on: each until it has come as often as it says, the first that fits a request."""
        with self._lock:
            self._troubles += troubles

    def pulls(self, slug: str) -> tuple[Pull, ...]:
        """The pull requests, oldest first."""
        return tuple(self._repos[slug.lower()].pulls)

    def comments(self, slug: str) -> tuple[Comment, ...]:
        """The review comments, oldest first."""
        return tuple(self._repos[slug.lower()].comments)

    def requests(self, method: str) -> list[Request]:
        """The requests of one method, in order."""
        return [request for request in tuple(self.journal) if request.method == method]

    def answer(self, request: Request) -> Answer:
        """The right answer, or the trouble that is to come."""
        with self._lock:
            return self._troubled(request) or self._refused(request) or self._routed(request)

    def _troubled(self, request: Request) -> Answer | None:
        for place, trouble in enumerate(self._troubles):
            if trouble.meets(request):
                left = Trouble(trouble.answer, trouble.method, trouble.path, trouble.times - 1)
                self._troubles[place : place + 1] = [left] if left.times else []
                return trouble.answer
        return None

    def _refused(self, request: Request) -> Answer | None:
        given = request.headers.get("authorization")
        if given is not None and given.split(" ", 1)[-1] != self._token:
            return failure(401, "Bad credentials")
        if given is None and (request.method != "GET" or request.path == "/user"):
            return failure(401, "Requires authentication")
        return None

    def _routed(self, request: Request) -> Answer:
        if request.path == "/graphql":
            return NOT_FOUND if self.graphql is None else self.graphql(request)
        if request.path == "/user":
            return NO_USER if self.viewer is None else found(show.user(self.viewer))
        for method, pattern, handler in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match is not None and method == request.method:
                return self._in_repo(request, match.groupdict(), handler)
        return NOT_FOUND

    def _in_repo(self, request: Request, parts: dict[str, str | None], handler: Handler) -> Answer:
        slug, number = parts.pop("slug"), parts.pop("repo")
        if slug is None:
            repo = next((one for one in self._repos.values() if str(one.id) == number), None)
        else:
            repo = self._repos.get(slug.lower())
        if repo is None:
            return NOT_FOUND
        if slug is not None and slug.lower() != repo.slug.lower():
            return self._moved(request, slug, repo)
        return handler(self, request, repo, **{name: int(value or 0) for name, value in parts.items()})

    def _moved(self, request: Request, slug: str, repo: Repo) -> Answer:
        rest = request.path.removeprefix(f"/repos/{slug}")
        query = f"?{urlencode(dict(request.query))}" if request.query else ""
        address = f"{self.url}/repositories/{repo.id}{rest}{query}"
        status = 301 if request.method == "GET" else 307
        return document({"message": "Moved Permanently", "url": address}, status, {"location": address})

    def _repo(self, request: Request, repo: Repo) -> Answer:
        return found(show.repo(repo))

    def _list_pulls(self, request: Request, repo: Repo) -> Answer:
        state, head, base = (request.query.get(name, "") for name in ("state", "head", "base"))
        chosen = [
            pull
            for pull in reversed(repo.pulls)
            if state == "all" or pull.state == (state or "open")
            if not head or head == f"{(pull.head_repo or '').partition('/')[0]}:{pull.head}"
            if not base or base == pull.base
        ]
        return self._page(request, [self._shown(repo, pull, listed=True) for pull in chosen])

    def _create_pull(self, request: Request, repo: Repo) -> Answer:
        asked = request.json()
        owner, _, head = str(asked["head"]).rpartition(":")
        here = repo.slug.partition("/")[0]
        head_sha, base_sha = self._sha(repo.slug, head), self._sha(repo.slug, str(asked["base"]))
        for field, sha in (("head", head_sha), ("base", base_sha)):
            if sha == _NO_COMMIT:
                return invalid({"resource": "PullRequest", "field": field, "code": "invalid"})
        if any(one.state == "open" and (one.head, one.base) == (head, asked["base"]) for one in repo.pulls):
            return invalid(custom(f"A pull request already exists for {owner or here}:{head}."))
        if head_sha == base_sha:
            return invalid(custom(f"No commits between {asked['base']} and {head}"))
        pull = self.add_pull(
            repo.slug,
            head,
            base=asked["base"],
            title=asked["title"],
            body=asked.get("body") or "",
            author=self._author(),
        )
        return found(self._shown(repo, pull, listed=False), 201)

    def _get_pull(self, request: Request, repo: Repo, number: int) -> Answer:
        pull = next((pull for pull in repo.pulls if pull.number == number), None)
        return NOT_FOUND if pull is None else found(self._shown(repo, pull, listed=False))

    def _list_comments(self, request: Request, repo: Repo, number: int) -> Answer:
        if all(pull.number != number for pull in repo.pulls):
            return NOT_FOUND
        return self._page(request, [show.comment(repo, one) for one in repo.comments if one.pull == number])

    def _reply(self, request: Request, repo: Repo, number: int, comment: int) -> Answer:
        above = next((one for one in repo.comments if (one.id, one.pull) == (comment, number)), None)
        if above is None or above.reply_to is not None:  # GitHub takes replies to the first comment of a thread only
            return NOT_FOUND
        place = (above.path, above.line, above.start_line, above.hunk)
        text = str(request.json()["body"])
        reply = Comment(0, number, text, self._author(), "COLLABORATOR", *place, reply_to=above.id)
        return found(show.comment(repo, self.add_comment(repo.slug, reply)), 201)

    def _list_runs(self, request: Request, repo: Repo) -> Answer:
        branch, status = request.query.get("branch"), request.query.get("status")
        chosen = [
            shown
            for shown in (show.run(repo, run) for run in reversed(repo.runs))
            if branch in (None, shown["head_branch"])
            if status in (None, shown["status"], shown["conclusion"])
        ]
        return self._page(request, chosen, "workflow_runs")

    def _list_jobs(self, request: Request, repo: Repo, run: int) -> Answer:
        owner = next((one for one in repo.runs if one.id == run), None)
        if owner is None:
            return NOT_FOUND
        return self._page(request, [show.job(repo, owner, job) for job in owner.jobs], "jobs")

    def _log(self, request: Request, repo: Repo, job: int) -> Answer:
        part = next((one for run in repo.runs for one in run.jobs if one.id == job), None)
        if part is None:
            return NOT_FOUND
        return Answer(302, b"", {"location": self.logs.keep(f"/logs/{job}.txt", part.log)})

    def _page(self, request: Request, rows: Sequence[Mapping[str, object]], name: str | None = None) -> Answer:
        """One page of a list, and where the next one is; with `name`, in an object that also counts them."""
        size = min(int(request.query.get("per_page", _PER_PAGE)), _PER_PAGE_MAX)
        number = int(request.query.get("page", "1"))
        shown = list(rows[(number - 1) * size : number * size])
        headers = LIMITS
        if number * size < len(rows):
            query = urlencode({**request.query, "page": str(number + 1)})
            address = f"{self.next_page_at or self.url}{request.path}?{query}"
            headers = {**LIMITS, "link": f'<{address}>; rel="next"'}
        return document(shown if name is None else {"total_count": len(rows), name: shown}, headers=headers)

    def _shown(self, repo: Repo, pull: Pull, *, listed: bool) -> dict[str, object]:
        head = self._sha(pull.head_repo or repo.slug, pull.head)
        return show.pull(repo, pull, head, self._sha(repo.slug, pull.base), listed=listed)

    def _author(self) -> str:
        return self.viewer or "an-app[bot]"

    def _sha(self, slug: str, branch: str) -> str:
        bare = self._git.repo(slug)
        return (bare and bare.sha(branch)) or _NO_COMMIT


_NO_COMMIT = "0" * 40


def _route(method: str, rest: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    return method, re.compile(rf"(?:/repos/(?P<slug>[^/]+/[^/]+)|/repositories/(?P<repo>\d+)){rest}"), handler


_ROUTES = (
    _route("GET", "", GitHub._repo),
    _route("GET", "/pulls", GitHub._list_pulls),
    _route("POST", "/pulls", GitHub._create_pull),
    _route("GET", r"/pulls/(?P<number>\d+)", GitHub._get_pull),
    _route("GET", r"/pulls/(?P<number>\d+)/comments", GitHub._list_comments),
    _route("POST", r"/pulls/(?P<number>\d+)/comments/(?P<comment>\d+)/replies", GitHub._reply),
    _route("GET", "/actions/runs", GitHub._list_runs),
    _route("GET", r"/actions/runs/(?P<run>\d+)/jobs", GitHub._list_jobs),
    _route("GET", r"/actions/jobs/(?P<job>\d+)/logs", GitHub._log),
)
