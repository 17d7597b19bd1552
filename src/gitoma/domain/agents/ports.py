"""What the agents need from the outside.

An agent is a straight-line program: its ports are synchronous, and what cannot be done is an `AgentError`.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from gitoma.domain.agents.changes import ChangeSet
from gitoma.domain.agents.progress import Event
from gitoma.domain.repos.names import Branch, RepoUrl, Slug
from gitoma.domain.repos.state import RepoState


class Kind(Enum):
    """What an entry of a commit's tree is, by git's own modes."""

    FILE = "100644"
    EXECUTABLE = "100755"
    LINK = "120000"
    SUBMODULE = "160000"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One path of a commit's tree.

    Attributes:
        path: Relative, parts joined by `/`. Bytes that are no UTF-8 are held as lone surrogates.
        kind: A file, or something that must never be opened like one.
        size: Bytes; 0 for a submodule.
    """

    path: str
    kind: Kind
    size: int

    @property
    def is_file(self) -> bool:
        """A regular file, executable or not."""
        return self.kind in (Kind.FILE, Kind.EXECUTABLE)


@dataclass(frozen=True, slots=True)
class Head:
    """The commit that a checkout stands on.

    Attributes:
        sha: Its full object name, hexadecimal.
        branch: The branch's name, or "" when none is checked out.
        time: When it was committed: aware, UTC. It is what the commit says, so it may be in the future.
    """

    sha: str
    branch: str
    time: datetime


class Checkout(Protocol):
    """The files of one commit. They do not change while it is open."""

    @property
    @abstractmethod
    def head(self) -> Head | None:
        """The commit, or None where the repository has none yet; then there are no entries either."""

    @abstractmethod
    def entries(self) -> tuple[FileEntry, ...]:
        """Every path, sorted by path, each once.

        Raises:
            AgentError: There are more than an agent looks at (`too_large`).
        """

    @abstractmethod
    def read(self, path: str, limit: int) -> bytes | None:
        """The content of the regular file at `path` as it is in the commit, without any conversion.

        None if there is no such path, if it is no regular file (a link is not followed), or if it has more than
        `limit` bytes.
        """


class WorkingCopy(Checkout, Protocol):
    """A clone that commits can be added to, and pushed from.

    There is no work tree: a change goes from the value straight into a commit, so no path of a repository is ever
    opened on this machine. `head`, `entries` and `read` show the newest commit.
    """

    @abstractmethod
    def commit(self, change: ChangeSet, message: str) -> str:
        """Add a commit with this change on top of the newest one, and return its object name.

        Files keep their mode; new ones are ordinary files. Text is written as UTF-8, without any conversion. Nothing is
        pushed.

        Raises:
            AgentError: `git_failed`: a file is not what the change says that it was, nothing would change, a path is
                none that git takes or is in the way of another, or git refused. Then nothing has changed.
        """

    @abstractmethod
    def push(self, branch: Branch, *, expect: str | None) -> None:
        """Make `branch` on the host point to the newest commit. Never forces; once it is done, doing it again is fine.

        Args:
            branch: The branch.
            expect: Where it must point to now, which the newest commit comes after; None: it must not exist.

        Raises:
            AgentError: `branch_moved`, `branch_exists`, `protected`, `auth`, `forbidden`, `not_found`, `rate_limited`,
                `network`, `git_failed`. Then the branch does not point to the newest commit, or, after `network` alone,
                it is not known whether it does.
        """

    @abstractmethod
    def remote_sha(self, branch: Branch) -> str | None:
        """Where the branch on the host points to now; None if there is none.

        Raises:
            AgentError: `auth`, `forbidden`, `not_found`, `rate_limited`, `network`, `git_failed`.
        """

    @abstractmethod
    def contains(self, sha: str) -> bool:
        """Whether the newest commit is `sha` or comes after it, as far as this clone's history goes."""


