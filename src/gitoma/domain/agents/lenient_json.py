"""JSON as models write it: what is wrong and can mean one thing only is taken as that.

Taken: commas before a closing bracket, line ends within strings, quotes within strings that nothing could follow,
strings in single quotes, a backslash before what needs none, and Python's `True`, `False` and `None`. Never taken:
what has no end. To close it would be to answer in the model's place.
"""

from __future__ import annotations

import json
import re

DEPTH_MAX = 20
"""How deep values may be nested; what an agent asks for is four deep."""


class Malformed(ValueError):
    """It is no JSON, however one looks at it; the message says what was expected, and where."""


class Unfinished(ValueError):
    """The text ends before the value does."""


def read(text: str, start: int = 0) -> object:
    """The value that begins at `start`; what follows it is not looked at.

    Raises:
        Malformed: There is none.
        Unfinished: It does not end.
    """
    return _Reader(text, start).value(DEPTH_MAX)


_BLANK = re.compile(r"\s*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,18})?(?:[eE][+-]?\d{1,3})?\b")
_WORD = re.compile(r"[A-Za-z]{1,8}")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_TO_THE_END = re.compile(r"[-+\w.]++\Z")
_STOP = {quote: re.compile(rf"[{quote}\\]") for quote in "\"'"}
_ESCAPES = frozenset('"\\/bfnrtu')

# What may follow a string; a quote before anything else is part of the string.
_AFTER_KEY = re.compile(r"\s*(?::|\Z)")
_AFTER_VALUE = re.compile(r"\s*(?:[}\]]|\Z|,\s*(?:[\"'{}\[\]]|-?\d|\Z|(?:[Tt]rue|[Ff]alse|null|None)\b))")


class _Reader:
    def __init__(self, text: str, place: int) -> None:
        self._text = text
        self._place = place

    def value(self, depth: int) -> object:
        character = self._peek()
        if character in "{[":
            if not depth:
                raise Malformed(f"values are nested more than {DEPTH_MAX} deep")
            return self._object(depth - 1) if character == "{" else self._list(depth - 1)
        return self._string(_AFTER_VALUE) if character in _STOP else self._scalar()

    def _object(self, depth: int) -> dict[str, object]:
        found: dict[str, object] = {}
        self._place += 1
        while self._peek() != "}":
            if self._peek() not in _STOP:
                raise self._expected("a name in quotes")
            name = self._string(_AFTER_KEY)
            self._take(":")
            found[name] = self.value(depth)
            self._take_comma_before("}")
        self._place += 1
        return found

    def _list(self, depth: int) -> list[object]:
        found: list[object] = []
        self._place += 1
        while self._peek() != "]":
            found.append(self.value(depth))
            self._take_comma_before("]")
        self._place += 1
        return found

    def _take_comma_before(self, end: str) -> None:
        if self._peek() != end:
            self._take(",")

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise self._expected(f"`{character}`")
        self._place += 1

    def _string(self, after: re.Pattern[str]) -> str:
        quote = self._peek()
        self._place += 1
        parts: list[str] = []  # as JSON would have them
        while stop := _STOP[quote].search(self._text, self._place):
            parts.append(self._text[self._place : stop.start()].replace('"', r"\""))
            self._place = stop.end()
            if stop[0] == "\\":
                parts.append(self._escape())
            elif after.match(self._text, self._place):
                return self._decoded("".join(parts))
            else:
                parts.append(r"\"" if quote == '"' else quote)
        raise Unfinished("a string does not end")

    def _escape(self) -> str:
        character = self._text[self._place : self._place + 1]
        self._place += 1
        if character in _ESCAPES:
            return f"\\{character}"
        return character if character == "'" else rf"\\{character}"

    def _decoded(self, string: str) -> str:
        try:
            # Not strict: line ends and other control characters may stand in it as they are.
            return str(json.loads(f'"{string}"', strict=False))
        except ValueError:
            raise self._expected("four hex digits behind each `\\u`") from None

    def _scalar(self) -> object:
        if _TO_THE_END.match(self._text, self._place):  # `-`, `1.`, `tru`: half of something, or a whole one
            raise Unfinished("the text ends within it")
        number = _NUMBER.match(self._text, self._place)
        if number:
            self._place = number.end()
            return json.loads(number[0])
        word = _WORD.match(self._text, self._place)
        if word and word[0] in _WORDS:
            self._place = word.end()
            return _WORDS[word[0]]
        raise self._expected("a value")

    def _peek(self) -> str:
        """The next character that is no blank."""
        blank = _BLANK.match(self._text, self._place)
        self._place = blank.end() if blank else self._place
        if self._place >= len(self._text):
            raise Unfinished("the text ends within it")
        return self._text[self._place]

    def _expected(self, what: str) -> Malformed:
        before = self._text[max(0, self._place - 20) : self._place]
        return Malformed(f"expected {what} behind {before!r}")
