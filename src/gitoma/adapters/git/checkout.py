"""One commit, read object by object: no work tree, so no filter, no link and no file name of it is ever followed."""

from __future__ import annotations

import os
import re
import select
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gitoma.adapters.git import process
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Checkout, FileEntry, Head, Kind

ENTRIES_MAX = 50_000
"""How many files an agent looks at: a repository with more is not one that it could judge in its time."""

_LISTING_MAX = 32 * 1024 * 1024  # 600 bytes for each of them; a tree that lists itself ten times over has no end
_COMMIT_MAX = 1024 * 1024
_PATIENCE_S = 60.0  # for one object, of at most a few hundred KiB
_COMMITTER = re.compile(rb"^committer .*> (-?\d{1,20}) [+-]\d{4}$", re.M)
_PARTIAL = "it is a partial clone: clone it whole, because nothing is fetched from here"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # of the year 9999, the last one there is


@dataclass(frozen=True, slots=True)
class _Object:
    entry: FileEntry
    name: str


class GitCheckout(Checkout):
    """The commit that HEAD names, in a folder that git takes for (part of) a repository. Made by `opened`."""

    def __init__(self, folder: Path, variables: Mapping[str, str], batch: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._variables = variables
        self._batch = batch
        self._held = bytearray()
        self._head = self._find_head()
        self._objects: dict[str, _Object] | None = None

    @property
    def head(self) -> Head | None:
        """See the port."""
        return self._head

    def entries(self) -> tuple[FileEntry, ...]:
        """See the port."""
        return tuple(found.entry for found in self._listed().values())

    def read(self, path: str, limit: int) -> bytes | None:
        """See the port."""
        found = self._listed().get(path)
        if found is None or not found.entry.is_file or found.entry.size > limit:
            return None
        return self._content(found)

    def _git(self, *arguments: str, output_limit: int = _COMMIT_MAX) -> process.Completed:
        return process.run(arguments, folder=self._folder, variables=self._variables, output_limit=output_limit)

    def _find_head(self) -> Head | None:
        found = self._git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if found.code != 0:
            return None
        sha = found.output.decode("ascii", "replace").strip()
        branch = self._git("symbolic-ref", "--quiet", "--short", "HEAD")  # fails where no branch is checked out
        name = branch.output.decode("utf-8", "replace").strip() if branch.code == 0 else ""
        return Head(sha, name, self._time_of(sha))

    def _time_of(self, sha: str) -> datetime:
        # Not `git log`, which a repository can tell to run a program that checks signatures.
        commit = self._git("cat-file", "commit", sha)
        match = _COMMITTER.search(commit.output.partition(b"\n\n")[0])
        if commit.code != 0 or match is None:
            raise AgentError(Code.GIT_FAILED, f"the commit {sha[:7]} cannot be read")
        return _EPOCH + timedelta(seconds=min(max(0, int(match[1])), _LAST_SECOND))

    def _listed(self) -> dict[str, _Object]:
        if self._objects is None:
            self._objects = {found.entry.path: found for found in self._list()} if self._head else {}
        return self._objects

    def _list(self) -> list[_Object]:
        assert self._head is not None
        arguments = ("ls-tree", "-r", "-l", "-z", "--full-tree", self._head.sha)
        listing = self._git(*arguments, output_limit=_LISTING_MAX)
        if listing.cut or listing.output.count(b"\0") > ENTRIES_MAX:
            raise AgentError(Code.TOO_LARGE, f"the repository has more than {ENTRIES_MAX} files")
        if listing.code != 0:
            hint = _PARTIAL if "promisor" in listing.errors else ""
            raise AgentError(Code.GIT_FAILED, "the files of the commit cannot be listed", hint=hint)
        found = [_object(record) for record in listing.output.split(b"\0")[:-1]]
        return sorted(found, key=lambda each: each.entry.path)

    def _content(self, found: _Object) -> bytes:
        assert self._batch.stdin is not None
        try:
            self._batch.stdin.write(f"{found.name}\n".encode("ascii"))
        except BrokenPipeError as error:  # not ours: the pipe to git, which has died
            raise AgentError(Code.GIT_FAILED, "git ended while a file was read") from error
        head = self._take(lambda held: held.find(b"\n") + 1).split()
        if len(head) != 3 or head[1] != b"blob":
            raise AgentError(Code.GIT_FAILED, "an object of the repository is missing", hint="fetch it, or clone anew")
        size = int(head[2])
        return self._take(lambda held: size + 1 if len(held) > size else 0)[:-1]

    def _take(self, enough: Callable[[bytearray], int]) -> bytes:
        """So many bytes of git's answer as `enough` says when it has seen enough of it."""
        assert self._batch.stdout is not None
        pipe = self._batch.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while not (count := enough(self._held)):
            chunk = os.read(pipe, 1 << 20) if poll.poll(_PATIENCE_S * 1000) else b""
            if not chunk:
                raise AgentError(Code.GIT_FAILED, "git ended, or did not answer, while a file was read")
            self._held += chunk
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken


@contextmanager
def opened(folder: Path, variables: Mapping[str, str]) -> Iterator[GitCheckout]:
    """The checkout that `folder` is in. Git must have been asked already whether it is one.

    Raises:
        AgentError: Git cannot be started, or the commit cannot be read.
    """
    arguments = ("cat-file", "--batch")
    with process.started(arguments, folder=folder, variables=variables, stdin=subprocess.PIPE) as batch:
        yield GitCheckout(folder, variables, batch)


def _object(record: bytes) -> _Object:
    """One record of `ls-tree -l -z`: mode, type, name, size, a tab, the path."""
    about, _, path = record.partition(b"\t")
    mode, _, name, size = about.decode("ascii", "replace").split()
    kind = _KINDS.get(mode, Kind.FILE)  # git has written files with other modes, long ago
    if kind is not Kind.SUBMODULE and not size.isdigit():
        raise AgentError(Code.GIT_FAILED, "objects of the repository are missing", hint=_PARTIAL)
    return _Object(FileEntry(path.decode("utf-8", "surrogateescape"), kind, int(size) if size.isdigit() else 0), name)


_KINDS = {kind.value: kind for kind in Kind}
