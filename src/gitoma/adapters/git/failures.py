"""What git died of over the network, in words for whoever asked; told from git's own words, which are English."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from typing import TypeAlias

from gitoma.adapters.git.process import Completed
from gitoma.domain.agents.errors import AgentError, Code

DETAIL_LINES = 5
"""How many of git's last lines are shown."""

_NETWORK_HINT = "check the connection and the proxy, and try again"

_Signs: TypeAlias = tuple[tuple[re.Pattern[str], Code, str, str], ...]

# The host has a say in what git prints, so no sign looks farther for its end than a name is long.
# In this order: git ends most failures with a general line, behind the one that says what it was.
_SIGNS: _Signs = (
    (
        re.compile(r"Remote branch .{0,300} not found"),
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
        re.compile(
            r"repository .{0,300}not found|returned error: 404|does not appear to be a git repository|does not exist"
        ),
        Code.NOT_FOUND,
        "{repo} was not found",
        "check the address; for a private repository set GITHUB_TOKEN",
    ),
    (
        re.compile(r"returned error: 403|access denied|permission to .{0,300} denied", re.I),
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
        re.compile(r"transport '.{0,300}' not allowed"),
        Code.GIT_FAILED,
        "the address leads to a transport that is not allowed",
        "check the url.<base>.insteadOf settings that git inherits",
    ),
    (
        re.compile(r"file too large|died of signal 25|exceeded .{0,300} size", re.I),
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


# What is asked of a push before the rest; git says it on standard output, what the host says is on standard error.
_PUSH_SIGNS: _Signs = (
    (
        re.compile(r"exists; cannot create|directory file conflict"),
        Code.BRANCH_EXISTS,
        "{repo} has a branch whose name leaves no room for this one",
        "choose another name for the branch",
    ),
    (
        re.compile(r"\[rejected\]|cannot lock ref|failed to update ref|reference already exists|incorrect old value"),
        Code.BRANCH_MOVED,
        "the branch of {repo} has moved meanwhile",
        "start again from the branch as it is",
    ),
    (
        re.compile(r"returned error: 429|rate limit", re.I),
        Code.RATE_LIMITED,
        "the code host refuses more requests for now",
        "try again later",
    ),
    (
        re.compile(r"refusing to allow .{0,300} workflow", re.I),
        Code.FORBIDDEN,
        "the token may not change workflows of {repo}",
        "",
    ),
    (
        re.compile(r"GH006|GH013|protected branch|rule violations|hook declined|push declined", re.I),
        Code.PROTECTED,
        "{repo} has a rule against this push",
        "push to another branch, or change the rule: what the code host says is below",
    ),
    (
        re.compile(r"could not read Username|Authentication failed|returned error: 401", re.I),
        Code.AUTH,
        "nothing can be pushed to {repo} with these credentials",
        "set GITHUB_TOKEN to a token that is valid",
    ),
    (
        re.compile(r"returned error: 403|access denied|permission to .{0,300} denied|read-only", re.I),
        Code.FORBIDDEN,
        "to push to {repo} was refused",
        "the token in GITHUB_TOKEN needs the right to write its contents",
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
    return _error("clone", repo, clone, timeout_s, redact, _SIGNS)


def of_lookup(repo: str, lookup: Completed, timeout_s: float, redact: Callable[[str], str]) -> AgentError:
    """The error for a question about branches that was not answered; see `of_clone`."""
    return _error("look at", repo, lookup, timeout_s, redact, _SIGNS)


def of_push(repo: str, push: Completed, timeout_s: float, redact: Callable[[str], str]) -> AgentError:
    """The error for a push that did not succeed; see `of_clone`. `branch_moved` also where it exists already."""
    return _error("push to", repo, push, timeout_s, redact, _PUSH_SIGNS + _SIGNS)


def last_lines(text: str, redact: Callable[[str], str]) -> tuple[str, ...]:
    """The end of what git said, without credentials."""
    return tuple(redact(line.strip()) for line in text.splitlines() if line.strip())[-DETAIL_LINES:]


def _error(
    verb: str, repo: str, ended: Completed, timeout_s: float, redact: Callable[[str], str], signs: _Signs
) -> AgentError:
    lines = last_lines(ended.errors, redact)
    if ended.code is None:
        message = f"git took longer than {timeout_s:g} s to {verb} {repo}"
        return AgentError(Code.NETWORK, message, hint=_NETWORK_HINT, details=lines)
    if ended.code == -signal.SIGXFSZ:
        return AgentError(Code.TOO_LARGE, f"{repo} is too large", details=lines)
    said = ended.output.decode("utf-8", "replace") + ended.errors  # the first only of a push, which says how it ended
    for sign, code, message, hint in signs:
        if sign.search(said):
            return AgentError(code, message.format(repo=repo), hint=hint, details=lines)
    return AgentError(Code.GIT_FAILED, f"git could not {verb} {repo} (exit code {ended.code})", details=lines)
