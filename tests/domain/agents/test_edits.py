import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout
from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.edits import GRAMMAR, REFUSALS_MAX, change_of
from gitoma.domain.agents.ports import Kind
from gitoma.domain.agents.replies import REPLY_MAX
from gitoma.domain.agents.tree import Tree

CODE = "import os\n\n\ndef f(a):\n    return a\n\n\ndef g(a):\n    return a\n"
FILES: Files = {
    "src/a.py": CODE.encode(),
    "src/deep/b.py": b"x = 1\n",
    "README.md": b"# A\n\n```sh\nrun\n```\n",
    "crlf.txt": b"one\r\ntwo\r\nthree\r\n",
    "bom.txt": b"\xef\xbb\xbfone\ntwo",
    "empty.txt": b"",
    "long.py": b"x = 1\n" * 121,
    "latin.txt": b"\xe9",
    "large.txt": b"x\n" * 200_000,
    "page.rst": b"Title\n=====\n\nUnder\n=======\n\nEnd\n",
    "link": (Kind.LINK, b"src/a.py"),
}
TREE = Tree(MemoryCheckout(FILES))


def block(search: str, replace: str, path: str | None = "src/a.py") -> str:
    name = "" if path is None else f"FILE: {path}\n"
    return f"{name}<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


RENAME = block("def f(a):\n", "def f(b):\n")
RENAMED = CODE.replace("def f(a)", "def f(b)")


def done(reply: str, **more: object) -> dict[str, str | None]:
    change = change_of(reply, TREE, **more)  # type: ignore[arg-type]  # each test says what it hands in
    assert isinstance(change, ChangeSet), change
    return {file.path: file.new for file in change.files}


def codes(reply: str, **more: object) -> list[str]:
    refusals = change_of(reply, TREE, **more)  # type: ignore[arg-type]  # likewise
    assert isinstance(refusals, tuple), refusals
    return [refusal.code for refusal in refusals]


def message(reply: str) -> str:
    refusals = change_of(reply, TREE)
    assert isinstance(refusals, tuple)
    return "\n".join(map(str, refusals))


def test_a_block_replaces_its_lines_and_says_what_was_there() -> None:
    assert change_of(RENAME, TREE) == ChangeSet((FileChange("src/a.py", CODE, RENAMED),))


def test_an_empty_replace_deletes_the_lines() -> None:
    assert done(block("import os\n\n\n", "")) == {"src/a.py": CODE.removeprefix("import os\n\n\n")}


def test_blocks_apply_one_after_another() -> None:
    reply = RENAME + block("def f(b):\n    return a\n", "def f(b):\n    return b\n", None)

    assert done(reply) == {"src/a.py": RENAMED.replace("return a", "return b", 1)}


def test_the_files_of_a_change_are_sorted() -> None:
    assert list(done(block("x = 1\n", "x = 2\n", "src/deep/b.py") + RENAME)) == ["src/a.py", "src/deep/b.py"]


def test_a_new_file_ends_with_one_newline() -> None:
    assert done(block("", "\nx = 1\n\n\n", "new/c.py")) == {"new/c.py": "x = 1\n"}
    assert done(block("", "", "new/py.typed")) == {"new/py.typed": ""}


def test_a_small_file_can_be_replaced_as_a_whole_and_a_long_one_cannot() -> None:
    assert done(block("", "x = 2\ny = 3\n", "src/deep/b.py")) == {"src/deep/b.py": "x = 2\ny = 3\n"}
    assert codes(block("", "x = 2\n", "long.py")) == ["exists"]
    assert codes(block("", "", "src/deep/b.py")) == ["malformed"]
    assert done(block("", "text\n", "empty.txt")) == {"empty.txt": "text\n"}


