"""A text file as lines: replacing some of them leaves its byte order mark, and the ends of other lines, as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

_MARK = "\ufeff"


class TextFile:
    """The lines of a text, without their ends, and what is needed to write it out again.

    Only a line feed ends a line, with a carriage return before it or not: `str.splitlines` knows more ends, which
    programming languages do not.
    """

    def __init__(self, mark: str, lines: list[str], ends: list[str]) -> None:
        self._mark = mark
        self._ends = ends
        self.lines = lines

    @classmethod
    def of(cls, text: str) -> Self:
        """Take a text apart; `text()` puts the same one together."""
        mark = _MARK if text.startswith(_MARK) else ""
        lines = text[len(mark) :].split("\n")
        ends = ["\n"] * (len(lines) - 1) + [""]
        for number, line in enumerate(lines[:-1]):
            if line.endswith("\r"):
                lines[number], ends[number] = line[:-1], "\r\n"
        if not lines[-1]:
            del lines[-1], ends[-1]
        return cls(mark, lines, ends)

    def text(self) -> str:
        """The whole text."""
        return self._mark + "".join(line + end for line, end in zip(self.lines, self._ends, strict=True))

    def replace(self, start: int, end: int, lines: Sequence[str]) -> None:
        """Put `lines` in the place of those from `start` to `end` (exclusive).

        New lines end as most lines of the file do. A last line without an end gets one where it is among those that
        are replaced, though it be by itself: nobody can ask for a line end otherwise.
        """
        usual = self._usual_end()
        is_open = bool(self._ends) and not self._ends[-1]
        if is_open and end == len(self.lines):
            self._ends[-1] = usual
        same = _equal_at_the_beginning(self.lines[start:end], lines)  # these keep the ends that they have
        self._ends[start + same : end] = [usual] * (len(lines) - same)
        self.lines[start:end] = lines

    def _usual_end(self) -> str:
        return "\r\n" if self._ends.count("\r\n") > self._ends.count("\n") else "\n"


def _equal_at_the_beginning(some: Sequence[str], others: Sequence[str]) -> int:
    pairs = zip(some, others, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(some), len(others)))
