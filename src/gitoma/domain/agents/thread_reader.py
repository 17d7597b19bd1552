"""The threads of a pull request as they are now, what was said beside them, and how people are shown both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from gitoma.domain.agents import review
from gitoma.domain.agents.code_host import Remark
from gitoma.domain.agents.ports import Progress
from gitoma.domain.agents.progress import Detail, Step
from gitoma.domain.agents.review import Disposition, JudgedThread, Known
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState

THREADS_SHOWN = 50
"""How many threads are listed: the server keeps the last 500 lines of a job, and what is done must be among them."""

REMARKS_SHOWN = 10
"""How many remarks are listed: the last ones."""

_SAID_MAX = 160  # characters of a comment that are shown


class ThreadReader:
    """Reads and judges the threads of one pull request.

    Args:
        slug: The repository.
        number: The pull request.
        tools: The ports.
        trust_all: Strangers are trusted, too.
    """

    def __init__(self, slug: Slug, number: int, tools: Toolbox, *, trust_all: bool) -> None:
        self._slug = slug
        self._number = number
        self._tools = tools
        self._trust_all = trust_all

    def read(self, known: Mapping[int, Disposition]) -> tuple[JudgedThread, ...]:
        """The threads, in the order of their first comments.

        Args:
            known: What has become of those that were dealt with before.
        """
        comments = self._tools.host.review_comments(self._slug, self._number)
        resolved = self._tools.host.resolved_comments(self._slug, self._number) if comments else frozenset()
        if resolved is None:
            self._tools.progress.emit(
                Detail("the host does not say which threads are resolved: none of them counts as such")
            )
        facts = Known(resolved or frozenset(), known, self._trust_all, self._viewer if comments else None)
        return review.judged(review.threads_of(comments), facts)

    def remarks(self) -> tuple[Remark, ...]:
        """What trusted people have said about the pull request as a whole."""
        said = self._tools.host.remarks(self._slug, self._number)
        known = Known(trust_all=self._trust_all, viewer=self._viewer if said else None)
        return review.of_others(said, known)

    @cached_property
    def _viewer(self) -> str | None:
        return self._tools.host.viewer()


def show(threads: Sequence[JudgedThread], progress: Progress, *, settled: bool = True) -> None:
    """List the threads: those to be acted upon first.

    Args:
        threads: The threads.
        progress: Is told.
        settled: List the others, too; else they are only counted.
    """
    waiting = review.actionable(threads)
    progress.emit(Step(Phase.REVIEWING.value, f"{counted(threads, 'thread')}, {len(waiting)} to be acted upon"))
    others = [judged for judged in threads if judged.disposition is not None]
    ordered = [*waiting, *others]
    listed = min(THREADS_SHOWN, len(ordered) if settled else len(waiting))
    for judged in ordered[:listed]:
        progress.emit(Detail(_line(judged)))
    if ordered[listed:]:
        kinds = ", ".join(f"{count} {word}" for word, count in counts(ordered[listed:]).items())
        progress.emit(Detail(f"{counted(ordered[listed:], 'thread')} not listed: {kinds}"))


def show_remarks(remarks: Sequence[Remark], progress: Progress) -> None:
    """List what was said about the pull request as a whole, and say that nothing is done because of it."""
    if len(remarks) > REMARKS_SHOWN:
        progress.emit(Detail(f"{counted(remarks[:-REMARKS_SHOWN], 'remark')} not acted upon and not listed"))
    for remark in remarks[-REMARKS_SHOWN:]:
        who = f"{remark.author} ({remark.association.lower()})"
        progress.emit(Detail(f"not acted upon: {who} {remark.url}: {_said(remark.body)}"))


def _line(judged: JudgedThread) -> str:
    root = judged.thread.root
    who = f"{root.author} ({root.association.lower()})"
    return f"{root.place} {who}: {judged.disposition or 'to be acted upon'}: {_said(root.body)}"


def _said(body: str) -> str:
    return " ".join(body.split())[:_SAID_MAX]


def counted(things: Collection[object], noun: str) -> str:
    """How many there are, in words: `1 thread`, `2 threads`."""
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def counts(threads: Sequence[JudgedThread], found: Mapping[int, Disposition] | None = None) -> dict[str, int]:
    """How many threads there are of each disposition; `open` are those that have none.

    Args:
        threads: The threads.
        found: What has become of them since they were judged.
    """
    tally: dict[str, int] = {}
    for judged in threads:
        disposition = judged.disposition or (found or {}).get(judged.key)
        word = disposition.outcome.value if disposition else "open"
        tally[word] = tally.get(word, 0) + 1
    return tally


def dispositions(state: RepoState | None, name: str) -> dict[int, Disposition]:
    """What a state holds under this name of its own: `threads` or `pushing`; see `run_state`."""
    return review.from_json(state.kept.get(name)) if state is not None else {}
