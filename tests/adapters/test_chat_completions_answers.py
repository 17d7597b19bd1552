"""Reading an answer is total, and does not depend on where the network cuts it."""

import json
from itertools import pairwise

import httpcore
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.chat_completions import failures
from gitoma.adapters.chat_completions.answers import AnswerReader, Said, repeats
from gitoma.adapters.chat_completions.connection import PatientStream
from gitoma.adapters.chat_completions.patience import Limits, Patience
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import Finish
from gitoma.domain.clock import Clock, Instant

PIECES = (
    *(
        b"data: ",
        b"data:",
        b"[DONE]",
        b"\n",
        b"\r\n",
        b"\n\n",
        b": ping",
        b"event: error\n",
        b"{",
        b"}",
        b"null",
        b"\xff",
    ),
    b'data: {"choices": [{"delta": {"content": "a"}}]}\n\n',
    b'data: {"choices": [{"delta": {"reasoning_content": "b"}, "finish_reason": "stop"}]}\n\n',
    b'{"choices": [{"message": {"content": "\\ud83d\\ude00"}, "finish_reason": "length"}]}',
    b'{"choices": [], "usage": {"completion_tokens": 3}}',
    b'{"error": {"message": "no"}}',
    b'{"choices": [{"delta": {"content": "\\ud83d"}}]}',
    b"[" * 2000,
)


def bodies() -> st.SearchStrategy[bytes]:
    return st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:end] for start, end in pairwise(edges)]


def read(chunks: list[bytes], *, streamed: bool) -> Said | tuple[object, ...]:
    reader = AnswerReader(streamed=streamed)
    try:
        for chunk in chunks:
            reader.feed(chunk)
        return reader.end()
    except AgentError as error:
        return error.code, str(error)
    except failures.Refused as refusal:
        return refusal.status, refusal.text


@given(bodies(), st.lists(st.integers(0), max_size=20), st.booleans())
def test_any_bytes_cut_anywhere_give_what_was_said_or_an_error(body: bytes, places: list[int], streamed: bool) -> None:
    whole = read([body], streamed=streamed)

    assert read(cut(body, places), streamed=streamed) == whole
    assert read([body[at : at + 1] for at in range(len(body))], streamed=streamed) == whole


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=20),
    st.lists(st.integers(0), max_size=9),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_whatever_a_model_says_arrives(pieces: list[str], places: list[int], end: str, ascii_only: bool) -> None:
    def event(piece: str) -> str:
        choice = {"delta": {"content": piece}, "finish_reason": None}
        return f"data: {json.dumps({'choices': [choice]}, ensure_ascii=ascii_only)}{end}{end}"

    body = "".join([*map(event, pieces), f"data: [DONE]{end}{end}"]).encode()

    assert read(cut(body, places), streamed=True) == Said("".join(pieces), "", Finish.OTHER, None)


def test_a_line_without_end_is_not_kept() -> None:
    assert isinstance(said := read([b"data: " + b"x" * 1000] * 3000, streamed=True), tuple)
    assert said[0] is Code.MODEL_UNAVAILABLE


def test_events_without_end_are_stopped_though_they_say_nothing() -> None:
    assert isinstance(said := read([b": still there\n" * 1000] * 3000, streamed=True), tuple)
    assert said[0] is Code.MODEL_RUNAWAY


@given(st.text("ab", min_size=1, max_size=30))
def test_what_repeats_in_less_than_a_block_repeats(text: str) -> None:
    assert repeats("before" + text * (3600 // len(text) + 1))


@given(st.integers(200, 2000))
def test_a_longer_block_repeats_when_it_has_come_eight_times(length: int) -> None:
    block = "".join(chr(0x4E00 + at) for at in range(length))

    assert repeats("before" + block * 8)
    assert not repeats("before" + block * 7)


def test_a_text_that_only_ends_as_it_began_does_not_repeat() -> None:
    rows = "".join(f"    ({number}, 'a row of a table'),\n" for number in range(500))

    assert not repeats(rows)
    assert not repeats("x" * 1599)


@given(st.text(max_size=400))
def test_looking_for_repetition_is_total(text: str) -> None:
    repeats(text)


class Steps(Clock):
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def now(self) -> Instant:
        return Instant(VirtualClock().now().wall, self.moment)


class Line(httpcore.NetworkStream):
    """A stream on which bytes arrive at moments of a clock."""

    def __init__(self, clock: Steps, arrivals: list[tuple[float, bytes]]) -> None:
        self._clock = clock
        self._arrivals = [(clock.moment + moment, data) for moment, data in arrivals]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        assert timeout is not None
        due, data = self._arrivals[0] if self._arrivals else (float("inf"), b"")
        if due > self._clock.moment + timeout:
            self._clock.moment += timeout
            raise httpcore.ReadTimeout
        self._clock.moment = max(due, self._clock.moment)
        self._arrivals.pop(0)
        return data


LIMITS = Limits(first_word_s=300, between_s=60, answer_s=900, notice_every_s=20)


def waited(arrivals: list[tuple[float, bytes]], left_s: float = float("inf")) -> tuple[object, ...]:
    """Read until patience is over; every byte but a dot is a character of the answer."""
    clock = Steps()
    told: list[tuple[float, int]] = []
    patience = Patience(clock, LIMITS, left_s, lambda seconds, characters: told.append((seconds, characters)))
    stream = PatientStream(Line(clock, arrivals), patience)
    said = 0
    try:
        while True:
            said += len(stream.read(100).replace(b".", b""))
            patience.said(said)
    except AgentError as error:
        return error.code, clock.moment - 1000, said, told


def test_the_first_word_has_longer_than_the_others() -> None:
    assert waited([])[:3] == (Code.MODEL_UNAVAILABLE, 300, 0)
    assert waited([(250, b"ab"), (309, b"c")])[:3] == (Code.MODEL_UNAVAILABLE, 369, 3)


def test_signs_of_life_are_no_words() -> None:
    assert waited([(1, b"."), (250, b".")])[:3] == (Code.MODEL_UNAVAILABLE, 550, 0)


def test_an_answer_that_goes_on_and_on_is_stopped() -> None:
    assert waited([(10.0 * at, b"a") for at in range(200)])[:2] == (Code.MODEL_RUNAWAY, 900)


def test_an_answer_ends_with_the_work_that_it_is_for() -> None:
    assert waited([(10.0 * at, b"a") for at in range(200)], left_s=45)[:2] == (Code.BUDGET, 45)


def test_every_twenty_seconds_we_say_that_we_wait() -> None:
    told = waited([(30, b"ab"), (41, b"c")])[3]

    assert told == [(20, 0), (40, 2), (60, 3), (80, 3), (100, 3)]
