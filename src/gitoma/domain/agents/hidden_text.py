"""Characters that people do not see, or that reorder what they see: no path and no change brings any in.

Controls and format characters (the bidirectional ones, everything of zero width), the two separators of lines that
are no newline, halves of surrogate pairs, and letters and marks that are drawn as nothing.
"""

from __future__ import annotations

import unicodedata
from collections import Counter

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_LAYOUT = frozenset("\t\n\r\f")  # what text files are laid out with
# Combining grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian selectors: not `Cf`, and yet nothing.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
# The supplement of variation selectors can spell any bytes. The two plain ones (U+FE0E, U+FE0F) belong to emoji.
_SELECTORS = range(0xE0100, 0xE01F0)
_PLAIN_SELECTORS = range(0xFE00, 0xFE0E)


def is_hidden(character: str) -> bool:
    """Whether a character is of no use in text but to hide something. Tabs and line ends are not."""
    return character not in _LAYOUT and (
        unicodedata.category(character) in _UNSEEN
        or character in _FILLERS
        or ord(character) in _SELECTORS
        or ord(character) in _PLAIN_SELECTORS
    )


def hidden_in(text: str) -> Counter[str]:
    """The hidden characters of `text`, and how often each occurs.

    A byte order mark at the beginning is none; a carriage return is one where it ends no line, because a terminal
    then shows what follows in place of what went before.
    """
    found = Counter({c: n for c, n in Counter(text.removeprefix("\ufeff")).items() if is_hidden(c)})
    lone = text.count("\r") - text.count("\r\n")
    return found + Counter({"\r": lone})
