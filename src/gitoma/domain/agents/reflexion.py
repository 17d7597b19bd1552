"""The loop of trying, being told why it was wrong, and trying again: a pure machine, without ports.

    waits for      event              next
    START          Started            ask the fixer
    FIXER          Replied            check the gates; an answer given before is a lesson and is not checked again
    FIXER          Declined           the end: there is nothing to change
    FIXER          CallFailed         a lesson if the model lost its way; else the end
    GATES          GatesPassed        ask the critic; without one, the end: fixed
    GATES          GatesFailed        a lesson
    CRITIC         Verdict            approved: the end, fixed; else a lesson
    CRITIC         NoVerdict          ask again, once; then it counts as a lesson, because nobody approved
    CRITIC         CallFailed         as NoVerdict if the model lost its way; else the end
    any of these   BudgetSpent        the end
    any of these   Cancelled          the end

After a lesson the fixer is asked again, with the last lessons and its last answer in view, until its attempts are
spent. A lesson that was just taught means that it does not help: the end, stuck. The first judge costs nothing
(`gates`), the critic comes second; what no critic approved is never fixed.

An event that does not fit what the machine waits for raises, and nothing leaves the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from gitoma.domain.agents.changes import ChangeSet, Refusal
from gitoma.domain.agents.errors import Code
from gitoma.domain.agents.replies import strip_reasoning
from gitoma.domain.errors import Defect

MEMORY = 3
"""How many lessons the fixer is reminded of: the last ones. Small models lose the task among more."""

LOST = frozenset({Code.MODEL_EMPTY, Code.MODEL_RUNAWAY})
"""Failed calls after which the same model may still do better."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one attempt taught: every reason why it was not taken."""

    reasons: tuple[Refusal, ...]

    @property
    def is_repetition(self) -> bool:
        """It says only that an answer came again, and nothing about what is wrong with it."""
        return self.reasons == (_REPEATED,)

    def __str__(self) -> str:
        return "; ".join(map(str, self.reasons))


class Outcome(Enum):
    """How it ended."""

    FIXED = "fixed"
    DECLINED = "declined"  # the fixer says, with a reason, that nothing is to be changed
    STUCK = "stuck"  # the same lesson twice in a row
    EXHAUSTED = "exhausted"  # no attempts left
    BUDGET = "budget"
    CANCELLED = "cancelled"
    MODEL_FAILED = "model_failed"


class Waiting(Enum):
    """Whose word the machine waits for."""

    START = "start"
    FIXER = "fixer"
    GATES = "gates"
    CRITIC = "critic"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class State:
    """Where the loop is.

    Attributes:
        max_attempts: How often the fixer is asked, at most; at least once.
        critic: Whether a change must be approved.
        waiting: Whose word comes next.
        attempt: How often the fixer was asked.
        memory: The last lessons, newest last; at most `MEMORY`.
        reply: The fixer's last answer, without its reasoning; None before the first.
        change: What passed the gates and waits for the critic.
        asked_again: The critic was asked twice about this change.
    """

    max_attempts: int
    critic: bool
    waiting: Waiting = Waiting.START
    attempt: int = 0
    memory: tuple[Lesson, ...] = ()
    reply: str | None = None
    change: ChangeSet | None = None
    asked_again: bool = False

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError("at least one attempt")


@dataclass(frozen=True, slots=True)
class Started:
    """Begin."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The fixer has answered."""

    text: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The fixer has answered that nothing is to be changed, where that is an answer."""


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The fixer, or the critic, did not answer."""

    code: Code


@dataclass(frozen=True, slots=True)
class GatesFailed:
    """The answer is no edit, or not one that may be made; `reasons` is not empty."""

    reasons: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class GatesPassed:
    """The answer is an edit that may be made."""

    change: ChangeSet


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the critic says.

    Attributes:
        approve: It is right as it is.
        reason: Why, in a sentence.
        must_change: What has to become different, one thing each; empty if it approves.
    """

    approve: bool
    reason: str
    must_change: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoVerdict:
    """The critic's answer was no verdict."""


@dataclass(frozen=True, slots=True)
class BudgetSpent:
    """Nothing more may be asked."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody asked for the end."""


Event: TypeAlias = (
    Started
    | Replied
    | Declined
    | CallFailed
    | GatesFailed
    | GatesPassed
    | Verdict
    | NoVerdict
    | BudgetSpent
    | Cancelled
)


@dataclass(frozen=True, slots=True)
class AskFixer:
    """Ask for edits.

    Attributes:
        attempt: Which time this is, from 1.
        lessons: What the attempts before taught, newest last.
        previous: The last answer, without its reasoning; "" before the first.
    """

    attempt: int
    lessons: tuple[Lesson, ...]
    previous: str


@dataclass(frozen=True, slots=True)
class CheckGates:
    """Make a change of this answer, and check it."""

    reply: str


