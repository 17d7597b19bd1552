"""What a change must pass before anybody is asked about it, whoever made it: rules that cost nothing and never tire.

| code | rule |
|---|---|
| `scope` | every file is one that the task lists, or a new test where those are let in; `paths` allows it |
| `size` | few files, no large one, few lines; a document does not lose much of itself |
| `syntax` | what parsed still parses; what is new does |
| `lost` | definitions stay or are renamed, with something in them; so do files, tests, and code blocks of documents |
| `conflict` | no added line is a mark that a merge left |
| `elision` | no line stands for others |
| `secret` | no added line holds a credential |
| `hidden` | no character that people do not see |
| `manifest` | a build manifest says other things about the project, but brings and runs nothing else |
| `import` | no module that would be a new dependency |

Each refusal says what to do instead: it is what the next attempt is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from gitoma.domain.agents import paths
from gitoma.domain.agents.changed_lines import added, lines_of, taken_away
from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.dependencies import unknown_modules
from gitoma.domain.agents.elision import elided
from gitoma.domain.agents.health.secrets import kinds_in
from gitoma.domain.agents.health.sources import is_code, is_test
from gitoma.domain.agents.health.syntax import has_comments_by_name, problem
from gitoma.domain.agents.hidden_text import hidden_in
from gitoma.domain.agents.keeping import lost
from gitoma.domain.agents.kept_tests import lost_tests
from gitoma.domain.agents.manifest_rules import unasked
from gitoma.domain.agents.paths import shown
from gitoma.domain.agents.ports import YamlReader
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.python_code import outline
from gitoma.domain.agents.tree import TEXT_MAX_BYTES, Tree

FILES_MAX = 10
"""How many files may change at once: what a person reviews in one go."""

LINES_MAX = 400
"""How many lines may be added and taken away at once, files that are deleted left out."""

REFUSALS_MAX = 8
"""How many refusals are told at once: more is no help to a model."""

_QUOTED = 160  # characters of a line, or of a parser's words, in a message
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?:\s|$)")  # a line of `=` alone underlines a heading
_LINE_NUMBER = re.compile(r"\bline (\d{1,6})\b")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one task may do.

    Attributes:
        files: The files that may be changed or made.
        new_tests: New test files may be made as well.
        text: A person's words: a definition that they name may go.
        deletable: The files that may be deleted, if the task's words ask for it, too.
        keeps_tests: No test case may go, nor an assertion: a test has failed, and is not to be taken away.
        new_imports: New dependencies may be imported, and declared where the text names them: a person has asked for
            the change, and sees it.
        may_go: Definitions that may go besides, by name: nothing else may for it.
    """

    files: frozenset[str]
    new_tests: bool = False
    text: str = ""
    deletable: frozenset[str] = frozenset()
    keeps_tests: bool = False
    new_imports: bool = False
    may_go: frozenset[str] = frozenset()


def check(
    change: ChangeSet, tree: Tree, scope: Scope, yaml: YamlReader, secret: Callable[[str], bool]
) -> tuple[Refusal, ...]:
    """Judge a change.

    Args:
        change: What is to be done.
        tree: The files without it.
        scope: What the task may do.
        yaml: Reads YAML.
        secret: Whether a line holds one of the installation's credentials.

    Returns:
        Why it is refused; empty if it passes. What is too large, or out of scope, is looked at no further.
    """
    gates = _Gates(change, tree, scope, yaml, secret)
    refusals = [*gates.scope(), *gates.size()] or [*gates.each_file(), *gates.imports()]
    return tuple(islice(dict.fromkeys(refusals), REFUSALS_MAX))