def test_line_ends_and_byte_order_mark_are_kept_and_a_last_line_that_is_written_ends() -> None:
    assert done(block("two\n", "2\n2.5\n", "crlf.txt")) == {"crlf.txt": "one\r\n2\r\n2.5\r\nthree\r\n"}
    assert done(block("", "1\n2\n", "crlf.txt")) == {"crlf.txt": "1\r\n2\r\n"}
    assert done(block("one\n", "1\n", "bom.txt")) == {"bom.txt": "\ufeff1\ntwo"}
    assert done(block("two\n", "2\n3\n", "bom.txt")) == {"bom.txt": "\ufeffone\n2\n3\n"}
    assert done(block("two\n", "", "bom.txt")) == {"bom.txt": "\ufeffone\n"}
    assert done(block("two\n", "two\n", "bom.txt")) == {"bom.txt": "\ufeffone\ntwo\n"}
    assert done(block("", "1\n", "bom.txt")) == {"bom.txt": "\ufeff1\n"}


def test_dots_may_shorten_what_a_document_gains_and_stand_for_nothing_that_it_had() -> None:
    assert done(block("run\n", "run\n...\nstop\n", "README.md")) == {"README.md": "# A\n\n```sh\nrun\n...\nstop\n```\n"}
    assert codes(block("run\n", "...\nstop\n", "README.md")) == ["elision"]
    assert codes(block("", "# A\n\n...\n", "README.md")) == ["elision"]
    assert codes(block("import os\n", "import os\n...\n")) == ["elision"]


def test_a_new_file_may_be_given_as_the_only_code_fence() -> None:
    for reply in ("```python\nx = 1\n```", "Here:\n\n```\n# new/c.py\nx = 1\n```\nDone.\n"):
        assert done(reply, only="new/c.py") == {"new/c.py": "x = 1\n"}
        assert codes(reply, only="src/a.py") == ["no-edit"]
        assert codes(reply) == ["no-edit"]
    assert done("FILE: new/c.py\n```\nx = 1\n```\n", only="new/c.py") == {"new/c.py": "x = 1\n"}
    assert codes("FILE: new/d.py\n```\nx = 1\n```\n", only="new/c.py") == ["no-edit"]
    for reply in ("```\nx = 1\n```\n```\ny = 2\n```", "```\nx = 1\n", "```\n\n```", "x = 1"):
        assert codes(reply, only="new/c.py") == ["no-edit"]
    assert codes("```\n...\n# rest of the file\n```", only="new/c.py") == ["elision"]


SLOPPY = {
    "prose around it": f"Here you are:\n\n{RENAME}\nI hope that helps!\n",
    "a fence around it": f"```python\n{RENAME}```\n",
    "a fence between path and block": RENAME.replace("<<<<<<<", "```python\n<<<<<<<", 1) + "```\n",
    "a fence inside": block("```python\ndef f(a):\n```\n", "```python\ndef f(b):\n```\n"),
    "reasoning": f"<think>\n{RENAME.replace('(b)', '(z)')}</think>\n{RENAME}",
    "reasoning without a beginning": f"Let me think. {RENAME.replace('(b)', '(z)')}</think>\n{RENAME}",
    "CRLF": RENAME.replace("\n", "\r\n"),
    "five characters": RENAME.replace("<<<<<<<", "<<<<<").replace("=======", "=====").replace(">>>>>>>", ">>>>>"),
    "nine characters": RENAME.replace("<<<<<<<", "<" * 9).replace("=======", "=" * 9).replace(">>>>>>>", ">" * 9),
    "small letters": RENAME.replace("SEARCH", "search").replace("REPLACE", "Replace"),
    "bold path": RENAME.replace("FILE: src/a.py", "**src/a.py**"),
    "heading": RENAME.replace("FILE: src/a.py", "### `src/a.py`"),
    "heading with prose": RENAME.replace("FILE: src/a.py", "### `src/a.py`\n\nRename the argument:\n"),
    "bold FILE": RENAME.replace("FILE: src/a.py", "**FILE:** `src/a.py`"),
    "heading FILE": RENAME.replace("FILE: src/a.py", "#### File: src/a.py:"),
    "a list": RENAME.replace("FILE: src/a.py", "1. src/a.py"),
    "a remark": RENAME.replace("FILE: src/a.py", "FILE: src/a.py (changed)"),
    "a path behind the fence": RENAME.replace("FILE: src/a.py", "```python src/a.py"),
    "words that look like a path": RENAME.replace("<<<<<<<", "before/after\n<<<<<<<"),
    "dots": RENAME.replace("src/a.py", "./src/./a.py"),
    "blanks at the ends of lines": block("def f(a):  \n    return a\t\n", "def f(b):\n    return a\n"),
    "blank lines around SEARCH": block(
        "\n\ndef f(a):\n    return a\n\n\n\n\n", "\n\ndef f(b):\n    return a\n\n\n\n\n"
    ),
    "indentation": block("  def f(a):\n      return a\n", "  def f(b):\n      return a\n"),
    "no newline at the end": RENAME.rstrip(),
}


