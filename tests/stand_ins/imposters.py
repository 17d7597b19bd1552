"""Imposters for mountebank: what is canned in front of and behind GitHub's contract, as values.

An imposter tries its stubs in order. One whose responses are several gives them in turn; so that a trouble passes, the
last of them is the way on, very often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import github_documents as show
from .github_answers import Trouble
from .github_documents import Comment, Repo

Stub = dict[str, Any]

_VERY_OFTEN = 1_000_000
_JSON = {"content-type": "application/json; charset=utf-8"}


def imposter(port: int, stubs: Sequence[Stub]) -> dict[str, Any]:
    """A server with these stubs that remembers its requests."""
    return {"port": port, "protocol": "http", "host": "127.0.0.1", "recordRequests": True, "stubs": list(stubs)}


def onward(url: str) -> Stub:
    """Everything else goes on to `url`, and every answer is remembered with its request."""
    return {"responses": [_proxy(url)]}


def trouble(one: Trouble, url: str) -> Stub:
    """What comes in place of the right answer, as often as it says; then requests go on to `url`."""
    body = one.answer.body
    canned = _is(one.answer.status, one.answer.headers, body.decode() if isinstance(body, bytes) else "")
    return {
        "predicates": [{"matches": {"path": one.path, "method": f"^{one.method}"}}],
        "responses": [{**canned, "repeat": one.times}, {**_proxy(url), "repeat": _VERY_OFTEN}],
    }


def log_redirects(repo: Repo, logs_url: str) -> list[Stub]:
    """Where the logs of a repository's jobs are."""
    return [
        _canned("GET", f"/repos/{repo.slug}/actions/jobs/{job.id}/logs", _is(302, {"location": f"{logs_url}/{job.id}"}))
        for run in repo.runs
        for job in run.jobs
    ]


def logs(repo: Repo) -> list[Stub]:
    """The logs themselves; nothing else is there."""
    plain = {"content-type": "text/plain; charset=utf-8"}
    found = [
        _canned("GET", f"/{job.id}", _is(200, plain, job.log if isinstance(job.log, str) else job.log.decode()))
        for run in repo.runs
        for job in run.jobs
    ]
    return [*found, {"responses": [_is(404)]}]


def runs(repo: Repo) -> list[Stub]:
    """The runs of a repository, newest first, as a whole and of each branch, and the jobs of each."""
    path = f"/repos/{repo.slug}/actions/runs"
    stubs = [
        _canned("GET", f"{path}/{run.id}/jobs", _listed("jobs", [show.job(repo, run, job) for job in run.jobs]))
        for run in repo.runs
    ]
    newest_first = repo.runs[::-1]
    for branch in {run.branch for run in repo.runs}:
        of_branch = _listed("workflow_runs", [show.run(repo, run) for run in newest_first if run.branch == branch])
        stub = _canned("GET", path, of_branch)
        stub["predicates"].append({"equals": {"query": {"branch": branch}}})
        stubs.append(stub)
    return [*stubs, _canned("GET", path, _listed("workflow_runs", []))]


def comments(repo: Repo, pull: int) -> list[Stub]:
    """The review comments of a pull request, and a taker of replies to each thread."""
    path = f"/repos/{repo.slug}/pulls/{pull}/comments"
    own = [comment for comment in repo.comments if comment.pull == pull]
    replies = [
        _canned("POST", f"{path}/{comment.id}/replies", _document(show.comment(repo, _reply_to(comment)), 201))
        for comment in own
        if comment.reply_to is None
    ]
    return [_canned("GET", path, _document([show.comment(repo, comment) for comment in own])), *replies]


def _reply_to(comment: Comment) -> Comment:
    place = (comment.path, comment.line, comment.start_line, comment.hunk)
    return Comment(comment.id + 100_000, comment.pull, "…", "gitoma-bot", "COLLABORATOR", *place, reply_to=comment.id)


def _canned(method: str, path: str, response: Stub) -> Stub:
    return {"predicates": [{"equals": {"method": method, "path": path}}], "responses": [response]}


def _listed(name: str, rows: Sequence[Mapping[str, object]]) -> Stub:
    return _document({"total_count": len(rows), name: list(rows)})


def _document(value: object, status: int = 200) -> Stub:
    return {"is": {"statusCode": status, "headers": _JSON, "body": value}}


def _is(status: int, headers: Mapping[str, str] | None = None, body: str = "") -> Stub:
    return {"is": {"statusCode": status, "headers": dict(headers or {}), "body": body}}


def _proxy(url: str) -> Stub:
    remembered = [{"matches": {"method": True, "path": True, "query": True}}]
    return {"proxy": {"to": url, "mode": "proxyAlways", "predicateGenerators": remembered}}


NO_GRAPHQL = _canned("POST", "/graphql", _is(404, _JSON, "{}"))
"""GraphQL is no part of the description of the REST API."""
