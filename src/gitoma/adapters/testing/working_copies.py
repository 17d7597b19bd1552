"""For the agents that write: repositories in memory that keep commits and branches, and working copies of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import FileEntry, Head, Kind, WorkingCopy
from gitoma.domain.repos.names import Branch

Tree: TypeAlias = Mapping[str, tuple[Kind, bytes]]
"""Paths to what they are and hold, sorted by path."""

FIRST_BRANCH = "main"
"""The branch of the first commit of a repository that had none."""


def entries_of(tree: Tree) -> tuple[FileEntry, ...]:
    """The entries of a checkout of these files."""
    return tuple(
        FileEntry(path, kind, 0 if kind is Kind.SUBMODULE else len(content)) for path, (kind, content) in tree.items()
    )


def read_of(tree: Tree, path: str, limit: int) -> bytes | None:
    """What a checkout of these files reads."""
    kind, content = tree.get(path, (Kind.SUBMODULE, b""))
    return content if kind in (Kind.FILE, Kind.EXECUTABLE) and len(content) <= limit else None


@dataclass(frozen=True, slots=True)
class MemoryCommit:
    """One commit; its name follows from everything in it, as git's does."""

    tree: Tree
    message: str
    parent: MemoryCommit | None
    time: datetime
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        whole = repr((self.parent and self.parent.sha, self.message, sorted(self.tree.items()), self.time))
        object.__setattr__(self, "sha", hashlib.sha1(whole.encode(), usedforsecurity=False).hexdigest())

    def history(self) -> Iterator[MemoryCommit]:
        """This commit and those before it, the newest first."""
        commit: MemoryCommit | None = self
        while commit is not None:
            yield commit
            commit = commit.parent


class MemoryRemote:
    """A repository on a code host.

    Args:
        branches: Names to files; the first one is the default. Empty: there is no commit yet.
        time: When the first commits are made. Every later one is a second younger than the one made before it, so
            that doing the same again gives another commit, as with git.

    Attributes:
        branches: Names to the newest commits.
        refuse: What a push fails with, or None; nothing is pushed then.
        protected: Branches that take no push.
        pushes: The branches that were pushed to, in order.
    """

    def __init__(self, branches: Mapping[str, Tree], time: datetime) -> None:
        self.branches = {name: MemoryCommit(tree, name, None, time) for name, tree in branches.items()}
        self.default = next(iter(branches), FIRST_BRANCH)
        self.refuse: AgentError | None = None
        self.protected: set[str] = set()
        self.pushes: list[str] = []
        self._time = time

    def tick(self) -> datetime:
        """The time of the next commit."""
        self._time += timedelta(seconds=1)
        return self._time

    def advance(self, branch: str, tree: Tree, message: str = "somebody else's") -> MemoryCommit:
        """Somebody else pushes a commit with these files."""
        self.branches[branch] = MemoryCommit(tree, message, self.branches.get(branch), self.tick())
        return self.branches[branch]

    def opened(self, branch: str) -> MemoryWorkingCopy:
        """A working copy of a branch, which exists, or is the first of a repository without commits."""
        return MemoryWorkingCopy(self, branch)


class MemoryWorkingCopy(WorkingCopy):
    """A working copy of a `MemoryRemote`; made by its `opened`."""

    def __init__(self, remote: MemoryRemote, branch: str) -> None:
        self._remote = remote
        self._branch = branch
        self._newest = remote.branches.get(branch)

    @property
    def head(self) -> Head | None:
        """The newest commit."""
        return Head(self._newest.sha, self._branch, self._newest.time) if self._newest else None

    def entries(self) -> tuple[FileEntry, ...]:
        """Every path."""
        return entries_of(self._tree)

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's content."""
        return read_of(self._tree, path, limit)

    def commit(self, change: ChangeSet, message: str) -> str:
        """Add a commit."""
        tree = dict(self._tree)
        for file in change.files:
            _apply(tree, file)
        if any(_collide(file.path, path) for file in change.files if file.new is not None for path in tree):
            raise _refused("a path is in the way of another")
        if tree == self._tree:
            raise _refused("nothing would change")
        self._newest = MemoryCommit(dict(sorted(tree.items())), message, self._newest, self._remote.tick())
        return self._newest.sha

    def push(self, branch: Branch, *, expect: str | None) -> None:
        """Move a branch forward."""
        if self._newest is None:
            raise AgentError(Code.GIT_FAILED, "there is no commit to push")
        now = self.remote_sha(branch)
        if now == self._newest.sha:
            return
        if now is not None and expect is None:
            raise AgentError(Code.BRANCH_EXISTS, f"there is a branch {branch} already")
        if now != expect or (expect is not None and not self.contains(expect)):
            raise AgentError(Code.BRANCH_MOVED, f"the branch {branch} has moved meanwhile")
        if self._remote.refuse is not None:
            raise self._remote.refuse
        if branch.name in self._remote.protected:
            raise AgentError(Code.PROTECTED, f"the branch {branch} is protected")
        self._remote.branches[branch.name] = self._newest
        self._remote.pushes.append(branch.name)

    def remote_sha(self, branch: Branch) -> str | None:
        """Where a branch points to."""
        commit = self._remote.branches.get(branch.name)
        return commit.sha if commit else None

    def contains(self, sha: str) -> bool:
        """Whether the history has a commit; it goes back to the first one."""
        return self._newest is not None and any(commit.sha == sha for commit in self._newest.history())

    @property
    def _tree(self) -> Tree:
        return self._newest.tree if self._newest else {}


def _apply(tree: dict[str, tuple[Kind, bytes]], file: FileChange) -> None:
    kind, content = tree.get(file.path, (Kind.FILE, None))
    if content != (None if file.old is None else _encoded(file.old)) or kind in (Kind.LINK, Kind.SUBMODULE):
        raise _refused(f"{file.path!r} is not what it was")
    if file.new is None:
        tree.pop(file.path, None)
    elif _git_takes(file.path):
        tree[file.path] = kind, _encoded(file.new)
    else:
        raise _refused(f"{file.path!r} is no path that git takes")


def _collide(one: str, other: str) -> bool:
    """Whether one of two paths would have to be a folder of the other's."""
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


def _git_takes(path: str) -> bool:
    return "\0" not in path and not any(
        part in ("", ".", "..") or part.casefold() == ".git" for part in path.split("/")
    )


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _refused("there are characters that UTF-8 does not know") from None


def _refused(why: str) -> AgentError:
    return AgentError(Code.GIT_FAILED, f"the change cannot be committed: {why}")
