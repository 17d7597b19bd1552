import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.changes import FileChange
from gitoma.domain.agents.keeping import lost
from gitoma.domain.agents.named_definitions import asks, commented_on, named, named_by_tools

CODE = """import os


def totl(items):
    return items[0] + totl(items[1:]) if items else 0


class Count:
    step = 1

    def nxt(self):
        return self.step

    def twice(self):
        return self.nxt() * 2


@os.fspath
def main():
    return totl([1])
"""


def codes(new: str, text: str = "", may_go: frozenset[str] = frozenset(), old: str = CODE) -> list[str]:
    return [refusal.code for refusal in lost(FileChange("a.py", old, new), text, may_go)]


def test_a_definition_may_get_another_name_also_where_it_is_used() -> None:
    assert codes(CODE.replace("totl", "total")) == []
    assert codes(CODE.replace("def nxt", "def following")) == []
    assert codes(CODE.replace("nxt", "next_one")) == []
    assert codes(CODE.replace("Count", "Counter")) == []
    assert codes(CODE.replace("totl", "total").replace("nxt", "following")) == []


def test_another_definition_is_no_new_name() -> None:
    assert codes(CODE.replace("def totl", "def total")) == ["lost"]  # it would call what is no more
    assert codes(CODE.replace("totl", "total").replace("items[0]", "1")) == ["lost"]
    assert codes(CODE.replace("def totl(items)", "def total(all_items)")) == ["lost"]
    assert codes(CODE.replace("def nxt(self):\n        return self.step", "def a(self):\n        return 1")) == ["lost"]
    assert codes("def b():\n    return 1\n", old="def a():\n    return 1\n\n\ndef b():\n    return 1\n") == ["lost"]
    twins = "def a():\n    return 1\n\n\ndef b():\n    return 1\n"
    assert codes("def c():\n    return 1\n", old=twins) == ["lost"]
    assert codes("def c():\n    return 1\n\n\ndef d():\n    return 1\n", old=twins) == []


def test_a_test_is_not_renamed_to_what_is_none() -> None:
    old = "def test_a():\n    assert f()\n"

    assert codes("def test_b():\n    assert f()\n", old=old) == []
    assert codes("def no_test():\n    assert f()\n", old=old) == ["lost"]


def test_what_a_person_names_may_go_and_a_plain_word_where_it_is_asked_for() -> None:
    without = CODE[: CODE.index("@os")]

    for text in ("main is dead code", "inline main", "Drop main, please.", "why is there a `main`?"):
        assert codes(without, text) == []
    for text in ("", "This is the main thing.", "Do not remove main.", "> remove main\n\nNo."):
        assert codes(without, text) == ["lost"]


@pytest.mark.parametrize("text", ["Rename this", "unused?", "should be private", "s/totl/total/", "Please delete it."])
def test_who_asks_for_an_end_or_another_name_is_understood(text: str) -> None:
    assert asks(text)


def test_the_commented_lines_lie_in_the_innermost_definition() -> None:
    assert commented_on(CODE, [5]) == {"totl"}
    assert commented_on(CODE, [8]) == {"Count"}
    assert commented_on(CODE, [9]) == set()
    assert commented_on(CODE, [12]) == {"Count.nxt"}
    assert commented_on(CODE, [18]) == {"main"}
    assert commented_on(CODE, [1, 999, -1]) == set()
    assert codes(CODE.replace("    def nxt(self):\n        return self.step\n", ""), "", frozenset({"Count.nxt"})) == []


def test_of_a_log_only_what_tools_call_unused_or_meant_may_go() -> None:
    log = """a.py:4: unused function 'totl' (60% confidence)
a.py:9: error: "Count" has no attribute "next"; maybe "nxt"?
  File "a.py", line 19, in main
NameError: name 'helper' is not defined
"""

    assert named_by_tools(log) == {"totl", "Count", "next", "nxt"}
    assert codes(CODE[: CODE.index("@os")], "", named_by_tools(log)) == ["lost"]


@given(st.text(), st.lists(st.integers()))
def test_any_words_can_be_looked_at(text: str, lines: list[int]) -> None:
    assert named(text) is not None
    assert named_by_tools(text) is not None
    assert commented_on(text, lines) is not None
    assert asks(text) in (True, False)
