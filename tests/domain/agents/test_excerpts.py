from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.checkouts import MemoryCheckout
from gitoma.domain.agents.excerpts import (
    HEAD_LINES,
    WHOLE_MAX_LINES,
    FileText,
    Window,
    characters,
    file_texts,
    windows,
)
from gitoma.domain.agents.tree import TEXT_MAX_BYTES, Tree

PLENTY = 1_000_000


def numbered(count: int) -> str:
    return "".join(f"line {number}\n" for number in range(1, count + 1))


def spans(shown: tuple[Window, ...]) -> list[tuple[int, int]]:
    return [(window.first, window.last) for window in shown]


def test_a_short_file_is_shown_whole() -> None:
    text = numbered(WHOLE_MAX_LINES)

    (window,) = windows([FileText("a.py", text, (7,))], PLENTY)

    assert window.text + "\n" == text
    assert window.label == "a.py, the whole file"


def test_a_long_file_is_shown_by_its_beginning_and_around_the_lines_that_matter() -> None:
    shown = windows([FileText("a.py", numbered(900), (500, 510, 899))], PLENTY)

    assert spans(shown) == [(1, HEAD_LINES), (460, 550), (859, 900)]
    assert shown[1].label == "a.py, lines 460-550 of 900"
    assert shown[1].text.splitlines()[0] == "line 460"


def test_windows_that_touch_are_one() -> None:
    assert spans(windows([FileText("a.py", numbered(900), (60, 140, 10**9, 0, -3))], PLENTY)) == [(1, 180)]


def test_a_long_file_without_lines_that_matter_is_shown_from_its_beginning() -> None:
    assert spans(windows([FileText("a.py", numbered(900))], PLENTY)) == [(1, WHOLE_MAX_LINES)]


def test_what_does_not_fit_makes_the_windows_smaller() -> None:
    file = FileText("a.py", numbered(900), (500,))
    wide, narrow = (windows([file], room) for room in (700, 400))

    assert spans(wide)[-1] == (480, 520)
    assert spans(narrow)[-1] == (495, 505)


def test_half_as_much_is_shown_to_a_model_that_took_less_than_it_should() -> None:
    file = FileText("a.py", numbered(100))

    (whole,) = windows([file], 1000)
    (half,) = windows([file], 1000, halved=True)

    assert whole.last == 100
    assert 45 < half.last < 65


def test_what_a_short_file_leaves_is_the_long_ones() -> None:
    short, long = FileText("b.py", "x\n"), FileText("a.py", numbered(150))

    shown = windows([long, short], len(numbered(150)) + 10)

    assert [window.label for window in shown] == ["a.py, the whole file", "b.py, the whole file"]


def test_lines_are_shown_as_they_stand() -> None:
    (window,) = windows([FileText("a.py", "\tx = 1  \r\n\r\n# \x0c é\u2028y\r\n")], PLENTY)

    assert window.text == "\tx = 1  \n\n# \x0c é\u2028y"
    assert window.total == 3


def test_a_line_that_does_not_fit_is_not_cut() -> None:
    assert windows([FileText("a.js", "x" * 5000)], 1000) == ()
    assert windows([FileText("empty", ""), FileText("new", None)], 1000) == ()


@given(
    st.lists(
        st.builds(
            FileText, st.uuids().map(str), st.text("ab\n\r", max_size=300), st.lists(st.integers(-2, 90)).map(tuple)
        ),
        max_size=3,
    ),
    st.integers(-5, 400),
    st.booleans(),
)
def test_windows_are_lines_of_their_files_and_fit(files: list[FileText], room: int, halved: bool) -> None:
    shown = windows(files, room, halved=halved)

    assert sum(len(window.text) + 1 for window in shown) <= max(0, room) // (2 if halved else 1)
    for window in shown:
        text = next(file.text for file in files if file.path == window.path) or ""
        lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]
        assert window.text.split("\n") == lines[window.first - 1 : window.last]
        assert window.total == len(lines)
    assert all(one.path != two.path or one.last < two.first for one, two in pairwise(shown))


@pytest.mark.parametrize(("tokens", "expected"), [(100, 350), (0, 0), (-5, 0)])
def test_a_token_is_three_and_a_half_characters(tokens: int, expected: int) -> None:
    assert characters(tokens) == expected


def test_files_are_read_with_their_lines_and_what_cannot_be_read_is_left_out() -> None:
    tree = Tree(MemoryCheckout({"a.py": b"x", "b.bin": b"\0", "c.py": b"x" * (TEXT_MAX_BYTES + 1)}))

    assert file_texts(tree, ["a.py", "b.bin", "c.py", "new.py"], {"a.py": (3,)}) == (
        FileText("a.py", "x", (3,)),
        FileText("new.py", None),
    )
