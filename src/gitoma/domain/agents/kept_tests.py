"""What must stay in tests where a failure is to be mended: every test case, and as many assertions as there were.

A failing test is made to pass soonest by taking it away. Python's test cases are known by name, from the syntax tree;
those of other languages, and of Python that does not parse, are counted by the words that begin one. Whether a test
that stays still tests something is the critic's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.changes import FileChange, Refusal
from gitoma.domain.agents.health.sources import is_test
from gitoma.domain.agents.paths import shown
from gitoma.domain.agents.python_code import outline

_LINE_MAX = 400  # characters of a line that are looked at: beyond it there is minified code
_NAMED = 5  # test cases in one message

_COMMENT = re.compile(r"(?:#(?!\[)|//|/?\*|--|;)")
_CASE = re.compile(
    r"\b(?:def|fun|func|fn|function|sub|void|Task)\s+\(?`?[Tt]est\w*"  # Python, Kotlin, Go, Swift, PHP, Java
    r"|(?<![.\w])(?:it|test|specify|scenario|testWidgets)(?:\.\w{1,20}){0,3}(?:\s*\(|\s+[\"'])"  # JS, Ruby, Elixir
    r"|@(?:\w{1,20}\.){0,4}(?:Test|ParameterizedTest|RepeatedTest)\b"  # Java, Kotlin
    r"|#\[(?:\w{1,20}::){0,4}(?:test|rstest|test_case)\b"  # Rust
    r"|\[(?:Fact|Theory|Test|TestCase|TestMethod)\b"  # .NET
    r"|\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|TEST_CASE|BOOST_AUTO_TEST_CASE)\s*\("  # C, C++
)
_ASSERTION = re.compile(
    r"assert|\bexpect|\bshould\b|\bverify\b|\brequire\.|\bcheck!|\braises\b|\.(?:Error|Fatal)f?\(", re.I
)


def holds_tests(path: str, text: str) -> bool:
    """Whether a file is a test, or has one in it."""
    return is_test(path) or _count(_CASE, text) > 0


def lost_tests(file: FileChange) -> Iterator[Refusal]:
    """Code `lost`, for the test cases and assertions that a file had and would have no more.

    Args:
        file: The file's part of the change; it may be one that goes.
    """
    if file.old is None or not holds_tests(file.path, file.old):
        return
    new = file.new or ""
    gone = _gone_by_name(file.old, new) if file.path.endswith((".py", ".pyi")) else None
    if gone:
        yield Refusal(
            "lost", f"{shown(file.path)} would lose the tests {_list(gone)}. Keep every test; mend the cause."
        )
    elif gone is None and _count(_CASE, new) < _count(_CASE, file.old):
        yield Refusal(
            "lost", f"{shown(file.path)} would have fewer tests than before. Keep every test; mend the cause."
        )
    elif is_test(file.path) and (_is_blank(new, file.old) or _count(_ASSERTION, new) < _count(_ASSERTION, file.old)):
        yield Refusal("lost", f"{shown(file.path)} would check less than before. Keep what it checks; mend the cause.")


def _gone_by_name(old: str, new: str) -> list[str] | None:
    """The test cases of Python that are defined no more; None where one of the two does not parse."""
    before, after = outline(old), outline(new)
    if before is None or after is None:
        return None
    cases = (name for name in before.definitions if name.rpartition(".")[2].casefold().startswith("test"))
    return sorted(name for name in cases if name not in after.definitions)


def _is_blank(new: str, old: str) -> bool:
    return bool(old.strip()) and not new.strip()


def _count(pattern: re.Pattern[str], text: str) -> int:
    lines = (line.strip()[:_LINE_MAX] for line in text.split("\n"))
    return sum(not _COMMENT.match(line) and pattern.search(line) is not None for line in lines)


def _list(names: list[str]) -> str:
    some = ", ".join(map(shown, names[:_NAMED]))
    return some if len(names) <= _NAMED else f"{some} and {len(names) - _NAMED} more"
