"""The REST API as one ASGI application, put together from its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from litestar import Litestar, Router

from gitoma.adapters.http import docs, openapi
from gitoma.adapters.http.asgi import App
from gitoma.adapters.http.auth import Gate
from gitoma.adapters.http.cockpit import cockpit
from gitoma.adapters.http.cors import CorsPolicy
from gitoma.adapters.http.errors import handlers
from gitoma.adapters.http.health import health_route
from gitoma.adapters.http.hosts import HostAllowList
from gitoma.adapters.http.jobs import job_routes
from gitoma.adapters.http.middleware import Edge
from gitoma.adapters.http.repos import repo_routes
from gitoma.adapters.http.stream import stream_route
from gitoma.domain.health import HealthCheck
from gitoma.domain.jobs.service import JobService
from gitoma.domain.repos.overview import RepoOverview
from gitoma.domain.repos.ports import RepoStates

Lifespan = Callable[[], AbstractAsyncContextManager[None]]


def create_app(
    *,
    job_service: Callable[[], JobService],
    repo_states: Callable[[], RepoStates],
    repo_overview: Callable[[], RepoOverview],
    health_check: Callable[[], HealthCheck],
    gate: Gate,
    hosts: HostAllowList,
    cors: CorsPolicy | None,
    new_error_id: Callable[[], str],
    lifespan: Lifespan,
) -> App:
    """The whole application.

    Args:
        job_service: Called at each request that needs it, as the next three are; so a test can override it.
        repo_states: Likewise.
        repo_overview: Likewise.
        health_check: Likewise.
        gate: Who may call the API.
        hosts: The hosts that a request may name.
        cors: The policy for browsers on other origins; None switches CORS off.
        new_error_id: Makes a fresh error id, in hex.
        lifespan: What surrounds the time in which requests are answered.
    """

    @asynccontextmanager
    async def surrounding(_: Litestar) -> AsyncIterator[None]:
        async with lifespan():
            yield

    api = Router(
        "/api/v1",
        route_handlers=[
            health_route(health_check),
            *job_routes(job_service),
            stream_route(job_service),
            *repo_routes(repo_states, repo_overview),
        ],
        security=openapi.BEARER,
    )
    litestar = Litestar(
        [cockpit, *docs.ROUTES, api],
        exception_handlers=cast("Any", handlers(new_error_id)),
        openapi_config=openapi.config(),
        lifespan=[surrounding],
        logging_config=None,
        debug=False,
    )
    return Edge(cast("App", litestar), hosts=hosts, gate=gate, cors=cors, new_error_id=new_error_id)
