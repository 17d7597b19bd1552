import pytest

from gitoma.adapters.testing.checkouts import MemoryCheckout
from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.ports import Kind
from gitoma.domain.agents.tree import TEXT_MAX_BYTES, Tree

FILES = {
    "b.py": b"\xef\xbb\xbfx = 1\r\ny = 2\n",
    "a/README.md": b"# a\n",
    "run.sh": (Kind.EXECUTABLE, b"true\n"),
    "latin": b"\xe9",
    "nul": b"a\0b",
    "large": b"x" * (TEXT_MAX_BYTES + 1),
    "full": b"x" * TEXT_MAX_BYTES,
    "link": (Kind.LINK, b"b.py"),
    "sub": (Kind.SUBMODULE, b""),
    "bad\udcff": b"x",
}


def test_files_with_readable_names_are_there_and_links_are_not() -> None:
    tree = Tree(MemoryCheckout(FILES))

    assert tree.paths == ("a/README.md", "b.py", "full", "large", "latin", "nul", "run.sh")
    assert tree.special == {"link", "sub"}
    assert "b.py" in tree
    assert "link" not in tree
    assert "a" not in tree


def test_a_text_is_read_exactly() -> None:
    assert Tree(MemoryCheckout(FILES)).read("b.py") == "\ufeffx = 1\r\ny = 2\n"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("none.py", "missing"),
        ("link", "missing"),
        ("bad\udcff", "missing"),
        ("latin", "not-text"),
        ("nul", "not-text"),
        ("large", "too-large"),
    ],
)
def test_what_is_no_text_is_refused(path: str, code: str) -> None:
    refusal = Tree(MemoryCheckout(FILES)).read(path)

    assert isinstance(refusal, Refusal)
    assert refusal.code == code


def test_a_file_as_large_as_is_allowed_is_read() -> None:
    assert Tree(MemoryCheckout(FILES)).read("full") == "x" * TEXT_MAX_BYTES


def test_a_file_is_read_once() -> None:
    class Counting(MemoryCheckout):
        reads = 0

        def read(self, path: str, limit: int) -> bytes | None:
            self.reads += 1
            return super().read(path, limit)

    checkout = Counting(FILES)
    tree = Tree(checkout)
    for _ in range(3):
        tree.read("b.py")

    assert checkout.reads == 1


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("B.py", "b.py"),
        ("b.py/x.py", "b.py"),
        ("B.PY/x/y.py", "b.py"),
        ("a", "a/README.md"),
        ("A/readme.md", "a/README.md"),
        ("c.py", None),
        ("a/b.py", None),
    ],
)
def test_a_new_file_may_clash_with_one_that_is_there(path: str, other: str | None) -> None:
    assert Tree(MemoryCheckout(FILES)).clash(path) == other


def test_a_change_can_be_laid_over_a_tree() -> None:
    tree = Tree(MemoryCheckout(FILES))
    change = ChangeSet(
        (
            FileChange("a/README.md", "# a\n", None),
            FileChange("new.py", None, "é\n"),
            FileChange("run.sh", "true\n", "false\n"),
        )
    )
    changed = tree.with_change(change)

    assert changed.paths == ("b.py", "full", "large", "latin", "new.py", "nul", "run.sh")
    assert changed.read("new.py") == "é\n"
    assert changed.read("run.sh") == "false\n"
    assert changed.read("b.py") == tree.read("b.py")
    assert isinstance(changed.read("a/README.md"), Refusal)
    entries = {entry.path: entry for entry in changed.checkout.entries()}
    assert entries["new.py"].size == 3
    assert entries["run.sh"].kind is Kind.EXECUTABLE
    assert changed.checkout.read("new.py", 2) is None
    assert changed.special == tree.special
    assert tree.read("run.sh") == "true\n"
