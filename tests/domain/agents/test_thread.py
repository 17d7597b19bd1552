import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.thread import declined

REASON = "the name is part of the API"


@pytest.mark.parametrize(
    "answer",
    [
        f"NO_CHANGE: {REASON}",
        f"\n  NO_CHANGE: {REASON}\n",
        f"```\nNO_CHANGE: {REASON}\n```",
        f"```text\nNO_CHANGE: {REASON}\n```",
        f"**NO_CHANGE:** {REASON}",
        f"`NO_CHANGE: {REASON}`",
        f"> NO_CHANGE - {REASON}",
    ],
)
def test_whoever_declines_gives_a_reason_however_it_is_dressed_up(answer: str) -> None:
    assert declined(answer) == REASON


@pytest.mark.parametrize("answer", ["NO_CHANGE:", "NO_CHANGE", "```\nNO_CHANGE:\n```"])
def test_no_reason_is_told_as_such(answer: str) -> None:
    assert declined(answer) == "no reason given"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "It is right.",
        "I would say NO_CHANGE: it is right",
        "NO_CHANGES: none",
        "NO_CHANGE: but\nFILE: a.py\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n",
    ],
)
def test_any_other_answer_declines_nothing(answer: str) -> None:
    assert declined(answer) is None


@given(st.text() | st.text(alphabet="NO_CHANGE:`*> \n").map("NO_CHANGE".__add__))
def test_a_reason_is_a_short_line(answer: str) -> None:
    reason = declined(answer)

    assert reason is None or (reason.strip() and "\n" not in reason and len(reason) <= 300)
