"""The code host, by GitHub's REST API. What each request is; how it is sent is the client's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from urllib.parse import urlencode

import msgspec

from gitoma.adapters.github import documents, failures, job_logs, threads
from gitoma.adapters.github.client import Client
from gitoma.adapters.github.exchange import Ask
from gitoma.domain.agents.code_host import (
    CiJob,
    CiRun,
    CodeHost,
    HostedRepo,
    NewPull,
    PullRequest,
    Remark,
    ReviewComment,
)
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.clock import Clock
from gitoma.domain.repos.names import Slug

_PER_PAGE = 100  # as many as GitHub gives at once


class GitHubRest(CodeHost):
    """GitHub, or a server of its make.

    Args:
        api_url: Where the API begins, without a slash at its end.
        token: For it; None: without, which is enough to read what is public.
        clock: Tells the time.
        sleep: Waits so many seconds.
        notice: Is told, in a line, that and why we wait, or that not all is looked at.
        redact: Takes credentials out of the host's words.
        remaining: How many seconds are left for the work as a whole: nothing takes longer.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token: str | None,
        clock: Clock,
        sleep: Callable[[float], None],
        notice: Callable[[str], None],
        redact: Callable[[str], str],
        remaining: Callable[[], float] = lambda: inf,
    ) -> None:
        self._notice = notice
        self._client = Client(
            api_url=api_url,
            token=token,
            clock=clock,
            sleep=sleep,
            notice=notice,
            remaining=remaining,
            redact=redact,
        )

    def repo(self, slug: Slug) -> HostedRepo:
        """See the port."""
        ask = self._get(slug, "", f"{slug}")
        found = self._client.document(ask, documents.Repo).value()
        if found is None:
            raise failures.no_code_host(ask.about)
        return found

    def viewer(self) -> str | None:
        """See the port."""
        if not self._client.has_token:
            return None
        ask = Ask("GET", f"{self._client.api_url}/user", "whose token it is")
        try:
            return self._client.document(ask, documents.User).login
        except AgentError as error:
            if error.code is Code.FORBIDDEN:  # an app's token is nobody's
                return None
            raise

    def open_pulls(self, slug: Slug, *, head: str = "") -> Sequence[PullRequest]:
        """See the port."""
        wanted = {"head": f"{slug.owner}:{head}"} if head else {}
        about = f"the open pull requests of {slug}"
        ask = self._get(slug, "/pulls", about, state="open", sort="created", direction="desc", **wanted)
        found = [pull.value() for page in self._client.pages(ask, list[documents.Pull]) for pull in page]
        return [pull for pull in found if pull.is_open and (not head or _is_from(pull, slug, head))]

    def pull(self, slug: Slug, number: int) -> PullRequest:
        """See the port."""
        ask = self._get(slug, f"/pulls/{number}", f"{slug}#{number}")
        return self._client.document(ask, documents.Pull).value()

    def open_pull(self, slug: Slug, new: NewPull) -> PullRequest:
        """See the port."""
        found = self._opened(slug, new)
        if found is not None:
            return found
        body = {"title": new.title, "body": new.body, "head": new.head, "base": new.base}
        ask = self._post(slug, "/pulls", f"a pull request of {slug} from {new.head} to {new.base}", body)
        try:
            return self._client.document(ask, documents.Pull).value()
        except AgentError as error:
            # Somebody else has opened it in between; or we have, and the answer was lost.
            found = self._opened(slug, new) if error.code in (Code.FORBIDDEN, Code.NETWORK) else None
            if found is None:
                raise
            return found

    def review_comments(self, slug: Slug, number: int) -> Sequence[ReviewComment]:
        """See the port."""
        about = f"the comments of {slug}#{number}"
        ask = self._get(slug, f"/pulls/{number}/comments", about, sort="created", direction="asc")
        return [comment.value() for page in self._client.pages(ask, list[documents.Comment]) for comment in page]

    def resolved_comments(self, slug: Slug, number: int) -> frozenset[int] | None:
        """See the port."""
        if not self._client.has_token:  # GraphQL answers nobody without one
            return None
        try:
            return threads.resolved(self._client, slug, number)
        except threads.NotSaid as unknown:
            self._notice(f"which threads are resolved is not known: {unknown}")
            return None

    def remarks(self, slug: Slug, number: int) -> Sequence[Remark]:
        """See the port."""
        size = str(_PER_PAGE)
        asks = (
            self._get(slug, f"/pulls/{number}/reviews", f"the reviews of {slug}#{number}", per_page=size),
            self._get(slug, f"/issues/{number}/comments", f"the conversation of {slug}#{number}", per_page=size),
        )
        pages = (page for ask in asks for page in self._client.pages(ask, list[documents.Remark]))
        return [remark.value() for page in pages for remark in page if remark.is_said]

    def reply(self, slug: Slug, number: int, comment: int, body: str) -> None:
        """See the port."""
        about = f"a reply to comment {comment} of {slug}#{number}"
        ask = self._post(slug, f"/pulls/{number}/comments/{comment}/replies", about, {"body": body})
        self._client.document(ask, documents.Created)

    def latest_runs(self, slug: Slug, branch: str) -> Sequence[CiRun]:
        """See the port."""
        ask = self._get(slug, "/actions/runs", f"the CI runs of {slug}", branch=branch, exclude_pull_requests="true")
        newest: dict[int, documents.Run] = {}
        for page in self._client.pages(ask, documents.Runs):
            for run in page.workflow_runs:
                if run.is_of_a_fork:  # asked for a branch, GitHub gives those of all forks, too
                    continue
                known = newest.setdefault(run.workflow_id, run)
                newest[run.workflow_id] = max(known, run, key=lambda each: each.age)
        return [run.value() for run in sorted(newest.values(), key=lambda each: each.id, reverse=True)]

    def failed_jobs(self, slug: Slug, run: int) -> Sequence[CiJob]:
        """See the port."""
        ask = self._get(slug, f"/actions/runs/{run}/jobs", f"the jobs of run {run} of {slug}", filter="latest")
        return [job.value() for page in self._client.pages(ask, documents.Jobs) for job in page.jobs if job.has_failed]

    def job_log(self, slug: Slug, job: int) -> str:
        """See the port."""
        ask = Ask("GET", f"{self._of(slug)}/actions/jobs/{job}/logs", f"the log of job {job} of {slug}")
        return job_logs.fetched(self._client, ask)

    def _opened(self, slug: Slug, new: NewPull) -> PullRequest | None:
        same = (pull for pull in self.open_pulls(slug, head=new.head) if pull.base_branch == new.base)
        return next(same, None)

    def _of(self, slug: Slug) -> str:
        return f"{self._client.api_url}/repos/{slug}"

    def _get(self, slug: Slug, path: str, about: str, **wanted: str) -> Ask:
        query = f"?{urlencode({**wanted, 'per_page': _PER_PAGE})}" if wanted else ""
        return Ask("GET", f"{self._of(slug)}{path}{query}", about)

    def _post(self, slug: Slug, path: str, about: str, body: dict[str, str]) -> Ask:
        clean = {name: text.encode("utf-8", "replace").decode() for name, text in body.items()}  # no lone surrogates
        return Ask("POST", f"{self._of(slug)}{path}", about, msgspec.json.encode(clean), reads=False)


def _is_from(pull: PullRequest, slug: Slug, head: str) -> bool:
    """GitHub gives none but these; others of its make do not all look at what was asked for."""
    return pull.head_branch == head and (pull.head_repo or "").lower() == str(slug).lower()
