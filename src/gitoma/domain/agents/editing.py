"""From a task to a change that passed: asks the fixer, checks, asks the critic; `reflexion` decides what is next.

The machine decides and has no ports; here are the ports and no decision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gitoma.domain.agents import edits, gates, prompts
from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.language_model import ChatReply, ChatRequest, Finish, LanguageModel
from gitoma.domain.agents.metered import complete_whole
from gitoma.domain.agents.ports import YamlReader
from gitoma.domain.agents.prompt_layout import Attempt
from gitoma.domain.agents.reflexion import (
    LOST,
    AskCritic,
    AskFixer,
    BudgetSpent,
    CallFailed,
    CheckGates,
    Declined,
    Event,
    GatesFailed,
    GatesPassed,
    Lesson,
    NoVerdict,
    Outcome,
    Replied,
    Started,
    State,
    Stop,
    step,
)
from gitoma.domain.agents.replies import strip_reasoning
from gitoma.domain.agents.tree import Tree

ATTEMPTS = 3
"""How often the fixer is asked for one task."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One thing that is to be edited.

    Attributes:
        question: Asks for it.
        scope: What the change may touch.
        critique: Asks whether a change is right; None: what passes the gates is.
        only: The file that is meant where an answer names none.
        declined: Reads an answer that says, with a reason, that nothing is to be changed; None where that is no answer.
        also: Why a change that passed the gates is not what was asked for; empty if it is.
    """

    question: Callable[[Attempt], ChatRequest]
    scope: Scope
    critique: Callable[[ChangeSet], ChatRequest] | None = None
    only: str | None = None
    declined: Callable[[str], str | None] = field(default=lambda _: None)
    also: Callable[[ChangeSet], tuple[Refusal, ...]] = field(default=lambda _: ())


@dataclass(frozen=True, slots=True)
class Edited:
    """What came of an assignment.

    Attributes:
        outcome: How it ended.
        change: What passed, if the outcome is `fixed`.
        attempts: How often the fixer was asked.
        lessons: The last ones.
        declined: The model's reason for changing nothing.
        failure: The error that ended it, if one did.
    """

    outcome: Outcome
    change: ChangeSet | None
    attempts: int
    lessons: tuple[Lesson, ...]
    declined: str | None = None
    failure: AgentError | None = None

    @property
    def reason(self) -> str:
        """Why there is no change, in a line: what was wrong with it, also where a model then only repeated itself."""
        if self.failure is not None:
            return str(self.failure)
        about = [lesson for lesson in self.lessons if not lesson.is_repetition]
        last = f": {_first_line(about[-1])}" if about else ""
        return f"{self.outcome.value} after {self.attempts} attempts{last}"


@dataclass(frozen=True, slots=True)
class Editor:
    """Has things edited.

    Attributes:
        model: Edits and judges; metered.
        yaml: For the gates.
        is_secret: For the gates: whether a line holds a credential of this installation.
        tell: Is told what happens, a line each.
    """

    model: LanguageModel
    yaml: YamlReader
    is_secret: Callable[[str], bool]
    tell: Callable[[str], None]

    def edit(self, assignment: Assignment, tree: Tree) -> Edited:
        """Ask until a change passes, or it is time to give up. Nothing is written.

        Raises:
            AgentError: The model cannot be used at all (`config`, `model_unavailable`, `model_missing`), or is loaded
                with less context than what is asked takes (`context_exceeded`).
        """
        return _Round(self, assignment, tree).run()


class _Round:
    """One assignment, from its first question to its end."""

    def __init__(self, editor: Editor, assignment: Assignment, tree: Tree) -> None:
        self._editor = editor
        self._assignment = assignment
        self._tree = tree
        self._finish = Finish.STOP
        self._declined: str | None = None
        self._failure: AgentError | None = None

    def run(self) -> Edited:
        state = State(max_attempts=ATTEMPTS, critic=self._assignment.critique is not None)
        state, command = step(state, Started())
        while not isinstance(command, Stop):
            event = self._carry_out(command)
            state, command = step(state, event)
            if isinstance(event, Replied) and not isinstance(command, CheckGates):
                self._editor.tell("the same answer again")
        return Edited(command.outcome, command.change, state.attempt, state.memory, self._declined, self._failure)

    def _carry_out(self, command: AskFixer | CheckGates | AskCritic) -> Event:
        try:
            match command:
                case AskFixer():
                    return self._ask_fixer(command)
                case CheckGates(reply):
                    return self._check(reply)
                case AskCritic(change):
                    return self._ask_critic(change)
        except AgentError as error:
            return self._failed(error)

    def _failed(self, error: AgentError) -> Event:
        if error.code is Code.BUDGET:
            self._failure = error
            return BudgetSpent()
        if error.code not in LOST:
            raise error
        self._editor.tell(f"no answer: {error}" + (f" ({error.hint})" if error.hint else ""))
        return CallFailed(error.code)

    def _ask_fixer(self, command: AskFixer) -> Event:
        reply = self._answer(command)
        self._finish = reply.finish
        if reply.finish is not Finish.LENGTH:  # what is cut off is no reason that people are to be given
            self._declined = self._assignment.declined(strip_reasoning(reply.text))
        return Replied(reply.text) if self._declined is None else Declined()

    def _answer(self, command: AskFixer) -> ChatReply:
        attempt = Attempt(command.attempt, command.lessons, command.previous, halved=False)
        try:
            return self._editor.model.complete(self._assignment.question(attempt))
        except AgentError as error:
            if error.code not in _TOO_LONG:
                raise
            self._editor.tell(f"{error}: asking again with less of the files")
        return self._editor.model.complete(
            self._assignment.question(Attempt(command.attempt, command.lessons, command.previous, halved=True))
        )

    def _check(self, reply: str) -> Event:
        reasons = self._reasons_against(reply)
        if isinstance(reasons, ChangeSet):
            return GatesPassed(reasons)
        for reason in reasons:
            self._editor.tell(f"refused: {_first_line(reason)}")
        return GatesFailed(reasons)

    def _reasons_against(self, reply: str) -> ChangeSet | tuple[Refusal, ...]:
        scope = self._assignment.scope
        if self._finish is Finish.LENGTH:  # also where all blocks are whole: nobody knows which ones are missing
            return (_CUT_OFF,)
        change = edits.change_of(reply, self._tree, only=self._assignment.only, deletable=scope.deletable)
        if not isinstance(change, ChangeSet):
            return change
        refusals = gates.check(change, self._tree, scope, self._editor.yaml, self._editor.is_secret)
        return refusals or self._assignment.also(change) or change

    def _ask_critic(self, change: ChangeSet) -> Event:
        assert self._assignment.critique is not None
        reply = complete_whole(self._editor.model, self._assignment.critique(change))
        verdict = prompts.verdict_of(reply.text)
        if isinstance(verdict, Refusal):
            self._editor.tell(f"no verdict: {verdict}")
            return NoVerdict()
        self._editor.tell(f"critic: {'approved' if verdict.approve else 'revise'} - {verdict.reason}")
        return verdict


def _first_line(reason: Refusal | Lesson) -> str:
    """What people are shown of it; the rest quotes files, for the model."""
    return str(reason).partition("\n")[0]


_TOO_LONG = (Code.CONTEXT_EXCEEDED, Code.MODEL_EMPTY)
"""How servers say that a question does not fit into the model's context: some in words, others with an empty answer."""

_CUT_OFF = Refusal("truncated", "Your answer was too long and was cut off. Send smaller blocks, and fewer of them.")
