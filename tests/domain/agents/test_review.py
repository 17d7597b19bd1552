import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.code_host import ReviewComment
from gitoma.domain.agents.review import (
    MARK,
    Disposition,
    Known,
    Outcome,
    Thread,
    actionable,
    answer,
    from_json,
    judged,
    threads_of,
    to_json,
)


def comment(
    number: int,
    body: str = "please",
    *,
    to: int | None = None,
    author: str = "ada",
    association: str = "OWNER",
    line: int | None = 3,
    hunk: str = "@@ -1,3 +1,3 @@\n a\n b\n+c",
) -> ReviewComment:
    return ReviewComment(number, to, author, association, "src/a.py", line, None, hunk, body)


def stranger(number: int, body: str = "rm -rf", *, to: int | None = None) -> ReviewComment:
    return comment(number, body, to=to, author="mallory", association="NONE")


def ours(number: int, to: int, author: str = "ada") -> ReviewComment:
    return comment(number, answer(Disposition(Outcome.FIXED, "2e3dd92")), to=to, author=author)


def outcome(*comments: ReviewComment, known: Known | None = None) -> Disposition | None:
    (thread,) = judged(threads_of(comments), known or Known())
    return thread.disposition


def test_replies_belong_to_the_thread_of_their_root() -> None:
    threads = threads_of([comment(1), comment(2), comment(3, to=1), comment(4, to=2), comment(5, to=3)])

    assert [[one.id for one in thread.comments] for thread in threads] == [[1, 3, 5], [2, 4]]


def test_replies_whose_root_is_gone_are_one_thread() -> None:
    assert threads_of([comment(8, to=7), comment(9, to=7)]) == (Thread(comment(8, to=7), (comment(9, to=7),)),)


def test_a_comment_that_comes_twice_counts_once() -> None:
    assert threads_of([comment(1), comment(1)]) == (Thread(comment(1)),)


@pytest.mark.parametrize("association", ["OWNER", "MEMBER", "COLLABORATOR"])
def test_what_people_of_the_repository_ask_for_is_acted_upon(association: str) -> None:
    assert outcome(comment(1, association=association)) is None


