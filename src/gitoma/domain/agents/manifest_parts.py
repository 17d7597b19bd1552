"""What a build manifest says, part by part: where it stands, and what it is.

Parts are compared, not text: order and spelling do not count. Kinds that are programs (setup.py, CMakeLists.txt, …)
cannot be read without running them; of those a line is a part.
"""

from __future__ import annotations

import configparser
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from gitoma.domain.agents.health.manifests import toml
from gitoma.domain.agents.health.sources import is_code

DEPTH_MAX = 12
"""How deep a manifest that is read may be nested: more than any tool asks for."""

Part = tuple[tuple[str, ...], str]
"""The keys that lead to a value, and the value; of a list, each item has the list's keys."""

_REQUIREMENTS = re.compile(r"(?:requirements|constraints).*\.(?:txt|in)|gemfile")


def parts(path: str, text: str) -> Counter[Part] | None:
    """The parts of a manifest, each with how often it is there; None where it cannot be read.

    Args:
        path: Which one, folded (`paths.folded`).
        text: What it holds.
    """
    try:
        return Counter(_reader(path)(text))
    except (ValueError, RecursionError, configparser.Error):
        return None


def _reader(path: str) -> Callable[[str], Iterator[Part]]:
    folder, _, name = path.rpartition("/")
    if name.endswith(".toml") or name == "pipfile":
        return lambda text: _flat(toml(text))
    if name in ("package.json", "composer.json"):
        return lambda text: _flat(json.loads(text))
    if name == "setup.cfg":
        return _sections
    if name in ("go.mod", "go.work"):
        return _directives
    if _REQUIREMENTS.fullmatch(name) or (folder.endswith("requirements") and not is_code(path)):
        return lambda text: ((("dependencies",), line) for line in _lines(text, "#"))
    return lambda text: (((), line) for line in _lines(text, "\0"))


def _flat(document: Any) -> Iterator[Part]:
    """Every value in tables and lists.

    Raises:
        ValueError: They are nested too deeply to be manifests, or a number has too many digits to be written.
    """
    waiting: list[tuple[tuple[str, ...], Any]] = [((), document)]
    while waiting:
        keys, value = waiting.pop()
        if len(keys) > DEPTH_MAX:
            raise ValueError("nested too deeply")
        if isinstance(value, dict):
            waiting += [((*keys, str(key)), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*keys, "") if isinstance(inner, dict | list) else keys, inner) for inner in value]
        else:
            yield keys, value if isinstance(value, str) else repr(value)
        if value in ({}, []):
            yield keys, "empty"


def _sections(text: str) -> Iterator[Part]:
    read = configparser.RawConfigParser(strict=False)
    read.read_string(text)
    for section in read.sections():
        for key, value in read.items(section):
            yield from (((section, key), line) for line in value.split("\n"))


def _directives(text: str) -> Iterator[Part]:
    """Those of Go: `word rest`, or `word (`, rests, `)`."""
    block = ""
    for line in _lines(text, "//"):
        word, _, rest = line.partition(" ")
        if line == ")":
            block = ""
        elif rest.strip() == "(" and not block:
            block = word
        else:
            yield (block or word,), line if block else rest.strip()


def _lines(text: str, comment: str) -> Iterator[str]:
    for line in text.split("\n"):
        plain = " ".join(line.partition(comment)[0].split())
        if plain:
            yield plain
