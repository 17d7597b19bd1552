"""What a clone that failed died of, in words for whoever asked for it; told from git's own words, which are English."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable

from gitoma.adapters.git.process import Completed
from gitoma.domain.agents.errors import AgentError, Code

DETAIL_LINES = 5
"""How many of git's last lines are shown."""

_NETWORK_HINT = "check the connection and the proxy, and try again"

# In this order: git ends most failures with a general line, behind the one that says what it was.
_SIGNS: tuple[tuple[re.Pattern[str], Code, str, str], ...] = (
    (
        re.compile(r"Remote branch .* not found"),
        Code.NOT_FOUND,
        "{repo} has no such branch",
        "name a branch that it has",
    ),
    (
        re.compile(r"could not read Username|Authentication failed|returned error: 401", re.I),
        Code.AUTH,
        "{repo} does not exist, or may not be read without other credentials",
        "check the address; for a private repository set GITHUB_TOKEN to a token that may read it",
    ),
    (
        re.compile(r"repository .*not found|returned error: 404|does not appear to be a git repository|does not exist"),
        Code.NOT_FOUND,
        "{repo} was not found",
        "check the address; for a private repository set GITHUB_TOKEN",
    ),
    (
        re.compile(r"returned error: 403|access denied|permission to .* denied", re.I),
        Code.FORBIDDEN,
        "access to {repo} was refused",
        "the token in GITHUB_TOKEN needs the right to read its contents",
    ),
    (
        re.compile(r"returned error: 429"),
        Code.RATE_LIMITED,
        "the code host refuses more requests for now",
        "try again later",
    ),
    (
        re.compile(r"unable to update url base from redirection|returned error: 30\d"),
        Code.NOT_FOUND,
        "{repo} has moved",
        "use its new address",
    ),
    (
        re.compile(r"transport '.*' not allowed"),
        Code.GIT_FAILED,
        "the address leads to a transport that is not allowed",
        "check the url.<base>.insteadOf settings that git inherits",
    ),
    (
        re.compile(r"file too large|died of signal 25|exceeded .* size", re.I),
        Code.TOO_LARGE,
        "{repo} is too large",
        "",
    ),
    (
        re.compile(r"no space left on device|disk quota exceeded", re.I),
        Code.GIT_FAILED,
        "there is no space left for a copy of {repo}",
        "make room where GITOMA_HOME is",
    ),
    (
        re.compile(
            r"could not resolve|failed to connect|couldn't connect|connection (?:refused|reset|timed out)|timed out"
            r"|early eof|rpc failed|hung up|ssl|tls|certificate|returned error: 5\d\d|network is unreachable"
            r"|unable to access",
            re.I,
        ),
        Code.NETWORK,
        "the code host could not be reached",
        _NETWORK_HINT,
    ),
    (
        # All that git says when the program that writes the pack was ended by the limit on files: it cannot speak.
        re.compile(r"\A(?:warning: .*\n|remote: .*\n)*fatal: fetch-pack: invalid index-pack output\s*\Z"),
        Code.TOO_LARGE,
        "{repo} is too large",
        "",
    ),
)


def of_clone(repo: str, clone: Completed, timeout_s: float, redact: Callable[[str], str]) -> AgentError:
    """The error for a clone that did not succeed.

    Args:
        repo: `owner/name`.
        clone: How git ended.
        timeout_s: The limit it had.
        redact: Takes credentials out of git's words, which quote addresses.
    """
    lines = tuple(redact(line.strip()) for line in clone.errors.splitlines() if line.strip())[-DETAIL_LINES:]
    if clone.code is None:
        return AgentError(
            Code.NETWORK, f"the clone of {repo} took longer than {timeout_s:g} s", hint=_NETWORK_HINT, details=lines
        )
    if clone.code == -signal.SIGXFSZ:
        return AgentError(Code.TOO_LARGE, f"{repo} is too large", details=lines)
    for sign, code, message, hint in _SIGNS:
        if sign.search(clone.errors):
            return AgentError(code, message.format(repo=repo), hint=hint, details=lines)
    return AgentError(Code.GIT_FAILED, f"git could not clone {repo} (exit code {clone.code})", details=lines)
