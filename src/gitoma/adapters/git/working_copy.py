"""Commits made from values: objects are written, an index of our own is filled, and no work tree is ever checked out.

So no path of the repository is opened on this machine, no filter runs over a file, and nothing that a change does not
name can get into a commit.
"""

from __future__ import annotations

import re
import subprocess
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gitoma.adapters.git import process
from gitoma.adapters.git.checkout import GitCheckout
from gitoma.adapters.git.failures import last_lines
from gitoma.adapters.git.remote import Remote
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Kind, WorkingCopy
from gitoma.domain.repos.names import Branch

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a commit."""

    name: str
    email: str

    def variables(self) -> dict[str, str]:
        """The variables that tell git. It takes the time from the machine's clock."""
        roles = ("AUTHOR", "COMMITTER")
        return {
            f"GIT_{role}_{what}": text for role in roles for what, text in (("NAME", self.name), ("EMAIL", self.email))
        }


class GitWorkingCopy(GitCheckout, WorkingCopy):
    """A clone of ours without a work tree. Made by `opened_for_writing`."""

    def __init__(
        self,
        folder: Path,
        variables: Mapping[str, str],
        batch: subprocess.Popen[bytes],
        remote: Remote,
    ) -> None:
        super().__init__(folder, variables, batch)
        self._remote = remote
        self._indexed = {**variables, "GIT_INDEX_FILE": str(folder / ".git" / "gitoma-index")}

    def commit(self, change: ChangeSet, message: str) -> str:
        """See the port."""
        self._check(change)
        tree = self._tree(change)
        if tree == self._tree_now():
            raise _refused("nothing would change")
        sha = self._commit_tree(tree, message)
        self._plumb("update-ref", "HEAD", sha, self._head.sha if self._head else "")  # "": there must be none yet
        self._head = self._find_head()
        self._objects = None
        return sha

    def push(self, branch: Branch, *, expect: str | None) -> None:
        """See the port."""
        if self._head is None:
            raise AgentError(Code.GIT_FAILED, "there is no commit to push")
        now = self._remote.sha(branch)
        if now == self._head.sha:
            return
        if now != expect:
            raise self._remote.moved(branch, is_new=expect is None)
        # From here on the push can only be a fast forward; see `Remote.push`, which relies on it.
        if expect is not None and not self.contains(expect):
            raise AgentError(
                Code.BRANCH_MOVED,
                f"the new commit does not come after what {branch} points to",
                hint="start again from the branch as it is",
            )
        self._remote.push(self._head.sha, branch, expect)

    def remote_sha(self, branch: Branch) -> str | None:
        """See the port."""
        return self._remote.sha(branch)

    def contains(self, sha: str) -> bool:
        """See the port."""
        if self._head is None or not _SHA.fullmatch(sha):
            return False
        return self._git("merge-base", "--is-ancestor", sha, self._head.sha).code == 0  # an unknown commit is an error

    def _check(self, change: ChangeSet) -> None:
        """Refuse a change that was made for other files than there are.

        Whether a name is free must be asked here: `update-index --index-info` would take a file away to make room for
        a folder of its name.
        """
        for file in change.files:
            self._check_old(file)
        gone = {file.path for file in change.files if file.new is None}
        made = {file.path for file in change.files if file.new is not None}
        paths = (self._listed().keys() - gone) | made
        if clash := clashing(paths, made):
            raise _refused(f"{clash[0]!r} is in the way of another path")

    def _check_old(self, file: FileChange) -> None:
        found = self._listed().get(file.path)
        if file.old is None and found is None and "\0" not in file.path:  # which would begin another record
            return
        old = None if file.old is None else _encoded(file.old, file.path)
        if found is None or old is None or not found.entry.is_file or found.entry.size != len(old):
            raise _refused(f"{file.path!r} is not what it was")
        if self._content(found) != old:
            raise _refused(f"{file.path!r} is not what it was")

    def _tree(self, change: ChangeSet) -> str:
        """The tree of the newest commit with the change in it."""
        # What goes goes first: a folder may come in its place.
        files = sorted(change.files, key=lambda file: file.new is not None)
        records = b"".join(self._record(file) for file in files)
        self._plumb("read-tree", self._head.sha if self._head else "--empty")
        self._plumb("update-index", "-z", "--index-info", given=records)
        return self._plumb("write-tree")

    def _record(self, file: FileChange) -> bytes:
        mode, name = "0", "0" * len(self._head.sha if self._head else "")  # which says that the path goes
        if file.new is not None:
            known = self._listed().get(file.path)
            mode = (known.entry.kind if known else Kind.FILE).value
            name = self._plumb("hash-object", "-w", "--no-filters", "--stdin", given=_encoded(file.new, file.path))
        return f"{mode} {name}\t".encode() + _encoded(file.path, file.path, "surrogateescape") + b"\0"

    def _tree_now(self) -> str:
        return self._plumb("rev-parse", f"{self._head.sha}^{{tree}}") if self._head else ""

    def _commit_tree(self, tree: str, message: str) -> str:
        parents = ("-p", self._head.sha) if self._head else ()
        text = message.rstrip("\n").encode("utf-8", "replace") + b"\n"
        return self._plumb("commit-tree", tree, *parents, given=text)

    def _plumb(self, *arguments: str, given: bytes = b"") -> str:
        """One command of git's, on our own index; what it prints, if anything, is one name."""
        ended = process.run(arguments, folder=self._folder, variables=self._indexed, given=given)
        if ended.code != 0:
            raise _refused(f"git {arguments[0]} failed", details=last_lines(ended.errors, str))
        return ended.output.decode("ascii", "replace").strip()


@contextmanager
def opened_for_writing(folder: Path, variables: Mapping[str, str], remote: Remote) -> Iterator[GitWorkingCopy]:
    """The clone in `folder`.

    Args:
        folder: A clone of ours, without a work tree.
        variables: For commands that need no network; they say who commits.
        remote: Where it was cloned from.

    Raises:
        AgentError: Git cannot be started, or the commit cannot be read.
    """
    with process.started(("cat-file", "--batch"), folder=folder, variables=variables, stdin=subprocess.PIPE) as batch:
        yield GitWorkingCopy(folder, variables, batch, remote)


def clashing(paths: Set[str], made: Set[str]) -> list[str]:
    """Those of `made` that are a folder of one of `paths`, or in a folder that is one of them.

    Of the paths, whose number and depth are anybody's choice, no folders are listed: those of a few thousand deep ones
    fill the memory.
    """
    rising = sorted(paths)

    def is_folder(path: str) -> bool:
        first = bisect_left(rising, f"{path}/")  # what begins with it stands together, from here on
        return first < len(rising) and rising[first].startswith(f"{path}/")

    return sorted(path for path in made if is_folder(path) or not paths.isdisjoint(_folders(path)))


def _folders(path: str) -> list[str]:
    """Every folder that a path is in."""
    return [path[: mark.start()] for mark in re.finditer("/", path)]


def _encoded(text: str, path: str, errors: str = "strict") -> bytes:
    try:
        return text.encode("utf-8", errors)
    except UnicodeEncodeError:
        raise _refused(f"{path!r} has characters that UTF-8 does not know") from None


def _refused(why: str, details: tuple[str, ...] = ()) -> AgentError:
    return AgentError(Code.GIT_FAILED, f"the change cannot be committed: {why}", details=details)