@pytest.mark.parametrize("association", ["NONE", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR", "owner", ""])
def test_what_strangers_ask_for_is_not(association: str) -> None:
    assert outcome(comment(1, association=association)) == Disposition(Outcome.UNTRUSTED)


def test_strangers_may_be_trusted_by_decision() -> None:
    assert outcome(stranger(1), known=Known(trust_all=True)) is None


def test_the_hosts_own_reviewer_is_trusted() -> None:
    assert outcome(comment(1, author="Copilot-Pull-Request-Reviewer[bot]", association="NONE")) is None


def test_of_a_strangers_words_in_a_trusted_thread_none_is_heard() -> None:
    (thread,) = judged(threads_of([comment(1), stranger(2, to=1), comment(3, to=1)]), Known())

    assert [one.id for one in thread.heard] == [1, 3]
    assert thread.disposition is None


def test_a_thread_in_which_the_last_word_is_ours_is_answered() -> None:
    assert outcome(comment(1), ours(2, to=1)) == Disposition(Outcome.ANSWERED)


def test_a_stranger_behind_our_answer_opens_nothing_again() -> None:
    assert outcome(comment(1), ours(2, to=1), stranger(3, to=1)) == Disposition(Outcome.ANSWERED)


def test_whoever_asks_again_behind_our_answer_is_heard() -> None:
    done = Known(dispositions={1: Disposition(Outcome.FIXED, "2e3dd92")})

    assert outcome(comment(1), ours(2, to=1), comment(3, "no", to=1), known=done) is None


def test_people_who_review_with_our_own_account_are_heard() -> None:
    assert outcome(comment(1, author="ada"), known=Known(viewer="ada")) is None


def test_somebody_elses_comment_with_our_mark_is_not_ours() -> None:
    assert outcome(comment(1), stranger(2, f"hm {MARK}", to=1), known=Known(viewer="ada")) is None
    assert outcome(comment(1), ours(2, to=1, author="ADA"), known=Known(viewer="ada")) == Disposition(Outcome.ANSWERED)


def test_where_our_login_is_not_known_only_a_bot_can_be_us() -> None:
    bot = comment(2, f"Fixed.\n\n{MARK}", to=1, author="our-app[bot]", association="NONE")

    assert outcome(comment(1), stranger(2, f"x\n{MARK}", to=1), known=Known(viewer=None)) is None
    assert outcome(comment(1), bot, known=Known(viewer=None)) == Disposition(Outcome.ANSWERED)


def test_what_a_former_account_of_ours_answered_is_answered() -> None:
    former = ours(2, to=1, author="former-bot")

    assert outcome(comment(1), former, known=Known(viewer="ada")) == Disposition(Outcome.ANSWERED)


def test_a_quotation_of_our_answer_is_not_ours() -> None:
    assert outcome(comment(1), ours(2, to=1), comment(3, f"Not yet.\n> Fixed.\n>\n> {MARK}", to=1)) is None


def test_commits_are_shown_as_short_as_git_shows_them() -> None:
    assert str(Disposition(Outcome.FIXED, "2e3dd92" + "0" * 33)) == "fixed(2e3dd92)"


def test_a_resolved_thread_is_left_alone() -> None:
    known = Known(resolved=frozenset({2}))

    assert outcome(comment(1), comment(2, to=1), known=known) == Disposition(Outcome.RESOLVED)


@pytest.mark.parametrize("final", [Outcome.APPLIED, Outcome.FIXED, Outcome.DECLINED])
def test_what_was_done_is_not_done_again(final: Outcome) -> None:
    done = Disposition(final, "x")

    assert outcome(comment(1), known=Known(dispositions={1: done})) == done


@pytest.mark.parametrize("passing", [Outcome.FAILED, Outcome.OUTDATED, Outcome.UNTRUSTED])
def test_what_was_not_done_is_looked_at_again(passing: Outcome) -> None:
    assert outcome(comment(1), known=Known(dispositions={1: Disposition(passing)})) is None


def test_a_thread_whose_lines_are_gone_is_outdated() -> None:
    assert outcome(comment(1, line=None)) == Disposition(Outcome.OUTDATED)


def test_a_comment_on_a_whole_file_is_not_outdated() -> None:
    assert outcome(comment(1, line=None, hunk="")) is None


def test_those_to_be_acted_upon_keep_their_order() -> None:
    threads = judged(threads_of([comment(1), stranger(2), comment(3)]), Known())

    assert [thread.key for thread in actionable(threads)] == [1, 3]


def test_an_answer_names_the_commit_and_bears_our_mark() -> None:
    assert answer(Disposition(Outcome.FIXED, "2e3dd92")) == f"Fixed in 2e3dd92.\n\n{MARK}"
    assert answer(Disposition(Outcome.APPLIED, "2e3dd92")).startswith("Applied the suggestion in 2e3dd92.")


def test_a_models_reason_cannot_mention_anybody_or_end_its_quotation() -> None:
    text = answer(Disposition(Outcome.DECLINED, "`@everybody` look\n# here"))

    assert text.splitlines()[0] == r"Not changed: `'@everybody' look\n# here`"


@pytest.mark.parametrize("silent", [Outcome.FAILED, Outcome.OUTDATED, Outcome.UNTRUSTED, Outcome.RESOLVED])
def test_what_was_not_decided_gets_no_answer(silent: Outcome) -> None:
    assert answer(Disposition(silent, "x")) == ""


DISPOSITIONS = st.builds(Disposition, st.sampled_from(Outcome), st.text(max_size=300))


@given(st.dictionaries(st.integers(1, 2**62), DISPOSITIONS))
def test_dispositions_survive_being_written_down(dispositions: dict[int, Disposition]) -> None:
    assert from_json(json.loads(json.dumps(to_json(dispositions)))) == dispositions


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(list(Outcome)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["1", "22", "disposition", "detail", "0", "-1", "²"]) | st.text(), inner)
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_document_gives_dispositions(document: object) -> None:
    assert all(isinstance(one, Disposition) and key > 0 for key, one in from_json(document).items())


@pytest.mark.parametrize(
    "entry", ["fixed", {"disposition": "fine"}, {"disposition": ["fixed"]}, {"disposition": "fixed", "detail": 3}, None]
)
def test_what_is_no_disposition_is_left_out(entry: object) -> None:
    assert from_json({"1": entry, "2": {"disposition": "fixed"}}) == {2: Disposition(Outcome.FIXED)}


COMMENTS = st.lists(
    st.builds(
        comment,
        st.integers(1, 9),
        st.text(max_size=20) | st.just(MARK),
        to=st.none() | st.integers(1, 9),
        author=st.sampled_from(["ada", "mallory", ""]),
        association=st.sampled_from(["OWNER", "NONE", "x"]),
        line=st.none() | st.integers(),
        hunk=st.text(max_size=20),
    ),
    max_size=12,
)


@given(COMMENTS)
def test_every_comment_is_in_one_thread_and_no_stranger_is_acted_for(comments: list[ReviewComment]) -> None:
    threads = threads_of(comments)

    assert sorted(one.id for thread in threads for one in thread.comments) == sorted({one.id for one in comments})
    for thread in actionable(judged(threads, Known())):
        assert thread.thread.root.association == "OWNER"
        assert thread.key == thread.heard[-1].id
        assert all(one.association == "OWNER" for one in thread.heard)
