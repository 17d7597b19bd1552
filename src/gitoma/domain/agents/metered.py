"""A language model that counts what it is asked, stops when that is enough, and is told no credential of ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gitoma.domain.agents.budget import Budget
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ChatReply, ChatRequest, Finish, LanguageModel, ModelFacts


class MeteredModel(LanguageModel):
    """A model within a budget.

    Args:
        model: The model.
        budget: What may be spent; it is charged.
        mask: Takes our credentials out of a question: a file or a log may hold them, whoever put them there.
    """

    def __init__(self, model: LanguageModel, budget: Budget, mask: Callable[[str], str]) -> None:
        self._model = model
        self._mask = mask
        self.budget = budget

    def facts(self) -> ModelFacts:
        """See the port. It costs nothing."""
        return self._model.facts()

    def complete(self, request: ChatRequest) -> ChatReply:
        """See the port.

        Raises:
            AgentError: Besides the port's: `budget`.
        """
        self.budget.before_call()
        masked = replace(request, system=self._mask(request.system), user=self._mask(request.user))
        try:
            reply = self._model.complete(masked)
        except AgentError as error:
            self.budget.charge(error.spent_tokens)
            raise
        self.budget.charge(reply.completion_tokens)
        return reply


def complete_whole(model: LanguageModel, request: ChatRequest) -> ChatReply:
    """Ask, and once more with twice the room if the answer did not fit: half a JSON object is worth nothing."""
    reply = model.complete(request)
    if reply.finish is not Finish.LENGTH:
        return reply
    try:
        return model.complete(replace(request, max_tokens=2 * request.max_tokens))
    except AgentError as error:
        if error.code is not Code.CONTEXT_EXCEEDED:
            raise
        return reply  # some servers count the room for the answer, too: there is no more than it had
