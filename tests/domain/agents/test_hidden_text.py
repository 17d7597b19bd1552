import pytest

from gitoma.domain.agents.hidden_text import hidden_in, is_hidden


@pytest.mark.parametrize(
    "character", ["\x00", "\x1b", "\u200b", "\u202e", "\u2028", "\udc80", "\u3164", "\U000e0100", "\ufe00"]
)
def test_what_nobody_sees_is_hidden(character: str) -> None:
    assert is_hidden(character)


@pytest.mark.parametrize("character", ["a", " ", "\t", "\n", "\f", "é", "日", "🎉", "\ufe0f", "\u0301", "\xa0"])
def test_what_is_seen_or_lays_text_out_is_not(character: str) -> None:
    assert not is_hidden(character)


def test_a_byte_order_mark_is_hidden_only_inside_and_a_carriage_return_only_where_it_ends_no_line() -> None:
    assert not hidden_in("\ufeffa\r\n")
    assert hidden_in("a\ufeff\rb\r\n") == {"\ufeff": 1, "\r": 1}
