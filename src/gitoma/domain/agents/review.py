"""What people asked for in a review: threads of comments, which of them an agent acts upon, and what became of each.

A comment is hostile text: anybody may write one on a public pull request. So what a thread asks for is what people
whom the repository trusts have written in it (`heard`); the rest is shown to people and to no model.

* Trusted are owners, members and collaborators of the repository, and a few bots of the host's own.
* Ours is a comment of our account's that ends with `MARK`, which `answer` puts below every reply; the account alone
  would not do, because people run the agent with a token of their own and review its work with the same account.
* A thread is keyed by its newest comment that is heard: when somebody asks again, it is another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from gitoma.domain.agents.code_host import Remark, ReviewComment
from gitoma.domain.agents.progress import printable
from gitoma.domain.repos.state import Json

THREADS_MAX = 20
"""How many threads one job acts upon: each costs up to three answers of a model."""

KEPT_MAX = 1000
"""How many dispositions a state holds: it is read and written whole, many times in a job."""

MARK = "<!-- gitoma:reply -->"

_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
_TRUSTED_BOTS = frozenset({"copilot", "copilot-pull-request-reviewer[bot]", "github-advanced-security[bot]"})
_DETAIL_MAX = 300  # characters of a reason that are kept and shown
_SHA_SHOWN = 7  # digits of a commit's name, as git shows it
_ID = re.compile(r"[1-9][0-9]{0,18}")


Said: TypeAlias = ReviewComment | Remark


class Outcome(StrEnum):
    """What became of a thread; the values are those in the state."""

    APPLIED = "applied"  # the suggestion as it stands; the detail is the commit
    FIXED = "fixed"  # the detail is the commit
    DECLINED = "declined"  # the detail is the reason
    FAILED = "failed"  # the detail is the code; it is tried again the next time
    OUTDATED = "outdated"  # the lines are no longer there
    UNTRUSTED = "untrusted"  # whoever began it is a stranger
    RESOLVED = "resolved"  # people say that it is done
    ANSWERED = "answered"  # the last word is ours


_FINAL = frozenset({Outcome.APPLIED, Outcome.FIXED, Outcome.DECLINED})


@dataclass(frozen=True, slots=True)
class Disposition:
    """What became of a thread, and what belongs to it: a commit, a reason, a code, or ""."""

    outcome: Outcome
    detail: str = ""

    def __str__(self) -> str:
        detail = self.detail[:_SHA_SHOWN] if self.outcome in (Outcome.APPLIED, Outcome.FIXED) else self.detail
        return f"{self.outcome}({printable(detail)})" if detail else self.outcome.value


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment on lines of a file, and the replies to it, oldest first."""

    root: ReviewComment
    replies: tuple[ReviewComment, ...] = ()

    @property
    def comments(self) -> tuple[ReviewComment, ...]:
        """The whole conversation, oldest first."""
        return (self.root, *self.replies)


@dataclass(frozen=True, slots=True)
class JudgedThread:
    """A thread, and whether to act upon it.

    Attributes:
        thread: The whole of it.
        heard: The comments of trusted people, oldest first; all that a model may see. None of them is ours.
        key: Under which its disposition is kept.
        disposition: What became of it; None: it is to be acted upon.
    """

    thread: Thread
    heard: tuple[ReviewComment, ...]
    key: int
    disposition: Disposition | None