class VersionControl(Protocol):
    """Gets hold of a repository's files."""

    @abstractmethod
    def clone(self, repo: RepoUrl, branch: Branch | None = None) -> AbstractContextManager[Checkout]:
        """A copy of the newest commit of `branch`, or of the default branch, that is gone when the context ends.

        Raises:
            AgentError: On entering: `not_found`, `auth`, `forbidden`, `rate_limited`, `network`, `too_large`,
                `git_failed`, or `config` when there is no git.
        """

    @abstractmethod
    def working_copy(self, repo: RepoUrl, branch: Branch | None = None) -> AbstractContextManager[WorkingCopy]:
        """As `clone`, for whoever wants to commit and push.

        It reaches back far enough to contain the commits that an agent made lately. Of a repository without any commit,
        the first one has no parent.
        """

    @abstractmethod
    def local(self, folder: str) -> AbstractContextManager[Checkout]:
        """The current commit of the checkout that `folder` is in, wherever inside it. Nothing of it is changed.

        Raises:
            AgentError: On entering: `usage` when it is in no checkout or git does not trust it, `git_failed`, or
                `config` when there is no git.
        """


class RunStates(Protocol):
    """The state that agents write down of each repository, and the lock that makes one writer of it."""

    @abstractmethod
    def hold(self, slug: Slug, *, wait: bool) -> AbstractContextManager[HeldState]:
        """Be the only one who works on this repository, in all processes of this machine, until the context ends.

        The operating system lets go of it when the process dies, however it dies.

        Args:
            slug: The repository.
            wait: Wait until it is free. Who holds it is said through `Progress`, once.

        Raises:
            AgentError: On entering: `repo_busy`, naming the holder's process, if it is taken and `wait` is false.
                `config` if nothing can be locked there.
        """

    @abstractmethod
    def peek(self, slug: Slug) -> RepoState | None:
        """The state as it is now, whoever holds it; None where there is none, or none that can be read."""


class HeldState(Protocol):
    """The state of the repository that is held. While it is held, its heartbeat is kept fresh."""

    @abstractmethod
    def load(self) -> RepoState | None:
        """The state; None where there is none. An unreadable one is moved aside, and that is said in the progress."""

    @abstractmethod
    def save(self, state: RepoState) -> None:
        """Keep it, atomically, with our process id, the time, and a heartbeat of now.

        A home that takes nothing stops no work: that is said once in the progress.
        """


class YamlReader(Protocol):
    """Reads YAML that nobody vouches for."""

    @abstractmethod
    def read(self, text: str) -> object:
        """The first document as `dict`, `list` and `str`; every scalar is a `str`, an absent value is "".

        YAML's own typing is left out because it differs from what people mean (`on` would be a boolean, `3.10` the
        number 3.1). What comes back is a tree of bounded size: no value that contains itself, no expansion of
        aliases beyond a limit.

        Raises:
            UnreadableDocument: It is no YAML, or beyond the limits.
        """

    @abstractmethod
    def check(self, text: str) -> None:
        """Read every document and keep nothing.

        Raises:
            UnreadableDocument: One of them is no YAML, or beyond the limits.
        """


class UnreadableDocument(ValueError):
    """A document that does not parse, or is larger or more nested than what is read. The message is one line."""


class Progress(Protocol):
    """Tells whoever follows the agent what it does."""

    @abstractmethod
    def emit(self, event: Event) -> None:
        """Show one event, now."""


class ArtifactStore(Protocol):
    """Keeps what an agent found out, for people to read later."""

    @abstractmethod
    def keep(self, key: str, name: str, text: str) -> str:
        """Keep `text` as `name` under `key`, in place of what was there; return where, in words.

        Args:
            key: A repository's file stem, or another name that is a safe name of a folder.
            name: A safe name of a file.
            text: What to keep.

        Raises:
            ArtifactNotKept: It could not be.
        """


class ArtifactNotKept(OSError):
    """The place for artifacts cannot be written; the message says why, in one line."""
