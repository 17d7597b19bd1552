"""The checks of how a project keeps its code right: tests, tests in CI, linters and type checkers.

Checks: Tests, CI-Tests, Lint-And-Types.
"""

from __future__ import annotations

import re

from gitoma.domain.agents.health import sources
from gitoma.domain.agents.health.manifests import toml
from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.shell import commands
from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.health.workflows import Ci, ci

ENOUGH_TESTS = 0.3
"""Test files for each source file from which on there are enough: what well-tested public projects have at least."""


def tests(snapshot: Snapshot) -> Finding:
    """0 if nothing tests the sources; else 4, and up to 10 as test files approach 0.3 for each source file."""
    code, testing = sources.split(snapshot)
    if not code:
        return Finding(None, "no source files")
    if not testing:
        return Finding(0, f"{len(code)} source files and no tests")
    share = min(1.0, len(testing) / (ENOUGH_TESTS * len(code)))
    return Finding(round(min(10.0, 4 + 6 * share), 1), f"{len(testing)} test files for {len(code)} source files")


_TEST_RUNNERS = words(
    "pytest py.test unittest nose2 trial ctest rspec phpunit pest jest vitest mocha ava bats prove busted "
    "playwright cypress karma gotestsum pytest-xdist stestr test run_tests run-tests runtests tests"
)
_TEST_COMMANDS = re.compile(
    r"(?:npm|yarn|pnpm|bun|deno)\s+(?:run\s+|-r\s+|--\S+\s+)*(?:t|test|tests|unit|e2e|coverage)\b"
    r"|(?:go|cargo|dotnet|swift|mix|stack|cabal|dart|flutter|bazel|bazelisk|lein|zig build|composer|meson|hatch"
    r"|forge|sbt|rake|rails|django-admin|pixi run|zig|bun|deno|tuist)"
    r"\s+(?:\S+\s+){0,3}?tests?\b"
    r"|cargo\s+(?:\S+\s+)*?nextest\b|cargo\s+(?:tarpaulin|llvm-cov)\b"
    r"|(?:mvn|mvnw)\b.*\b(?:test|verify|install|package)\b"
    r"|(?:gradle|gradlew)\b.*\b(?:\w*[tT]est|check|build)\b"
    r"|(?:make|just|task|invoke|inv|mage|rake|earthly|nix flake)\b.*\b(?:test|tests|check|\w+-tests?|tests?-\w+)\b"
    r"|(?:manage|setup)\.py\s+test\b|xcodebuild\b.*\btest\b|Rscript\b.*\b(?:test|check)"
)
_ENVIRONMENTS = re.compile(r"(?:tox|nox)\b(?P<rest>.*)")
_INTERPRETER = re.compile(r"python[\d.]*|bash|sh|node|ruby|php|perl|pwsh")
_NAMED = re.compile(r"(?:^|\s)(?:-e|-s|--session|--sessions|--env)[\s=]*(\S+)")
_NOT_TESTS = re.compile(
    r"(?:lint|docs?|mypy|type|types|typing|pre-commit|style|format|flake8|ruff|build|publish)[\w-]*"
)
_TEST_WORKFLOW = re.compile(r"[^@]*/\.github/workflows/[^/@]*\b(?:tests?|pytest)\b[^/@]*", re.I)


def ci_tests(snapshot: Snapshot) -> Finding:
    """0 without CI, 3 if CI runs no tests, 10 if it does."""
    running = ci(snapshot)
    if not running.files:
        return Finding(0, "no CI")
    found = _first_test(running)
    if found:
        return Finding(10, "CI runs the tests", (found,))
    return Finding(3, "CI runs no tests", running.files)


def _first_test(running: Ci) -> str | None:
    for script in running.scripts:
        for command in commands(script):
            if runs_tests(command):
                return " ".join(command)[:80]
    return next((action for action in running.actions if _TEST_WORKFLOW.match(action.replace("_", "-"))), None)


def runs_tests(command: tuple[str, ...]) -> bool:
    """A command runs tests: by the name of its program, or by what it tells a build tool to do."""
    program = command[0].rpartition("/")[2]
    if _INTERPRETER.fullmatch(program) and len(command) > 1:
        return runs_tests(command[1:])
    if program.partition(".")[0] in _TEST_RUNNERS or program in _TEST_RUNNERS:
        return True
    line = _line(command)
    if environments := _ENVIRONMENTS.match(line):
        named = _NAMED.search(environments["rest"])
        return named is None or not all(_NOT_TESTS.fullmatch(name) for name in named[1].split(","))
    return bool(_TEST_COMMANDS.match(line))