@pytest.mark.parametrize("reply", SLOPPY.values(), ids=SLOPPY)
def test_a_sloppy_answer_is_understood(reply: str) -> None:
    assert done(reply) == {"src/a.py": RENAMED}


def test_the_path_may_be_left_out_where_one_file_is_in_play() -> None:
    assert done(block("def f(a):\n", "def f(b):\n", None), only="src/a.py") == {"src/a.py": RENAMED}
    assert done(block("def f(a):\n", "def f(b):\n", ""), only="src/a.py") == {"src/a.py": RENAMED}
    assert codes(block("def f(a):\n", "def f(b):\n", None)) == ["no-path"]


def test_a_path_that_is_named_wins_over_the_one_in_play() -> None:
    assert list(done(block("x = 1\n", "x = 2\n", "src/deep/b.py"), only="src/a.py")) == ["src/deep/b.py"]


def test_a_new_file_may_be_named_by_a_heading() -> None:
    assert done(block("", "x = 1\n", None).replace("<<<", "**tests/test_a.py**\n<<<", 1)) == {
        "tests/test_a.py": "x = 1\n"
    }


def test_code_fences_around_a_whole_file_are_no_part_of_it_and_those_of_a_document_are() -> None:
    fenced = "```python\nx = 1\n```\n"

    assert done(block("", fenced, "new.py")) == {"new.py": "x = 1\n"}
    assert done(block("", fenced, "NEW.md")) == {"NEW.md": fenced}
    assert done(block("", "```markdown\n# A\n```\n", "NEW.md")) == {"NEW.md": "# A\n"}


def test_headings_underlined_like_a_divider_are_told_from_it() -> None:
    assert done(block("Title\n=====\n", "Topic\n=====\n", "page.rst"))["page.rst"] == (
        "Topic\n=====\n\nUnder\n=======\n\nEnd\n"
    )
    assert done(block("", "My Page\n=======\n\nx\n", "new.rst")) == {"new.rst": "My Page\n=======\n\nx\n"}


def test_a_block_whose_divider_is_uncertain_is_refused() -> None:
    assert codes(block("Under\n=======\n", "Above\n=======\n", "page.rst")) == ["malformed"]
    assert codes(block("", "=======\nUnder\n=======\n", "page.rst")) == ["malformed"]
    assert codes(block("Under\n", "=======\nUnder\n=======\nEnd\n", "page.rst")) == ["malformed"]


