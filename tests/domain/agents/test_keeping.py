import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.keeping import asks_for_deletion

PATH = "src/widget/count.py"


@pytest.mark.parametrize(
    "text",
    [
        "Delete this file.",
        "please remove the whole unused module",
        "Can we get rid of this obsolete script?",
        "This file is no longer needed.",
        "Thanks! This module should be removed; the rest is fine.",
        "drop count.py",
        "Remove `src/widget/count.py`, please.",
    ],
)
def test_whoever_names_the_file_and_its_end_asks_for_it(text: str) -> None:
    assert asks_for_deletion(text, PATH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "please fix the typo in this docstring",
        "Remove the typo in this file.",
        "Delete this.",
        "drop `count`",
        "remove other.py",
        "Don't delete this file.",
        "This file is obsolete, but keep it.",
        "> delete this file\n\nNo.",
        "Why is the file there?",
    ],
)
def test_any_other_words_ask_for_no_deletion(text: str) -> None:
    assert not asks_for_deletion(text, PATH)


@given(st.text(), st.text(max_size=20))
def test_any_words_can_be_judged(text: str, path: str) -> None:
    asks_for_deletion(text, path)


def test_words_without_end_are_judged() -> None:
    assert not asks_for_deletion("delete " + " " * 200_000 + "the " * 50_000, PATH)