def _line(command: tuple[str, ...]) -> str:
    """The command as one line, its program without the folder; what is behind 2,000 characters decides nothing."""
    return " ".join((command[0].rpartition("/")[2], *command[1:]))[:2000]


_LINT_FILES = re.compile(
    r"\.?ruff\.toml|\.?mypy\.ini|\.flake8|\.?pylintrc|pyrightconfig\.json|\.eslintrc(?:\.\w+)?|eslint\.config\.\w+"
    r"|biome\.jsonc?|\.prettierrc(?:\.\w+)?|prettier\.config\.\w+|tsconfig\.json|\.golangci\.\w+|\.?rustfmt\.toml"
    r"|\.?clippy\.toml|\.clang-(?:format|tidy)|\.rubocop\.yml|phpstan\.neon(?:\.dist)?|\.php-cs-fixer(?:\.dist)?\.php"
    r"|\.pre-commit-config\.yaml|checkstyle\.xml|detekt\.yml|\.swiftlint\.yml|\.editorconfig|\.scalafmt\.conf"
    r"|analysis_options\.yaml|\.credo\.exs|\.stylelintrc(?:\.\w+)?|deno\.jsonc?|\.oxlintrc\.json",
    re.I,
)
_LINT_TABLES = words("ruff black mypy pyright basedpyright pylint flake8 isort ty yapf")
_LINT_SECTIONS = re.compile(r"^\[(?:flake8|mypy|pylint|isort|pycodestyle)\b", re.M)
_LINTERS = words(
    "ruff flake8 black mypy pyright basedpyright pylint isort ty pyre eslint biome prettier tsc golangci-lint gofmt "
    "staticcheck rubocop phpstan psalm php-cs-fixer pre-commit prek clang-tidy clang-format shellcheck swiftlint "
    "ktlint detekt stylelint actionlint oxlint standard xo vulture pyflakes pycodestyle hlint credo"
)
_LINT_COMMANDS = re.compile(
    r"(?:npm|yarn|pnpm|bun|deno|make|just|task|tox|nox|hatch|composer|poe|pdm|mix|gradle|gradlew|cargo|go|dart|flutter"
    r"|rake|invoke|dotnet)\b.*\b(?:lint|fmt|vet|clippy|types?|typing|type-?check|mypy|style|format|format:check|analyze"
    r"|pre-commit|credo|check|checkstyle)\b"
)
_LINT_ACTIONS = re.compile(
    r"(?:pre-commit|golangci/golangci-lint-action|astral-sh/ruff-action|chartboost/ruff-action|psf/black|reviewdog"
    r"|(?:super-linter|github)/super-linter|biomejs|j178/prek-action|actions-rs/clippy-check|.*lint.*action)\b",
    re.I,
)


def lint_and_types(snapshot: Snapshot) -> Finding:
    """5 if a linter or a type checker is configured, 5 if CI runs one."""
    configured = _configured(snapshot)
    running = _lint_in_ci(ci(snapshot))
    evidence = tuple(found for found in (configured, running) if found)
    reason = {
        (True, True): "configured, and CI runs it",
        (True, False): "configured, but CI does not run it",
        (False, True): "CI runs one that is not configured",
        (False, False): "neither a linter nor a type checker",
    }[configured is not None, running is not None]
    return Finding(5 * len(evidence), reason, evidence)


def _configured(snapshot: Snapshot) -> str | None:
    named = next((e.path for e in snapshot.files if "/" not in e.path and _LINT_FILES.fullmatch(e.path)), None)
    if named:
        return named
    if _LINT_SECTIONS.search(snapshot.text("setup.cfg") or "") or _LINT_SECTIONS.search(snapshot.text("tox.ini") or ""):
        return "setup.cfg or tox.ini"
    tool = pyproject(snapshot).get("tool")
    return "pyproject.toml" if isinstance(tool, dict) and _LINT_TABLES & tool.keys() else None


def _lint_in_ci(running: Ci) -> str | None:
    for script in running.scripts:
        for command in commands(script):
            if command[0].rpartition("/")[2] in _LINTERS or _LINT_COMMANDS.match(_line(command)):
                return " ".join(command)[:80]
    return next((action for action in running.actions if _LINT_ACTIONS.match(action)), None)


def pyproject(snapshot: Snapshot) -> dict[str, object]:
    """The top-level `pyproject.toml`, or nothing where there is none that parses."""
    try:
        return toml(snapshot.text("pyproject.toml") or "")
    except ValueError:
        return {}
