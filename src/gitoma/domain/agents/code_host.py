"""The code host: repositories, pull requests, reviews and CI runs, as an agent needs them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gitoma.domain.repos.names import RepoUrl, Slug


@dataclass(frozen=True, slots=True)
class HostedRepo:
    """A repository, as the host knows it.

    Attributes:
        slug: Its present name; another one than was asked for after a rename.
        default_branch: The branch that pull requests go to.
        archived: Nothing can be pushed.
        can_push: Whether our token may push.
        size_kib: How large it is.
    """

    slug: Slug
    default_branch: str
    archived: bool
    can_push: bool
    size_kib: int

    @property
    def url(self) -> RepoUrl:
        """Its address under its present name, in the host's own spelling: one repository, one lock, one state."""
        return RepoUrl.parse(f"https://github.com/{self.slug}")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. `head_repo` is None where the fork is gone."""

    number: int
    url: str
    is_open: bool
    is_merged: bool
    head_branch: str
    head_sha: str
    head_repo: str | None
    base_branch: str


@dataclass(frozen=True, slots=True)
class NewPull:
    """A pull request to open."""

    title: str
    body: str
    head: str
    base: str


@dataclass(frozen=True, slots=True)
class ReviewComment:
    """A comment on a line of a pull request.

    Attributes:
        id: Its number.
        reply_to: The root of its thread; None for a root.
        author: A login.
        association: What the author is to the repository: `OWNER`, `MEMBER`, `COLLABORATOR`, `NONE`, …
        path: The file.
        line: The last line it is about, in the present version; None when it is outdated.
        start_line: The first one; None when it is about one line.
        hunk: The diff around it.
        body: What it says.
    """

    id: int
    reply_to: int | None
    author: str
    association: str
    path: str
    line: int | None
    start_line: int | None
    hunk: str
    body: str

    @property
    def place(self) -> str:
        """Where it is, for people: `path:line`, or the path alone."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Remark:
    """What somebody said about a pull request as a whole: the summary of a review, or a comment in its conversation.

    Attributes:
        author: A login.
        association: As that of a `ReviewComment`.
        body: What it says.
        url: Where people read it.
    """

    author: str
    association: str
    body: str
    url: str


@dataclass(frozen=True, slots=True)
class CiRun:
    """The newest attempt of one workflow on a branch. `conclusion` is None while it runs."""

    id: int
    workflow: str
    head_sha: str
    conclusion: str | None


@dataclass(frozen=True, slots=True)
class CiJob:
    """A job of a run that failed."""

    id: int
    run_id: int
    name: str


class CodeHost(Protocol):
    """GitHub, or what speaks like it.

    Every method raises `AgentError`: `auth`, `forbidden`, `not_found`, `rate_limited` (with the time at which to try
    again in its hint), `network`. What only reads is tried again where the failure may pass; what writes never is,
    unless it is known that nothing was written.
    """

    @abstractmethod
    def repo(self, slug: Slug) -> HostedRepo:
        """The repository, under its present name."""

    @abstractmethod
    def viewer(self) -> str | None:
        """Our own login; None where the token has none (an app's)."""

    @abstractmethod
    def open_pulls(self, slug: Slug, *, head: str = "") -> Sequence[PullRequest]:
        """The open pull requests, newest first; with `head`, those from that branch."""

    @abstractmethod
    def pull(self, slug: Slug, number: int) -> PullRequest:
        """One pull request."""

    @abstractmethod
    def open_pull(self, slug: Slug, new: NewPull) -> PullRequest:
        """Open a pull request, or find the open one of the same head and base: asking twice opens one."""

    @abstractmethod
    def review_comments(self, slug: Slug, number: int) -> Sequence[ReviewComment]:
        """The comments on lines, oldest first."""

    @abstractmethod
    def resolved_comments(self, slug: Slug, number: int) -> frozenset[int] | None:
        """The ids of comments whose thread is resolved; None where the host has no such thing to tell, or not to us.

        A failure that may pass (`network`, `rate_limited`) is raised like any other: what people are done with must not
        be done again because nobody said so this time.
        """

    @abstractmethod
    def remarks(self, slug: Slug, number: int) -> Sequence[Remark]:
        """The summaries of reviews that say something, then the conversation, each oldest first."""

    @abstractmethod
    def reply(self, slug: Slug, number: int, comment: int, body: str) -> None:
        """Answer in a thread, which is named by its first comment."""

    @abstractmethod
    def latest_runs(self, slug: Slug, branch: str) -> Sequence[CiRun]:
        """The newest attempt of each workflow on this branch, newest first; nothing of forks' branches of that name."""

    @abstractmethod
    def failed_jobs(self, slug: Slug, run: int) -> Sequence[CiJob]:
        """The jobs of a run that failed or timed out."""

    @abstractmethod
    def job_log(self, slug: Slug, job: int) -> str:
        """What a job printed: the first 64 KiB and the last 512 KiB. Asked for without our token: it is elsewhere."""
