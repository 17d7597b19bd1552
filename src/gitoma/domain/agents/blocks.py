"""The grammar of an answer that edits files: what a reply says, not yet what it does to any file.

    FILE: relative/path
    <<<<<<< SEARCH
    lines copied from the file
    =======
    new lines
    >>>>>>> REPLACE

    DELETE: relative/path

Small models write it nearly right, so these are taken as well: prose and code fences around the blocks, CRLF, five to
nine characters in a marker, a path that is a heading, bold, in backticks or behind a fence, and a path named once for
all blocks that follow. Which file is meant where none is named, and every question about what is in a file, is for
`edits`.

A divider is a line like many a heading's underline. Where a block has several, `Block.splits` gives every reading.

Total on any text, in time proportional to its length.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.paths import PATH_MAX_BYTES, shown

BLOCKS_MAX = 60
"""How many blocks an answer may have: each of the ten files that may change gets six."""

DIVIDERS_MAX = 12
"""How many lines of a block may look like its divider."""

_SEARCH = re.compile(r"[ \t]*<{5,9}[ \t]*SEARCH[ \t]*", re.I)
_DIVIDER = re.compile(r"[ \t]*={5,9}[ \t]*")
_REPLACE = re.compile(r"[ \t]*>{5,9}[ \t]*REPLACE[ \t]*", re.I)
_USUAL_DIVIDER = "======="
_NAMING = re.compile(r"(FILE|DELETE)(?:[ _]?(?:PATH|NAME))?[*` \t]*:(.*)", re.I)
_BULLET = re.compile(r"(?:[-+]|\d{1,3}[.)])[ \t]+")
_ENDING = re.compile(r"\.[A-Za-z]\w{0,9}")
_FRAME = " \t#*>`'\":"
_FENCES = ("```", "~~~")


@dataclass(frozen=True, slots=True)
class Split:
    """One reading of a block: the lines to find, and the lines to put in their place."""

    search: tuple[str, ...]
    replace: tuple[str, ...]

    @property
    def has_text(self) -> bool:
        """Whether there is more to find than blank lines and such as look like dividers."""
        return any(line.strip() and not _DIVIDER.fullmatch(line) for line in self.search)


@dataclass(frozen=True, slots=True)
class Block:
    """One block.

    Attributes:
        path: The file as the reply names it; None where it names none.
        lines: What stands between the outer markers.
    """

    path: str | None
    lines: tuple[str, ...]

    def splits(self) -> tuple[Split, ...]:
        """Every reading: one for each divider, or the only one whose divider is as the grammar has it."""
        dividers = [number for number, line in enumerate(self.lines) if _DIVIDER.fullmatch(line)]
        usual = [number for number in dividers if self.lines[number].strip() == _USUAL_DIVIDER]
        chosen = usual if len(usual) == 1 else dividers
        return tuple(Split(self.lines[:number], self.lines[number + 1 :]) for number in chosen[:DIVIDERS_MAX])


@dataclass(frozen=True, slots=True)
class Deletion:
    """A file that is to go."""

    path: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What was read.

    Attributes:
        items: Blocks and deletions, in the reply's order.
        refusals: What could not be read.
    """

    items: tuple[Block | Deletion, ...]
    refusals: tuple[Refusal, ...]


def parse(text: str, known: Container[str]) -> Reply:
    """Read a reply.

    Args:
        text: The reply, without its reasoning.
        known: The paths of the tree: a line that is nothing but one of them names a file.
    """
    reader = _Reader(known)
    for line in text.replace("\r\n", "\n").split("\n"):
        reader.take(line)
    return reader.end()


