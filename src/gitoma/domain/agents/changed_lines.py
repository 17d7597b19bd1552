"""Which lines a change adds, and which it takes away.

A line counts as added when a file has it more often than before, wherever it stands: that is linear, and moving lines
adds nothing.
"""

from __future__ import annotations

from collections import Counter

from gitoma.domain.agents.changes import FileChange


def added(file: FileChange) -> list[str]:
    """The lines that a file has more often than before, without line ends, in order."""
    return _surplus(file.new or "", file.old or "")


def taken_away(file: FileChange) -> list[str]:
    """The lines that a file has less often than before, likewise."""
    return _surplus(file.old or "", file.new or "")


def _surplus(text: str, other: str) -> list[str]:
    left = Counter(lines_of(other))
    found = []
    for line in lines_of(text):
        if left[line]:
            left[line] -= 1
        else:
            found.append(line)
    return found


def lines_of(text: str) -> list[str]:
    """The lines of a text, without line ends."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    return lines if lines[-1] else lines[:-1]
