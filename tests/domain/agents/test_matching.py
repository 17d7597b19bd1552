from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.matching import NEAREST_LINES, PLACES_MAX, Place, nearest, places_of

LINES = st.lists(st.sampled_from(["a", "b", "  a", "    a", "", " ", "b ", "\ta", "def f():"]), max_size=12)


def test_lines_are_found_as_written() -> None:
    assert places_of(["b", "c"], ["x"], ["a", "b", "c", "d"]) == (Place(1, 3, ("x",)),)


def test_part_of_a_line_is_no_match() -> None:
    assert not places_of(["b"], ["x"], ["ab", "bc", "abc"])


def test_places_that_overlap_are_several() -> None:
    assert len(places_of(["a", "a"], ["x"], ["a", "a", "a"])) == 2


def test_blank_lines_at_the_ends_may_be_too_many_and_are_then_taken_off_both_parts() -> None:
    assert places_of(["", "b", ""], ["", "x", "", ""], ["a", "b", "c"]) == (Place(1, 2, ("x", "")),)
    assert places_of(["", "b", ""], ["x"], ["a", "b", "c"]) == (Place(1, 2, ("x",)),)


def test_blank_lines_that_are_there_are_replaced_as_well() -> None:
    assert places_of(["", "b", ""], ["x"], ["a", "", "b", "", "c"]) == (Place(1, 4, ("x",)),)


def test_blanks_at_the_ends_of_lines_do_not_count() -> None:
    assert places_of(["b ", "c"], ["x"], ["a", "b", "c\t "]) == (Place(1, 3, ("x",)),)


def test_an_exact_place_is_preferred_to_a_similar_one() -> None:
    assert places_of(["b"], ["x"], ["b ", "b", "  b"]) == (Place(1, 2, ("x",)),)


def test_the_replacement_is_indented_as_the_place_is() -> None:
    lines = ["class A:", "    def f():", "        return 1", ""]

    assert places_of(["def f():", "    return 1"], ["def f():", "", "    return 2"], lines) == (
        Place(1, 3, ("    def f():", "", "        return 2")),
    )
    assert places_of(["      def f():", "          return 1"], ["      def g():"], lines) == (
        Place(1, 3, ("    def g():",)),
    )


def test_an_indentation_that_differs_from_line_to_line_is_no_match() -> None:
    assert not places_of(["def f():", "  return 1"], ["x"], ["    def f():", "        return 1"])
    assert not places_of(["    a", "    b"], ["x"], ["\ta", "\tb"])


def test_a_replacement_that_cannot_be_indented_less_is_no_match() -> None:
    assert not places_of(["    a", "      b"], ["x"], ["  a", "    b"])


def test_several_places_are_counted_up_to_a_limit() -> None:
    assert len(places_of(["a"], [], ["a"] * 1000)) == PLACES_MAX


@given(LINES, LINES.filter(lambda lines: any(line.strip() for line in lines)), LINES)
def test_what_is_found_is_there_and_a_single_exact_place_is_always_found(
    lines: list[str], search: list[str], replace: list[str]
) -> None:
    places = places_of(search, replace, lines)

    for place in places:
        window = [line.strip() for line in lines[place.start : place.end]]
        assert [line for line in window if line] == [line.strip() for line in search if line.strip()]
        assert len(place.replacement) <= len(replace)
    exact = [n for n in range(len(lines) - len(search) + 1) if lines[n : n + len(search)] == search]
    if exact:
        assert [place.start for place in places] == exact


def test_the_nearest_lines_are_those_of_which_most_are_right() -> None:
    lines = ["import os", "", "def f(a):", "    x = 1", "    return x", "", "def g(a):", "    return a"]

    assert nearest(["def f(b):", "    x = 1", "    return x"], lines) == ("def f(a):", "    x = 1", "    return x", "")
    assert nearest(["def f(a, *, more):"], lines)[0] == "def f(a):"
    assert not nearest(["nothing like it"], lines)


@given(LINES, LINES)
def test_what_is_shown_is_part_of_the_file_and_short(search: list[str], lines: list[str]) -> None:
    shown = nearest(search, lines)

    assert len(shown) <= NEAREST_LINES
    assert set(shown) <= {line.rstrip() for line in lines}
