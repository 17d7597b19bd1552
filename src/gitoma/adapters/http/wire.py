"""The JSON of the REST API: what comes in, what goes out.

A request's body is decoded here and checked by the domain's own types, all fields at once, so that a client learns of
everything that is wrong in one answer. Nothing that a client sent is ever quoted back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gitoma.domain.errors import BranchRequired, InvalidName, InvalidRequest, Problem
from gitoma.domain.health import Level, ModelHealth
from gitoma.domain.jobs.commands import Analyze, FixCi, Review, Run
from gitoma.domain.jobs.lifecycle import Job, Status
from gitoma.domain.jobs.service import JobReport
from gitoma.domain.repos.names import Branch, RepoUrl

_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


class JobResponse(Struct):
    """An accepted job."""

    job_id: str
    status: Literal["started"]
    message: str


class JobStatusResponse(Struct):
    """A job as it is now. Times are ISO 8601, UTC."""

    job_id: str
    label: str
    status: Status
    created_at: str
    finished_at: str | None
    lines_buffered: int
    error_id: str | None


class JobSummary(Struct):
    """A job in the list of all jobs."""

    status: Status
    label: str
    lines: int
    created_at: str
    finished_at: str | None
    error_id: str | None


class CancelResponse(Struct):
    """A job that has been told to stop."""

    job_id: str
    status: Literal["cancelling"]


class LmStudio(Struct):
    """The model server, as it answers at this moment."""

    level: Level
    message: str
    available_models: list[str]


class HealthResponse(Struct):
    """That the server lives, and what it has been given."""

    status: Literal["ok"]
    lm_studio: LmStudio
    github_token_set: bool


class StateDeletion(Struct):
    """Whether there was a state."""

    result: Literal["deleted", "not_found"]


class HttpError(Struct):
    """Any refusal but a 422 with fields."""

    detail: str


class InternalError(Struct):
    """A mistake of the server's; the log has it under `error_id`."""

    detail: str
    error_id: str


class FieldProblem(Struct):
    """One bad field."""

    loc: list[str]
    msg: str
    type: str


class ValidationError(Struct):
    """Every bad field of a request."""

    detail: list[FieldProblem]


_MESSAGES = {
    "run": "Autonomous run dispatched in background.",
    "analyze": "Analysis dispatched in background.",
    "review": "Review dispatched in background.",
    "fix-ci": "CI fix dispatched in background.",
}


def job_response(job: Job) -> JobResponse:
    """The answer to a dispatch: always `started`, which means accepted; whether it waits or runs, its status says."""
    return JobResponse(job.id, "started", _MESSAGES[job.label])


def job_status(report: JobReport) -> JobStatusResponse:
    """The answer to a poll."""
    job = report.job
    return JobStatusResponse(
        job.id,
        job.label,
        job.status,
        _iso(job.created.wall),
        _iso(job.finished.wall) if job.finished else None,
        report.lines_buffered,
        job.error_id,
    )


def job_summary(report: JobReport) -> JobSummary:
    """A job in the list."""
    job = report.job
    return JobSummary(
        job.status,
        job.label,
        report.lines_buffered,
        _iso(job.created.wall),
        _iso(job.finished.wall) if job.finished else None,
        job.error_id,
    )


class JobList:
    """The answer to a list. What has not changed since the last one is not encoded again, and most jobs have not.

    A job is a value, so the same object and the same count of lines give the same bytes.
    """

    def __init__(self) -> None:
        self._reports: Sequence[JobReport] = []
        self._entries: dict[str, tuple[JobReport, bytes]] = {}
        self._body = b"{}"

    def encode(self, reports: Sequence[JobReport]) -> bytes:
        """The whole body."""
        if reports != self._reports:
            self._entries = {report.job.id: self._entry(report) for report in reports}
            self._body = b"{%s}" % b",".join([encoded for _, encoded in self._entries.values()])
            self._reports = reports
        return self._body

    def _entry(self, report: JobReport) -> tuple[JobReport, bytes]:
        """A job's key and value in the list."""
        entry = self._entries.get(report.job.id)
        if entry is None or entry[0] != report:
            entry = (report, _encoder.encode({report.job.id: job_summary(report)})[1:-1])
        return entry


