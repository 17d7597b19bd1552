"""Answers of GitHub's that mean success or failure, and the troubles that a stand-in can be told to have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .server import Answer, Request, document

LIMITS = {  # what is left is said with every answer
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": "4999",
    "x-ratelimit-reset": "4102444800",
}


def found(value: Mapping[str, object], status: int = 200) -> Answer:
    """What was asked for, or made."""
    return document(value, status, LIMITS)


def failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A failure, in a sentence."""
    about = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return document(about, status, {**LIMITS, **(headers or {})})


def custom(message: str) -> dict[str, str]:
    """What is wrong with a new pull request, in GitHub's words."""
    return {"resource": "PullRequest", "code": "custom", "message": message}


def invalid(error: Mapping[str, str]) -> Answer:
    """The refusal of what was sent."""
    return document({"message": "Validation Failed", "errors": [error], "status": "422"}, 422, LIMITS)


NOT_FOUND = failure(404, "Not Found")
NO_USER = failure(403, "Resource not accessible by integration")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Answers that come in place of the right ones.

    Attributes:
        answer: What is answered.
        method: To which requests; "" to all.
        path: A regular expression that is searched in the path.
        times: How often.
    """

    answer: Answer
    method: str = ""
    path: str = ""
    times: int = 1

    def meets(self, request: Request) -> bool:
        """Whether this request is answered with it."""
        return self.method in ("", request.method) and re.search(self.path, request.path) is not None


def rate_limited(retry_after: float | None = None, **where: str | int) -> Trouble:
    """The secondary limit: 403, with `retry-after` in seconds where GitHub says it."""
    headers = {} if retry_after is None else {"retry-after": f"{retry_after:g}"}
    return _trouble(failure(403, "You have exceeded a secondary rate limit.", headers), where)


def exhausted(reset_at: float, **where: str | int) -> Trouble:
    """The primary limit: nothing left until `reset_at`, in seconds since the epoch."""
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": f"{reset_at:.0f}"}
    return _trouble(failure(403, "API rate limit exceeded for user ID 1.", headers), where)


def forbidden(permissions: str = "contents=write", **where: str | int) -> Trouble:
    """A token that may not, and what it would have to have."""
    headers = {"x-accepted-github-permissions": permissions}
    return _trouble(failure(403, "Resource not accessible by personal access token", headers), where)


def failing(status: int = 502, **where: str | int) -> Trouble:
    """A server that fails."""
    return _trouble(failure(status, "Server Error"), where)


def _trouble(answer: Answer, where: Mapping[str, str | int]) -> Trouble:
    return Trouble(answer, str(where.get("method", "")), str(where.get("path", "")), int(where.get("times", 1)))
