import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.gates import FILES_MAX, LINES_MAX, REFUSALS_MAX, Scope, check
from gitoma.domain.agents.ports import Kind
from gitoma.domain.agents.tree import TEXT_MAX_BYTES, Tree

CODE = """import os

import requests


class Parser:
    def read(self, text):
        return os.fspath(text)

    def close(self):
        pass


def parse(text):
    return Parser().read(text)
"""
README = "# A\n\n" + "".join(f"Line {n}.\n" for n in range(20)) + "\n```sh\nmake\n```\n"
FILES: Files = {
    "src/app/parser.py": CODE.encode(),
    "src/app/broken.py": b"def f(:\n",
    "src/app/plain.py": b"",
    "README.md": README.encode(),
    "pyproject.toml": b'[project]\nname = "app"\ndependencies = ["PyYAML>=6", "typing-extensions"]\n',
    "data.json": b"{}",
    "tsconfig.json": b"{ // comments\n}",
    "docs/a.rst": b"A\n=\n\n.. code-block:: sh\n\n    make\n",
    "requirements/dev.txt": b"pytest==8\n",
    "tests/test_parser.py": b"def test_parse():\n    assert True\n",
    "link": (Kind.LINK, b"x"),
}
TREE = Tree(MemoryCheckout(FILES))
# Put together here, so that this file holds no token of its own.
TOKEN = "gh" + "p_" + "Zk3Qw9Rt7Yb2Nm5Xc8Vl1Ka4Jh6Gf0Ds3Pq7"
KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "MIIEowIBAAKCAQEAu1SU\n" * 12 + "-----END RSA PRIVATE " + "KEY-----\n"
OURS = "the-token-of-this-installation"


def of(news: dict[str, str | None]) -> ChangeSet:
    files = []
    for path, new in sorted(news.items()):
        old = TREE.read(path) if path in TREE else None
        assert old is None or isinstance(old, str)
        files.append(FileChange(path, old, new))
    return ChangeSet(tuple(files))


def codes(news: dict[str, str | None], scope: Scope | None = None) -> list[str]:
    return [code for code, _ in told(news, scope)]


def told(news: dict[str, str | None], scope: Scope | None = None) -> list[tuple[str, str]]:
    refusals = check(of(news), TREE, scope or Scope(frozenset(news)), PyYamlReader(), lambda line: OURS in line)
    return [(refusal.code, refusal.message) for refusal in refusals]


def parser(old: str = "", new: str = "") -> dict[str, str | None]:
    """A change of one part of the parser, or an addition at its end."""
    return {"src/app/parser.py": CODE.replace(old, new, 1) if old else CODE + new}


def test_an_ordinary_change_passes() -> None:
    assert codes(parser("return Parser()", "text = text.strip()\n    return Parser()")) == []
    assert (
        codes({"src/app/new.py": '"""New."""\n\nimport json\nimport requests\n', "README.md": README + "More.\n"}) == []
    )


def test_only_files_of_the_task_are_changed() -> None:
    scope = Scope(frozenset({"src/app/parser.py"}))

    assert codes({"README.md": README + "x\n"}, scope) == ["scope"]
    assert codes({"src/app/new.py": "x = 1\n"}, scope) == ["scope"]
    assert "`src/app/parser.py`" in told({"README.md": README + "x\n"}, scope)[0][1]


def test_a_manifest_is_changed_only_where_the_task_lists_it() -> None:
    change: dict[str, str | None] = {
        "pyproject.toml": '[project]\nname = "app"\nversion = "1"\ndependencies = ["PyYAML>=6", "typing-extensions"]\n'
    }

    assert "build manifest" in told(change, Scope(frozenset({"src/app/parser.py"})))[0][1]
    assert codes(change, Scope(frozenset({"pyproject.toml"}))) == []


@pytest.mark.parametrize(
    ("path", "let_in"),
    [
        ("tests/test_new.py", True),
        ("src/app/new_test.go", True),
        ("src/app/new.py", False),
        ("tests/setup.py", False),
        ("tests/notes.txt", False),
        ("src/app/parser.py", False),
    ],
)
def test_new_tests_are_let_in_where_the_task_says_so(path: str, let_in: bool) -> None:
    change: dict[str, str | None] = {path: "x\n"}

    assert (codes(change, Scope(frozenset(), new_tests=True)) == []) is let_in
    assert codes(change, Scope(frozenset())) == ["scope"]


