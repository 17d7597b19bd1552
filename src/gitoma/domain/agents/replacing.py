"""What one block makes of one file's text."""

from __future__ import annotations

from collections.abc import Sequence

from gitoma.domain.agents.blocks import Split
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.elision import DOTS, elided
from gitoma.domain.agents.matching import PLACES_MAX, nearest, places_of
from gitoma.domain.agents.paths import shown
from gitoma.domain.agents.text_file import TextFile

WHOLE_MAX_LINES = 120
"""The longest existing file that a block may replace as a whole: beyond, models leave out what they should keep."""

WHOLE_MAX_BYTES = 6 * 1024
"""The same in bytes: about 1,800 tokens, well below what an answer may have."""

_FENCE = "```"
_DOCUMENTS = (".md", ".markdown", ".rst", ".txt", ".adoc")
_DOCUMENT_LANGUAGES = ("markdown", "md", "rst", "text")


def replaced(split: Split, path: str, text: str | None) -> str | Refusal:
    """Apply one reading of a block.

    Args:
        split: What to find, and what to put there.
        path: The file.
        text: What is in it now; None if it does not exist.

    Returns:
        What is in it then, or a refusal: `missing`, `exists`, `malformed`, `elision`, `no-match` or `ambiguous`.
    """
    result = _replaced(split, path, text)
    bare = _without_fences(split, path)
    if bare == split or (isinstance(result, str) and not _is_blank(split.search)):
        return result
    return _replaced(bare, path, text)


def _replaced(split: Split, path: str, text: str | None) -> str | Refusal:
    file = TextFile.of(text or "")
    left_out = _elided(split, path, file.lines)
    if left_out:
        return Refusal("elision", f'"{left_out}" stands for lines of {shown(path)}. Write those lines themselves.')
    if _is_blank(split.search):
        return _whole(split.replace, path, text, file)
    if text is None:
        return Refusal("missing", f"There is no file {shown(path)}. To make it, leave SEARCH empty.")
    return _part(split, path, file)


def _elided(split: Split, path: str, lines: Sequence[str]) -> str | None:
    """A line of the block that stands for others, and is not simply one of the file's own."""
    found = [*elided(split.search, path), *elided(split.replace, path)]
    own = {line.strip() for line in lines} if found else set()
    if found and path.endswith(_DOCUMENTS) and _only_adds(split, lines):
        own.update(DOTS)  # whether they are in a code block is seen in the whole file, and judged by `gates`
    return next((line for line in found if line not in own), None)


def _only_adds(split: Split, lines: Sequence[str]) -> bool:
    """Whether every line that is replaced is there afterwards, in order."""
    there = (line.strip() for line in split.replace)
    return all(line.strip() in there for line in (lines if _is_blank(split.search) else split.search))


def _whole(new: Sequence[str], path: str, text: str | None, file: TextFile) -> str | Refusal:
    content = _without_blank_ends(new)
    if text is None:
        return "".join(f"{line}\n" for line in content)
    if len(file.lines) > WHOLE_MAX_LINES or len(text.encode("utf-8")) > WHOLE_MAX_BYTES:
        message = f"{shown(path)} exists, and is too long to be replaced as a whole. Put the lines to change in SEARCH."
        return Refusal("exists", message)
    if not content:
        return Refusal("malformed", f"Both parts of the block for {shown(path)} are empty. Write the lines to change.")
    file.replace(0, len(file.lines), content)
    return file.text()


def _part(split: Split, path: str, file: TextFile) -> str | Refusal:
    places = places_of(split.search, split.replace, file.lines)
    if not places:
        return _no_match(split, path, file.lines)
    if len(places) > 1:
        count = f"{len(places)} places" if len(places) < PLACES_MAX else f"{PLACES_MAX} places or more"
        return Refusal("ambiguous", f"SEARCH matches {count} in {shown(path)}. Copy more of the lines around it.")
    place = places[0]
    file.replace(place.start, place.end, place.replacement)
    return file.text()


def _no_match(split: Split, path: str, lines: Sequence[str]) -> Refusal:
    message = f"SEARCH is not in {shown(path)}. Copy its lines exactly, without leaving any out."
    like = nearest(split.search, lines)
    if like:
        message += " The file has:\n" + "\n".join(f"| {line}" for line in like)
    return Refusal("no-match", message)


def _without_fences(split: Split, path: str) -> Split:
    """The reading without code fences that wrap each part; the same one if they belong to the file.

    A document that is written anew may well begin with a fence of its own, so only one that is named as the document's
    is taken off it.
    """
    search = _unwrapped(split.search)
    replace = _unwrapped(split.replace)
    if _is_blank(split.search):
        opening = _without_blank_ends(split.replace)[:1]
        language = opening[0].strip().strip("`").casefold() if opening else ""
        if path.endswith(_DOCUMENTS) and language not in _DOCUMENT_LANGUAGES:
            return split
    elif search == split.search:
        return split
    return Split(search, replace)


def _unwrapped(lines: tuple[str, ...]) -> tuple[str, ...]:
    inner = _without_blank_ends(lines)
    if len(inner) > 1 and inner[0].lstrip().startswith(_FENCE) and inner[-1].strip() == _FENCE:
        return inner[1:-1]
    return lines


def _without_blank_ends(lines: Sequence[str]) -> tuple[str, ...]:
    full = [number for number, line in enumerate(lines) if line.strip()]
    return tuple(lines[full[0] : full[-1] + 1]) if full else ()


def _is_blank(lines: Sequence[str]) -> bool:
    return not any(line.strip() for line in lines)
