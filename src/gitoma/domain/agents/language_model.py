"""The language model, as an agent sees it: one question, one answer, no tools.

The model can only return text. What that text may lead to is decided by `edits`, `paths` and `gates`, never by it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

CHARACTERS_PER_TOKEN = 3.5
"""How much text a token is, on the safe side: code and English have three and a half to four characters."""


class Role(Enum):
    """Who the model is asked to be; the first line of its instructions says so."""

    PLANNER = "planner"
    WORKER = "worker"
    FIXER = "fixer"
    CRITIC = "critic"


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question.

    Attributes:
        role: Who is asked; which model answers may depend on it.
        system: The instructions.
        user: The task and its data.
        schema: The JSON schema that the answer must fit, with a name; None for plain text.
        max_tokens: The longest answer.
        temperature: 0 for the most likely answer.
    """

    role: Role
    system: str
    user: str
    schema: tuple[str, Mapping[str, object]] | None
    max_tokens: int
    temperature: float


class Finish(Enum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"  # `max_tokens`, or the model's context
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ChatReply:
    """One answer.

    Attributes:
        text: At most 256 KiB of it.
        finish: Why it stopped.
        from_reasoning: The answer was found in the model's reasoning, where some servers put what a schema asked for.
        reasoned: The model reasoned before it answered.
        completion_tokens: How long it was, if the server said so, otherwise an estimate.
        model: Which model answered.
        elapsed_s: How long it took.
    """

    text: str
    finish: Finish
    from_reasoning: bool
    reasoned: bool
    completion_tokens: int
    model: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the server says of its models.

    Attributes:
        model: The one that will answer.
        available: Every id that it lists.
        context_tokens: How much the loaded model takes, question and answer together; None if the server does not say.
    """

    model: str
    available: tuple[str, ...]
    context_tokens: int | None


class LanguageModel(Protocol):
    """Any model server."""

    @abstractmethod
    def facts(self) -> ModelFacts:
        """Ask the server what it has.

        Raises:
            AgentError: `model_unavailable`, `model_missing` (with the ids that it lists), `config` (a refused key).
        """

    @abstractmethod
    def complete(self, request: ChatRequest) -> ChatReply:
        """Ask one question and wait for the whole answer.

        Raises:
            AgentError: `model_unavailable`, `model_missing`, `config`; `context_exceeded` where the server says that
                the question is too long for the model, and `model_empty` for an answer without text, which is how other
                servers say it; `model_runaway` for an answer without end; `budget` where the time for the work was
                over first. Those that come of an answer say how many tokens were spent on it.
        """
