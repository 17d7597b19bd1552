"""The parts of GitHub's documents that are looked at, and the values that they become."""

from __future__ import annotations

import msgspec

from gitoma.domain.agents import code_host
from gitoma.domain.agents.code_host import CiJob, CiRun, HostedRepo, PullRequest, ReviewComment
from gitoma.domain.errors import InvalidName
from gitoma.domain.repos.names import Slug

_GHOST = "ghost"  # GitHub's own word for an account that is gone
_FAILED = ("failure", "timed_out")


class User(msgspec.Struct):
    """`GET /user`, and whoever did something."""

    login: str


class _Permissions(msgspec.Struct):
    push: bool = False


class Repo(msgspec.Struct):
    """`GET /repos/{owner}/{repo}`."""

    full_name: str
    default_branch: str
    archived: bool = False
    size: int = 0
    permissions: _Permissions | None = None  # absent without a token

    def value(self) -> HostedRepo | None:
        """The repository; None if its name is none."""
        owner, _, name = self.full_name.partition("/")
        try:
            slug = Slug(owner, name)
        except InvalidName:
            return None
        may_push = self.permissions is not None and self.permissions.push
        return HostedRepo(slug, self.default_branch, self.archived, may_push, self.size)


class _Named(msgspec.Struct):
    full_name: str


class _End(msgspec.Struct):
    ref: str
    sha: str
    repo: _Named | None = None


class Pull(msgspec.Struct):
    """A pull request, of its own or in a list."""

    number: int
    html_url: str
    state: str
    head: _End
    base: _End
    merged: bool | None = None  # in a list it is left out
    merged_at: str | None = None

    def value(self) -> PullRequest:
        """The pull request."""
        return PullRequest(
            number=self.number,
            url=self.html_url,
            is_open=self.state == "open",
            is_merged=bool(self.merged) or self.merged_at is not None,
            head_branch=self.head.ref,
            head_sha=self.head.sha,
            head_repo=self.head.repo.full_name if self.head.repo else None,
            base_branch=self.base.ref,
        )


class Comment(msgspec.Struct):
    """A review comment."""

    id: int
    path: str
    body: str
    diff_hunk: str = ""
    in_reply_to_id: int | None = None
    user: User | None = None
    author_association: str = "NONE"
    line: int | None = None
    start_line: int | None = None

    def value(self) -> ReviewComment:
        """The comment."""
        return ReviewComment(
            id=self.id,
            reply_to=self.in_reply_to_id,
            author=self.user.login if self.user else _GHOST,
            association=self.author_association,
            path=self.path,
            line=self.line,
            start_line=self.start_line,
            hunk=self.diff_hunk,
            body=self.body,
        )


class Remark(msgspec.Struct):
    """The summary of a review, or a comment in the conversation of a pull request."""

    html_url: str
    body: str | None = None
    user: User | None = None
    author_association: str = "NONE"
    state: str = ""  # a review's

    @property
    def is_said(self) -> bool:
        """It says something, and to others: a review is `PENDING` while whoever writes it alone sees it."""
        return bool((self.body or "").strip()) and self.state != "PENDING"

    def value(self) -> code_host.Remark:
        """The remark."""
        author = self.user.login if self.user else _GHOST
        return code_host.Remark(author, self.author_association, self.body or "", self.html_url)


class Created(msgspec.Struct):
    """What was made has a number."""

    id: int


class _Numbered(msgspec.Struct):
    id: int


class Run(msgspec.Struct):
    """A run of a workflow; `run_attempt` grows with each "run again"."""

    id: int
    workflow_id: int
    head_sha: str
    run_number: int = 0
    run_attempt: int = 1
    name: str | None = None
    conclusion: str | None = None
    repository: _Numbered | None = None
    head_repository: _Numbered | None = None  # None where the fork is gone

    @property
    def is_of_a_fork(self) -> bool:
        """Whether it ran on the branch of a fork, which may be called as one of ours is.

        Compared by numbers, which a repository keeps when it gets another name.
        """
        return self.repository is not None and self.head_repository != self.repository

    @property
    def age(self) -> tuple[int, int, int]:
        """Grows from each run of a workflow to the next."""
        return self.run_number, self.run_attempt, self.id

    def value(self) -> CiRun:
        """The run."""
        return CiRun(self.id, self.name or f"workflow {self.workflow_id}", self.head_sha, self.conclusion)


class Runs(msgspec.Struct):
    """A page of runs."""

    workflow_runs: list[Run]


class Job(msgspec.Struct):
    """A job of a run."""

    id: int
    run_id: int
    name: str
    conclusion: str | None = None

    @property
    def has_failed(self) -> bool:
        """It failed, or ran out of time; one that was cancelled did neither."""
        return self.conclusion in _FAILED

    def value(self) -> CiJob:
        """The job."""
        return CiJob(self.id, self.run_id, self.name)


class Jobs(msgspec.Struct):
    """A page of jobs."""

    jobs: list[Job]
