"""What a change must leave in place: files, definitions of Python files, and most of a document.

Small models that write a file anew drop what they were not thinking of. A definition goes where it only gets another
name, or where words that are no model's name it (`named_definitions`). A file goes as a whole only where the task's
words ask for just that, and a file of tests never does. That no failing test is made to pass by taking it away, in
whatever language, is `kept_tests`'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.changes import FileChange, Refusal
from gitoma.domain.agents.kept_tests import holds_tests
from gitoma.domain.agents.named_definitions import named, renamed
from gitoma.domain.agents.paths import shown
from gitoma.domain.agents.python_code import Outline, outline

DOCUMENT_KEEPS = 0.7
"""How much of its lines a document must keep, counted without blank ones."""

DOCUMENT_SHORT = 10
"""A document of fewer lines may be written anew, if it does not become much shorter."""

SHORT_DOCUMENT_KEEPS = 0.5
"""How many characters, blanks left out, a document of few lines must have afterwards, of those that it had."""

FILE_KEEPS = 0.1
"""The same for any other file of `DOCUMENT_SHORT` lines or more: with less it is as good as gone."""

_NAMED = 5  # definitions in one message
_DOCUMENT = re.compile(r"(?:.*/)?(?:.+\.(?:md|markdown|rst|adoc)|readme(?:\.txt)?)", re.I)
_FENCE = re.compile(r"[ \t>]*(`{3,}(?=[^`]*$)|~{3,})(.*)")
_DIRECTIVE = re.compile(
    r"[ \t]*(?:\.\. (?:code|code-block|sourcecode|prompt|literalinclude|doctest)::.*|.*[^:\s]::[ \t]*)"
)
_FILE = r"(?:files?|modules?|scripts?|documents?|pages?|it all)"
_WHICH = (
    r"(?:(?:the|this|that|these|whole|entire|full|complete|old|stale|dead|unused|unneeded|obsolete|redundant|legacy"
    r"|duplicate|duplicated) ){0,4}"
)
_VERB = r"\b(?:delet(?:e|ing)|remov(?:e|ing)|drop(?:ping)?|rm|git rm|get(?:ting)? rid of) "
_USELESS = (
    r"(?:unused|unneeded|obsolete|redundant|dead|superfluous|no longer (?:used|needed)"
    r"|to be (?:deleted|removed|dropped)|(?:can|could|should|must|may) (?:go\b|be (?:deleted|removed|dropped)))"
)
_DELETES = re.compile(rf"{_VERB}{_WHICH}{_FILE}\b|\b{_FILE} (?:is |are |here )?(?:now )?{_USELESS}", re.I)
_DELETES_NAMED = re.compile(rf"{_VERB}{_WHICH}(?:{_FILE} )?[`'\"]?([\w./-]+)", re.I)
_DENIES = re.compile(r"\b(?:not|never|no need|without|instead of|rather than|keep)\b|n['\u2019]t\b", re.I)
_SENTENCE_END = re.compile(r"[!?;\n]+|\.(?=\s|$)")


def asks_for_deletion(text: str, path: str) -> bool:
    """Whether somebody's words ask for a file to go as a whole: to take something out of it is no such thing.

    In doubt it is not asked for: people delete a file with less effort than it takes to get one back.

    Args:
        text: What was said; lines that quote others do not count.
        path: The file; its name may be said instead of "this file".
    """
    own = "\n".join(line for line in text.split("\n") if not line.lstrip().startswith(">"))
    return any(_deletes(" ".join(part.split()), path) for part in _SENTENCE_END.split(own))


def _deletes(sentence: str, path: str) -> bool:
    if _DENIES.search(sentence):
        return False
    if _DELETES.search(sentence):
        return True
    names = {path, path.rpartition("/")[2]}
    return any(found[1].removeprefix("./") in names for found in _DELETES_NAMED.finditer(sentence))


def lost(file: FileChange, task: str, may_go: frozenset[str] = frozenset()) -> Iterator[Refusal]:
    """Code `lost`, for what the file had and would have no more.

    Args:
        file: The file's part of the change; a new file loses nothing.
        task: A person's words; a definition that they name may go, and the file itself where they ask for that.
        may_go: Names of definitions that may go as well; no file may for it.
    """
    if file.old is None:
        return
    if file.new is None:
        yield from _deleted(file.path, file.old, task)
        return
    found = [*_parts_lost(file, file.old, file.new, named(task) | may_go)]
    yield from found or _emptied(file.path, file.old, file.new)


def _deleted(path: str, old: str, task: str) -> Iterator[Refusal]:
    if holds_tests(path, old):
        yield Refusal("lost", f"{shown(path)} holds tests, and would be deleted. Keep every test.")
    elif not asks_for_deletion(task, path):
        yield Refusal("lost", f"Nobody asked for {shown(path)} to be deleted. Leave it in place, and change its lines.")


def _emptied(path: str, old: str, new: str) -> Iterator[Refusal]:
    before, after = (len("".join(text.split())) for text in (old, new))
    if _full_lines(old) >= DOCUMENT_SHORT:
        least = FILE_KEEPS * before
    else:
        least = SHORT_DOCUMENT_KEEPS * before if _DOCUMENT.fullmatch(path) else 0.0
    if before and (not after or after < least):
        yield Refusal("lost", f"Next to nothing would be left of {shown(path)}. Keep what is there, and add to it.")


def _parts_lost(file: FileChange, old: str, new: str, words: frozenset[str]) -> Iterator[Refusal]:
    if file.path.endswith((".py", ".pyi")):
        before, after = outline(old), outline(new)
        if before is not None and after is not None:
            words |= renamed(old, new, before, after)
            yield from _definitions(file.path, before, after, words)
    elif _DOCUMENT.fullmatch(file.path):
        yield from _document(file.path, old, new)


def _definitions(path: str, before: Outline, after: Outline, words: frozenset[str]) -> Iterator[Refusal]:
    gone = [name for name in before.definitions if name not in after.bound]
    gone = [name for name in gone if words.isdisjoint((name, name.rpartition(".")[2]))]
    gone = [name for name in gone if name.partition(".")[0] == name or name.partition(".")[0] in after.definitions]
    if gone:
        yield Refusal("lost", f"{shown(path)} would lose {_list(gone)}. Keep every definition, changed or not.")
    emptied = [name for name, full in before.definitions.items() if full and after.definitions.get(name) is False]
    if emptied:
        yield Refusal("lost", f"There would be nothing left in {_list(emptied)} of {shown(path)}. Write it in full.")


def _list(names: list[str]) -> str:
    some = ", ".join(map(shown, sorted(names)[:_NAMED]))
    return some if len(names) <= _NAMED else f"{some} and {len(names) - _NAMED} more"


def _document(path: str, old: str, new: str) -> Iterator[Refusal]:
    before, after = _full_lines(old), _full_lines(new)
    if before >= DOCUMENT_SHORT and after < DOCUMENT_KEEPS * before:
        message = f"{shown(path)} would shrink from {before} lines to {after}. Keep what is there, and add to it."
        yield Refusal("lost", message)
    count = directives if path.casefold().endswith(".rst") else fences
    (blocks_before, open_before), (blocks_after, open_after) = count(old), count(new)
    if blocks_after < blocks_before:
        message = f"{shown(path)} would have {blocks_after} code blocks instead of {blocks_before}. Keep them all."
        yield Refusal("lost", message)
    if open_after and not open_before:
        yield Refusal("lost", f"A code block of {shown(path)} would not be closed. Close it with its fence.")


def _full_lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.split("\n"))


def fences(text: str) -> tuple[int, bool]:
    """How many fenced code blocks a Markdown text has, and whether the last one is left open."""
    blocks = 0
    mark = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence is None:
            continue
        if not mark:
            mark, blocks = fence[1], blocks + 1
        elif fence[1].startswith(mark) and not fence[2].strip():
            mark = ""
    return blocks, bool(mark)


def directives(text: str) -> tuple[int, bool]:
    """How many literal blocks a reStructuredText has; none can be left open."""
    return sum(bool(_DIRECTIVE.fullmatch(line.rstrip())) for line in text.split("\n")), False
