"""Dispatch, status, list, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import Scope

from gitoma.adapters.http import wire
from gitoma.adapters.http.asgi import body_of
from gitoma.adapters.http.errors import refusal
from gitoma.adapters.http.openapi import answers, operation
from gitoma.adapters.http.replies import Reply, json_reply
from gitoma.domain.errors import GitomaError
from gitoma.domain.jobs.commands import Command
from gitoma.domain.jobs.service import JobService

GetJobs = Callable[[], JobService]


def job_routes(jobs: GetJobs) -> list[HTTPRouteHandler]:
    """The routes of jobs.

    The handlers are closures over what gives them their service at each request, so that a test can put another one
    there. The framework's own dependencies would do the same and cost as much as everything else that a poll does.

    Args:
        jobs: Gives the service.
    """
    return [
        _dispatching("/run", "RunRequest", "Dispatch a full autonomous run.", wire.parse_run, jobs),
        _dispatching("/analyze", "AnalyzeRequest", "Dispatch a read-only analysis.", wire.parse_analyze, jobs),
        _dispatching("/review", "ReviewRequest", "Dispatch a review, read-only or not.", wire.parse_review, jobs),
        _dispatching("/fix-ci", "FixCiRequest", "Dispatch the agent that mends CI.", wire.parse_fix_ci, jobs),
        _status(jobs),
        _list(jobs),
        _cancel(jobs),
    ]


def _dispatching(
    path: str, body: str, summary: str, parse: Callable[[bytes], Command], jobs: GetJobs
) -> HTTPRouteHandler:
    """A route that dispatches what `parse` makes of a body of this schema."""

    async def dispatch(scope: Scope) -> Reply:
        # Answered here, because the way of an exception through the framework takes as long as a whole request.
        try:
            return json_reply(wire.job_response(await jobs().dispatch(parse(body_of(scope)))), 202)
        except GitomaError as error:
            reply = refusal(error)
            if reply is None:
                raise
            return reply

    route: Any = post(
        path,
        status_code=202,
        operation_id=path[1:].replace("-", "_"),
        operation_class=operation(body),
        summary=summary,
        responses=answers(202, wire.JobResponse, "The job is accepted.", 422, 429),
    )
    handler: HTTPRouteHandler = route(dispatch)
    return handler


def _status(jobs: GetJobs) -> HTTPRouteHandler:
    @get(
        "/status/{job_id:str}",
        operation_id="status",
        responses=answers(200, wire.JobStatusResponse, "The job as it is now.", 404),
    )
    async def status(job_id: FromPath[str]) -> Reply:
        """Poll a job."""
        return json_reply(wire.job_status(await jobs().status(job_id)))

    return status


def _list(jobs: GetJobs) -> HTTPRouteHandler:
    encoder = wire.JobList()

    @get(
        "/jobs",
        operation_id="jobs",
        responses=answers(200, dict[str, wire.JobSummary], "Every known job, by id, in the order of dispatch."),
    )
    async def list_jobs() -> Reply:
        """List every job that the server knows about."""
        return Reply(encoder.encode(await jobs().list()))

    return list_jobs


def _cancel(jobs: GetJobs) -> HTTPRouteHandler:
    @post(
        "/jobs/{job_id:str}/cancel",
        status_code=200,
        operation_id="cancel",
        responses=answers(200, wire.CancelResponse, "The job has been told to stop.", 404, 409),
    )
    async def cancel(job_id: FromPath[str]) -> Reply:
        """Ask for the end of a job. The answer is immediate; the job has ended when its status says so."""
        job = await jobs().cancel(job_id)
        return json_reply(wire.CancelResponse(job.id, "cancelling"))

    return cancel
