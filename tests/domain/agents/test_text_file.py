from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.text_file import TextFile

TEXTS = st.builds(str.__add__, st.sampled_from(["", "\ufeff"]), st.text("ab\n\r\u2028", max_size=30))
LINES = st.lists(st.text("ab", max_size=3), max_size=4)


@given(TEXTS)
def test_a_text_that_is_taken_apart_is_the_same_when_put_together(text: str) -> None:
    assert TextFile.of(text).text() == text


@given(TEXTS, LINES, st.data())
def test_replacing_lines_changes_no_others(text: str, new: list[str], data: st.DataObject) -> None:
    file = TextFile.of(text)
    before = list(file.lines)
    start = data.draw(st.integers(0, len(before)))
    end = data.draw(st.integers(start, len(before)))
    file.replace(start, end, new)

    assert file.lines == before[:start] + new + before[end:]
    again = TextFile.of(file.text())
    assert again.text() == file.text()
    lines = file.lines
    if before and lines and lines[-1]:
        assert file.text().endswith("\n") == (text.endswith("\n") or end == len(before))
        assert [line.rstrip("\r") for line in again.lines] == [line.rstrip("\r") for line in lines]


def test_a_line_that_is_no_longer_the_last_one_gets_an_end() -> None:
    file = TextFile.of("a\r\nb\r\nc")
    file.replace(2, 3, ["c", "d"])

    assert file.text() == "a\r\nb\r\nc\r\nd\r\n"


def test_a_last_line_that_is_replaced_by_itself_gets_an_end() -> None:
    file = TextFile.of("a\nb")
    file.replace(0, 2, ["a", "b"])

    assert file.text() == "a\nb\n"


def test_a_last_line_that_is_not_touched_stays_without_an_end() -> None:
    file = TextFile.of("a\nb")
    file.replace(0, 1, ["x"])

    assert file.text() == "x\nb"


def test_lines_that_stay_keep_their_own_ends() -> None:
    file = TextFile.of("a\r\nb\nc\nd\n")
    file.replace(0, 2, ["a", "x"])

    assert file.text() == "a\r\nx\nc\nd\n"
