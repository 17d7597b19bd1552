from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.changed_lines import added, lines_of, taken_away
from gitoma.domain.agents.changes import FileChange

LINES = st.lists(st.sampled_from(["a", "b", "", "c d"]), max_size=8)


def test_a_line_is_added_where_there_are_more_of_it_and_taken_away_where_there_are_fewer() -> None:
    file = FileChange("a", "one\ntwo\ntwo\n", "two\r\none\nthree\none\n")

    assert added(file) == ["three", "one"]
    assert taken_away(file) == ["two"]


@given(LINES, LINES)
def test_what_is_added_and_not_taken_away_is_the_difference(old: list[str], new: list[str]) -> None:
    file = FileChange("a", "\n".join(old), "\n".join(new))
    before, after = lines_of("\n".join(old)), lines_of("\n".join(new))

    assert sorted(before + added(file)) == sorted(after + taken_away(file))


@given(LINES)
def test_moving_lines_adds_none(lines: list[str]) -> None:
    whole = "".join(f"{line}\n" for line in lines)
    turned = "".join(f"{line}\n" for line in reversed(lines))

    assert added(FileChange("a", whole, turned)) == []
