"""A repository as the checks see it: paths, bounded reads, two points in time. Nothing in it runs or changes anything.

What is true of a snapshot does not depend on the order in which its entries were handed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any

from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.ports import FileEntry, UnreadableDocument, YamlReader

READ_LIMIT = 400 * 1024
"""The largest file whose content is looked at, in bytes: larger ones are data, or generated."""

YAML_LIMIT = 256 * 1024
"""The largest YAML file that is parsed, in bytes: parsing it takes a second at most."""

Read = Callable[[str, int], bytes | None]
"""`Checkout.read`: path and limit to the content, or None."""

_VENDORED = words(
    "node_modules vendor vendored third_party thirdparty third-party bower_components site-packages .venv venv"
)
_COMMUNITY_FOLDERS = ("", ".github", "docs")


class Snapshot:
    """The files of one commit.

    Args:
        entries: Every path of the commit's tree, in any order.
        read: Gives a regular file's content; called only for paths among `entries`.
        yaml: Reads YAML.
        committed: When the commit was made, aware UTC; None where there is no commit.
        now: The present, aware UTC.
    """

    def __init__(
        self, entries: Iterable[FileEntry], read: Read, yaml: YamlReader, committed: datetime | None, now: datetime
    ) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.path))
        self.committed = committed
        self.now = now
        self._read = read
        self._yaml = yaml
        self._documents: dict[str, Any] = {}  # several checks ask for the same workflows

    @cached_property
    def files(self) -> tuple[FileEntry, ...]:
        """The regular files, sorted by path: neither links nor submodules."""
        return tuple(entry for entry in self.entries if entry.is_file)

    @cached_property
    def own_files(self) -> tuple[FileEntry, ...]:
        """The regular files outside folders of other people's code (`vendor`, `node_modules`, …)."""
        return tuple(entry for entry in self.files if not is_vendored(entry.path))

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {entry.path: entry.size for entry in self.files}

    @cached_property
    def _by_folded_path(self) -> dict[str, str]:
        # Reversed, so that of two paths that differ in case only the first in order is found.
        return {entry.path.casefold(): entry.path for entry in reversed(self.files)}

    def find(self, *paths: str) -> str | None:
        """The path of the first of these regular files that exists and is not empty, without regard to case."""
        for path in paths:
            found = self._by_folded_path.get(path.casefold())
            if found is not None and self._sizes[found]:
                return found
        return None

    def matching(self, pattern: re.Pattern[str]) -> Iterator[str]:
        """The paths of regular files, not empty, that match `pattern` whole; in order."""
        return (entry.path for entry in self.files if entry.size and pattern.fullmatch(entry.path))

    def community(self, name: re.Pattern[str]) -> str | None:
        """A community file whose name matches whole: in the root, in `.github/` or in `docs/`, in that order.

        Empty files do not count.
        """
        for path, file_name in self._community_files:
            if name.fullmatch(file_name):
                return path
        return None

    @cached_property
    def _community_files(self) -> tuple[tuple[str, str], ...]:
        """Path and name of what lies in the community folders, in the order of these folders."""
        found: dict[str, list[tuple[str, str]]] = {folder: [] for folder in _COMMUNITY_FOLDERS}
        for entry in self.files:
            folder, _, name = entry.path.rpartition("/")
            if entry.size and folder.casefold() in found:
                found[folder.casefold()].append((entry.path, name))
        return tuple(pair for pairs in found.values() for pair in pairs)

    def content(self, path: str, limit: int = READ_LIMIT) -> bytes | None:
        """A regular file's bytes, or None: absent, no regular file, or larger than `limit`."""
        size = self._sizes.get(path)
        return None if size is None or size > limit else self._read(path, limit)

    def text(self, path: str) -> str | None:
        """A regular file's text, undecodable bytes replaced; None if absent, too large, or binary."""
        content = self.content(path)
        if content is None or is_binary(content):
            return None
        return content.decode("utf-8-sig", "replace")

    def yaml(self, path: str) -> Any:
        """A file's first YAML document; None if it is absent, too large, or does not parse."""
        if path not in self._documents:
            self._documents[path] = self._parsed(self.content(path, YAML_LIMIT))
        return self._documents[path]

    def _parsed(self, content: bytes | None) -> Any:
        if content is None:
            return None
        try:
            return self._yaml.read(content.decode("utf-8-sig", "replace"))
        except UnreadableDocument:
            return None

    def check_yaml(self, text: str) -> None:
        """Read every document of `text` and keep nothing.

        Raises:
            UnreadableDocument: It is no YAML.
        """
        self._yaml.check(text)


def folders(path: str) -> list[str]:
    """The folders that a path goes through, casefolded, outermost first."""
    return path.casefold().split("/")[:-1]


def is_vendored(path: str) -> bool:
    """Whether a file lies in a folder of other people's code (`vendor`, `node_modules`, …)."""
    return not _VENDORED.isdisjoint(folders(path))


def is_binary(content: bytes) -> bool:
    """Content that git would call binary: a NUL among its first 8,000 bytes."""
    return b"\0" in content[:8000]
