"""Which files mend which check, here: a check's own `fix` names the usual ones, a tree has its own.

A target exists, or may be made. A check without any target is nothing for an agent: what it asks for lies in files that
agents never write, or is no matter of files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from gitoma.domain.agents import paths
from gitoma.domain.agents.health.score import CheckResult, Mender, Report, Status
from gitoma.domain.agents.health.snapshot import is_vendored
from gitoma.domain.agents.health.sources import is_code, is_source, is_test
from gitoma.domain.agents.recipes import recipe
from gitoma.domain.agents.tree import Tree

TARGETS_MAX = 3
"""How many files one task may be about: what a small model keeps in view."""


def mendable(report: Report, tree: Tree) -> tuple[CheckResult, ...]:
    """The checks that fail or warn and that an agent, or a recipe, can mend; what costs the score most comes first."""
    found = [result for result in report.results if is_amiss(result) and targets(result, tree)]
    return tuple(sorted(found, key=loss, reverse=True))


def is_amiss(result: CheckResult) -> bool:
    """It fails or warns."""
    return result.status in (Status.FAIL, Status.WARN)


def is_for_agents(result: CheckResult) -> bool:
    """Whether what a check still asks for is an agent's to write: a model's, or a recipe's."""
    if result.fix.kind is Mender.AGENT:
        return not _FOR_PEOPLE.get(result.name, _never)(result)
    return result.fix.kind is Mender.RECIPE


def loss(result: CheckResult) -> float:
    """What a check takes from the score, in parts of the weighted sum."""
    return 0.0 if result.score is None else result.weight * (10 - result.score)


def targets(result: CheckResult, tree: Tree) -> tuple[str, ...]:
    """The files that mend this check, the usual one first; at most `TARGETS_MAX`, none if an agent cannot."""
    if not is_for_agents(result):
        return ()
    if result.fix.kind is Mender.RECIPE:
        change = recipe(result.name, tree)
        return change.paths if change else ()
    named = _NAMED.get(result.name, _usual)(result, tree)
    return tuple(islice((path for path in dict.fromkeys(named) if _may_be_written(path, tree)), TARGETS_MAX))


def is_target(path: str, result: CheckResult, tree: Tree) -> bool:
    """Whether this file mends the check: one of `targets`, or any other new test where tests are missing."""
    if result.name == "Tests" and path not in tree and is_code(path) and is_test(path) and not paths.is_manifest(path):
        return _may_be_written(path, tree)
    return path in targets(result, tree)


def _may_be_written(path: str, tree: Tree) -> bool:
    return paths.check(path, tree.special) == path and (path in tree or tree.clash(path) is None)


def _never(_: CheckResult) -> bool:
    return False


def _only_ci_is_missing(result: CheckResult) -> bool:
    return result.reason.startswith("configured,")


def _is_ignored_already(result: CheckResult) -> bool:
    return "no .gitignore" not in result.reason


# Of these a part is for people: that a linter runs in CI, and that tracked junk leaves the index.
_FOR_PEOPLE: Mapping[str, Callable[[CheckResult], bool]] = MappingProxyType(
    {"Lint-And-Types": _only_ci_is_missing, "Repo-Hygiene": _is_ignored_already}
)


def _usual(result: CheckResult, tree: Tree) -> Iterable[str]:
    """The file in which the check found something lacking; else the one that it expects."""
    found = [path for path in result.evidence if path in tree]
    return found or result.fix.files[:1]


def _expected(result: CheckResult, _: Tree) -> Iterable[str]:
    return result.fix.files[:1]


def _in_evidence(result: CheckResult, tree: Tree) -> Iterable[str]:
    return [path for path in result.evidence if path in tree]


def _manifests(result: CheckResult, tree: Tree) -> Iterable[str]:
    """Those with something lacking (`name: what`) first, then the others; a new one where there are old ways only."""
    lacking = [place.partition(": ")[0] for place in result.evidence]
    known = [path for path in (*lacking, *result.fix.files) if path in tree and path in result.fix.files]
    return known or result.fix.files[:1]


def _lint_files(_: CheckResult, tree: Tree) -> Iterable[str]:
    """Where the tools of the languages in the tree are configured."""
    if "pyproject.toml" in tree:
        yield "pyproject.toml"
    endings = {path.rpartition(".")[2] for path in tree.paths if is_source(path) and not is_vendored(path)}
    yield from (name for ending, name in _LINT_FILES.items() if ending in endings)
    yield ".editorconfig"


# Not of JavaScript: a linter's file there is of no use without a new dependency.
_LINT_FILES = MappingProxyType({"py": "ruff.toml", "go": ".golangci.yml", "rs": "rustfmt.toml"})


def _missing_tests(_: CheckResult, tree: Tree) -> Iterator[str]:
    """A test, not there yet, for each source that has none; in order of the sources."""
    tests = [path for path in tree.paths if is_test(path) and is_code(path)]
    names = {path.rpartition("/")[2] for path in tests}
    home = _home_of_python_tests(tests)
    for path in tree.paths:
        if is_source(path) and not is_vendored(path):
            test = _test_of(path, home)
            if test and test.rpartition("/")[2] not in names:
                yield test


def _home_of_python_tests(tests: Iterable[str]) -> str:
    """The outermost folder that holds tests in Python; `tests` where none does."""
    folders = {path.rpartition("/")[0] for path in tests if path.endswith(".py")}
    return min(filter(None, folders), key=lambda folder: (folder.count("/"), folder), default="tests")


def _test_of(source: str, python_home: str) -> str | None:
    """Where the test of a source is expected, in the languages whose habits leave no doubt."""
    folder, slash, name = source.rpartition("/")
    stem, _, ending = name.rpartition(".")
    match ending:
        case "py":
            return f"{python_home}/test_{stem.strip('_')}.py"
        case "go":
            return f"{folder}{slash}{stem}_test.go"
        case "js" | "jsx" | "mjs" | "ts" | "tsx":
            return f"{folder}{slash}{stem}.test.{ending}"
        case "java" | "kt" if "src/main/" in source:
            return f"{folder.replace('src/main/', 'src/test/', 1)}{slash}{stem}Test.{ending}"
        case _:
            return None


_NAMED: Mapping[str, Callable[[CheckResult, Tree], Iterable[str]]] = MappingProxyType(
    {
        "Tests": _missing_tests,
        "Lint-And-Types": _lint_files,
        "Manifest": _manifests,
        "Valid-Syntax": _in_evidence,
        "Repo-Hygiene": _expected,
    }
)