@dataclass(frozen=True, slots=True)
class AskCritic:
    """Ask whether this change is right."""

    change: ChangeSet


@dataclass(frozen=True, slots=True)
class Stop:
    """The end. There is a change exactly if the outcome is `fixed`."""

    outcome: Outcome
    change: ChangeSet | None = None


Command: TypeAlias = AskFixer | CheckGates | AskCritic | Stop
Step: TypeAlias = tuple[State, Command]


class IllegalEvent(Defect):
    """An event that does not fit what the machine waits for."""

    def __init__(self, waiting: Waiting, event: Event) -> None:
        super().__init__(f"{type(event).__name__} while waiting for {waiting.value}")


_LEGAL: Mapping[Waiting, tuple[type, ...]] = MappingProxyType(
    {
        Waiting.START: (Started, BudgetSpent, Cancelled),
        Waiting.FIXER: (Replied, Declined, CallFailed, BudgetSpent, Cancelled),
        Waiting.GATES: (GatesPassed, GatesFailed, BudgetSpent, Cancelled),
        Waiting.CRITIC: (Verdict, NoVerdict, CallFailed, BudgetSpent, Cancelled),
        Waiting.NOBODY: (),
    }
)

_ENDS: Mapping[type, Outcome] = MappingProxyType(
    {Declined: Outcome.DECLINED, BudgetSpent: Outcome.BUDGET, Cancelled: Outcome.CANCELLED}
)

_REPEATED = Refusal("repeated", "you repeated yourself: this answer was already refused. Answer differently.")
_NO_VERDICT = Refusal(
    "no-verdict", "nobody could say that the change is right. Make it smaller, and so that it is plainly right."
)
_EMPTY = Refusal("empty", "the answer was empty. Give the blocks, without long thoughts before them.")
_RUNAWAY = Refusal("runaway", "the answer never ended. Give only the blocks, each once, and stop.")


def step(state: State, event: Event) -> Step:
    """What the event leads to: the next state, and what to do.

    Raises:
        IllegalEvent: The event does not fit what `state` waits for.
    """
    if not isinstance(event, _LEGAL[state.waiting]):
        raise IllegalEvent(state.waiting, event)
    match event:
        case Started():
            return _ask_fixer(state)
        case Replied(text):
            return _replied(state, text)
        case CallFailed(code):
            return _call_failed(state, code)
        case GatesFailed(reasons):
            return _learn(state, *reasons)
        case GatesPassed(change):
            return _ask_critic(state, change) if state.critic else _stop(state, Outcome.FIXED, change)
        case Verdict() | NoVerdict():
            return _judged(state, event)
        case Declined() | BudgetSpent() | Cancelled():
            return _stop(state, _ENDS[type(event)])


def _ask_fixer(state: State) -> Step:
    asked = replace(state, waiting=Waiting.FIXER, attempt=state.attempt + 1, change=None, asked_again=False)
    return asked, AskFixer(asked.attempt, asked.memory, asked.reply or "")


def _replied(state: State, text: str) -> Step:
    answer = strip_reasoning(text).strip()
    if answer == state.reply:
        return _learn(state, _REPEATED)
    return replace(state, waiting=Waiting.GATES, reply=answer), CheckGates(text)


def _call_failed(state: State, code: Code) -> Step:
    if code not in LOST:
        return _stop(state, Outcome.MODEL_FAILED)
    if state.waiting is Waiting.CRITIC:
        return _judged(state, NoVerdict())
    return _learn(state, _EMPTY if code is Code.MODEL_EMPTY else _RUNAWAY)


def _ask_critic(state: State, change: ChangeSet, *, again: bool = False) -> Step:
    return replace(state, waiting=Waiting.CRITIC, change=change, asked_again=again), AskCritic(change)


def _judged(state: State, event: Verdict | NoVerdict) -> Step:
    change = state.change
    if change is None:
        raise Defect("the critic judged no change")
    match event:
        case Verdict(approve=True):
            return _stop(state, Outcome.FIXED, change)
        case Verdict(reason=reason, must_change=must_change):
            return _learn(state, *(Refusal("revise", text) for text in must_change or (reason,)))
        case NoVerdict():
            return _learn(state, _NO_VERDICT) if state.asked_again else _ask_critic(state, change, again=True)


def _learn(state: State, *reasons: Refusal) -> Step:
    """The attempt is over; the next one knows why, if there is one and it may help."""
    lesson = Lesson(reasons)
    stuck = state.memory[-1:] == (lesson,)
    taught = replace(state, memory=(*state.memory, lesson)[-MEMORY:])
    if stuck:
        return _stop(taught, Outcome.STUCK)
    return _ask_fixer(taught) if taught.attempt < taught.max_attempts else _stop(taught, Outcome.EXHAUSTED)


def _stop(state: State, outcome: Outcome, change: ChangeSet | None = None) -> Step:
    return replace(state, waiting=Waiting.NOBODY, change=change), Stop(outcome, change)