def deleting(path: str, text: str) -> list[str]:
    return codes({path: None}, Scope(frozenset({path}), text=text, deletable=frozenset({path})))


def test_files_are_deleted_only_where_the_task_lets_and_its_words_ask() -> None:
    asked = "Please delete this file."

    assert codes({"data.json": None}, Scope(frozenset({"data.json"}), text=asked)) == ["scope"]
    assert deleting("data.json", asked) == []
    assert deleting("data.json", "") == ["lost"]
    assert deleting("src/app/parser.py", "please fix the typo in this docstring") == ["lost"]
    assert deleting("src/app/parser.py", "Remove `parse`.") == ["lost"]


def test_no_file_of_tests_is_deleted_whatever_is_asked() -> None:
    assert deleting("tests/test_parser.py", "Delete this file.") == ["lost"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        (".github/workflows/x.yml", "denied"),
        ("a/../b.py", "bad-path"),
        ("link/x", "special"),
        ("./a.py", "scope"),
        (".git/config", "denied"),
    ],
)
def test_no_scope_opens_a_path_that_is_never_written(path: str, code: str) -> None:
    assert codes({path: "x\n"}, Scope(frozenset({path}))) == [code]


def test_a_change_is_small() -> None:
    assert codes({f"a{n}.txt": "x\n" for n in range(FILES_MAX)}) == []
    assert codes({f"a{n}.txt": "x\n" for n in range(FILES_MAX + 1)}) == ["size"]
    assert codes({"a.txt": "x\n" * LINES_MAX}) == []
    assert codes({"a.txt": "x\n" * (LINES_MAX + 1)}) == ["size"]
    assert codes({"a.txt": "x" * (TEXT_MAX_BYTES + 1)}) == ["size"]


def test_what_is_new_must_parse() -> None:
    assert codes({"a.py": "def f(:\n"}) == ["syntax"]
    assert codes({"a.py": "((" * 5000}) == ["syntax"]
    assert codes({"a.py": "x = " + "-" * 100_000 + "1\n"}) == ["syntax"]
    assert codes({"a.json": '{"a": 1,}'}) == ["syntax"]
    assert codes({"a.toml": "a = \n"}) == ["syntax"]
    assert codes({"a.yml": "a: [\n"}) == ["syntax"]
    assert codes({"a.yaml": "a: 1\n---\nb: 2\n"}) == []
    assert codes({"a.txt": "def f(:\n"}) == []


def test_what_parsed_must_still_parse_and_what_did_not_need_not() -> None:
    assert codes(parser("return Parser()", "return Parser((")) == ["syntax"]
    assert codes({"src/app/broken.py": "def g(:\n"}) == []
    assert codes({"tsconfig.json": "{ // other comments\n}"}) == []


def test_the_line_that_does_not_parse_is_shown() -> None:
    assert "which is: def f(:" in told({"a.py": "x = 1\ndef f(:\n"})[0][1]
    assert "which is: b = ?" in told({"a.toml": "a = 1\nb = ?\n"})[0][1]


def test_dots_are_output_only_in_a_code_block_of_a_document_that_grows() -> None:
    shown = "```console\n$ make\n...\ndone\n```\n"

    assert codes({"README.md": README + shown}) == []
    assert codes({"README.md": README.replace("Line 3.\n", "") + shown}) == ["elision"]
    assert codes({"README.md": README + "...\n"}) == ["elision"]


def test_definitions_stay() -> None:
    assert codes(parser("def parse(text):\n    return Parser().read(text)\n", "")) == ["lost"]
    assert codes(parser("    def close(self):\n        pass\n", "")) == ["lost"]
    assert codes({"src/app/parser.py": "x = 1\n"}) == ["lost"]
    assert "`Parser`, `parse`" in told({"src/app/parser.py": "x = 1\n"})[0][1]


