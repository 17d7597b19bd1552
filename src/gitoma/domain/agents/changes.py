"""A change to files, as a value: what was, what is to be. Nothing is written by making one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's part of a change.

    Attributes:
        path: Relative, parts joined by `/`; already judged by `paths`.
        old: The text that was there; None for a file that is new.
        new: The text that is to be there; None for a file that goes.
    """

    path: str
    old: str | None
    new: str | None

    def diff(self) -> Iterator[str]:
        """The unified diff, line by line, without line ends."""
        before, after = _lines(self.old or ""), _lines(self.new or "")
        old_name = "/dev/null" if self.old is None else f"a/{self.path}"
        new_name = "/dev/null" if self.new is None else f"b/{self.path}"
        for line in difflib.unified_diff(before, after, old_name, new_name, lineterm=""):
            yield from line.split("\n")


def _lines(text: str) -> list[str]:
    """The lines as a diff shows them: a last one without a line end is not the one that has it."""
    lines = text.splitlines()
    if lines and not text.endswith(("\n", "\r")):
        lines[-1] += "\n\\ No newline at end of file"
    return lines


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Files that change together, each path once, sorted by path."""

    files: tuple[FileChange, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Which files."""
        return tuple(file.path for file in self.files)

    def diff(self) -> Iterator[str]:
        """The unified diff of all files, line by line, without line ends."""
        for file in self.files:
            yield from file.diff()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something that a model wants is not done, in words for the model: it is what the next attempt learns from.

    Attributes:
        code: One word or two joined by `-`, for people, programs and tests: `no-match`, `denied`, …
        message: What is wrong, and what to do instead. No credentials.
    """

    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.code} - {self.message}"
