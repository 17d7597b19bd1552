"""Liveness, and what the server has been given to work with."""

from __future__ import annotations

from collections.abc import Callable

from litestar import get
from litestar.handlers import HTTPRouteHandler

from gitoma.adapters.http import wire
from gitoma.adapters.http.openapi import answers
from gitoma.adapters.http.replies import Reply, json_reply
from gitoma.domain.health import HealthCheck


def health_route(check: Callable[[], HealthCheck]) -> HTTPRouteHandler:
    """The route of the health check; `check` gives it at each request."""

    @get("/health", operation_id="health", responses=answers(200, wire.HealthResponse, "The server lives."))
    async def health() -> Reply:
        """Say that the server lives, whether the model server does, and whether there is a token for GitHub."""
        asked = check()
        model = await asked.model()
        return json_reply(wire.health_response(model, github_token_set=asked.github_token_set))

    return health
