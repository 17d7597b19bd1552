"""YAML that nobody vouches for, with PyYAML.

Only strings, lists and dictionaries are made: the base loader, which is the safe loader without its dates, numbers
and merges. The parser's events are counted first, so that nesting and aliases are known before anything recurses.
"""

from __future__ import annotations

from typing import Any

import yaml

from gitoma.domain.agents.ports import UnreadableDocument, YamlReader

DEPTH_MAX = 100
"""How deeply collections may be nested: far more than people write, far less than a stack holds."""

ALIASES_MAX = 200
"""How many aliases (`*name`) a file may have."""

NODES_MAX = 100_000
"""How many values a document may have with each alias counted as what it stands for."""

# The parser in C is ten times faster, where PyYAML was built with it.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class PyYamlReader(YamlReader):
    """Reads YAML, within limits."""

    def read(self, text: str) -> object:
        """See the port."""
        self.check(text)
        loader = _Loader(text)
        try:
            document = loader.get_data() if loader.check_data() else ""
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UnreadableDocument(_line(error)) from error
        finally:
            loader.dispose()
        _weigh(document, {})
        return document

    def check(self, text: str) -> None:
        """See the port."""
        limits = _Limits()
        try:
            for event in yaml.parse(text, Loader=_Loader):
                limits.take(event)
        except (yaml.YAMLError, RecursionError) as error:
            raise UnreadableDocument(_line(error)) from error


class _Limits:
    """What the events of a file add up to, and which names its aliases may use.

    The parser looks at neither: it knows what a document looks like, not what it stands for.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._aliases = 0
        self._anchors: set[str] = set()

    def take(self, event: Any) -> None:
        """Count one event.

        Raises:
            UnreadableDocument: It is one too many, or an alias of what its document has not named.
        """
        self._depth += _NESTING.get(type(event), 0)
        if self._depth > DEPTH_MAX:
            raise UnreadableDocument("nested too deeply")
        if isinstance(event, yaml.DocumentStartEvent):
            self._anchors.clear()
        elif isinstance(event, yaml.AliasEvent):
            self._aliases += 1
            if self._aliases > ALIASES_MAX:
                raise UnreadableDocument("too many aliases")
            if event.anchor not in self._anchors:
                raise UnreadableDocument("an alias that stands for nothing")
        elif isinstance(event, yaml.NodeEvent) and event.anchor:
            self._anchors.add(event.anchor)


_NESTING: dict[type, int] = {
    yaml.MappingStartEvent: 1,
    yaml.SequenceStartEvent: 1,
    yaml.MappingEndEvent: -1,
    yaml.SequenceEndEvent: -1,
}


def _weigh(value: object, known: dict[int, int]) -> int:
    """How many values `value` has when written out; a collection that occurs often is counted once and added often.

    Raises:
        UnreadableDocument: More than `NODES_MAX`.
    """
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        children = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_weigh(child, known) for child in children)
        if known[id(value)] > NODES_MAX:
            raise UnreadableDocument("too large when its aliases are written out")
    return known[id(value)]


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
