import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.elision import elided

ELISIONS = [
    ("a.py", "# ... rest of the code ..."),
    ("a.py", "    # rest of the file unchanged"),
    ("a.py", "# ...existing code..."),
    ("a.py", "...existing code..."),
    ("a.py", "# ... (other methods remain the same)"),
    ("a.py", "# existing imports"),
    ("a.py", "# The rest of the function remains the same"),
    ("a.py", "# unchanged"),
    ("a.py", "# code remains unchanged"),
    ("a.py", "# same as before"),
    ("a.py", "# ..."),
    ("a.py", "..."),
    ("a.js", "// ... rest of component"),
    ("a.js", "/* ... */"),
    ("a.js", "// … existing code …"),
    ("a.js", "{/* ... existing JSX ... */}".replace("JSX", "code")),
    ("a.js", "// (rest of the file is unchanged)"),
    ("a.rs", "// no changes here"),
    ("a.go", "// remaining functions stay the same"),
    ("a.sql", "-- rest of the script omitted"),
    ("README.md", "[rest of the README remains unchanged]"),
    ("README.md", "<!-- rest of content unchanged -->"),
    ("README.md", "(rest of the document stays the same)"),
    ("README.md", "..."),
    ("README.md", "... (rest of the file)"),
    ("a.html", "<!-- existing content here -->"),
    ("a.py", "# [omitted for brevity]"),
    ("a.py", "# your code here"),
]
HARMLESS = [
    ("a.py", "# the order of the rest does not matter"),
    ("a.py", "# Other functions"),
    ("a.py", "# order is unchanged by sorting"),
    ("a.py", "x = [...]"),
    ("a.py", "def f() -> int: ..."),
    ("a.py", "print('...')"),
    ("a.py", "rest = code[1:]"),
    ("a.py", "# ... and then it is closed"),
    ("a.js", "...rest,"),
    ("a.js", "...other"),
    ("a.js", "(...rest) => {"),
    ("a.js", "[...existing, item]"),
    ("a.js", "{ ...previous, a: 1 }"),
    ("a.ts", "...existing as Props,"),
    ("README.md", "# Existing code"),
    ("README.md", "## Unchanged"),
    ("README.md", "* No changes"),
    ("README.md", "The rest of the code is unchanged."),
    ("a.yml", "..."),
    ("a.py", "x" * 10_000 + "# rest of the file unchanged"),
]


@pytest.mark.parametrize(("path", "line"), ELISIONS)
def test_a_line_that_stands_for_others_is_found(path: str, line: str) -> None:
    assert list(elided([line], path)) == [line.strip()]


@pytest.mark.parametrize(("path", "line"), HARMLESS)
def test_a_line_that_only_looks_like_one_is_not(path: str, line: str) -> None:
    assert not list(elided([line], path))


def test_dots_are_the_body_of_a_stub_and_the_prompt_of_a_session() -> None:
    stub = ["class Reads(Protocol):", "    def read(self) -> str:", '        """All."""', "        ..."]
    session = [">>> for x in y:", "...     print(x)", "..."]

    assert not list(elided(stub, "a.py"))
    assert not list(elided(session, "a.py"))
    assert list(elided(["x = 1", "..."], "a.py")) == ["..."]


@given(st.lists(st.text(max_size=50) | st.text("#.…/* restunchaged()[]<", max_size=200), max_size=20))
def test_only_lines_that_are_there_are_found(lines: list[str]) -> None:
    assert {*elided(lines, "a.py")} <= {line.strip() for line in lines}


@pytest.mark.parametrize("dots", ["...", "…"])
def test_dots_shorten_output_in_a_code_block_of_a_document_that_grows(dots: str) -> None:
    shown = ["```console", "$ make", dots, "done", "```"]

    assert not list(elided(shown, "a.md", adding=True))
    assert not list(elided([".. code::", "", "    $ make", f"    {dots}"], "a.rst", adding=True))
    assert list(elided(shown, "a.md")) == [dots]
    assert list(elided(shown, "a.js", adding=True)) == [dots]
    assert list(elided([*shown, dots], "a.md", adding=True)) == [dots]
    assert list(elided(["```", "... rest unchanged ...", "```"], "a.md", adding=True)) == ["... rest unchanged ..."]