def fenced(text: str, path: str) -> Block | None:
    """A new file that is given as the only code fence of a reply, without a block; None where it is not beyond doubt.

    Args:
        text: The reply, without its reasoning.
        path: The file that was asked for; a first line that only names it is left out.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    fences = [number for number, line in enumerate(lines) if line.strip().startswith(_FENCES)]
    if len(fences) != 2 or lines[fences[1]].strip() not in _FENCES or any(map(_SEARCH.fullmatch, lines)):
        return None
    names = (_NAMING.fullmatch(_cleaned(line)) for line in lines[: fences[0]] + lines[fences[1] :])
    if any(name is not None and name[2].strip(_FRAME) != path for name in names):
        return None
    inner = lines[fences[0] + 1 : fences[1]]
    if inner and inner[0].strip(f"{_FRAME}/<!-;") == path:
        del inner[0]
    return Block(path, (_USUAL_DIVIDER, *inner)) if any(line.strip() for line in inner) else None


class _Reader:
    """Takes a reply line by line: outside of blocks, or inside one."""

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        self._path: str | None = None
        self._is_named = False  # by a FILE line since the last block: then no other line names a new file
        self._last = ""  # the last line outside that was neither blank nor a fence, freed of its decoration
        self._inside: list[str] | None = None
        self._named: list[str] = []
        self._items: list[Block | Deletion] = []
        self._refusals: list[Refusal] = []

    def take(self, line: str) -> None:
        if _SEARCH.fullmatch(line):
            self._begin()
        elif _REPLACE.fullmatch(line):
            self._close()
        elif self._inside is not None:
            self._inside.append(line)
        else:
            self._outside(line)

    def end(self) -> Reply:
        if self._inside is not None:
            message = "The answer ends in the middle of a block. Send fewer and smaller blocks, each to its end."
            self._refusals.append(Refusal("truncated", message))
        if self._items:
            self._refusals += self._forgotten()
        if len(self._items) > BLOCKS_MAX:
            self._refuse(f"There are more than {BLOCKS_MAX} blocks. Change less, in larger blocks.")
        return Reply(tuple(self._items[:BLOCKS_MAX]), tuple(self._refusals))

    def _refuse(self, message: str) -> None:
        self._refusals.append(Refusal("malformed", message))

    def _begin(self) -> None:
        if self._inside is not None:
            self._refuse("A block begins inside another one. End each block with >>>>>>> REPLACE.")
        elif _like_a_path(self._last) and not self._is_named:
            self._path = self._last
        self._last = ""
        self._is_named = False
        self._inside = []

    def _close(self) -> None:
        lines, self._inside = self._inside, None
        if lines is None:
            self._refuse("There is a >>>>>>> REPLACE without a <<<<<<< SEARCH before it. Write whole blocks.")
            return
        dividers = sum(bool(_DIVIDER.fullmatch(line)) for line in lines)
        if not dividers:
            self._refuse("A block has no ======= between SEARCH and REPLACE. Put that line between the two parts.")
        elif dividers > DIVIDERS_MAX:
            self._refuse("A block has too many lines of =======. Send smaller blocks, around the lines that change.")
        else:
            self._items.append(Block(self._path, tuple(lines)))

    def _outside(self, line: str) -> None:
        if line.strip().startswith(_FENCES):
            self._fence(line)
            return
        cleaned = _cleaned(line)
        naming = _NAMING.fullmatch(cleaned)
        if naming:
            self._name(naming[1].upper(), self._without_remark(naming[2].strip(_FRAME)))
        elif cleaned in self._known:
            self._path = self._last = cleaned
        elif cleaned:
            self._last = cleaned

    def _name(self, what: str, path: str) -> None:
        self._last = ""
        if what == "DELETE":
            self._items.append(Deletion(path))
        else:
            self._path = path or None
            self._is_named = True
            self._named.append(path)

    def _fence(self, line: str) -> None:
        """The opening line of a fence may have a path behind the language."""
        _, _, name = line.strip().strip("`~").rpartition(" ")
        if name in self._known:
            self._path = name

    def _without_remark(self, path: str) -> str:
        """`a.py (new file)` is `a.py`, unless there is a file of the longer name."""
        if path.endswith(")") and " (" in path and path not in self._known:
            return path[: path.rindex(" (")].strip(_FRAME)
        return path

    def _forgotten(self) -> Iterator[Refusal]:
        """Files that were named as the grammar has it, and then no block followed: half of an answer."""
        done = {item.path for item in self._items}
        for path in self._named:
            if path not in done and (path in self._known or _like_a_path(path)):
                yield Refusal("malformed", f"No block follows FILE: {shown(path)}. Write one, or do not name the file.")


def _cleaned(line: str) -> str:
    text = line.strip(_FRAME)
    bullet = _BULLET.match(text)
    return text[bullet.end() :].strip(_FRAME) if bullet else text


def _like_a_path(text: str) -> bool:
    """One word with a slash in it, or with an ending; no address of a page."""
    if not text or len(text) > PATH_MAX_BYTES or "://" in text or len(text.split()) != 1:
        return False
    _, dot, ending = text.rpartition(".")
    return "/" in text or bool(_ENDING.fullmatch(dot + ending))
