import pytest
from hypothesis import given

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout, trees
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents import paths
from gitoma.domain.agents.analyze import examine
from gitoma.domain.agents.health.score import CheckResult, Report
from gitoma.domain.agents.targets import TARGETS_MAX, is_amiss, is_target, loss, mendable, targets
from gitoma.domain.agents.tree import Tree

WORKFLOW = ".github/workflows/ci.yml"


def judged(files: Files) -> tuple[Report, Tree]:
    checkout = MemoryCheckout(files)
    return examine(checkout, PyYamlReader(), VirtualClock()), Tree(checkout)


def result(check: str, report: Report) -> CheckResult:
    return next(each for each in report.results if each.name == check)


def targets_of(check: str, files: Files) -> tuple[str, ...]:
    report, tree = judged(files)
    return targets(result(check, report), tree)


@pytest.mark.parametrize(
    ("check", "files", "expected"),
    [
        ("Security-Policy", {}, ("SECURITY.md",)),
        ("Security-Policy", {"docs/security.rst": b"x"}, ("docs/security.rst",)),
        ("Readme", {"README.rst": b"x"}, ("README.rst",)),
        ("Readme", {"readme.md": b""}, ()),  # empty, and no second one may stand beside it
        ("Changelog", {"a.py": b""}, ("CHANGELOG.md",)),
        ("Manifest", {"package.json": b"{}", "go.mod": b"module x\n"}, ("package.json", "go.mod")),
        ("Manifest", {"go.mod": b"module x\ngo 1.21\n", "package.json": b"{}"}, ("package.json", "go.mod")),
        ("Manifest", {"setup.py": b"setup()"}, ("pyproject.toml",)),
        ("Valid-Syntax", {"a.py": b"def f(:", "b.json": b"{}"}, ("a.py",)),
        ("Valid-Syntax", {WORKFLOW: b"a: [", "b.json": b"{"}, ("b.json",)),
        ("Valid-Syntax", {WORKFLOW: b"a: ["}, ()),
        ("Lint-And-Types", {"pyproject.toml": b"", "a.py": b"x"}, ("pyproject.toml", "ruff.toml", ".editorconfig")),
        ("Lint-And-Types", {"a.go": b"x"}, (".golangci.yml", ".editorconfig")),
        ("Lint-And-Types", {".flake8": b"x"}, ()),  # only CI is missing
        ("Repo-Hygiene", {"a.py": b""}, (".gitignore",)),
        ("Repo-Hygiene", {".gitignore": b"x", "venv/a.py": b"x", ".DS_Store": b"x"}, ()),
        ("License", {}, ()),
        ("Secrets", {}, ()),
        ("Dependency-Update-Tool", {"go.mod": b"x"}, (".github/dependabot.yml",)),
        ("Dependency-Update-Tool", {}, ()),
    ],
)
def test_the_files_that_mend_a_check_are_those_of_this_tree(
    check: str, files: Files, expected: tuple[str, ...]
) -> None:
    assert targets_of(check, files) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"src/a.py": b"x", "src/b.py": b"x"}, ("tests/test_a.py", "tests/test_b.py")),
        ({"a.py": b"x", "b.py": b"x", "t/tests/unit/test_a.py": b"x"}, ("t/tests/unit/test_b.py",)),
        ({"src/a.ts": b"x", "lib/b.go": b"x"}, ("lib/b_test.go", "src/a.test.ts")),
        ({"src/main/java/x/A.java": b"x"}, ("src/test/java/x/ATest.java",)),
        ({"a.py": b"x", "vendor/b.py": b"x", "docs/c.py": b"x", "setup.py": b"x"}, ("tests/test_a.py",)),
        ({"main.c": b"x"}, ()),
        ({f"{name}.py": b"x" for name in "abcdef"}, ("tests/test_a.py", "tests/test_b.py", "tests/test_c.py")),
    ],
)
def test_missing_tests_are_new_files_where_the_language_expects_them(files: Files, expected: tuple[str, ...]) -> None:
    assert targets_of("Tests", files) == expected


def test_any_test_mends_that_tests_are_missing_and_nothing_else_does() -> None:
    report, tree = judged({"src/a.py": b"x", "link": b"x"})
    missing = result("Tests", report)

    assert is_target("tests/test_behaviour.py", missing, tree)
    assert not is_target("src/a.py", missing, tree)
    assert not is_target("tests/data.txt", missing, tree)
    assert not is_target("tests/../test_a.py", missing, tree)
    assert not is_target("tests/test_x.py", result("Readme", report), tree)


def test_what_costs_most_comes_first_and_what_passes_not_at_all() -> None:
    report, tree = judged({"src/a.py": b"x", "go.mod": b"module x\n", "CHANGELOG.md": b"x"})
    found = mendable(report, tree)

    losses = [loss(each) for each in found]
    assert losses == sorted(losses, reverse=True)
    assert {each.name for each in found} == {
        *("Tests", "Dependency-Update-Tool", "Security-Policy", "Readme", "Manifest", "Contributing"),
        *("Issue-Template", "Pull-Request-Template", "Lint-And-Types", "Repo-Hygiene"),
    }


@given(trees())
def test_whatever_the_tree_every_target_may_be_written(files: Files) -> None:
    report, tree = judged(files)

    for each in report.results:
        found = targets(each, tree)
        assert len(found) <= TARGETS_MAX
        for path in found:
            assert paths.check(path, tree.special) == path
            assert path in tree or tree.clash(path) is None
            assert is_target(path, each, tree)
    assert all(is_amiss(each) and targets(each, tree) for each in mendable(report, tree))
