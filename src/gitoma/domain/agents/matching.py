"""Where in a file the lines of a SEARCH are: at one place, or nowhere that is certain.

The steps, from strict to lenient; the first that finds anything decides, and it must find exactly one place:

1. as written;
2. without blank lines at the ends;
3. without regard to blanks at the ends of lines;
4. with all lines indented by the same blanks more, or less. The replacement is then indented likewise.

There is no step that guesses. Work is bounded: lines are found with `str.find`, which is linear, and at most
`PLACES_MAX` places are looked at.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PLACES_MAX = 20
"""How many places are looked at; with so many, another one makes no difference."""

NEAREST_LINES = 12
"""How many lines of a file are shown to a model whose SEARCH is not in it."""

_SHOWN = 120  # characters of a line
_WORD = re.compile(r"\w+")
_OCCURRENCES = 20  # of one line, when the likeliest place is looked for


@dataclass(frozen=True, slots=True)
class Place:
    """Lines `start` to `end` (exclusive, from 0), and what is to stand there instead."""

    start: int
    end: int
    replacement: tuple[str, ...]


def places_of(search: Sequence[str], replace: Sequence[str], lines: Sequence[str]) -> tuple[Place, ...]:
    """Where the replacement could be made: one place, none, or several, of which none may be taken.

    Args:
        search: What to find; at least one line that is not blank.
        replace: What to put there.
        lines: The file's, without line ends.
    """
    trimmed, replacement = _trimmed(search, replace)
    return (
        _exact(search, replace, lines)
        or _exact(trimmed, replacement, lines)
        or _but_for_trailing_blanks(trimmed, replacement, lines)
        or _indented(trimmed, replacement, lines)
    )


def _starts(search: Sequence[str], lines: Sequence[str]) -> Iterator[int]:
    """The first places of a sequence of lines in another, also where they overlap."""
    haystack = "\n".join(["", *lines, ""])
    needle = "\n".join(["", *search, ""])
    position, line = haystack.find(needle), 0
    counted = 0
    for _ in range(PLACES_MAX):
        if position < 0:
            return
        line += haystack.count("\n", counted, position)
        counted = position
        yield line
        position = haystack.find(needle, position + 1)


def _exact(search: Sequence[str], replace: Sequence[str], lines: Sequence[str]) -> tuple[Place, ...]:
    return tuple(Place(start, start + len(search), tuple(replace)) for start in _starts(search, lines))


def _but_for_trailing_blanks(search: Sequence[str], replace: Sequence[str], lines: Sequence[str]) -> tuple[Place, ...]:
    return _exact([line.rstrip() for line in search], replace, [line.rstrip() for line in lines])[:PLACES_MAX]


def _indented(search: Sequence[str], replace: Sequence[str], lines: Sequence[str]) -> tuple[Place, ...]:
    found = []
    for start in _starts([line.strip() for line in search], [line.strip() for line in lines]):
        end = start + len(search)
        replacement = _shifted(search, lines[start:end], replace)
        if replacement is not None:
            found.append(Place(start, end, replacement))
    return tuple(found)


def _shifted(search: Sequence[str], window: Sequence[str], replace: Sequence[str]) -> tuple[str, ...] | None:
    """`replace`, indented as `window` is indented against `search`; None if that is not the same for all lines."""
    pairs = [(s.rstrip(), w.rstrip()) for s, w in zip(search, window, strict=True) if s.strip()]
    searched, there = pairs[0]
    more = there[: len(there) - len(searched)]
    if more and all(w == more + s for s, w in pairs):
        return tuple(more + line if line.strip() else line for line in replace)
    less = searched[: len(searched) - len(there)]
    if less and all(s == less + w for s, w in pairs) and all(line.startswith(less) for line in replace if line.strip()):
        return tuple(line.removeprefix(less) if line.strip() else line for line in replace)
    return None


def _trimmed(search: Sequence[str], replace: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Both without the blank lines that begin and end `search`, as far as `replace` has as many."""
    before, after = _blank_lines(search), _blank_lines(search[::-1])
    first = min(before, _blank_lines(replace))
    last = min(after, _blank_lines(replace[first:][::-1]))
    return search[before : len(search) - after], replace[first : len(replace) - last]


def _blank_lines(lines: Sequence[str]) -> int:
    """How many blank lines `lines` begins with."""
    return next((number for number, line in enumerate(lines) if line.strip()), len(lines))


def nearest(search: Sequence[str], lines: Sequence[str]) -> tuple[str, ...]:
    """The lines of the file that `search` most likely means, for the model to copy; none if nothing is like it.

    Where most lines of `search` are at their distances from one another; else around the line that shares most words
    with its longest one.
    """
    start = _voted(search, lines)
    if start is None:
        start = _by_words(search, lines)
    if start is None:
        return ()
    length = min(max(len(search), 4), NEAREST_LINES)
    return tuple(line.rstrip()[:_SHOWN] for line in lines[max(0, start) : max(0, start) + length])


def _voted(search: Sequence[str], lines: Sequence[str]) -> int | None:
    wanted = {line.strip() for line in search if len(line.strip()) > 1}  # a lone bracket is everywhere
    where: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        text = line.strip()
        if text in wanted and len(where.setdefault(text, [])) < _OCCURRENCES:
            where[text].append(number)
    votes = Counter(place - number for number, line in enumerate(search) for place in where.get(line.strip(), ()))
    return votes.most_common(1)[0][0] if votes else None


def _by_words(search: Sequence[str], lines: Sequence[str]) -> int | None:
    wanted = set(_WORD.findall(max(search, key=len, default="")))
    shared, number = max(
        ((len(wanted.intersection(_WORD.findall(line))), -n) for n, line in enumerate(lines)), default=(0, 0)
    )
    return -number if shared > 1 else None
