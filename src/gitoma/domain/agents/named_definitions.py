"""Which definitions of a Python file somebody's words let go of, and which have only another name afterwards.

Whose words they are is for the caller to know: a person's may name a definition in passing, while of a log only the
lines of tools count that say that something is not used, or not the name that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gitoma.domain.agents.python_code import Outline, shapes, spans

_WORD = re.compile(r"\w+")
_BEFORE_NAMES = frozenset("`'\".")
_AFTER_NAMES = frozenset("`'\"(")
_ASKS = re.compile(
    r"\b(?:renam\w*|remov\w*|delet\w*|drop\w*|get(?:ting)? rid|unused|unneeded|obsolete|redundant|dead|private|inlin\w*"
    r"|call (?:it|this|that)|replac\w*|merg\w*)\b|\bs/[^/\s]{1,80}/[^/\s]{0,80}(?:/|\s|$)",
    re.I,
)
_DENIES = re.compile(r"(?:\bnot|n['\u2019]t|\bnever) (?:\w+ )?(?:renam|remov|delet|drop|replac)", re.I)
_SENTENCE_END = re.compile(r"[!?;\n]+|\.(?=\s|$)")
_LOG_SAYS = re.compile(r"\b(?:unused|never used|not used|dead code|did you mean|maybe)\b", re.I)
_QUOTED = re.compile(r"['\"`]([A-Za-z_]\w{0,99})['\"`]")
_LINE_MAX = 400  # characters of a log's line that are looked at


def asks(text: str) -> bool:
    """Whether a person asks for something to go, or to be called something else; lines that quote others do not."""
    own = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    return any(_ASKS.search(part) and not _DENIES.search(part) for part in _SENTENCE_END.split(own))


def named(text: str) -> frozenset[str]:
    """The words of a person's text that are names of code.

    Where it asks for something to go, or to be renamed, that is every word; else such as are written like a name,
    quoted, or called: "add tests, and run them" says nothing about a function `run`.
    """
    any_word = asks(text)
    return frozenset(word[0] for word in _WORD.finditer(text) if any_word or _is_name(word, text))


def _is_name(word: re.Match[str], text: str) -> bool:
    return (
        not word[0].islower()
        or "_" in word[0]
        or text[max(0, word.start() - 1) : word.start()] in _BEFORE_NAMES
        or text[word.end() : word.end() + 1] in _AFTER_NAMES
    )


def named_by_tools(log: str) -> frozenset[str]:
    """What a log quotes as unused, or as the name that was perhaps meant; a traceback's names are none of these."""
    lines = (line[:_LINE_MAX] for line in log.split("\n"))
    return frozenset(name[1] for line in lines if _LOG_SAYS.search(line) for name in _QUOTED.finditer(line))


def commented_on(text: str, lines: Collection[int]) -> frozenset[str]:
    """The innermost definitions that lines of a file lie in: a function, or a class whose first lines they are.

    Args:
        text: The file's; one that is no Python has none.
        lines: Their numbers, from 1.
    """
    found = spans(text)
    return frozenset(name for line in lines if (name := _innermost(found, line)) is not None)


def _innermost(found: dict[str, range], line: int) -> str | None:
    around = [name for name, span in found.items() if line in span]
    return min(around, key=lambda name: len(found[name]), default=None)


def renamed(old: str, new: str, before: Outline, after: Outline) -> frozenset[str]:
    """The definitions that are still there with another name: in the same scope, with the same arguments and body.

    Names that go and names that come are not compared within the bodies, so that calls may have been renamed, too.
    Each new definition stands for one old one; a test stays a test.
    """
    gone = [name for name in before.definitions if name not in after.bound]
    fresh = [name for name in after.definitions if name not in before.bound]
    if not gone or not fresh:
        return frozenset()
    old_shapes, new_shapes = shapes(old, gone), shapes(new, fresh)
    return frozenset(_paired(old_shapes, new_shapes))


def _paired(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    left: dict[tuple[str, bool, str], int] = {}
    for name, shape in new.items():
        left[_key(name, shape)] = left.get(_key(name, shape), 0) + 1
    for name, shape in old.items():
        if left.get(_key(name, shape), 0):
            left[_key(name, shape)] -= 1
            yield name


def _key(name: str, shape: str) -> tuple[str, bool, str]:
    scope, _, own = name.rpartition(".")
    return scope, own.casefold().startswith("test"), shape
