"""What goes wrong with GitHub, in words for the operator. GitHub's own words are cut, and shown on one line."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import msgspec

from gitoma.adapters.github.exchange import Answer, Ask
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.progress import printable

_WORDS_MAX = 300
_PERMISSIONS = re.compile(r"[A-Za-z0-9_=;,| -]{1,200}")
_TOKEN_RIGHTS = "contents and pull requests (write), actions and metadata (read)"

Redact = Callable[[str], str]


class _Part(msgspec.Struct):
    message: str = ""


class _Words(msgspec.Struct):
    message: str = ""
    errors: list[object] = []


def of_status(ask: Ask, answer: Answer, *, has_token: bool, redact: Redact) -> AgentError:
    """The error for an answer that is none."""
    if answer.status == 401:
        return _unauthorized(has_token=has_token)
    if answer.status == 403:
        return AgentError(
            Code.FORBIDDEN, f"the token may not do this: {ask.about}{_quoted(answer, redact)}", hint=_needed(answer)
        )
    if answer.status in (404, 410):
        return AgentError(
            Code.NOT_FOUND,
            f"{ask.about} was not found on the code host",
            hint="what is private is found only with a token (GITHUB_TOKEN) that may see it",
        )
    if answer.status >= 500:
        return AgentError(Code.NETWORK, f"the code host failed with status {answer.status}: {ask.about}")
    return AgentError(
        Code.FORBIDDEN, f"the code host refused with status {answer.status}: {ask.about}{_quoted(answer, redact)}"
    )


def _unauthorized(*, has_token: bool) -> AgentError:
    if has_token:
        return AgentError(
            Code.AUTH, "the code host refused the token", hint="GITHUB_TOKEN is not valid there, or has expired"
        )
    return AgentError(Code.AUTH, "the code host wants a token for this", hint="set GITHUB_TOKEN")


def _needed(answer: Answer) -> str:
    """The rights that GitHub says are needed, which it tells in a header of its refusal."""
    said = answer.headers.get("x-accepted-github-permissions", "")
    needed = said.strip() if _PERMISSIONS.fullmatch(said) else ""
    return f"it needs the permissions {needed}" if needed else f"it needs the rights to {_TOKEN_RIGHTS}"


def _quoted(answer: Answer, redact: Redact) -> str:
    line = printable(redact(" ".join(words(answer.body)[: 4 * _WORDS_MAX].split())))
    return f" ({line[:_WORDS_MAX]})" if line else ""


def words(body: bytes) -> str:
    """What an answer of GitHub's says of an error: its message, and those of its parts; "" where it says nothing."""
    try:
        said = msgspec.json.decode(body, type=_Words)
        parts = [msgspec.convert(each, _Part).message for each in said.errors if isinstance(each, dict)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return ": ".join(each for each in (said.message, *parts) if each)


def rate_limited(until: datetime) -> AgentError:
    """The error for having asked too much, with the time at which it is over."""
    return AgentError(
        Code.RATE_LIMITED,
        "the code host's rate limit is used up",
        hint=f"try again after {until:%Y-%m-%d %H:%M:%S} UTC",
    )


def asked_enough(limit: int) -> AgentError:
    """The error for an agent that asks and asks."""
    return AgentError(Code.BUDGET, f"the code host was asked {limit} times, which is as often as one agent may")


def out_of_time() -> AgentError:
    """The error for work whose time is over."""
    return AgentError(
        Code.BUDGET,
        "the time for this work was over while the code host was asked",
        hint="GITOMA_AGENT_MAX_S gives it more",
    )


def unreached(about: str, *, sent: bool) -> AgentError:
    """The error for a host that does not answer."""
    hint = "look whether it was done all the same before doing it again" if sent else "check the network, and try again"
    return AgentError(Code.NETWORK, f"the code host could not be reached: {about}", hint=hint)


def elsewhere(about: str) -> AgentError:
    """The error for an answer that sends us away."""
    return AgentError(
        Code.NETWORK,
        f"the code host sends us elsewhere, which is not followed: {about}",
        hint="GITHUB_API_URL is where its API is",
    )


def no_code_host(about: str) -> AgentError:
    """The error for an answer that makes no sense."""
    return AgentError(
        Code.NETWORK, f"what answers is not GitHub's API: {about}", hint="GITHUB_API_URL is where its API is"
    )
