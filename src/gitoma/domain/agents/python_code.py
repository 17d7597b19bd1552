"""What a Python file defines and imports, from its syntax tree. Nothing is imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_Def = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Outline:
    """A module as seen from outside.

    Attributes:
        definitions: Functions, classes, and methods as `Class.method`, to whether there is anything in them: a
            docstring, `pass` and `...` are nothing.
        bound: These, and all other names that the module, or a class of it, gives to something.
        imports: The first names of what it imports, wherever it does; without what is relative to itself.
    """

    definitions: dict[str, bool]
    bound: frozenset[str]
    imports: frozenset[str]


@lru_cache(maxsize=8)  # several rules ask for the same file, as it is and as it is to be
def outline(text: str) -> Outline | None:
    """Read a module; None if it does not parse."""
    module = _parsed(text)
    if module is None:
        return None
    definitions: dict[str, bool] = {}
    bound: set[str] = set()
    for name, node in _named(module.body, ""):
        bound.add(name)
        if isinstance(node, _Def | ast.ClassDef):
            definitions[name] = definitions.get(name, False) or not _is_empty(node.body)
    return Outline(definitions, frozenset(bound), frozenset(_imports(module)))


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in their string is no business of our output
            return ast.parse(text.encode("utf-8"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def shapes(text: str, names: Collection[str]) -> dict[str, str]:
    """Definitions as texts that are equal where arguments and body are: without any of `names`, also where it is used.

    Args:
        text: A module's; one that does not parse, or is nested too deep, has no shapes.
        names: Which definitions, as `Outline` names them.
    """
    module = _parsed(text)
    if module is None or not names:
        return {}
    own = "|".join(sorted({re.escape(name.rpartition(".")[2]) for name in names}))
    used = re.compile(rf"\b(name|id|attr)='(?:{own})'(?=[,)])")
    found = ((name, node) for name, node in _named(module.body, "") if isinstance(node, _Def | ast.ClassDef))
    try:
        return {name: used.sub(r"\1=", ast.dump(node)) for name, node in found if name in names}
    except RecursionError:
        return {}


def spans(text: str) -> dict[str, range]:
    """Where definitions are, by the numbers of their lines from 1, decorators with them; of a class, its first lines.

    What is within a class and no method of it belongs to no definition: who speaks of it means no whole class.
    """
    module = _parsed(text)
    if module is None:
        return {}
    named = _named(module.body, "")
    return {name: _span(node) for name, node in named if isinstance(node, _Def | ast.ClassDef)}


def _span(node: _Def | ast.ClassDef) -> range:
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    if isinstance(node, ast.ClassDef):
        return range(start, max(node.lineno + 1, node.body[0].lineno))
    return range(start, (node.end_lineno or node.lineno) + 1)


def _named(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    """Every name that a block gives to something, and the statement that does; in classes, one level down."""
    for node in _statements(body):
        for name in _names(node):
            yield prefix + name, node
        if isinstance(node, ast.ClassDef) and not prefix:
            yield from _named(node.body, f"{node.name}.")


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block, and of blocks in it that are run with it: `if`, `try`, `with`, loops."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, _Def | ast.ClassDef):
            for inner in ("body", "orelse", "finalbody"):
                waiting += getattr(node, inner, [])
            for handler in getattr(node, "handlers", []):
                waiting += handler.body


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Import() | ast.ImportFrom():
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        case ast.Assign() | ast.AnnAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _is_empty(body: Sequence[ast.stmt]) -> bool:
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and _says_nothing(node.value.value))
        for node in body
    )


def _says_nothing(value: object) -> bool:
    return value is ... or isinstance(value, str)
