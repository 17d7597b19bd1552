"""What an agent says while it works: lines of plain text that people read and programs can.

    [PHASE] text          what the agent does now, or has done
      text                a detail of it
    RESULT {json}         the last line, once: the outcome, for programs

A line is at most `LINE_MAX_BYTES` of UTF-8 and holds no control characters: names of files and texts of a repository
are shown escaped, so that none of them can pass for a line of the agent's own.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LINE_MAX_BYTES = 1000
"""The longest progress line. The server shows at most 4,096 bytes of one; this leaves room to add to it."""

RESULT_MAX_BYTES = 3 * 1024
"""The longest `RESULT` line: it must pass the server's limit of a line whole, or it would be no JSON any more."""

_CUT_MARK = "…"


@dataclass(frozen=True, slots=True)
class Step:
    """`[PHASE] text`."""

    phase: str
    text: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A line that belongs to the step before it."""

    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome; the last event of every agent, exactly once."""

    fields: Mapping[str, object]


Event = Step | Detail | Result


def line_of(event: Event) -> str:
    """The line that shows an event."""
    match event:
        case Step(phase, text):
            return _cut(f"[{phase}] {printable(text)}", LINE_MAX_BYTES)
        case Detail(text):
            return _cut(f"  {printable(text)}", LINE_MAX_BYTES)
        case Result(fields):
            return _result(fields)


def printable(text: str) -> str:
    r"""`text` on one line, with every control, format and surrogate character written as an escape (`\x1b`).

    Format characters are among them because the bidirectional ones reorder what a terminal shows.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _HIDDEN else c for c in text)


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _cut(line: str, limit: int) -> str:
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= limit:
        return line
    return encoded[: limit - len(_CUT_MARK.encode())].decode("utf-8", "ignore") + _CUT_MARK


def _result(fields: Mapping[str, object]) -> str:
    """`RESULT {json}`; fields from the end are left out, and that is said, where all of them would be too long."""
    kept = dict(fields)
    left_out = 0
    while len(line := f"RESULT {_json(kept, left_out)}") > RESULT_MAX_BYTES and kept:
        kept.popitem()
        left_out += 1
    return line


def _json(fields: Mapping[str, object], left_out: int) -> str:
    # ASCII only, so that characters are bytes, and nothing in it needs escaping for a terminal.
    shown = {**fields, "left_out": left_out} if left_out else fields
    return json.dumps(shown, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
