"""From an error to an answer: the table, and what clients are shown of it.

The domain's own errors carry words that are meant for whoever made the mistake. Everything else is shown as an
`error_id`, and the log has the rest under it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from gitoma.adapters.http.replies import Reply, error_reply, json_reply
from gitoma.domain.errors import (
    BranchRequired,
    Busy,
    CallerError,
    Closing,
    GitomaError,
    InvalidRequest,
    JobAlreadyEnded,
    Problem,
    UnknownJob,
)

STATUS_OF: Mapping[type[GitomaError], int] = {
    BranchRequired: 400,
    UnknownJob: 404,
    JobAlreadyEnded: 409,
    InvalidRequest: 422,
    Busy: 429,
    Closing: 503,
}
"""The most specific class that is listed decides."""

OPAQUE = "Internal server error."

log = logging.getLogger(__name__)

ErrorHandler = Callable[[Request[Any, Any, State], Any], Response[Any]]


def internal_error(error_id: str) -> Reply:
    """All that a client learns of a mistake of ours."""
    return json_reply({"detail": OPAQUE, "error_id": error_id}, 500)


def refusal(error: GitomaError) -> Reply | None:
    """The answer to a domain error that is meant for the caller; None for any other."""
    if isinstance(error, InvalidRequest):
        return _invalid(error.problems)
    status = next((STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF), None)
    if status is None or not isinstance(error, CallerError | Busy):
        return None
    if isinstance(error, Busy):
        return error_reply(status, str(error), {"Retry-After": str(error.retry_after_s)})
    return error_reply(status, str(error))


@lru_cache(maxsize=256)
def _invalid(problems: tuple[Problem, ...]) -> Reply:
    """The answer to these problems. Remembered: no message quotes what was sent, so there are few different ones."""
    return error_reply(STATUS_OF[InvalidRequest], [_problem(*problem) for problem in problems])


def _problem(field: str, message: str, kind: str) -> dict[str, Any]:
    """One entry of a 422. `field` may be a path of its own: `path/owner` is a part of the address."""
    loc = field.split("/") if field.startswith("path/") else ["body", *([field] if field else [])]
    return {"loc": loc, "msg": message, "type": kind}


def handlers(new_error_id: Callable[[], str]) -> dict[int | type[Exception], ErrorHandler]:
    """What the framework is to do with each kind of exception."""

    def hide(request: Request[Any, Any, State], error: Exception) -> Response[Any]:
        error_id = new_error_id()
        log.error("request failed", exc_info=error, extra={"error_id": error_id, "path": request.scope["path"]})
        return _json({"detail": OPAQUE, "error_id": error_id}, 500)

    def domain(request: Request[Any, Any, State], error: GitomaError) -> Response[Any]:
        reply = refusal(error)
        if reply is None:
            return hide(request, error)
        headers = {name.decode(): value.decode() for name, value in reply.headers}
        return Response(reply.body, status_code=reply.status, headers=headers, media_type=MediaType.JSON)

    def framework(request: Request[Any, Any, State], error: HTTPException) -> Response[Any]:
        if error.status_code >= 500:
            return hide(request, error)
        headers = error.headers
        if headers and "GET" in headers.get("Allow", ""):
            headers = {**headers, "Allow": f"{headers['Allow']}, HEAD"}  # the edge answers HEAD wherever GET is
        return _json({"detail": error.detail}, error.status_code, headers)

    return {GitomaError: domain, HTTPException: framework, Exception: hide}


def _json(content: Any, status: int, headers: dict[str, str] | None = None) -> Response[Any]:
    return Response(content, status_code=status, headers=headers, media_type=MediaType.JSON)