REFUSED = {
    "no-edit": ["", "I would not change anything.", "FILE: src/a.py\n```python\nx = 1\n```\n", "=======\n"],
    "truncated": [RENAME.partition(">>>")[0], RENAME + "FILE: src/a.py\n<<<<<<< SEARCH\nimport"],
    "malformed": [
        "FILE: src/a.py\n<<<<<<< SEARCH\nimport os\n>>>>>>> REPLACE\n",
        "FILE: src/a.py\n>>>>>>> REPLACE\n",
        "FILE: src/a.py\n<<<<<<< SEARCH\nx\n" + RENAME,
        RENAME + "FILE: src/deep/b.py\n",
        RENAME * 61,
        block("x\n", "=======\n" * 13),
    ],
    "missing": [block("x = 1\n", "x = 2\n", "none.py"), block("x\n", "y\n", "b.py")],
    "exists": [block("", "x\n", "SRC/a.py"), block("", "x\n", "src"), block("", "x\n", "src/a.py/b.py")],
    "ambiguous": [block("    return a\n", "    return b\n")],
    "no-match": [block("def h(a):\n", "def h(b):\n"), block("def f(a)\n", "def f(b)\n")],
    "elision": [
        block("def f(a):\n", "def f(b):\n    # ... rest of the code ...\n"),
        block("import os\n...\ndef g(a):\n", "import os\n"),
        block("", "x = 1\n# rest of the file unchanged\n", "src/deep/b.py"),
    ],
    "no-change": [block("def f(a):\n", "def f(a):\n"), block("", "x = 1\n", "src/deep/b.py")],
    "bad-path": [
        block("", "x\n", "foo/../.github/workflows/x.yml"),
        block("", "x\n", "a\u202eb"),
        block("", "x\n", "/x"),
    ],
    "denied": [
        block("", "x\n", ".GIT/config"),
        block("", "x\n", ".env"),
        block("", "x\n", "uv.lock"),
        "DELETE: src/a.py",
    ],
    "special": [block("", "x\n", "link"), block("", "x\n", "link/x")],
    "not-text": [block("x\n", "y\n", "latin.txt"), block("", "a\x00b\n", "new.txt"), block("", "\udcff\n", "new.txt")],
    "too-large": [block("x\n", "y\n", "large.txt"), "x" * (REPLY_MAX + 1)],
}


@pytest.mark.parametrize(("code", "reply"), [(code, reply) for code, replies in REFUSED.items() for reply in replies])
def test_what_cannot_be_done_is_refused_with_its_code(code: str, reply: str) -> None:
    assert code in codes(reply)


def test_a_search_that_is_not_there_is_answered_with_the_nearest_lines() -> None:
    assert "| def f(a):\n|     return a" in message(block("def f(x):\n    return a\n", "def f(b):\n    return a\n"))


def test_a_forgotten_folder_is_found() -> None:
    assert "`src/deep/b.py`" in message(block("x = 1\n", "x = 2\n", "b.py"))


def test_an_ambiguous_search_is_told_how_many_places_it_has() -> None:
    assert "2 places" in message(block("    return a\n", "    return b\n"))


def test_all_refusals_are_told_at_once_and_each_once() -> None:
    reply = RENAME + block("nowhere\n", "x\n") * 3 + block("", "x\n", ".env") + block("", "x\n", "link")

    assert codes(reply) == ["no-match", "denied", "special"]
    many = "".join(block("", "x\n", f".env.{n}") for n in range(20))
    assert len(codes(many)) == REFUSALS_MAX


def test_a_block_without_effect_does_not_spoil_the_others() -> None:
    assert done(block("import os\n", "import os\n") + RENAME) == {"src/a.py": RENAMED}


def test_a_line_that_was_there_stands_for_nothing() -> None:
    tree = Tree(MemoryCheckout({"a.py": b"x = 1\n# ...\ny = 2\n"}))
    change = change_of(block("# ...\ny = 2\n", "# ...\ny = 3\n", "a.py"), tree)

    assert isinstance(change, ChangeSet)


def test_a_file_that_may_be_deleted_can_be() -> None:
    assert done("DELETE: src/deep/b.py\n", deletable={"src/deep/b.py"}) == {"src/deep/b.py": None}
    assert done("- **DELETE:** `src/deep/b.py`\n", deletable={"src/deep/b.py"}) == {"src/deep/b.py": None}
    assert codes("DELETE: none.py\n", deletable={"none.py"}) == ["missing"]
    both = "DELETE: src/deep/b.py\n" + block("", "x = 2\n", "src/deep/b.py")
    assert codes(both, deletable={"src/deep/b.py"}) == ["malformed"]
    assert codes(
        block("x = 1\n", "x = 2\n", "src/deep/b.py") + "DELETE: src/deep/b.py", deletable={"src/deep/b.py"}
    ) == ["malformed"]


def test_two_new_files_cannot_stand_in_each_others_way() -> None:
    assert codes(block("", "x\n", "new") + block("", "x\n", "new/b")) == ["exists"]
    assert codes(block("", "x\n", "New.py") + block("", "y\n", "new.py")) == ["exists"]


