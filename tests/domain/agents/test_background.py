import pytest
from hypothesis import given

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout, trees
from gitoma.domain.agents.background import FILES_MAX, background
from gitoma.domain.agents.plan import Subtask
from gitoma.domain.agents.tree import Tree


def shown(check: str, files: tuple[str, ...], tree: Files) -> tuple[str, ...]:
    return background(Subtask("T1", check, "", "", files), Tree(MemoryCheckout(tree)))


@pytest.mark.parametrize(
    ("check", "files", "tree", "expected"),
    [
        (
            "Tests",
            ("tests/test_b.py",),
            {"src/a.py": b"x", "src/b.py": b"x", "tests/test_a.py": b"x", "tests/x.js": b"x"},
            ("src/b.py", "tests/test_a.py"),
        ),
        ("Tests", ("tests/test_all.py",), {"src/a.py": b"x", "tests/test_all.py": b"from a import f"}, ("src/a.py",)),
        ("Tests", ("a_test.go",), {"a.go": b"x", "b_test.py": b"x"}, ("a.go",)),
        ("Tests", ("tests/test_b.py", "src/b.py"), {"src/b.py": b"x"}, ()),
        (
            "Contributing",
            ("CONTRIBUTING.md",),
            {"setup.py": b"", "go.mod": b"", "README.md": b""},
            ("go.mod", "README.md"),
        ),
        ("Readme", ("README.md",), {"README.md": b"", "pyproject.toml": b""}, ("pyproject.toml",)),
        ("Valid-Syntax", ("a.py",), {"a.py": b"", "README.md": b""}, ()),
    ],
)
def test_what_helps_is_shown_beside_what_is_changed(
    check: str, files: tuple[str, ...], tree: Files, expected: tuple[str, ...]
) -> None:
    assert shown(check, files, tree) == expected


@given(trees())
def test_whatever_the_tree_only_files_of_it_are_shown(tree: Files) -> None:
    listed = ("tests/test_main.py", "main.py")
    for check in ("Tests", "Readme", "Manifest", "Secrets"):
        found = shown(check, listed, tree)
        assert len(found) <= FILES_MAX
        assert all(path in Tree(MemoryCheckout(tree)) and path not in listed for path in found)
