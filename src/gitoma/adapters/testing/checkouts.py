"""For the agents: checkouts and version control in memory, what collects progress and artifacts, and strategies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from hypothesis import strategies as st

from gitoma.adapters.testing.working_copies import MemoryRemote, MemoryWorkingCopy, Tree, entries_of, read_of
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.ports import (
    ArtifactNotKept,
    ArtifactStore,
    Checkout,
    FileEntry,
    Head,
    Kind,
    Progress,
    VersionControl,
    WorkingCopy,
    YamlReader,
)
from gitoma.domain.agents.progress import Event, line_of
from gitoma.domain.repos.names import Branch, RepoUrl, Slug

Files = Mapping[str, bytes | tuple[Kind, bytes]]
"""Paths to contents; a pair says what the path is when it is no plain file. A link's content is its target."""

A_TIME = datetime(2030, 1, 1, tzinfo=UTC)
A_HEAD = Head("0123456789abcdef0123456789abcdef01234567", "main", A_TIME)


class MemoryCheckout(Checkout):
    """Files in memory.

    Args:
        files: What is in it.
        head: Its commit; None for a repository without any, which then has no files.
    """

    def __init__(self, files: Files, head: Head | None = A_HEAD) -> None:
        self._tree = _tree(files) if head else {}
        self._head = head

    @property
    def head(self) -> Head | None:
        """The commit."""
        return self._head

    def entries(self) -> tuple[FileEntry, ...]:
        """Every path."""
        return entries_of(self._tree)

    def read(self, path: str, limit: int) -> bytes | None:
        """A regular file's content."""
        return read_of(self._tree, path, limit)


def _tree(files: Files) -> Tree:
    return {path: _kind_and_content(files[path]) for path in sorted(files)}


def _kind_and_content(value: bytes | tuple[Kind, bytes]) -> tuple[Kind, bytes]:
    return (Kind.FILE, value) if isinstance(value, bytes) else value


class MemoryVersionControl(VersionControl):
    """Repositories in memory. What one working copy pushes, the next one finds.

    Args:
        repos: Slug and branch to files; a slug's first branch is its default, None is a repository without commits.
        folders: Folders on this machine to the files of the checkouts that they are in.

    Attributes:
        remotes: The repositories as they are now.
        open: How many clones and working copies there are at this moment.
    """

    def __init__(
        self, repos: Mapping[Slug, Mapping[str, Files] | None], folders: Mapping[str, Files] | None = None
    ) -> None:
        self.remotes = {
            slug: MemoryRemote({name: _tree(files) for name, files in (branches or {}).items()}, A_TIME)
            for slug, branches in repos.items()
        }
        self._folders = folders or {}
        self.open = 0

    @contextmanager
    def clone(self, repo: RepoUrl, branch: Branch | None = None) -> Iterator[Checkout]:
        """A checkout of one of the repositories."""
        with self.working_copy(repo, branch) as copy:
            yield copy

    @contextmanager
    def working_copy(self, repo: RepoUrl, branch: Branch | None = None) -> Iterator[WorkingCopy]:
        """A working copy of one of the repositories."""
        copy = self._copy(repo.slug, branch)
        self.open += 1
        try:
            yield copy
        finally:
            self.open -= 1

    def _copy(self, slug: Slug, branch: Branch | None) -> MemoryWorkingCopy:
        remote = self.remotes.get(slug)
        if remote is None:
            raise AgentError(Code.NOT_FOUND, f"{slug} was not found")
        if branch is not None and branch.name not in remote.branches:
            raise AgentError(Code.NOT_FOUND, f"{slug} has no such branch")
        return remote.opened(branch.name if branch else remote.default)

    @contextmanager
    def local(self, folder: str) -> Iterator[Checkout]:
        """The checkout that a folder is in."""
        if folder not in self._folders:
            raise AgentError(Code.USAGE, "this folder is in no git checkout")
        yield MemoryCheckout(self._folders[folder])


class CollectedProgress(Progress):
    """Keeps the events, and the lines that show them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        """Keep it."""
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """As they would be printed."""
        return [line_of(event) for event in self.events]


class MemoryArtifacts(ArtifactStore):
    """Keeps artifacts in memory; after `refuse`, none.

    Args:
        refuse: Why nothing can be kept, or None.
    """

    def __init__(self, refuse: str | None = None) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self._refuse = refuse

    def keep(self, key: str, name: str, text: str) -> str:
        """Keep it."""
        if self._refuse is not None:
            raise ArtifactNotKept(self._refuse)
        self.kept[key, name] = text
        return f"{key}/{name}"


def snapshot(files: Files, yaml: YamlReader, now: datetime = A_TIME) -> Snapshot:
    """A snapshot of files in memory, committed at `A_TIME`."""
    checkout = MemoryCheckout(files)
    return Snapshot(checkout.entries(), checkout.read, yaml, A_TIME, now)


_NAMES = words(
    "README.md LICENSE SECURITY.md pyproject.toml package.json Cargo.toml go.mod setup.cfg setup.py .gitignore .env "
    "Dockerfile Jenkinsfile main.py test_main.py lib.rs index.ts tool.exe tool.so notes.txt data.json ci.yml "
    ".travis.yml CHANGELOG CONTRIBUTING.rst"
)
_FOLDERS = words("src tests docs .github workflows ISSUE_TEMPLATE vendor node_modules {{x}}")


def paths() -> st.SearchStrategy[str]:
    """Paths as repositories have them: names that checks look for, in places where they look, and others."""
    names = st.sampled_from(sorted(_NAMES)) | st.text("ab._- é\n", min_size=1, max_size=8)
    folders = st.lists(st.sampled_from(sorted(_FOLDERS)), max_size=3)
    anywhere = st.builds(lambda through, name: "/".join([*through, name]), folders, names)
    return anywhere | st.just(".github/workflows/ci.yml") | st.just(".github/dependabot.yml")


_PIECES = (
    *(
        "on: push\n",
        "jobs:\n  a:\n    steps:\n",
        "    - run: pytest\n",
        "    - uses: a/b@v1\n",
        "permissions: write-all\n",
    ),
    *("${{ github.event.issue.title }}", "${{", "}}", "FROM x AS y\n", "[project]\n", "name = 'x'\n", '{"name": 1}'),
    *("def f(:\n", "#[test]\n", "# Install\n", "```\n", "&a [*a]", "- ", "\n", "\0", "\x1b[31m"),
    "-----BEGIN PRIVATE KEY-----",
)


def contents() -> st.SearchStrategy[bytes]:
    """Bytes of files: any, and text that checks take apart."""
    return st.binary(max_size=80) | st.lists(st.sampled_from(_PIECES), max_size=12).map(
        lambda pieces: "".join(pieces).encode()
    )


def trees(max_size: int = 12) -> st.SearchStrategy[dict[str, bytes | tuple[Kind, bytes]]]:
    """Files as `MemoryCheckout` takes them, of every kind."""
    values: st.SearchStrategy[bytes | tuple[Kind, bytes]] = contents() | st.tuples(st.sampled_from(Kind), contents())
    return st.dictionaries(paths(), values, max_size=max_size)


def ordered(files: Files, order: Sequence[str]) -> dict[str, bytes | tuple[Kind, bytes]]:
    """The same files, inserted in another order."""
    return {path: files[path] for path in order}
