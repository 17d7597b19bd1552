"""What every `LanguageModel` promises, one check for each promise, and a model that says what a test wrote down.

A check takes a maker: given the ids that the server lists and what the model says to one question after another, it
makes the adapter that asks it. None in place of the ids is a server that cannot be reached. A check raises
`AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ChatReply, ChatRequest, Finish, LanguageModel, ModelFacts, Role

MODELS = ("acme/coder-7b", "critic-4b")
SCHEMA = ("verdict", {"type": "object", "properties": {"verdict": {"type": "string"}}})
ENDLESS = "".join(f"line {number} of an answer that has no end\n" for number in range(8000))

_LONGEST = 256 * 1024  # by the port


@dataclass(frozen=True, slots=True)
class Saying:
    """What a model says to one question.

    Attributes:
        text: The answer itself.
        reasoning: What came before it.
        finish: Why it stopped.
    """

    text: str
    reasoning: str = ""
    finish: Finish = Finish.STOP


Script: TypeAlias = Iterable[str | Saying | AgentError] | Callable[[ChatRequest], str | Saying | AgentError]
Make = Callable[[Sequence[str] | None, Sequence[Saying]], LanguageModel]


class ScriptedModel(LanguageModel):
    """Says what was written down for it, and keeps what it was asked.

    Args:
        script: What it says to one question after another, or what makes it of the question. An error is raised.
        models: What the server lists; None: it cannot be reached. The first one answers.
        context_tokens: How much it takes.
    """

    def __init__(
        self, script: Script = (), models: Sequence[str] | None = MODELS, context_tokens: int | None = 8192
    ) -> None:
        self._models = models
        self._context_tokens = context_tokens
        self._say = script if callable(script) else _in_order(script)
        self.requests: list[ChatRequest] = []

    def facts(self) -> ModelFacts:
        """The models."""
        if self._models is None:
            raise AgentError(Code.MODEL_UNAVAILABLE, "the model server cannot be reached")
        if not self._models:
            raise AgentError(Code.MODEL_MISSING, "the model server has no model that answers questions")
        return ModelFacts(self._models[0], tuple(self._models), self._context_tokens)

    def complete(self, request: ChatRequest) -> ChatReply:
        """What the script says."""
        model = self.facts().model
        self.requests.append(request)
        said = self._say(request)
        if isinstance(said, AgentError):
            raise said
        return _reply(said if isinstance(said, Saying) else Saying(said), request, model)


def _in_order(script: Iterable[str | Saying | AgentError]) -> Callable[[ChatRequest], str | Saying | AgentError]:
    answers = iter(script)

    def say(request: ChatRequest) -> str | Saying | AgentError:
        ended = AgentError(Code.MODEL_UNAVAILABLE, f"the script has ended, and the {request.role.value} is asked")
        return next(answers, ended)

    return say


def _reply(said: Saying, request: ChatRequest, model: str) -> ChatReply:
    from_reasoning = not said.text.strip() and request.schema is not None
    text = said.reasoning if from_reasoning else said.text
    if not text.strip():
        raise AgentError(Code.MODEL_EMPTY, "the model answered nothing")
    if len(text) > _LONGEST:
        raise AgentError(Code.MODEL_RUNAWAY, "the model's answer was stopped")
    tokens = (len(said.text) + len(said.reasoning)) // 4 + 1
    return ChatReply(text, said.finish, from_reasoning, bool(said.reasoning), tokens, model, 0.0)


def question(role: Role = Role.WORKER, *, schema: bool = False, user: str = "a question") -> ChatRequest:
    """A question."""
    return ChatRequest(role, f"ROLE: {role.value}", user, SCHEMA if schema else None, 100, 0.2)


def check_the_facts_are_what_the_server_lists(make: Make) -> None:
    """All ids, in the server's order, and one of them answers."""
    facts = make(MODELS, ()).facts()
    assert facts.available == MODELS
    assert facts.model in MODELS
    assert facts.context_tokens is None or facts.context_tokens > 0


def check_a_server_without_models_has_none_that_answers(make: Make) -> None:
    """`model_missing`, whether one asks for the facts or for an answer."""
    for ask in _both(make((), ())):
        assert _code(ask) is Code.MODEL_MISSING


def check_a_server_that_cannot_be_reached_is_unavailable(make: Make) -> None:
    """`model_unavailable`, whether one asks for the facts or for an answer."""
    for ask in _both(make(None, ())):
        assert _code(ask) is Code.MODEL_UNAVAILABLE


def check_an_answer_comes_whole_and_unchanged(make: Make) -> None:
    """Blanks, line ends, and characters of every kind; one answer after another."""
    texts = [
        "yes",
        "  two\n\nlines \r\n",
        "é, \U0001f600 and \x00 \u202e",
        "data: [DONE]\n\n",
        '{"verdict": "approve"}',
    ]
    model = make(MODELS, [Saying(text) for text in texts])
    for text in texts:
        reply = model.complete(question())
        assert reply.text == text
        assert reply.completion_tokens >= 0
        assert reply.model in MODELS
        assert reply.elapsed_s >= 0


def check_why_it_stopped_is_told(make: Make) -> None:
    """An answer that was cut is not taken for a whole one."""
    model = make(MODELS, [Saying("half of", finish=finish) for finish in Finish])
    assert [model.complete(question()).finish for _ in Finish] == list(Finish)


def check_an_answer_without_text_is_empty(make: Make) -> None:
    """`model_empty`, for blanks too, and for reasoning that came to no answer."""
    for said in (Saying(""), Saying(" \n"), Saying("", reasoning="let me see")):
        model = make(MODELS, [said])
        assert _code(partial(model.complete, question())) is Code.MODEL_EMPTY


def check_what_a_schema_asked_for_is_found_in_the_reasoning(make: Make) -> None:
    """Only where a schema was asked for, and only where there is no answer."""
    said = [Saying("", reasoning='{"verdict": "approve"}'), Saying("{}", reasoning="hm")]
    model = make(MODELS, said)
    trapped, plain = model.complete(question(schema=True)), model.complete(question(schema=True))
    assert (trapped.text, trapped.from_reasoning, trapped.reasoned) == ('{"verdict": "approve"}', True, True)
    assert (plain.text, plain.from_reasoning, plain.reasoned) == ("{}", False, True)


def check_an_answer_without_end_is_stopped(make: Make) -> None:
    """`model_runaway`."""
    model = make(MODELS, [Saying(ENDLESS)])
    assert _code(lambda: model.complete(question())) is Code.MODEL_RUNAWAY


def _both(model: LanguageModel) -> tuple[Callable[[], object], ...]:
    return model.facts, lambda: model.complete(question())


def _code(ask: Callable[[], object]) -> Code | None:
    try:
        ask()
    except AgentError as error:
        assert len(str(error).splitlines()) == 1
        return error.code
    return None


LANGUAGE_MODEL_CHECKS = (
    check_the_facts_are_what_the_server_lists,
    check_a_server_without_models_has_none_that_answers,
    check_a_server_that_cannot_be_reached_is_unavailable,
    check_an_answer_comes_whole_and_unchanged,
    check_why_it_stopped_is_told,
    check_an_answer_without_text_is_empty,
    check_what_a_schema_asked_for_is_found_in_the_reasoning,
    check_an_answer_without_end_is_stopped,
)
