import re

from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.code_host import NewPull
from gitoma.domain.agents.health.score import CheckResult, Fix, Mender, Report, Risk, Standard
from gitoma.domain.agents.plan import Plan, Source, Status, Subtask
from gitoma.domain.agents.pull_text import LINE_MAX, mark_of, pull_request, shown

RUN = "20300101-000000-7f3a"


def result(name: str, kind: Mender, score: float | None, reason: str = "no LICENSE") -> CheckResult:
    return CheckResult(name, Risk.LOW, Standard.OWN, score, reason, (), Fix(kind, (), "Choose one."))


AFTER = Report((result("License", Mender.HUMAN, 0), result("Tests", Mender.AGENT, 10), result("SAST", Mender.HUMAN, 9)))
DONE = Subtask("T1", "Tests", "Test it", "x", ("tests/test_a.py",), Status.DONE, sha="0123456789abcdef")
FAILED = Subtask("T2", "Readme", "Say more", "x", ("README.md",), Status.FAILED, error="no-match - no such line")
WAITING = Subtask("T3", "Changelog", "Tell", "x", ("CHANGELOG.md",))


def pull(*tasks: Subtask, source: Source = Source.MODEL, before: float | None = 4.0, after: Report = AFTER) -> NewPull:
    return pull_request(Plan(source, "qwen3-8b", tasks), before, after, RUN, head="gitoma/x", base="main")


def test_a_pull_request_says_what_was_done_what_was_not_and_what_is_for_people() -> None:
    made = pull(DONE, FAILED, WAITING)

    assert (made.head, made.base) == ("gitoma/x", "main")
    assert made.title == "Improve the repository's health: 1 improvement (4.0 → 6.3)"
    assert "**4.0 → 6.3**" in made.body
    assert "- **Tests**: `Test it`, in `tests/test_a.py` (0123456789)\n" in made.body
    assert "- **Readme**: `Say more`: `no-match - no such line`\n" in made.body
    assert "- **Changelog**: `Tell`: `pending`\n" in made.body
    assert "- **License** (0/10): `no LICENSE`. Choose one.\n" in made.body
    assert "SAST" not in made.body
    assert "Planned by the model `qwen3-8b`." in made.body
    assert made.body.endswith(f"{mark_of(RUN)}\n")
    assert mark_of(RUN) == "<!-- gitoma:run=20300101-000000-7f3a -->"


def test_a_plan_without_the_model_is_named_as_one() -> None:
    assert "The model proposed no usable plan" in pull(DONE, source=Source.FALLBACK).body


def test_what_is_empty_is_left_out() -> None:
    body = pull(DONE, before=None, after=Report(())).body

    assert "n/a → n/a" in body
    assert "Not done" not in body
    assert "For people" not in body


HOSTILE = st.text() | st.lists(
    st.sampled_from(
        ["@ann", "`", "```", "\n", "# x", "<!-- gitoma:run=", "-->", "![x](http://a.b/c)", "<img>", "closes #1"]
    )
).map(" ".join)


@given(HOSTILE)
def test_text_of_others_is_code_on_one_line(text: str) -> None:
    line = shown(text)

    assert line == "(nothing)" or re.fullmatch(r"`[^`\n]+`", line)
    assert len(line) <= 2 * LINE_MAX
    assert "<!--" not in line
    assert line.isprintable()


@given(HOSTILE)
def test_nothing_that_others_wrote_means_anything_in_a_pull_request(text: str) -> None:
    task = Subtask("T1", "Tests", text, text, (text,), Status.FAILED, error=text)
    report = Report((result("License", Mender.HUMAN, 0, text),))
    made = pull_request(Plan(Source.MODEL, text, (DONE, task)), 1.0, report, RUN, head="h", base="b")

    plain = re.sub(r"`[^`\n]+`", "", made.body)
    assert plain.count("<!--") == 1
    assert not set("@#") & set(plain.replace("### ", ""))
    assert "`" not in plain
    assert len(made.title) < 100
