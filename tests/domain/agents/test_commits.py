import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.commits import SUBJECT_MAX, commit_message, fix_message, review_message
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.health.score import Mender
from gitoma.domain.agents.plan import Subtask

RUN = "20300101-000000-7f3a"


def task(check: str, *files: str) -> Subtask:
    return Subtask("T2", check, "a model's #1 title", "@everybody", files)


def test_a_message_says_what_was_done_and_which_run_and_task_did_it() -> None:
    message = commit_message(task("Security-Policy", "SECURITY.md"), RUN)

    assert message == (
        "docs(security): say how to report a vulnerability\n\nGitoma-Run: 20300101-000000-7f3a\n"
        "Gitoma-Task: T2 Security-Policy\n"
    )


@pytest.mark.parametrize(
    ("files", "subject"),
    [
        (("tests/test_a.py",), "test(test_a.py): add tests"),
        (("a.py", "b.py"), "test(files): add tests"),
        (("tests/a b.py",), "test(files): add tests"),
        (("x" * 99,), "test(files): add tests"),
        ((), "test(files): add tests"),
    ],
)
def test_one_ordinary_file_is_the_scope(files: tuple[str, ...], subject: str) -> None:
    assert commit_message(task("Tests", *files), RUN).splitlines()[0] == subject


@pytest.mark.parametrize("check", [c.name for c in CHECKS if c.fix.kind in (Mender.AGENT, Mender.RECIPE)])
def test_every_check_that_an_agent_mends_has_a_subject_of_its_own(check: str) -> None:
    subject = commit_message(task(check, "a.py"), RUN).splitlines()[0]

    assert "improve what a check found" not in subject
    assert len(subject) <= SUBJECT_MAX


@given(st.text(), st.integers(1))
def test_whoever_names_a_job_or_a_file_writes_nothing_else_into_a_message(text: str, number: int) -> None:
    for message in (fix_message(text, number), review_message(text, number), commit_message(task("Tests", text), RUN)):
        subject, empty, *trailers = message.splitlines()
        assert len(subject) <= SUBJECT_MAX
        assert empty == ""
        assert all(trailer.startswith("Gitoma-") for trailer in trailers)
        assert not set("#@[]<>\\`") & set(subject)


def test_a_jobs_name_neither_skips_ci_nor_closes_an_issue() -> None:
    assert fix_message("test (3.11)", 7) == "fix(ci): test (3.11)\n\nGitoma-CI-Run: 7\n"
    assert fix_message("[skip ci] fixes #1 @ann", 7).splitlines()[0] == "fix(ci): skip ci fixes 1 ann"
    assert fix_message("\n", 7).splitlines()[0] == "fix(ci): a failed job"
    assert review_message("src/a.py", 5) == "fix(review): do what was asked of a.py\n\nGitoma-Comment: 5\n"
