import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.code_host import ReviewComment
from gitoma.domain.agents.review import Thread
from gitoma.domain.agents.suggestions import suggested_change

TEXT = "a\nb\nc\nd\n"
HUNK = "@@ -1,2 +1,3 @@ def f():\n a\n-x\n+b\n+c"
BLOCK = "Better so:\n```suggestion\nB\nC\n```\nthanks"


def thread(
    body: str = BLOCK, *, line: int | None = 3, start: int | None = 2, hunk: str = HUNK, replies: int = 0
) -> Thread:
    root = ReviewComment(1, None, "ada", "OWNER", "src/a.py", line, start, hunk, body)
    return Thread(root, (root,) * replies)


def new_text(made: ChangeSet | Refusal) -> str | None:
    assert isinstance(made, ChangeSet), made
    (file,) = made.files
    return file.new


def test_a_suggestion_takes_the_place_of_its_lines() -> None:
    assert suggested_change(thread(), TEXT) == ChangeSet((FileChange("src/a.py", TEXT, "a\nB\nC\nd\n"),))


def test_a_suggestion_for_one_line_may_be_several() -> None:
    assert new_text(suggested_change(thread(start=None), TEXT)) == "a\nb\nB\nC\nd\n"


def test_an_empty_suggestion_deletes_the_lines() -> None:
    assert new_text(suggested_change(thread("```suggestion\n```"), TEXT)) == "a\nd\n"


def test_line_ends_are_those_of_the_file() -> None:
    windows = TEXT.replace("\n", "\r\n")
    body = BLOCK.replace("\n", "\r\n")

    assert new_text(suggested_change(thread(body), windows)) == "a\r\nB\r\nC\r\nd\r\n"
    assert new_text(suggested_change(thread(body), TEXT)) == "a\nB\nC\nd\n"
    assert new_text(suggested_change(thread(body), "a\r\nb\r\nc")) == "a\r\nB\r\nC"


def test_lines_that_have_moved_are_found_where_the_host_says() -> None:
    assert new_text(suggested_change(thread(line=5, start=4), f"0\n0\n{TEXT}")) == "0\n0\na\nB\nC\nd\n"


@pytest.mark.parametrize(
    ("asked", "text", "code"),
    [
        (thread("no block"), TEXT, "no-suggestion"),
        (thread("```python\nB\n```"), TEXT, "no-suggestion"),
        (thread("```suggestion\nwithout an end"), TEXT, "no-suggestion"),
        (thread(f"{BLOCK}\n{BLOCK}"), TEXT, "ambiguous"),
        (thread(replies=1), TEXT, "discussed"),
        (thread(), TEXT.replace("b", "changed"), "outdated"),
        (thread(), None, "outdated"),
        (thread(), "", "outdated"),
        (thread(line=None, start=None), TEXT, "outdated"),
        (thread(line=30, start=29), TEXT, "outdated"),
        (thread(line=1, start=2), TEXT, "outdated"),
        (thread(line=3, start=-5), TEXT, "outdated"),
        (thread(hunk=""), TEXT, "outdated"),
        (thread(hunk="@@ -1 +1 @@\n+c"), TEXT, "outdated"),
        (thread(hunk=f"{HUNK}\n-gone"), TEXT, "outdated"),
        (thread("```suggestion\nb\nc\n```"), TEXT, "no-change"),
    ],
)
def test_a_suggestion_that_is_in_doubt_is_refused(asked: Thread, text: str | None, code: str) -> None:
    refusal = suggested_change(asked, text)

    assert isinstance(refusal, Refusal)
    assert refusal.code == code


def test_a_block_that_shows_how_a_suggestion_looks_is_none() -> None:
    shown = suggested_change(thread("````markdown\n```suggestion\nB\n```\n````"), TEXT)
    meant = suggested_change(thread("~~~~ \tsuggestion \n```\n~~~\n~~~~"), TEXT)

    assert isinstance(shown, Refusal)
    assert new_text(meant) == "a\n```\n~~~\nd\n"


def test_a_file_without_a_last_line_end_stays_so() -> None:
    hunk = "@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file"

    assert new_text(suggested_change(thread(line=2, start=None, hunk=hunk), "a\nb")) == "a\nB\nC"


PIECES = st.lists(st.sampled_from(["```", "~~~", "suggestion", "\n", "\r\n", "a", "+a", " b", "-c", "@@ "]) | st.text())
TEXTS = PIECES.map("".join)


@given(TEXTS, TEXTS, st.none() | st.integers(-2, 9), st.none() | st.integers(-2, 9), TEXTS)
def test_whatever_is_suggested_changes_the_named_lines_only(
    body: str, hunk: str, line: int | None, start: int | None, text: str
) -> None:
    made = suggested_change(thread(body, line=line, start=start, hunk=hunk), text)

    if isinstance(made, ChangeSet):
        assert line is not None
        before = text.split("\n")
        after = str(new_text(made)).split("\n")
        first = (start or line) - 1
        assert after[:first] == before[:first]
        assert after[len(after) - len(before) + line :] == before[line:]


@pytest.mark.parametrize("piece", ["`", "```", "```suggestion\n", " ", "~~~\n", "``` \t", "\r"])
def test_a_comment_of_256_kib_of_anything_is_read_to_its_end(piece: str) -> None:
    body = piece * (256 * 1024 // len(piece))

    assert isinstance(suggested_change(thread(body, hunk=body), body), ChangeSet | Refusal)


@pytest.mark.parametrize(
    "body", [f"```{' ' * 2**18}`", f"{'~' * 2**18}`", f"{'`' * 2**18}~`", "```\n" + " ~~~`\n" * 2**15]
)
def test_a_fence_that_turns_out_to_be_none_is_gone_through_once(body: str) -> None:
    assert isinstance(suggested_change(thread(body), TEXT), Refusal)
