import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents import lenient_json
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.replies import REPLY_MAX, read_object, strip_reasoning

ANSWER = 'FILE: a.py\n<<<<<<< SEARCH\n=======\nx = "1"\n>>>>>>> REPLACE\n'

SCALARS = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12)
OBJECTS = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
TAGS = ("<think>", "</think>", "<reasoning>", "</Reasoning>", "```json", "```")
MARKS = ("\n", " ", "x", '"', "'", "{", "}", "[", "]", ",", ":", "\\", "\\u12", "1", "-", "true", "None", '{"a": ', "é")
PIECES = st.lists(st.sampled_from(TAGS + MARKS), max_size=40).map("".join)


@pytest.mark.parametrize("tag", ["think", "thinking", "reasoning", "THINK"])
@pytest.mark.parametrize(
    "reply",
    [
        "<{tag}>\nFILE: draft\n</{tag}>\n{answer}",
        "<{tag}>one</{tag}><{tag}>two</{tag}>{answer}",
        "I think aloud.\n</{tag}>\n{answer}",  # its beginning was part of the prompt
        "  <{tag}></{tag}>{answer}",
    ],
)
def test_reasoning_before_an_answer_is_taken_off(reply: str, tag: str) -> None:
    assert strip_reasoning(reply.format(tag=tag, answer=ANSWER)).strip() == ANSWER.strip()


def test_reasoning_that_never_ends_holds_no_answer() -> None:
    assert strip_reasoning(f"<think>\n{ANSWER}") == ""
    assert strip_reasoning(f"{ANSWER}<think>\nand now") == ANSWER


@pytest.mark.parametrize(
    "text", [ANSWER, "TAGS = re.compile('<think>.*</think>')\n", "say <think> and </think> to it", "", "<thinker>\n"]
)
def test_tags_within_a_line_are_text(text: str) -> None:
    assert strip_reasoning(text) == text


@given(PIECES | st.text())
def test_stripping_takes_any_text_and_adds_nothing(text: str) -> None:
    assert len(strip_reasoning(text)) <= len(text)


def test_a_reply_of_tags_alone_is_read_in_one_pass() -> None:
    assert "<think>" not in strip_reasoning("\n<think></think>" * 10_000)
    assert strip_reasoning("x <think>" * 20_000).startswith("x <think>")


@given(OBJECTS)
def test_an_object_is_read_wherever_it_stands(value: dict[str, object]) -> None:
    whole = json.dumps(value)

    assert read_object(whole) == value
    assert read_object(f"<think>{{</think>\n{whole}\n") == value
    if value:
        assert read_object(f"Here it is:\n```json\n{whole}\n```\nDone {{x}}.") == value
        assert read_object(f"The plan {{as asked}}: {whole} That is all.") == value


@given(OBJECTS)
def test_the_lenient_reader_reads_what_is_valid_as_it_is(value: dict[str, object]) -> None:
    assert lenient_json.read(json.dumps(value)) == value
    assert lenient_json.read(json.dumps(value, ensure_ascii=False, indent=1)) == value


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ('{"a": [1, 2,], "b": 3,}', {"a": [1, 2], "b": 3}),
        ('{"a": "one\ntwo"}', {"a": "one\ntwo"}),
        ('{"a": "one\ntwo",}', {"a": "one\ntwo"}),
        ('{"a": "say "hi", then go", "b": 1}', {"a": 'say "hi", then go', "b": 1}),
        ("{'a': 'don't', 'b': True, 'c': None, 'd': False}", {"a": "don't", "b": True, "c": None, "d": False}),
        (r"""{"a": "it\'s \_x", "b": [1,]}""", {"a": r"it's \_x", "b": [1]}),
        ("""{'a': 'a "b" c'}""", {"a": 'a "b" c'}),
        ('{"a": -1.5e2, "b": "é\\u00e9"}', {"a": -150.0, "b": "éé"}),
        ('{"a": "x"} and {"a": "y"}', {"a": "x"}),
        ('Of {"a": 1} I make ```json\n{"a": 2}\n```', {"a": 2}),
        ("{}", {}),
    ],
)
def test_what_models_get_wrong_is_mended_where_it_can_mean_one_thing(reply: str, value: object) -> None:
    assert read_object(reply) == value


@pytest.mark.parametrize("end", ["-", "1", "1.", "1.5e", "tru", "nul", "N"])
def test_a_value_that_the_text_ends_within_is_not_malformed(end: str) -> None:
    answer = read_object('{"tasks": [' + end)

    assert isinstance(answer, Refusal)
    assert answer.code == "truncated"


@given(OBJECTS.filter(bool), st.data())
def test_an_object_without_an_end_is_never_completed(value: dict[str, object], data: st.DataObject) -> None:
    whole = json.dumps(value)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]

    answer = read_object(data.draw(st.sampled_from(["", "```json\n", "Here: "])) + cut)

    assert isinstance(answer, Refusal)
    assert answer.code == "truncated"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("I would add a licence.", "no-json"),
        ("", "no-json"),
        ("use { and }", "no-json"),
        ('{"a" 1}', "truncated"),
        ('{"a": 1 "b": 2}', "no-json"),
        ('{"a": 01}', "no-json"),
        ('{"a": "\\uZZZZ",}', "no-json"),
        ('{"a": nope}', "no-json"),
        ('{"a": {"b": oops}, "c": {"d": 1}}', "no-json"),  # no part of it stands for the whole
        ('[{"a": 1}]', "not-an-object"),
        ('```json\n[{"a": 1}]\n```', "not-an-object"),
        ('"text"', "not-an-object"),
        ("12", "not-an-object"),
        ("<think>" + '{"a": 1}', "no-json"),
    ],
)
def test_what_is_no_object_is_refused_with_a_reason(reply: str, code: str) -> None:
    answer = read_object(reply)

    assert isinstance(answer, Refusal)
    assert answer.code == code
    assert answer.message


@given(PIECES | st.text())
def test_any_reply_is_an_object_or_a_refusal(reply: str) -> None:
    answer = read_object(reply)

    assert isinstance(answer, dict | Refusal)


@pytest.mark.parametrize(
    "hostile",
    ["[" * REPLY_MAX, '{"a":' * 60_000, '{"a":"' + '"' * REPLY_MAX, '{"a": ' + " " * REPLY_MAX, "{" * REPLY_MAX],
)
def test_a_reply_made_to_exhaust_the_reader_is_refused(hostile: str) -> None:
    assert isinstance(read_object(hostile), Refusal)


def test_what_is_behind_the_limit_is_not_read() -> None:
    answer = read_object('{"a": "' + "x" * REPLY_MAX + '"}')

    assert isinstance(answer, Refusal)
    assert answer.code == "truncated"
