"""The service as an ASGI application: `gitoma serve` runs it, and so can `uvicorn --factory gitoma.app.asgi:create`."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from gitoma.adapters.files.private_files import ensure_home
from gitoma.adapters.http.app import create_app
from gitoma.adapters.http.asgi import App
from gitoma.adapters.http.auth import Gate
from gitoma.adapters.http.cors import CorsPolicy
from gitoma.adapters.http.hosts import HostAllowList
from gitoma.app import logs, settings
from gitoma.app.container import Container, new_error_id
from gitoma.app.settings import Settings
from gitoma.domain.errors import InvalidSetting, OperatorError
from gitoma.domain.jobs.service import JobService

SWEEP_S = 30.0
"""How often finished jobs are looked through for those whose time is over. Whoever asks for one in between is answered
by the clock, not by the sweep: this only gives the memory back."""

log = logging.getLogger(__name__)


class OneProcessOnly(OperatorError):
    """Jobs are in the memory of one process: with two, a client would find its job only every other time."""

    def __init__(self) -> None:
        super().__init__(
            "gitoma keeps its jobs in the memory of one process: start it with `gitoma serve`, "
            "or with uvicorn and exactly one worker"
        )


def create() -> App:
    """The application with the settings of this process's environment, for an ASGI server's own command line.

    Raises:
        InvalidSetting: A setting makes no sense.
        OneProcessOnly: The server starts several processes.
    """
    refuse_workers()
    container = build(settings.load(os.environ))
    logs.configure(container.redact())
    return application(container)


def refuse_workers() -> None:
    """Make sure that this process is the only one.

    Raises:
        InvalidSetting: `WEB_CONCURRENCY`, which ASGI servers read, asks for several.
        OneProcessOnly: This is a worker that a server has started beside others.
    """
    workers = os.environ.get("WEB_CONCURRENCY", "").strip()
    if workers not in ("", "1"):
        raise InvalidSetting("WEB_CONCURRENCY", workers, "1 or nothing, because jobs are in the memory of one process")
    if multiprocessing.parent_process() is not None:
        raise OneProcessOnly


def build(configured: Settings) -> Container:
    """The graph of objects for these settings."""
    return Container(settings=configured, environment=dict(os.environ))


def application(container: Container) -> App:
    """The ASGI application of a graph of objects."""
    configured = container.settings()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        ensure_home(configured.home)
        jobs = container.job_service()
        sweep = asyncio.create_task(_sweep(jobs), name="sweep")
        try:
            yield
        finally:
            sweep.cancel()
            with suppress(asyncio.CancelledError):
                await sweep
            await jobs.close()

    return create_app(
        job_service=container.job_service,
        repo_states=container.repo_states,
        repo_overview=container.repo_overview,
        health_check=container.health_check,
        gate=Gate(configured.api_token_bytes),
        hosts=HostAllowList(configured.allowed_hosts),
        cors=CorsPolicy(configured.cors_origins) if configured.cors_origins else None,
        new_error_id=new_error_id,
        lifespan=lifespan,
    )


async def _sweep(jobs: JobService) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            await jobs.evict()
        except Exception as error:
            log.error("sweep failed", exc_info=error, extra={"error_id": new_error_id()})