class _Gates:
    """The rules, with all that they look at."""

    def __init__(
        self, change: ChangeSet, tree: Tree, scope: Scope, yaml: YamlReader, secret: Callable[[str], bool]
    ) -> None:
        self._change = change
        self._tree = tree
        self._scope = scope
        self._yaml = yaml
        self._secret = secret

    def scope(self) -> Iterator[Refusal]:
        for file in self._change.files:
            judged = paths.check(file.path, self._tree.special)
            if isinstance(judged, Refusal):
                yield judged
            elif judged != file.path or not self._is_in_scope(file):
                yield Refusal("scope", self._out_of_scope(file))

    def _is_in_scope(self, file: FileChange) -> bool:
        if file.new is None:
            return file.path in self._scope.deletable
        return file.path in self._scope.files or (self._scope.new_tests and _is_new_test(file))

    def _out_of_scope(self, file: FileChange) -> str:
        if file.new is None:
            return f"{shown(file.path)} may not be deleted. Leave it in place."
        allowed = ", ".join(map(shown, sorted(self._scope.files)[:FILES_MAX])) or "no file"
        tests = ", and new tests" if self._scope.new_tests else ""
        kind = (
            "a build manifest that the task does not list" if paths.is_manifest(file.path) else "not part of the task"
        )
        return f"{shown(file.path)} is {kind}. Change only: {allowed}{tests}."

    def size(self) -> Iterator[Refusal]:
        files = [file for file in self._change.files if file.new is not None]
        if len(self._change.files) > FILES_MAX:
            yield Refusal("size", f"{len(self._change.files)} files change. Change at most {FILES_MAX}.")
        for file in files:
            if len((file.new or "").encode("utf-8", "surrogatepass")) > TEXT_MAX_BYTES:
                yield Refusal(
                    "size", f"{shown(file.path)} would be larger than {TEXT_MAX_BYTES // 1024} KiB. Write less."
                )
        lines = sum(len(added(file)) + len(taken_away(file)) for file in files)
        if lines > LINES_MAX:
            yield Refusal("size", f"{lines} lines change. Change at most {LINES_MAX}; leave all others as they are.")

    def each_file(self) -> Iterator[Refusal]:
        for file in self._change.files:
            if self._scope.keeps_tests:
                yield from lost_tests(file)
            yield from lost(file, self._scope.text, self._scope.may_go)
            if paths.is_manifest(file.path):
                yield from unasked(file, self._scope.text if self._scope.new_imports else None)
            if file.new is not None:
                yield from self._syntax(file, file.new)
                yield from _conflicts(file)
                yield from _placeholders(file, file.new)
                yield from self._secrets(file)
                yield from _hidden(file, file.new)

    def _syntax(self, file: FileChange, new: str) -> Iterator[Refusal]:
        if has_comments_by_name(file.path):
            return
        wrong = self._problem(file.path, new)
        if wrong and (file.old is None or not self._problem(file.path, file.old)):
            message = f"{shown(file.path)} would not parse: {printable(wrong)[:_QUOTED]}{_quoted_line(wrong, new)}."
            yield Refusal("syntax", f"{message} Mend that, and leave the rest as it is.")

    def _problem(self, path: str, text: str) -> str | None:
        return problem(path, text.encode("utf-8", "surrogatepass"), self._yaml.check)

    def _secrets(self, file: FileChange) -> Iterator[Refusal]:
        lines = added(file)
        kinds = dict.fromkeys(kinds_in("\n".join(lines).encode("utf-8", "surrogatepass")))
        if not kinds and any(map(self._secret, (file.path, *lines))):
            kinds = {"credential": None}
        for kind in kinds:  # never the value
            message = f"{shown(file.path)} would hold what looks like a {kind}. Read it from the environment instead."
            yield Refusal("secret", message)

    def imports(self) -> Iterator[Refusal]:
        if self._scope.new_imports:
            return
        fresh = {file.path: modules for file in self._change.files if (modules := _new_imports(file))}
        if not fresh:
            return
        unknown = unknown_modules(frozenset().union(*fresh.values()), self._tree, self._tree.with_change(self._change))
        for path, modules in fresh.items():
            for module in sorted(modules & unknown):
                message = f"{shown(path)} imports {shown(module)}, which the project neither has nor declares."
                yield Refusal("import", f"{message} Use the standard library, or what is imported already.")


def _is_new_test(file: FileChange) -> bool:
    return file.old is None and is_code(file.path) and is_test(file.path) and not paths.is_manifest(file.path)


def _quoted_line(wrong: str, text: str) -> str:
    """The line that a parser complains about: a model sees no line numbers."""
    number = _LINE_NUMBER.search(wrong)
    lines = lines_of(text)
    if number is None or not 0 < int(number[1]) <= len(lines) or not lines[int(number[1]) - 1].strip():
        return ""
    return f", which is: {printable(lines[int(number[1]) - 1].strip())[:_QUOTED]}"


def _placeholders(file: FileChange, new: str) -> Iterator[Refusal]:
    fresh = {line.strip() for line in added(file)}
    found = elided(lines_of(new), file.path, adding=not taken_away(file))
    line = next((line for line in found if line in fresh), None)
    if line is not None:
        quoted = printable(line)[:_QUOTED]
        yield Refusal("elision", f'"{quoted}" stands for lines of {shown(file.path)}. Write those lines themselves.')


def _conflicts(file: FileChange) -> Iterator[Refusal]:
    if any(map(_CONFLICT.match, added(file))):
        message = f"{shown(file.path)} would hold marks of a merge conflict. Write the lines as they are to be."
        yield Refusal("conflict", message)


def _hidden(file: FileChange, new: str) -> Iterator[Refusal]:
    more = hidden_in(new) - hidden_in(file.old or "")
    if more:
        names = ", ".join(f"U+{ord(character):04X}" for character in sorted(more)[:5])
        message = f"{shown(file.path)} would hold characters that nobody sees ({names}). Write plain ones."
        yield Refusal("hidden", message)


def _new_imports(file: FileChange) -> frozenset[str]:
    if file.new is None or not file.path.endswith(".py"):
        return frozenset()
    new, old = outline(file.new), outline(file.old or "")
    return (new.imports if new else frozenset()) - (old.imports if old else frozenset())
