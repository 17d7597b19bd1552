import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.yaml_documents import ALIASES_MAX, DEPTH_MAX, PyYamlReader
from gitoma.domain.agents.ports import UnreadableDocument

READER = PyYamlReader()


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("on: push\nversion: 3.10", {"on": "push", "version": "3.10"}),
        ("when: 2026-01-01\nno: ~\nempty:\n", {"when": "2026-01-01", "no": "~", "empty": ""}),
        ("- a\n- [b, {c: d}]", ["a", ["b", {"c": "d"}]]),
        ("a: &x [1]\nb: *x", {"a": ["1"], "b": ["1"]}),
        ("a: !!python/object/apply:os.system [exit]", {"a": ["exit"]}),
        ("a: !Ref b", {"a": "b"}),
        ("base: &b {x: 1}\nc: {<<: *b}", {"base": {"x": "1"}, "c": {"<<": {"x": "1"}}}),
        ("a: 1\n---\nb: 2", {"a": "1"}),
        ("", ""),
    ],
)  # fmt: skip
def test_every_scalar_is_text_and_no_tag_makes_anything_else(text: str, document: object) -> None:
    assert READER.read(text) == document


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: b: c",
        "\tx",
        "a: *unknown",
        "&a [*a]",
        "? [a]\n: b",
        "[" * (DEPTH_MAX + 1) + "]" * (DEPTH_MAX + 1),
        "[" * 100_000,
        "a: &a x\nb: [" + "*a, " * (ALIASES_MAX + 1) + "]",
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
        "x: \x01",
    ],
)
def test_what_is_no_yaml_or_beyond_the_limits_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnreadableDocument) as raised:
        READER.read(text)

    assert "\n" not in str(raised.value)


def test_a_second_document_counts_for_the_syntax() -> None:
    READER.check("a: 1\n---\nb: 2\n")

    with pytest.raises(UnreadableDocument):
        READER.check("a: 1\n---\nb: [\n")


def tree(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and tree(child) for key, child in value.items())
    return all(map(tree, value)) if isinstance(value, list) else isinstance(value, str)


@settings(deadline=None)
@given(st.text() | st.text("[]{}&*a:- \n\"'|>!?%#,", max_size=60))
def test_every_text_is_a_tree_of_text_or_refused(text: str) -> None:
    try:
        document = READER.read(text)
    except UnreadableDocument:
        return
    assert tree(document)