def test_a_definition_that_the_task_names_may_go() -> None:
    change = parser("def parse(text):\n    return Parser().read(text)\n", "")

    for text in ("Remove `parse`.", "remove parse() please", "drop app.parse"):
        assert codes(change, Scope(frozenset(change), text=text)) == []
    assert codes(change, Scope(frozenset(change), text="Make it parse more.")) == ["lost"]


def test_a_definition_may_become_an_import_or_another_kind_of_one() -> None:
    body = "def parse(text):\n    return Parser().read(text)\n"

    assert codes(parser(body, "from app.plain import parse\n")) == []
    assert codes(parser(body, "parse = Parser().read\n")) == []
    assert codes(parser(body, "if os:\n    async def parse(text):\n        return 1\n")) == []


def test_a_definition_is_not_emptied() -> None:
    assert codes(parser("return Parser().read(text)", "...")) == ["lost"]
    assert codes(parser("return Parser().read(text)", '"""Parse."""\n    pass')) == ["lost"]
    assert codes(parser("        pass", '        """Close."""')) == []


def test_a_document_keeps_most_of_its_lines_and_its_code() -> None:
    assert codes({"README.md": "# A\n\nShort.\n```sh\nmake\n```\n"}) == ["lost"]
    assert codes({"README.md": README.replace("```sh\nmake\n```\n", "make\n")}) == ["lost"]
    assert codes({"README.md": README + "```\nopen\n"}) == ["lost"]
    assert codes({"README.md": README + "\n```py\nx\n```\n"}) == []
    assert codes({"README.md": README + "```inline``` code\n"}) == []
    assert codes({"docs/a.rst": "A\n=\n\nNothing.\n"}) == ["lost"]


def test_no_file_is_emptied() -> None:
    small = FileChange("NOTES.md", "# widget\n\nCounts widgets.\n", None)
    settings = FileChange("ci.cfg", "".join(f"line {n}\n" for n in range(20)), None)

    for file, new in ((small, ""), (small, "\n \n"), (small, "# widget\n"), (settings, ""), (settings, "line 1\n")):
        emptied = FileChange(file.path, file.old, new)
        refusals = check(ChangeSet((emptied,)), TREE, Scope(frozenset({file.path})), PyYamlReader(), lambda _: False)
        assert [refusal.code for refusal in refusals] == ["lost"]
    anew = FileChange("NOTES.md", small.old, "# Widget\n\nIt counts the widgets.\n")
    assert not check(ChangeSet((anew,)), TREE, Scope(frozenset({"NOTES.md"})), PyYamlReader(), lambda _: False)


@pytest.mark.parametrize("mark", ["<<<<<<< HEAD", ">>>>>>> theirs", "<<<<<<<", "||||||| base"])
def test_no_mark_of_a_conflict_is_added(mark: str) -> None:
    assert codes({"README.md": README + f"{mark}\n"}) == ["conflict"]


def test_a_heading_is_no_mark_of_a_conflict() -> None:
    assert codes({"docs/b.rst": "Options\n=======\n\nNone; `<<<<<<< HEAD` is one of git.\n"}) == []


def test_no_line_stands_for_others() -> None:
    assert codes(parser(new="# ... rest of the code unchanged\n")) == ["elision"]
    assert codes({"README.md": README + "(rest of the file unchanged)\n"}) == ["elision"]
    assert codes({"a.pyi": "def f() -> int:\n    ...\n"}) == []


@pytest.mark.parametrize("secret", [f"x = '{TOKEN}'\n", KEY, f"# {OURS}\n"])
def test_no_credential_is_added_and_none_is_told(secret: str) -> None:
    found = told({"a.txt": secret})

    assert [code for code, _ in found] == ["secret"]
    assert not any(line.strip(" #x='") in found[0][1] for line in secret.splitlines())


def test_no_credential_is_in_a_path() -> None:
    assert codes({f"{OURS}.txt": "x\n"}) == ["secret"]


