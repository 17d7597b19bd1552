"""Whether the model server can be used: the port that asks it, and the rule that judges the answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gitoma.domain.errors import GitomaError

ANSWER_WITHIN_S = 2.5
"""How long the model server has. The REST page's health answers within 3 s, whatever the model server does; half a
second is ours."""

LEAST_CONTEXT = 2048
"""The smallest context of a model, in tokens, that the agents make questions for: in a smaller one there is no room
for an answer."""


class ModelServerUnavailable(GitomaError):
    """The model server gave no usable answer; the message says so in our own words, fit for a client."""


class ModelServer(Protocol):
    """Any server with an OpenAI-compatible list of models."""

    @abstractmethod
    async def available_models(self, timeout: float) -> Sequence[str]:
        """The ids of the models that the server lists, in its order.

        Raises:
            ModelServerUnavailable: There was no usable answer within `timeout` seconds.
        """


class Level(StrEnum):
    """How well it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ModelHealth:
    """What is known of the model server at this moment."""

    level: Level
    message: str
    available_models: tuple[str, ...] = ()


class HealthCheck:
    """The health of the installation, asked afresh each time.

    Args:
        server: The model server.
        wanted: The configured model, or None where the first one listed is used.
        github_token_set: Whether there is a token for GitHub.
    """

    def __init__(self, *, server: ModelServer, wanted: str | None, github_token_set: bool) -> None:
        self._server = server
        self._wanted = wanted
        self.github_token_set = github_token_set

    async def model(self) -> ModelHealth:
        """Ask the model server and judge its answer."""
        try:
            models = tuple(await self._server.available_models(ANSWER_WITHIN_S))
        except ModelServerUnavailable as error:
            return ModelHealth(Level.ERROR, str(error))
        if not models:
            return ModelHealth(Level.WARNING, "The model server lists no model: load one.")
        if self._wanted and not any(_is_meant(model, self._wanted) for model in models):
            return ModelHealth(Level.WARNING, f"The model server does not list {self._wanted!r}.", models)
        return ModelHealth(Level.OK, f"{len(models)} model{'s' if len(models) > 1 else ''} available.", models)


def _is_meant(listed: str, wanted: str) -> bool:
    """Servers list `publisher/model`; people write `model`."""
    return listed == wanted or listed.endswith(f"/{wanted}")
