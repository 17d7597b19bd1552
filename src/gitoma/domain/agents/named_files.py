"""Which files of a repository a line of somebody's output names, and at which lines.

Tools name files in their own ways: `src/a.py:12:5: …`, `File "/home/runner/work/x/x/src/a.py", line 12`,
`src/a.ts(12,5)`, `App.java:[12,5]`, `--> src/a.rs:3:5`, `tests/test_a.py::test_x`, and from a folder of the machine
that ran them. What they say is nobody's word: a name counts only if it leads to a path of the commit's tree, and it is
that path, never the name, that is handed on.

A name leads to the path that equals it; else to the longest path that it ends with; else to the only path that ends
with it. Names inside an installed package, a toolchain or the system lead nowhere, whatever they end with.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gitoma.domain.agents.health.words import words

_DEPTH = 8  # parts of a path by which an abbreviated name is found: a name of more parts is no abbreviation
_NAME_MAX = 400  # characters; git hosts take longer paths, but no tool prints them where people read
_TOKEN = re.compile(r"[^\s\"'`()\[\]<>{},;|=]+")  # one or more of everything else: each character is looked at once
_LINE_BEHIND = re.compile(r"[(\[](\d{1,7})\b|\",? line (\d{1,7})\b")
_DRIVE = re.compile(r"[A-Za-z]:(?=[/\\])")
_NUMBER = re.compile(r"\d{1,7}")
_FOREIGN = words(
    "site-packages dist-packages node_modules hostedtoolcache _actions _temp .cargo .rustup .m2 .gradle .pyenv .nvm "
    ".tox .nox .venv venv"
)
_FOREIGN_PLACE = re.compile(r"^/(?:usr|opt/python|lib\w*|proc|dev|rustc)/|/go/pkg/mod/|/lib/python\d")


@dataclass(frozen=True, slots=True)
class Mention:
    """A name that leads to a file of the tree. `line` is None where the name came without one."""

    path: str
    line: int | None


class NamedFiles:
    """Finds the files of one tree by the names that tools give them.

    Args:
        paths: The tree's regular files.
    """

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = frozenset(paths)
        self._by_end: dict[str, str | None] = {}  # the end of a path -> that path; None if several have it
        for path in self._paths:
            for end in _ends(path):
                self._by_end[end] = path if end not in self._by_end else None
        self._found: dict[str, str | None] = {}  # the same few names come again and again

    def __contains__(self, path: str) -> bool:
        """Whether the tree has this very path."""
        return path in self._paths

    def mentions(self, line: str) -> Iterator[Mention]:
        """The files that `line` names, from left to right."""
        for token in _TOKEN.finditer(line):
            name, number = _parted(token[0][:_NAME_MAX])
            path = self.find(name)
            if path is not None:
                yield Mention(path, number or _number_behind(line, token.end()))

    def find(self, name: str) -> str | None:
        """The path of the tree that this name leads to, if there is one."""
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def _look_up(self, name: str) -> str | None:
        if name in self._paths:
            return name
        if _is_foreign(name):
            return None
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            del parts[: len(parts) - parts[::-1].index("..")]
        for start in range(len(parts)):
            if (path := "/".join(parts[start:])) in self._paths:
                return path
        return self.ending_in("/".join(parts))

    def ending_in(self, end: str) -> str | None:
        """The path that equals `end`, or else the only one whose last parts are `end`."""
        return end if end in self._paths else self._by_end.get(end)


def _ends(path: str) -> Iterator[str]:
    parts = path.rsplit("/", _DEPTH)[-_DEPTH:]
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _parted(token: str) -> tuple[str, int | None]:
    """A name as the tree writes names, and the number behind its colon."""
    token = _DRIVE.sub("", token.removeprefix("file://"), count=1)
    name, _, behind = token.partition(":")
    number = _NUMBER.match(behind)
    return name.replace("\\", "/").rstrip("."), int(number[0]) if number else None


def _number_behind(line: str, place: int) -> int | None:
    """The number in brackets, or behind the word `line`, that follows a name."""
    found = _LINE_BEHIND.match(line, place)
    return int(found[1] or found[2]) if found else None


def _is_foreign(name: str) -> bool:
    return bool(_FOREIGN.intersection(name.split("/")) or _FOREIGN_PLACE.search(name))
