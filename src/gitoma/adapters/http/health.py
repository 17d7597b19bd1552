"""Liveness, and what the server has been given to work with."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from gitoma.adapters.http import wire
from gitoma.adapters.http.openapi import answers
from gitoma.adapters.http.replies import Reply, json_reply
from gitoma.domain.health import HealthCheck


@get("/health", operation_id="health", responses=answers(200, wire.HealthResponse, "The server lives."))
async def health(check: NamedDependency[SkipValidation[HealthCheck]]) -> Reply:
    """Say that the server lives, whether the model server does, and whether there is a token for GitHub."""
    model = await check.model()
    return json_reply(wire.health_response(model, github_token_set=check.github_token_set))