def health_response(model: ModelHealth, *, github_token_set: bool) -> HealthResponse:
    """The answer of the health check."""
    return HealthResponse("ok", LmStudio(model.level, model.message, list(model.available_models)), github_token_set)


@lru_cache(maxsize=1024)
def _iso(moment: datetime) -> str:
    """ISO 8601 with the offset written `+00:00`. Remembered: a list of jobs asks for the same moments again."""
    return moment.isoformat()


def parse_run(body: bytes) -> Run:
    """Read a RunRequest.

    Raises:
        InvalidRequest: With every bad field.
    """
    fields = _Fields(body)
    repo, branch, dry_run = fields.repo(), fields.branch(), fields.flag("dry_run")
    fields.check()
    return Run(repo, branch, dry_run)


def parse_analyze(body: bytes) -> Analyze:
    """Read an AnalyzeRequest.

    Raises:
        InvalidRequest: With every bad field.
    """
    fields = _Fields(body)
    repo = fields.repo()
    fields.check()
    return Analyze(repo)


def parse_review(body: bytes) -> Review:
    """Read a ReviewRequest.

    Raises:
        InvalidRequest: With every bad field.
    """
    fields = _Fields(body)
    repo, integrate = fields.repo(), fields.flag("integrate")
    fields.check()
    return Review(repo, integrate)


def parse_fix_ci(body: bytes) -> FixCi:
    """Read a RunRequest whose branch is required.

    Raises:
        InvalidRequest: With every bad field.
        BranchRequired: Everything else is right, and there is no branch.
    """
    fields = _Fields(body)
    repo, branch, dry_run = fields.repo(), fields.branch(), fields.flag("dry_run")
    fields.check()
    if branch is None:
        raise BranchRequired
    return FixCi(repo, branch, dry_run)


class _Fields:
    """The fields of one body, and what is wrong with them. Unknown fields are ignored."""

    def __init__(self, body: bytes) -> None:
        try:
            content = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise InvalidRequest((Problem("", "The body must be JSON in UTF-8.", "json_invalid"),)) from None
        if not isinstance(content, dict):
            raise InvalidRequest((Problem("", "The body must be a JSON object.", "model_attributes_type"),))
        self._content: dict[str, Any] = content
        self._problems: list[Problem] = []

    def repo(self) -> RepoUrl:
        """The required `repo_url`. What it returns counts only if `check` passes."""
        if "repo_url" not in self._content:
            self._refuse("repo_url", "This field is required.", "missing")
        else:
            try:
                return RepoUrl.parse(self._text("repo_url"))
            except InvalidName as error:
                self._refuse("repo_url", str(error), error.kind)
        return _NO_REPO

    def branch(self) -> Branch | None:
        """The optional `branch`."""
        if self._content.get("branch") is None:
            return None
        try:
            return Branch(self._text("branch"))
        except InvalidName as error:
            self._refuse("branch", str(error), error.kind)
        return None

    def flag(self, name: str) -> bool:
        """An optional boolean, false by default; a JSON boolean and nothing that resembles one."""
        value = self._content.get(name, False)
        if isinstance(value, bool):
            return value
        self._refuse(name, "must be true or false", "bool_type")
        return False

    def check(self) -> None:
        """Raise what was found wrong."""
        if self._problems:
            raise InvalidRequest(tuple(self._problems))

    def _text(self, name: str) -> str:
        value = self._content[name]
        if not isinstance(value, str):
            raise InvalidName("must be a string", kind="string_type")
        return value

    def _refuse(self, name: str, message: str, kind: str) -> None:
        self._problems.append(Problem(name, message, kind))


# Stands in for a URL that was refused: `check` raises before anyone can see it.
_NO_REPO = RepoUrl.parse("https://github.com/none/none")