def threads_of(comments: Iterable[ReviewComment]) -> tuple[Thread, ...]:
    """Put comments together into threads, in the order of their first comments.

    Where a root is gone, the oldest of its replies stands in for it. A comment that comes twice counts once.

    Args:
        comments: Oldest first.
    """
    root_of: dict[int, int] = {}
    threads: dict[int, list[ReviewComment]] = {}
    for comment in comments:
        if comment.id in root_of:
            continue
        above = comment.id if comment.reply_to is None else comment.reply_to
        root_of[comment.id] = root_of.get(above, above)
        threads.setdefault(root_of[comment.id], []).append(comment)
    return tuple(Thread(first, tuple(rest)) for first, *rest in threads.values())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beyond the comments.

    Attributes:
        resolved: The ids of comments in resolved threads; empty where the host does not say.
        dispositions: What the state holds.
        trust_all: Strangers are trusted, too.
        viewer: Our own login; None where the host does not tell it, and then the mark alone says what is ours.
    """

    resolved: AbstractSet[int] = frozenset()
    dispositions: Mapping[int, Disposition] = field(default_factory=dict)
    trust_all: bool = False
    viewer: str | None = None

    def is_ours(self, comment: Said) -> bool:
        """Whether we wrote it.

        The account may have been another one then: of one that is trusted the mark is taken, too. All that it could be
        abused for is to leave a thread alone, which who is trusted may ask for anyway. In a quotation it means nothing.
        Where our own account has no login that the host would tell (an app's), it is one of a bot.
        """
        marked = comment.body.rstrip().rpartition("\n")[2] == MARK
        author = comment.author.casefold()
        ours = author.endswith("[bot]") if self.viewer is None else author == self.viewer.casefold()
        return marked and (ours or comment.association in _TRUSTED)

    def is_trusted(self, comment: Said) -> bool:
        """Whether what it asks for may be done."""
        listed = comment.association in _TRUSTED or comment.author.casefold() in _TRUSTED_BOTS
        return listed or self.trust_all


def judged(threads: Iterable[Thread], known: Known) -> tuple[JudgedThread, ...]:
    """Say of each thread whether to act upon it, and if not, why; in the given order."""
    return tuple(_judged(thread, known) for thread in threads)


def actionable(threads: Iterable[JudgedThread]) -> tuple[JudgedThread, ...]:
    """Those to be acted upon, in the given order. One job takes the first `THREADS_MAX` of them."""
    return tuple(thread for thread in threads if thread.disposition is None)


def _judged(thread: Thread, known: Known) -> JudgedThread:
    told = [comment for comment in thread.comments if known.is_ours(comment) or known.is_trusted(comment)]
    heard = tuple(comment for comment in told if not known.is_ours(comment))
    key = heard[-1].id if heard else thread.root.id
    ours_is_last = bool(told) and known.is_ours(told[-1])
    return JudgedThread(thread, heard, key, _disposition(thread, known, key, ours_is_last))


def _disposition(thread: Thread, known: Known, key: int, ours_is_last: bool) -> Disposition | None:
    before = known.dispositions.get(key)
    if before is not None and before.outcome in _FINAL:
        return before
    if any(comment.id in known.resolved for comment in thread.comments):
        return Disposition(Outcome.RESOLVED)
    if ours_is_last:
        return Disposition(Outcome.ANSWERED)
    if not known.is_trusted(thread.root):
        return Disposition(Outcome.UNTRUSTED)
    if is_outdated(thread):
        return Disposition(Outcome.OUTDATED)
    return None


def of_others(remarks: Iterable[Remark], known: Known) -> tuple[Remark, ...]:
    """What trusted people said about the pull request as a whole, in the given order.

    It is about no lines, so nothing is done because of it: people are shown it, and say themselves where it belongs.
    """
    return tuple(remark for remark in remarks if known.is_trusted(remark) and not known.is_ours(remark))


def is_outdated(thread: Thread) -> bool:
    """Whether the lines that it is about are gone. One about a whole file has neither lines nor a hunk."""
    return thread.root.line is None and bool(thread.root.hunk)


def answer(disposition: Disposition) -> str:
    """The reply that is written below a thread; "" where none is.

    A reason comes from a model that has read hostile text: it is shown as code, in which nothing is a link or a
    mention. A failure is not answered, so that the thread is taken up again the next time.
    """
    detail = printable(disposition.detail)[:_DETAIL_MAX].replace("`", "'")
    match disposition.outcome:
        case Outcome.APPLIED:
            text = f"Applied the suggestion in {detail}."
        case Outcome.FIXED:
            text = f"Fixed in {detail}."
        case Outcome.DECLINED:
            text = f"Not changed: `{detail}`" if detail.strip() else "Not changed."
        case _:
            return ""
    return f"{text}\n\n{MARK}"


def to_json(dispositions: Mapping[int, Disposition]) -> dict[str, Json]:
    """The dispositions as the state holds them, by the keys of their threads: the last `KEPT_MAX` of them.

    A thread whose disposition is no longer kept has our answer in it, and is left alone for that.
    """
    return {
        str(key): {"disposition": one.outcome.value, "detail": one.detail[:_DETAIL_MAX]}
        for key, one in list(dispositions.items())[-KEPT_MAX:]
    }


def from_json(value: object) -> dict[int, Disposition]:
    """What `to_json` made. Whatever else is in it is left out: such a thread is only looked at again."""
    found = {}
    for key, entry in value.items() if isinstance(value, Mapping) else ():
        disposition = _disposition_from(entry)
        if disposition is not None and isinstance(key, str) and _ID.fullmatch(key):
            found[int(key)] = disposition
    return found


def _disposition_from(entry: object) -> Disposition | None:
    if not isinstance(entry, Mapping):
        return None
    outcome, detail = entry.get("disposition"), entry.get("detail", "")
    if outcome not in tuple(Outcome) or not isinstance(detail, str):
        return None
    return Disposition(Outcome(outcome), detail[:_DETAIL_MAX])
