"""What every `YamlReader` promises, one check for each promise.

A check takes a reader and raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable

from gitoma.domain.agents.ports import UnreadableDocument, YamlReader

_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def check_every_scalar_is_text_and_an_absent_value_is_empty(reader: YamlReader) -> None:
    """Nothing is guessed: `on` is no boolean and `3.10` no number."""
    text = "on: push\npython: [3.10, 'x', yes]\nnothing:\nmore: {a: 1}\n"
    assert reader.read(text) == {"on": "push", "python": ["3.10", "x", "yes"], "nothing": "", "more": {"a": "1"}}


def check_only_the_first_document_is_read(reader: YamlReader) -> None:
    """`read` stops there; `check` does not."""
    assert reader.read("a: 1\n---\nb: 2\n") == {"a": "1"}
    assert _is_refused(reader.check, "a: 1\n---\nb: [\n")


def check_what_is_no_yaml_is_refused_in_one_line(reader: YamlReader) -> None:
    """`UnreadableDocument`, from both."""
    for text in ("a: [", "\t- x", "a: b: c", "*never", "\0"):
        assert _is_refused(reader.read, text), repr(text)
        assert _is_refused(reader.check, text), repr(text)


def check_no_document_grows_without_bounds(reader: YamlReader) -> None:
    """Neither by aliases, nor by depth, nor by containing itself."""
    for text in (_BOMB, "[" * 5000 + "]" * 5000, "&a [*a]"):
        assert _is_refused(reader.read, text), text[:40]


def _is_refused(call: Callable[[str], object], text: str) -> bool:
    try:
        call(text)
    except UnreadableDocument as error:
        return len(str(error).splitlines()) == 1
    return False


YAML_READER_CHECKS = (
    check_every_scalar_is_text_and_an_absent_value_is_empty,
    check_only_the_first_document_is_read,
    check_what_is_no_yaml_is_refused_in_one_line,
    check_no_document_grows_without_bounds,
)
