"""Dispatch, status, list, cancel."""

from __future__ import annotations

from collections.abc import Callable

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody, SkipValidation

from gitoma.adapters.http import wire
from gitoma.adapters.http.errors import refusal
from gitoma.adapters.http.openapi import answers, operation
from gitoma.adapters.http.replies import Reply, json_reply
from gitoma.domain.errors import GitomaError
from gitoma.domain.jobs.commands import Command
from gitoma.domain.jobs.service import JobService

Jobs = NamedDependency[SkipValidation[JobService]]

_ACCEPTED = answers(202, wire.JobResponse, "The job is accepted.", 422, 429)

_job_list = wire.JobList()


async def _dispatch(jobs: JobService, parse: Callable[[bytes], Command], body: bytes) -> Reply:
    # Answered here, because the way of an exception through the framework takes as long as a whole request.
    try:
        return json_reply(wire.job_response(await jobs.dispatch(parse(body))), 202)
    except GitomaError as error:
        reply = refusal(error)
        if reply is None:
            raise
        return reply


@post("/run", status_code=202, operation_id="run", operation_class=operation("RunRequest"), responses=_ACCEPTED)
async def run(body: RawBody, jobs: Jobs) -> Reply:
    """Dispatch a full autonomous run."""
    return await _dispatch(jobs, wire.parse_run, body)


@post(
    "/analyze",
    status_code=202,
    operation_id="analyze",
    operation_class=operation("AnalyzeRequest"),
    responses=_ACCEPTED,
)
async def analyze(body: RawBody, jobs: Jobs) -> Reply:
    """Dispatch a read-only analysis."""
    return await _dispatch(jobs, wire.parse_analyze, body)


@post(
    "/review", status_code=202, operation_id="review", operation_class=operation("ReviewRequest"), responses=_ACCEPTED
)
async def review(body: RawBody, jobs: Jobs) -> Reply:
    """Dispatch a review; with `integrate`, fixes are proposed and pushed."""
    return await _dispatch(jobs, wire.parse_review, body)


@post("/fix-ci", status_code=202, operation_id="fix_ci", operation_class=operation("FixCiRequest"), responses=_ACCEPTED)
async def fix_ci(body: RawBody, jobs: Jobs) -> Reply:
    """Dispatch the Reflexion agent that mends what fails on a branch."""
    return await _dispatch(jobs, wire.parse_fix_ci, body)


@get(
    "/status/{job_id:str}",
    operation_id="status",
    responses=answers(200, wire.JobStatusResponse, "The job as it is now.", 404),
)
async def status(job_id: FromPath[str], jobs: Jobs) -> Reply:
    """Poll a job."""
    return json_reply(wire.job_status(await jobs.status(job_id)))


@get(
    "/jobs",
    operation_id="jobs",
    responses=answers(200, dict[str, wire.JobSummary], "Every known job, by id, in the order of dispatch."),
)
async def list_jobs(jobs: Jobs) -> Reply:
    """List every job that the server knows about."""
    return Reply(_job_list.encode(await jobs.list()))


@post(
    "/jobs/{job_id:str}/cancel",
    status_code=200,
    operation_id="cancel",
    responses=answers(200, wire.CancelResponse, "The job has been told to stop.", 404, 409),
)
async def cancel(job_id: FromPath[str], jobs: Jobs) -> Reply:
    """Ask for the end of a job. The answer is immediate; the job has ended when its status says so."""
    job = await jobs.cancel(job_id)
    return json_reply(wire.CancelResponse(job.id, "cancelling"))


ROUTES = [run, analyze, review, fix_ci, status, list_jobs, cancel]
