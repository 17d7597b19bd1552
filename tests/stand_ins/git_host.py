"""A stand-in of a git host: bare repositories in a folder, which git takes for those of https://github.com/.

They are made and added to without a work tree, so a repository may hold what no file system would: any path, any mode.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

HOST = "https://github.com/"

_WHO = "Ada <ada@example.org>"
_BEGAN = 1_750_000_000  # seconds since the epoch; commits are an hour apart, so that histories are the same every time
_PROTECT = """#!/bin/sh
test "$1" != 'refs/heads/{branch}' && exit 0
echo "error: GH006: Protected branch update failed for $1." >&2
exit 1
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link, as a file of a commit."""

    target: str


Content = str | bytes | Link | None
"""What a path holds; None takes it away."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit. `message` is the whole of it; `author` is `Name <address>`."""

    sha: str
    author: str
    message: str

    @property
    def subject(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]


class BareRepo:
    """One bare repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def commit(self, files: Mapping[str, Content], *, branch: str = "main", message: str = "A change") -> str:
        """Add a commit with these files changed, on top of `branch`; its object name.

        A branch that does not exist begins where HEAD is, or with nothing in a repository without commits.
        """
        refs = self.branches()
        base = refs.get(branch) or refs.get(self.default_branch)
        stream = [f"commit refs/heads/{branch}", f"committer {_WHO} {_BEGAN + 3600 * self._count()} +0000"]
        stream += [f"data {len(message.encode())}", message]
        head = "\n".join([*stream, *([f"from {base}"] if base else [])]).encode() + b"\n"
        self._git("fast-import", "--quiet", given=head + b"".join(_entry(*item) for item in files.items()) + b"\n")
        return self.branches()[branch]

    def tag(self, name: str, branch: str = "main") -> None:
        """Give the commit that a branch points to another name."""
        self._git("tag", name, branch)

    def protect(self, branch: str) -> None:
        """Refuse every push to this branch, in GitHub's words."""
        hook = self.folder / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(_PROTECT.format(branch=branch))
        hook.chmod(0o755)

    @property
    def default_branch(self) -> str:
        """The branch that HEAD names."""
        return self._git("symbolic-ref", "--short", "HEAD").decode().strip()

    def branches(self) -> dict[str, str]:
        """Every branch, and the commit that it points to."""
        lines = self._git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads").decode()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines.splitlines())}

    def refs(self) -> dict[str, str]:
        """Every ref by its full name, not only the branches."""
        lines = self._git("for-each-ref", "--format=%(objectname) %(refname)").decode()
        return {name: sha for sha, name in (line.split(" ", 1) for line in lines.splitlines())}

    def sha(self, branch: str) -> str | None:
        """Where a branch points to; None if there is none."""
        return self.branches().get(branch)

    def log(self, branch: str = "main", *, since: str | None = None) -> list[Commit]:
        """The commits of a branch, oldest first; with `since`, those behind that commit."""
        span = f"{since}..{branch}" if since else branch
        text = self._git("log", "--reverse", "-z", "--format=%H%x00%an <%ae>%x00%B", span, "--").decode()
        fields = text.rstrip("\0").split("\0") if text else []
        return [Commit(*(field.strip() for field in fields[at : at + 3])) for at in range(0, len(fields), 3)]

    def files(self, branch: str = "main") -> dict[str, bytes]:
        """Every path of a branch, and what is in it; of a link, where it leads."""
        lines = self._git("ls-tree", "-r", "-z", branch).split(b"\0")[:-1]
        found = {}
        for line in lines:
            about, _, path = line.partition(b"\t")
            found[os.fsdecode(path)] = self._git("cat-file", "blob", about.split()[2].decode())
        return found

    def is_merged(self, sha: str, branch: str) -> bool:
        """Whether a branch has a commit."""
        return sha in {commit.sha for commit in self.log(branch)}

    def _count(self) -> int:
        return int(self._git("rev-list", "--all", "--count"))

    def _git(self, *arguments: str, given: bytes = b"") -> bytes:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        quiet = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=variables | quiet, input=given, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace')}")
        return done.stdout


def _entry(path: str, content: Content) -> bytes:
    quoted = b'"' + os.fsencode(path).replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
    if content is None:
        return b"D %b\n" % quoted
    mode = b"120000" if isinstance(content, Link) else b"100644"
    text = content.target if isinstance(content, Link) else content
    data = text.encode() if isinstance(text, str) else text
    return b"M %b inline %b\ndata %d\n%b\n" % (mode, quoted, len(data), data)


class GitHost:
    """Where the repositories are: in `folder`, or in one that is gone when the context ends."""

    def __init__(self, folder: Path | None = None) -> None:
        self._temporary = None if folder else TemporaryDirectory(prefix="git-host-")
        self._folder = folder or Path(self._temporary.name if self._temporary else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def url(self) -> str:
        """What stands in place of `https://github.com/`."""
        return f"{self._folder.resolve().as_uri()}/"

    def create(self, slug: str, files: Mapping[str, Content] | None = None, *, branch: str = "main") -> BareRepo:
        """A new repository `owner/name`, with one commit of these files; without files it has none."""
        repo = BareRepo(self._path(slug))
        repo.folder.mkdir(parents=True)
        repo._git("init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", ".")
        if files is not None:
            repo.commit(files, branch=branch, message="The beginning")
        return repo

    def repo(self, slug: str) -> BareRepo | None:
        """The repository `owner/name`, if there is one."""
        path = self._path(slug)
        return BareRepo(path) if path.is_dir() else None

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name; nothing is left under the old one."""
        self._path(new).parent.mkdir(parents=True, exist_ok=True)
        self._path(old).rename(self._path(new))

    def environment(self, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """`variables`, or our own environment, with git told to look here for what it would get from github.com."""
        found = dict(os.environ if variables is None else variables)
        count = int(found.get("GIT_CONFIG_COUNT", "0"))
        found["GIT_CONFIG_COUNT"] = str(count + 1)
        found[f"GIT_CONFIG_KEY_{count}"] = f"url.{self.url}.insteadOf"
        found[f"GIT_CONFIG_VALUE_{count}"] = HOST
        return found

    def _path(self, slug: str) -> Path:
        return self._folder / f"{slug}.git"