@pytest.mark.parametrize(
    "hidden",
    ["\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\xad", "\x1b[8m", "\U000e0041", "\u3164", "\r", "\u2028"],
)
def test_no_character_is_added_that_nobody_sees(hidden: str) -> None:
    assert codes({"a.txt": f"a{hidden}b\n"}) == ["hidden"]


def test_characters_that_were_there_may_stay() -> None:
    family = FileChange("a.md", "a \U0001f468\u200d\U0001f4bb b\n", "c \U0001f468\u200d\U0001f4bb d\n")
    scope = Scope(frozenset({"a.md"}))

    assert not check(ChangeSet((family,)), TREE, scope, PyYamlReader(), lambda _: False)
    assert codes({"a.txt": "\ufeffgrün 日本 ✌️\r\n\tx\f\n"}) == []


@pytest.mark.parametrize(
    ("statement", "known"),
    [
        ("import json, os.path as p", True),
        ("from __future__ import annotations", True),
        ("import requests", True),
        ("import yaml", True),
        ("import typing_extensions", True),
        ("import pytest", True),
        ("import app.parser", True),
        ("from . import other", True),
        ("from .other import x", True),
        ("import numpy", False),
        ("from httpx import get", False),
        ("def f():\n    import numpy", False),
        ("import numpy.linalg as requests", False),
        ("import PIL", False),
    ],
)
def test_no_new_dependency_is_imported(statement: str, known: bool) -> None:
    change: dict[str, str | None] = {"src/app/new.py": f"{statement}\n"}

    assert codes(change) == ([] if known else ["import"])
    assert codes(change, Scope(frozenset(change), new_imports=True)) == []


def test_no_change_vouches_for_its_own_imports() -> None:
    news: dict[str, str | None] = {"src/app/new.py": "import httpx\n", "noxfile.py": "# httpx\n"}

    assert codes(news) == ["import"]


def test_a_manifest_brings_nothing_new_but_what_people_name_who_asked_for_the_change() -> None:
    change: dict[str, str | None] = {
        "pyproject.toml": '[project]\nname = "app"\ndependencies = ["httpx", "PyYAML>=6", "typing-extensions"]\n'
    }

    assert codes(change, Scope(frozenset(change), text="Require httpx.")) == ["manifest"]
    assert codes(change, Scope(frozenset(change), text="Require httpx.", new_imports=True)) == []
    assert codes(change, Scope(frozenset(change), text="Say more.", new_imports=True)) == ["manifest"]


def test_every_message_says_what_to_do_and_there_are_not_too_many() -> None:
    news: dict[str, str | None] = {f"a{n}.py": f"def f(:\n# {TOKEN}\u202e\n# ...\n" for n in range(5)}
    found = told(news)

    assert len(found) == REFUSALS_MAX
    assert all(len(message.split(". ")) > 1 and len(message) < 800 for _, message in found)


TEXTS = st.text(max_size=200) | st.lists(st.sampled_from([*CODE.splitlines(), "```", "# ...", "\u202e", TOKEN])).map(
    "\n".join
)
PATHS = st.sampled_from(
    ["src/app/parser.py", "README.md", "a.py", "a.json", "a.toml", "a.yml", "a.rst", ".env", "a.md"]
)


@given(st.dictionaries(PATHS, TEXTS | st.just("\udcff") | st.none(), max_size=4), st.text(max_size=40))
@settings(deadline=None)  # a slow machine fails nothing
def test_any_change_is_judged(news: dict[str, str | None], task: str) -> None:
    scope = Scope(frozenset(news), text=task, deletable=frozenset(news))
    refusals = check(of(news), TREE, scope, PyYamlReader(), lambda line: OURS in line)

    assert len(refusals) <= REFUSALS_MAX
    if not refusals:
        assert ".env" not in news
        for path, new in news.items():
            assert new is None or TOKEN not in new
            assert new is None or "\u202e" not in new
            if new is not None and path == "a.json":
                json.loads(new)


@given(TEXTS)
@settings(deadline=None)
def test_a_change_that_changes_nothing_passes(text: str) -> None:
    file = FileChange("a.md", text, text)

    assert not check(ChangeSet((file,)), TREE, Scope(frozenset({"a.md"})), PyYamlReader(), lambda _: False)
