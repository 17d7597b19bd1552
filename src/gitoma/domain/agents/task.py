"""One task of a plan, from its words to a change that passed; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from gitoma.domain.agents import prompts
from gitoma.domain.agents.analyze import examine_for
from gitoma.domain.agents.background import background
from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.editing import ATTEMPTS, Assignment, Editor
from gitoma.domain.agents.excerpts import file_texts
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.health.score import CheckResult
from gitoma.domain.agents.language_model import ChatRequest, LanguageModel, ModelFacts
from gitoma.domain.agents.plan import Subtask
from gitoma.domain.agents.prompt_layout import Attempt
from gitoma.domain.agents.recipes import recipe
from gitoma.domain.agents.reflexion import Outcome
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a task.

    Attributes:
        change: What passed; None if nothing did.
        attempts: How often the model was asked.
        error: Why there is no change; "" if there is one.
    """

    change: ChangeSet | None
    attempts: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """Does tasks.

    Attributes:
        model: Edits; metered.
        facts: What is known of it.
        tools: The ports.
        session: Where it is told.
        critic: Have each change judged.
    """

    model: LanguageModel
    facts: ModelFacts
    tools: Toolbox
    session: Session
    critic: bool

    def make(self, task: Subtask, tree: Tree) -> Made:
        """The change that a task asks for.

        Raises:
            AgentError: `budget`, or the model cannot be used at all.
        """
        if task.recipe:
            self.session.step(f"{_headline(task)} (a fixed text)")
            change = recipe(task.check, tree)
            return Made(change, 0) if change else Made(None, 0, "there is nothing left to add")
        return self._edit(task, tree)

    def _edit(self, task: Subtask, tree: Tree) -> Made:
        tools = self.tools
        editor = Editor(self.model, tools.yaml, tools.is_secret, self.session.detail)
        critique = self._critique(task) if self.critic else None
        only = task.files[0] if len(task.files) == 1 else None
        scope = Scope(frozenset(task.files))  # a model wrote the task's words: they let go of nothing
        assignment = Assignment(self._question(task, tree), scope, critique, only, also=self._check_of(task, tree))
        edited = editor.edit(assignment, tree)
        if edited.outcome is Outcome.BUDGET and edited.failure is not None:
            raise edited.failure
        # The reason may quote what a model said, and is written down, and shown in a pull request.
        return Made(edited.change, edited.attempts, "" if edited.change else self.session.mask(edited.reason))

    def _question(self, task: Subtask, tree: Tree) -> Callable[[Attempt], ChatRequest]:
        files = file_texts(tree, (*task.files, *background(task, tree)))

        def ask(attempt: Attempt) -> ChatRequest:
            if not attempt.halved:
                self.session.step(f"{_headline(task)} (attempt {attempt.number}/{ATTEMPTS})")
            return prompts.worker(task, files, self.facts.context_tokens, attempt)

        return ask

    def _check_of(self, task: Subtask, tree: Tree) -> Callable[[ChangeSet], tuple[Refusal, ...]]:
        """The health check that the task is for, as a judge: what does not move it has not done the task."""
        yaml, clock = self.tools.yaml, self.tools.clock

        @cache
        def found(change: ChangeSet | None) -> CheckResult:
            checkout = tree.with_change(change).checkout if change else tree.checkout
            return examine_for(task.check, checkout, yaml, clock)

        def judge(change: ChangeSet) -> tuple[Refusal, ...]:
            before, after = found(None), found(change)
            if (after.score or 0) > (before.score or 0) or (after.score or 0) >= _PERFECT:
                return ()
            if after.score == before.score and (after.reason, after.evidence) != (before.reason, before.evidence):
                return ()  # a step on the way: of many tests that are missing, one is there
            return (Refusal("no-better", f"The check {task.check} finds the same as before: {after.reason}."),)

        return judge

    def _critique(self, task: Subtask) -> Callable[[ChangeSet], ChatRequest]:
        asked = f"{task.title}. {task.instruction}"
        return lambda change: prompts.critic(asked, change, self.facts.context_tokens)


_PERFECT = 10


def _headline(task: Subtask) -> str:
    return f"{task.id} {task.title} -> {', '.join(task.files)}"
