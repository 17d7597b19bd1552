"""Lines that stand for text which a model did not write: "rest unchanged", "... existing code ...", "...".

Such a line in the place of real ones deletes them. The wording is what small models write; a line that only looks like
it (a stub's `...`, a spread in JavaScript, a doctest's prompt, the end of a YAML document) is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

DOTS = ("...", "…")
"""A line that is nothing else."""

_FENCES = ("```", "~~~")
_LINE_MAX = 160  # characters: an elision is a short line, and every pattern below sees no longer one

_COMMENT = re.compile(r"(?:#+|//+|/\*+|<!--|--|;+|%+|\{/\*|\*+|\"\"\"|\(\*)\s*")
_BRACKET = re.compile(r"[\[(<]\s*")
_DOCUMENT_MARK = re.compile(r"<!--\s*|\*+(?!\s)|\.\.\s+")  # `#` and `* ` begin headings and items there
_DOCUMENTS = (".md", ".rst", ".txt", ".adoc", ".markdown")
_AROUND = " \t*/-<>{}[]()#.…\"'`"
_DOTS = re.compile(r"(?:\.{3,}|…)")
_AFTER_DOTS = re.compile(
    r"\s*[\[(]?\s*(?:the |all |any |your )?(?:rest|remainder|remaining|existing|previous|original|other|unchanged|same"
    r"|omitted|code|content|everything|keep|kept)\b",
    re.I,
)
_WHOLE = (
    r"(?:file|code|function|class|method|content|document|section|body|implementation|module|script|test|import|line"
    r"|field|definition|logic|readme)s?"
)
_AS_IT_WAS = r"(?:unchanged|the same|as (?:before|is|it was)|intact)"
_SPELLED = re.compile(
    r"(?:the |all )?(?:rest|remainder|remaining)\b.{0,60}"
    r"\b(?:unchanged|same|here|remains?|as (?:before|is)|omitted|stays?|continues?|goes)\b.*"
    rf"|(?:the )?(?:rest|remainder) of (?:the |this |your )?(?:original |existing |previous )?{_WHOLE}\b.*"
    rf"|(?:the |your )?(?:existing|previous|original) {_WHOLE}(?: (?:goes )?here| continues?| omitted)?"
    rf"|(?:the )?other {_WHOLE} (?:here|continue|omitted)"
    rf"|(?:(?:the |all |this )?(?:other |existing )?(?:{_WHOLE}|everything)\b.{{0,30}} )?"
    rf"(?:(?:remains?|stays?|left|is|are) )?{_AS_IT_WAS}"
    r"|same as (?:before|above|the original)|no changes?(?: here| below| needed)?"
    r"|(?:.{0,40}\b)?omitted for (?:brevity|clarity)|snip(?:ped)?"
    r"|(?:your |the )?(?:code|implementation|logic|content)(?: goes)? here",
    re.I,
)
_STUBS = (".py", ".pyi", *_DOCUMENTS)  # where `...` under a line like `def f():` is how stubs are written


def elided(lines: Iterable[str], path: str, *, adding: bool = False) -> Iterator[str]:
    """Those of `lines` that stand for text left out, stripped, in order.

    Args:
        lines: A file's, or a part's, without line ends; each is judged by the one before it, too.
        path: Whose lines they are: what a mark means depends on the language.
        adding: Nothing is taken away, so that dots alone in a document's code block are output that was shortened.
    """
    before = fence = ""
    shortens = adding and path.endswith(_DOCUMENTS)
    for line in lines:
        text = line.strip()
        fence = _fence_after(text, fence)
        if shortens and text in DOTS and (fence or (path.endswith(".rst") and line[:1].isspace())):
            before = text
            continue
        if text and len(text) <= _LINE_MAX and _stands_for_more(text, before, path):
            yield text
        before = text or before


def _fence_after(text: str, fence: str) -> str:
    """The fence that is open after a line, if one is."""
    if not fence:
        return text[:3] if text.startswith(_FENCES) else ""
    return "" if text.startswith(fence) and not text.strip(fence[0]) else fence


def _stands_for_more(text: str, before: str, path: str) -> bool:
    comment = (_DOCUMENT_MARK if path.endswith(_DOCUMENTS) else _COMMENT).match(text)
    bracket = None if comment else _BRACKET.match(text)
    begin = comment or bracket
    said = text[begin.end() :] if begin else text
    dots = _DOTS.match(said)
    if dots:
        return _is_dots(said[dots.end() :], bool(comment), bool(begin) or not _may_be_alone(text, before, path))
    return begin is not None and bool(_SPELLED.fullmatch(said.strip(_AROUND)))


def _is_dots(rest: str, in_comment: bool, alone: bool) -> bool:
    """What follows the dots is nothing, or says what is left out.

    In code, dots with a word right behind them are a spread (`...rest, x`), unless the words say it in full.
    """
    plain = rest.strip(_AROUND)
    if not plain:
        return alone
    if in_comment or rest[0].isspace() or rest.rstrip("])>").endswith(("...", "…")):
        return bool(_AFTER_DOTS.match(rest))
    return bool(_SPELLED.fullmatch(plain))


def _may_be_alone(text: str, before: str, path: str) -> bool:
    """The end of a YAML document, the body of a stub, the second prompt of a Python session."""
    if path.endswith((".yml", ".yaml")):
        return True
    if text == "..." and path.endswith(_STUBS) and before.endswith((":", '"""', "'''")):
        return True
    return before.startswith((">>>", "..."))
