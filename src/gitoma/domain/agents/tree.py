"""The files of a checkout as the rules of editing see them: text, or the reason why a file is not edited."""

from __future__ import annotations

from functools import cached_property

from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.paths import folded, shown
from gitoma.domain.agents.ports import Checkout, FileEntry, Head, Kind

TEXT_MAX_BYTES = 256 * 1024
"""The largest file that is edited, in bytes: larger ones are data, or generated."""


class Tree:
    """The files of one commit. What was read once is kept.

    A working copy shows its newest commit: after each commit, another `Tree` must be made.

    Args:
        checkout: The files.

    Raises:
        AgentError: They cannot be had, or are too many.
    """

    def __init__(self, checkout: Checkout) -> None:
        entries = checkout.entries()
        self._checkout = checkout
        self._files = {entry.path: entry.size for entry in entries if entry.is_file and _is_utf8(entry.path)}
        self._paths = tuple(sorted(self._files))
        self._special = frozenset(entry.path for entry in entries if not entry.is_file)
        self._texts: dict[str, str | Refusal] = {}

    @property
    def checkout(self) -> Checkout:
        """The same files with their bytes, for who needs those."""
        return self._checkout

    @property
    def paths(self) -> tuple[str, ...]:
        """The regular files whose names are UTF-8, sorted."""
        return self._paths

    @property
    def special(self) -> frozenset[str]:
        """The symbolic links and submodules."""
        return self._special

    def __contains__(self, path: object) -> bool:
        return path in self._files

    def read(self, path: str) -> str | Refusal:
        """A regular file's text, exactly: with its byte order mark and its line ends.

        Returns:
            The text, or a refusal: `missing`, `too-large` (see `TEXT_MAX_BYTES`) or `not-text`.
        """
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def _read(self, path: str) -> str | Refusal:
        if path not in self._files:
            return Refusal("missing", f"There is no file {shown(path)}. Use a path of the repository.")
        content = None
        if self._files[path] <= TEXT_MAX_BYTES:
            content = self._checkout.read(path, TEXT_MAX_BYTES)
        if content is None:
            return Refusal(
                "too-large", f"{shown(path)} is larger than {TEXT_MAX_BYTES // 1024} KiB. Leave it as it is."
            )
        text = text_of(content)
        return text if text is not None else Refusal("not-text", f"{shown(path)} is no UTF-8 text. Leave it as it is.")

    def clash(self, path: str) -> str | None:
        """The file that a new one at `path` could not stand beside, on a file system that knows no case.

        One of this name, one in a folder of this name, or one where `path` needs a folder.
        """
        name = folded(path)
        parents = (name[:place] for place, character in enumerate(name) if character == "/")
        for taken in (*parents, name):
            if taken in self._by_folded:
                return self._by_folded[taken]
        return next((real for key, real in self._by_folded.items() if key.startswith(f"{name}/")), None)

    @cached_property
    def _by_folded(self) -> dict[str, str]:
        return {folded(path): path for path in reversed(self._paths)}

    def with_change(self, change: ChangeSet) -> Tree:
        """These files with a change laid over them; nothing is written."""
        return Tree(ChangedCheckout(self._checkout, change))


class ChangedCheckout(Checkout):
    """A checkout with a change laid over it: what it would be if the change were committed.

    Args:
        checkout: The files as they are.
        change: What is laid over them.
    """

    def __init__(self, checkout: Checkout, change: ChangeSet) -> None:
        self._checkout = checkout
        # Text that is none is passed on: it must be refused where it is read, and not fail here.
        self._news = {
            file.path: None if file.new is None else file.new.encode("utf-8", "surrogatepass") for file in change.files
        }

    @property
    def head(self) -> Head | None:
        """The commit beneath the change."""
        return self._checkout.head

    def entries(self) -> tuple[FileEntry, ...]:
        """See the port."""
        found = {entry.path: entry for entry in self._checkout.entries()}
        for path, content in self._news.items():
            if content is None:
                found.pop(path, None)
            else:
                kind = found[path].kind if path in found else Kind.FILE
                found[path] = FileEntry(path, kind, len(content))
        return tuple(found[path] for path in sorted(found))

    def read(self, path: str, limit: int) -> bytes | None:
        """See the port."""
        if path not in self._news:
            return self._checkout.read(path, limit)
        content = self._news[path]
        return content if content is not None and len(content) <= limit else None


def text_of(content: bytes) -> str | None:
    """Bytes as text, nothing converted; None if they are not UTF-8 or hold a NUL."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in path)
