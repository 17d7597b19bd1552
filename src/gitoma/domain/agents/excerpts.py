"""What a prompt shows of files: all of a short one, else its beginning and the lines around those that matter.

Text is shown as it stands, in whole lines and without line numbers: models copy what they see, and what they copy must
be found in the file. A line that does not fit is left out, never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.language_model import CHARACTERS_PER_TOKEN
from gitoma.domain.agents.tree import Tree

WHOLE_MAX_LINES = 200
HEAD_LINES = 30
"""Of a longer file: where imports and the header stand."""

_AROUND = (40, 20, 10, 5)  # lines before and after one that matters: as many as fit


def characters(tokens: int) -> int:
    """How many characters that many tokens hold."""
    return int(max(0, tokens) * CHARACTERS_PER_TOKEN)


@dataclass(frozen=True, slots=True)
class FileText:
    """A file that a prompt is about.

    Attributes:
        path: Its path.
        text: What is in it; None for one that is to be made.
        lines: The numbers of the lines that matter, from 1; those that it does not have are left out of account.
    """

    path: str
    text: str | None
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive lines of a file.

    Attributes:
        path: The file.
        first: The number of the first line, from 1.
        last: The number of the last one.
        total: How many lines the file has.
        text: The lines.
    """

    path: str
    first: int
    last: int
    total: int
    text: str

    @property
    def label(self) -> str:
        """Which lines of which file, in words."""
        if (self.first, self.last) == (1, self.total):
            return f"{self.path}, the whole file"
        return f"{self.path}, lines {self.first}-{self.last} of {self.total}"


def file_texts(
    tree: Tree, paths: Iterable[str], lines: Mapping[str, tuple[int, ...]] | None = None
) -> tuple[FileText, ...]:
    """The files at `paths`, those left out that are no text or too large.

    Args:
        tree: The files.
        paths: Existing ones, and ones to be made.
        lines: The lines that matter in each.
    """
    found = []
    for path in paths:
        text = tree.read(path) if path in tree else None
        if not isinstance(text, Refusal):
            found.append(FileText(path, text, (lines or {}).get(path, ())))
    return tuple(found)


def windows(files: Sequence[FileText], room: int, *, halved: bool = False) -> tuple[Window, ...]:
    """What is shown of the files that are there, in their order; together at most `room` characters.

    A file that needs less than its equal share leaves the rest to the others.

    Args:
        files: The files.
        room: Characters, line ends included.
        halved: The model took less than it should have: show half as much.
    """
    left = max(0, room) // (2 if halved else 1)
    shown: dict[str, list[Window]] = {}
    by_size = sorted((file for file in files if file.text), key=lambda file: len(file.text or ""))
    for waiting, file in zip(range(len(by_size), 0, -1), by_size, strict=True):
        shown[file.path] = _windows(file, left // waiting)
        left -= sum(len(window.text) + 1 for window in shown[file.path])
    return tuple(window for file in files for window in shown.get(file.path, ()))


def _windows(file: FileText, room: int) -> list[Window]:
    lines = [line.removesuffix("\r") for line in (file.text or "").removesuffix("\n").split("\n")]
    sizes = [0, *accumulate(len(line) + 1 for line in lines)]
    ranges = _ranges(file, len(lines), sizes, room)
    return [Window(file.path, r.start + 1, r.stop, len(lines), "\n".join(lines[r.start : r.stop])) for r in ranges]


def _ranges(file: FileText, total: int, sizes: Sequence[int], room: int) -> list[range]:
    """The lines to show, counted from 0: as wide around those that matter as fits."""
    if total <= WHOLE_MAX_LINES and sizes[-1] <= room:
        return [range(total)]
    places = sorted({line - 1 for line in file.lines if 0 < line <= total})
    if not places:
        return _cut([range(min(total, WHOLE_MAX_LINES))], sizes, room)
    ranges: list[range] = []
    for around in _AROUND:
        spots = [range(max(0, place - around), min(total, place + around + 1)) for place in places]
        ranges = _merged([range(min(total, HEAD_LINES)), *spots])
        if sum(sizes[r.stop] - sizes[r.start] for r in ranges) <= room:
            return ranges
    return _cut(_merged(spots), sizes, room)


def _merged(ranges: Iterable[range]) -> list[range]:
    """Rising, and those that touch made one."""
    merged: list[range] = []
    for each in sorted(ranges, key=lambda r: r.start):
        if merged and each.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, each.stop))
        else:
            merged.append(each)
    return merged


def _cut(ranges: Iterable[range], sizes: Sequence[int], room: int) -> list[range]:
    """As many lines from the beginning of these as fit."""
    kept: list[range] = []
    for each in ranges:
        stop = each.start
        while stop < each.stop and sizes[stop + 1] - sizes[each.start] <= room:
            stop += 1
        room -= sizes[stop] - sizes[each.start]
        kept += [range(each.start, stop)] if stop > each.start else []
        if stop < each.stop:
            break
    return kept
