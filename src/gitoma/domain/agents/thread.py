"""One thread of a review, from what was asked to what becomes of it; nothing is written here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from gitoma.domain.agents import gates, paths, prompts
from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.editing import ATTEMPTS, Assignment, Editor
from gitoma.domain.agents.excerpts import file_texts
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.keeping import asks_for_deletion
from gitoma.domain.agents.language_model import ChatRequest, LanguageModel
from gitoma.domain.agents.named_definitions import asks, commented_on
from gitoma.domain.agents.prompt_layout import Attempt
from gitoma.domain.agents.proposals import one_line
from gitoma.domain.agents.reflexion import Outcome as EditOutcome
from gitoma.domain.agents.review import Disposition, JudgedThread, Outcome
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.suggestions import suggested_change
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree

DETAILS_MAX = 9
"""How many lines say what was refused in a thread: of twenty threads, more would drive out all that was said before."""

_REASON_MAX = 300  # characters of a reason for changing nothing
_DECLINED = re.compile(r"(?:\s|[`*_>#]|text\b){0,20}NO_CHANGE\b[`*_ :.-]{0,10}")


@dataclass(frozen=True, slots=True)
class Dealt:
    """What came of a thread.

    Attributes:
        disposition: What became of it; of a change, without the commit yet.
        change: What is to be committed; None if nothing is.
    """

    disposition: Disposition
    change: ChangeSet | None = None


class ThreadWorker:
    """Deals with threads.

    Args:
        model: Edits; metered. It is not asked anything before it is needed.
        tools: The ports.
        session: Where it is told.
    """

    def __init__(self, model: LanguageModel, tools: Toolbox, session: Session) -> None:
        self._model = model
        self._tools = tools
        self._session = session

    def deal(self, judged: JudgedThread, tree: Tree) -> Dealt:
        """Do what a thread asks for: take its suggestion as it stands, or else have it edited.

        Raises:
            AgentError: `budget`, or the model cannot be used at all.
        """
        return self.deal_alone(judged, tree) or self._edited(judged, tree)

    def deal_alone(self, judged: JudgedThread, tree: Tree) -> Dealt | None:
        """The same without asking a model; None where one is needed."""
        root = judged.thread.root
        place = paths.check(root.path, tree.special)
        if isinstance(place, Refusal):
            return Dealt(Disposition(Outcome.DECLINED, f"agents do not change {paths.shown(root.path)}"))
        if root.path not in tree:
            return Dealt(Disposition(Outcome.OUTDATED))
        return self._suggested(judged, tree)

    def _suggested(self, judged: JudgedThread, tree: Tree) -> Dealt | None:
        """What a suggestion block says; None where that is not beyond doubt."""
        text = tree.read(judged.thread.root.path)
        change = suggested_change(judged.thread, None if isinstance(text, Refusal) else text)
        if isinstance(change, Refusal):
            known = change.code == "no-change"
            return Dealt(Disposition(Outcome.DECLINED, change.message)) if known else None
        refusals = gates.check(change, tree, _scope(judged, tree), self._tools.yaml, self._tools.is_secret)
        if refusals:
            return Dealt(Disposition(Outcome.DECLINED, f"the suggestion is not taken: {refusals[0].message}"))
        return Dealt(Disposition(Outcome.APPLIED), change)

    def _edited(self, judged: JudgedThread, tree: Tree) -> Dealt:
        editor = Editor(self._model, self._tools.yaml, self._tools.is_secret, self._sparing_teller())
        assignment = Assignment(
            self._question(judged, tree), _scope(judged, tree), only=judged.thread.root.path, declined=declined
        )
        edited = editor.edit(assignment, tree)
        if edited.outcome is EditOutcome.BUDGET and edited.failure is not None:
            raise edited.failure
        if edited.declined is not None:
            return Dealt(Disposition(Outcome.DECLINED, edited.declined))
        if edited.change is None:
            return Dealt(Disposition(Outcome.FAILED, edited.outcome.value))
        return Dealt(Disposition(Outcome.FIXED), edited.change)

    def _sparing_teller(self) -> Callable[[str], None]:
        """Tells what happens to a thread, as long as it is short."""
        left = iter(range(DETAILS_MAX))

        def tell(text: str) -> None:
            if next(left, None) is not None:
                self._session.detail(text)

        return tell

    def _question(self, judged: JudgedThread, tree: Tree) -> Callable[[Attempt], ChatRequest]:
        root = judged.thread.root
        files = file_texts(tree, [root.path], {root.path: _lines(judged)})
        context_tokens = self._context_tokens
        may_delete = bool(_scope(judged, tree).deletable)

        def ask(attempt: Attempt) -> ChatRequest:
            if not attempt.halved:
                self._session.step(f"{root.path}: asking the model (attempt {attempt.number}/{ATTEMPTS})")
            return prompts.reviewer(judged.heard, files, context_tokens, attempt, may_delete=may_delete)

        return ask

    @cached_property
    def _context_tokens(self) -> int | None:
        return self._model.facts().context_tokens


def _scope(judged: JudgedThread, tree: Tree) -> Scope:
    path = frozenset({judged.thread.root.path})
    text = "\n".join(comment.body for comment in judged.heard)
    deletable = path if asks_for_deletion(text, judged.thread.root.path) else frozenset[str]()
    current = tree.read(judged.thread.root.path) if asks(text) else ""
    may_go = commented_on(current, _lines(judged)[-1:]) if isinstance(current, str) else frozenset[str]()
    return Scope(path, new_tests=True, text=text, deletable=deletable, new_imports=True, may_go=may_go)


def _lines(judged: JudgedThread) -> tuple[int, ...]:
    root = judged.thread.root
    return tuple(line for line in (root.start_line, root.line) if line is not None)


def declined(answer: str) -> str | None:
    """The reason in an answer that changes nothing; None where the answer is another one.

    Small models put the line into a fence, or in bold. Whoever declines and edits has not declined.
    """
    found = _DECLINED.match(answer)
    if found is None or "<<<<<" in answer:
        return None
    return one_line(answer[found.end() :], _REASON_MAX).strip(" `*_") or "no reason given"
