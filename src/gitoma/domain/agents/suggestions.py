"""Suggestion blocks: the lines that a reviewer wrote to stand in place of those that a comment is about.

They become a change without asking a model, if it is beyond doubt what they replace: the comment is the whole thread,
it has one block, and the lines it was written about are still where the host says that they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.review import Thread

# Possessive: a long row of blanks or tildes is gone through once, and not once for each of its parts.
_FENCE = re.compile(r" {0,3}(`{3,}+|~{3,}+)([^`\r\n]*+)")


def suggested_change(thread: Thread, text: str | None) -> ChangeSet | Refusal:
    """The change that a thread's suggestion block asks for.

    Args:
        thread: The thread.
        text: The present text of its file; None where there is none.

    Returns:
        The change, or why the block cannot be taken as it stands: `no-suggestion`, `ambiguous`, `discussed`,
        `outdated`, `no-change`.
    """
    blocks = list(_blocks(thread.root.body))
    if len(blocks) != 1:
        return _NONE if not blocks else _AMBIGUOUS
    if thread.replies:
        return _DISCUSSED
    place = _place(thread)
    if text is None or place is None:
        return _OUTDATED
    lines = text.split("\n")
    if [_bare(line) for line in lines[place.start : place.stop]] != list(place.was):
        return _OUTDATED
    new = "\n".join([*lines[: place.start], *_like(lines[place.start : place.stop], blocks[0]), *lines[place.stop :]])
    return _NO_CHANGE if new == text else ChangeSet((FileChange(thread.root.path, text, new),))


_NONE = Refusal("no-suggestion", "the comment has no suggestion block")
_AMBIGUOUS = Refusal("ambiguous", "the comment has several suggestion blocks for the same lines")
_DISCUSSED = Refusal("discussed", "the suggestion was answered: what is wanted now is in the whole thread")
_OUTDATED = Refusal("outdated", "the lines that the suggestion is about are no longer what they were")
_NO_CHANGE = Refusal("no-change", "the file is already as suggested")


@dataclass(frozen=True, slots=True)
class _Place:
    """The lines `start` to `stop` of a file, counted from 0, and what they were when the comment was written."""

    start: int
    stop: int
    was: Sequence[str]


def _place(thread: Thread) -> _Place | None:
    """Where the comment is; None where its hunk does not show all the lines that it is about."""
    root = thread.root
    hunk = [line for line in root.hunk.split("\n")[1:] if line and not line.startswith("\\")]
    if root.line is None or not hunk or hunk[-1].startswith("-"):  # about lines that were taken away
        return None
    start = root.line if root.start_line is None else root.start_line
    count = root.line - start + 1
    shown = [_bare(line[1:]) for line in hunk if not line.startswith("-")]
    if start < 1 or not 1 <= count <= len(shown):
        return None
    return _Place(start - 1, root.line, shown[-count:])


def _bare(line: str) -> str:
    return line.removesuffix("\r")


def _like(old: Sequence[str], block: Sequence[str]) -> list[str]:
    """The block's lines with the line ends of those that they replace; a file's last line may have none."""
    if not block or not old[0].endswith("\r"):
        return list(block)
    last = "\r" if old[-1].endswith("\r") else ""
    return [*(f"{line}\r" for line in block[:-1]), f"{block[-1]}{last}"]


def _blocks(body: str) -> Iterator[list[str]]:
    """The lines of each suggestion block that ends; fences inside other blocks are text."""
    fence, wanted = "", False
    block: list[str] = []
    for line in body.split("\n"):
        mark = _FENCE.fullmatch(_bare(line))
        if not fence:
            if mark is not None:
                fence, wanted, block = mark[1], mark[2].strip().casefold() == "suggestion", []
        elif mark is not None and mark[1].startswith(fence) and not mark[2].strip():
            if wanted:
                yield block
            fence = ""
        else:
            block.append(_bare(line))