def test_the_example_in_the_grammar_is_an_answer() -> None:
    tree = Tree(MemoryCheckout({"src/greeting.py": b'def greet(name):\n    return "Hello " + name\n'}))
    change = change_of(GRAMMAR, tree)

    assert isinstance(change, ChangeSet)
    assert 'f"Hello {name}"' in (change.files[0].new or "")


MARKERS = ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "```", "<think>", "</think>")
NAMES = ("FILE: src/a.py", "FILE: .env", "DELETE: README.md", "README.md")
TEXTS = ("def f(a):", "    return a", "", "...", "\x00", "\udcff")
PIECES = st.sampled_from([RENAME, *SLOPPY.values(), *MARKERS, *NAMES, *TEXTS])
REPLIES = st.text(max_size=300) | st.lists(PIECES | st.text(max_size=20), max_size=12).map("\n".join)


@given(REPLIES, st.sampled_from([None, "src/a.py", ".env", ""]))
@settings(deadline=None)  # a slow machine fails nothing
def test_any_reply_is_a_change_that_may_be_written_or_refusals(reply: str, only: str | None) -> None:
    outcome = change_of(reply, TREE, only=only, deletable={"README.md"})

    if not isinstance(outcome, ChangeSet):
        assert 0 < len(outcome) <= REFUSALS_MAX
        assert len(set(outcome)) == len(outcome)
        assert all(isinstance(refusal, Refusal) and len(refusal.message) < 3000 for refusal in outcome)
        return
    assert outcome.files
    assert list(outcome.paths) == sorted(set(outcome.paths))
    changed = TREE.with_change(outcome)
    for file in outcome.files:
        assert file.old == (TREE.read(file.path) if file.path in TREE else None)
        assert file.new != file.old
        assert changed.read(file.path) == file.new or (file.new is None and file.path not in changed)


@given(st.data())
@settings(deadline=None)
def test_an_answer_cut_anywhere_does_what_it_says_or_nothing(data: st.DataObject) -> None:
    reply = RENAME + block("import os\n", "import sys\n") + block("", "x = 1\n", "new.py")
    end = data.draw(st.integers(0, len(reply)))
    outcome = change_of(reply[:end], TREE)

    if isinstance(outcome, ChangeSet):
        assert reply[:end].count("<<<<<<< SEARCH") == reply[:end].count(">>>>>>> REPLACE")


LINE = st.text("ab =#é\t", max_size=8).filter(lambda line: "=====" not in line)
LINES = st.lists(LINE, min_size=1, max_size=12)


@given(LINES, st.data(), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())
@settings(deadline=None)
def test_only_the_lines_that_are_found_once_change(
    lines: list[str], data: st.DataObject, end: str, final: bool, mark: bool
) -> None:
    start = data.draw(st.integers(0, len(lines) - 1))
    stop = data.draw(st.integers(start + 1, len(lines)))
    new = data.draw(LINES)
    old = ("\ufeff" if mark else "") + end.join(lines) + (end if final else "")
    search = lines[start:stop]
    reply = block("".join(f"{line}\n" for line in search), "".join(f"{line}\n" for line in new), "a.txt")
    outcome = change_of(reply, Tree(MemoryCheckout({"a.txt": old.encode()})))

    found = [n for n in range(len(lines)) if lines[n : n + len(search)] == search]
    if not any(line.strip() for line in search):
        return
    if len(found) == 1 and (final or lines[-1]):
        expected = lines[:start] + new + lines[stop:]
        text = ("\ufeff" if mark else "") + end.join(expected) + (end if final or stop == len(lines) else "")
        one_line = len(lines) == 1 and not final  # then the file does not tell how its lines end
        assert isinstance(outcome, ChangeSet) == (text != old) or one_line
        if isinstance(outcome, ChangeSet) and not one_line:
            assert outcome.files[0].new == text
    elif len(found) > 1 and (final or lines[-1]):
        assert isinstance(outcome, tuple)
        assert [refusal.code for refusal in outcome] == ["ambiguous"]
