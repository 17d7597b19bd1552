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
from typing import Self
from urllib.parse import urlencode

from . import github_documents as show
from .git_host import GitHost
from .github_answers import LIMITS, NO_USER, NOT_FOUND, Trouble, custom, failure, found, invalid
from .github_contents import LOGIN, NO_COMMIT, TOKEN, GitHubContents
from .github_documents import Comment, Pull, Repo
from .server import Answer, Request, Server, document

__all__ = ["LOGIN", "TOKEN", "GitHub", "LogStore"]

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


class GitHub(GitHubContents, Server):
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
        super().__init__(git)
        self.logs = LogStore()
        self.viewer: str | None = LOGIN
        self.graphql: Callable[[Request], Answer] | None = None
        self.next_page_at: str | None = None
        self._token = token
        self._troubles: list[Trouble] = []

    def __enter__(self) -> Self:
        self.logs.__enter__()
        return super().__enter__()

    def __exit__(self, *_: object) -> None:
        super().__exit__(*_)
        self.logs.__exit__(*_)

    def trouble(self, *troubles: Trouble) -> None:
        """What goes wrong from now on: each until it has come as often as it says, the first that fits a request."""
        with self._lock:
            self._troubles += troubles

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
        head_sha, base_sha = self.sha(repo.slug, head), self.sha(repo.slug, str(asked["base"]))
        for field, sha in (("head", head_sha), ("base", base_sha)):
            if sha == NO_COMMIT:
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

    def _list_reviews(self, request: Request, repo: Repo, number: int) -> Answer:
        return self._said(request, repo, number, are_reviews=True)

    def _list_conversation(self, request: Request, repo: Repo, number: int) -> Answer:
        return self._said(request, repo, number, are_reviews=False)

    def _said(self, request: Request, repo: Repo, number: int, *, are_reviews: bool) -> Answer:
        if all(pull.number != number for pull in repo.pulls):
            return NOT_FOUND
        said = [one for one in repo.remarks if one.pull == number and (one.state is not None) is are_reviews]
        return self._page(request, [show.remark(repo, one) for one in said])

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
        head = self.sha(pull.head_repo or repo.slug, pull.head)
        return show.pull(repo, pull, head, self.sha(repo.slug, pull.base), listed=listed)

    def _author(self) -> str:
        return self.viewer or "an-app[bot]"


def _route(method: str, rest: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    return method, re.compile(rf"(?:/repos/(?P<slug>[^/]+/[^/]+)|/repositories/(?P<repo>\d+)){rest}"), handler


_ROUTES = (
    _route("GET", "", GitHub._repo),
    _route("GET", "/pulls", GitHub._list_pulls),
    _route("POST", "/pulls", GitHub._create_pull),
    _route("GET", r"/pulls/(?P<number>\d+)", GitHub._get_pull),
    _route("GET", r"/pulls/(?P<number>\d+)/comments", GitHub._list_comments),
    _route("GET", r"/pulls/(?P<number>\d+)/reviews", GitHub._list_reviews),
    _route("GET", r"/issues/(?P<number>\d+)/comments", GitHub._list_conversation),
    _route("POST", r"/pulls/(?P<number>\d+)/comments/(?P<comment>\d+)/replies", GitHub._reply),
    _route("GET", "/actions/runs", GitHub._list_runs),
    _route("GET", r"/actions/runs/(?P<run>\d+)/jobs", GitHub._list_jobs),
    _route("GET", r"/actions/jobs/(?P<job>\d+)/logs", GitHub._log),
)
