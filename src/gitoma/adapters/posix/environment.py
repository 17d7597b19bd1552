"""What a job's processes find in their environment: an allow-list, never the server's own.

A server's environment holds what no job needs (`DATABASE_URL`, `PGPASSWORD`, cloud credentials), so a variable that
nobody thought of stays out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR"),
    *("*_PROXY", "*_proxy", "SSL_CERT_*"),
    *("GIT_*", "GITHUB_TOKEN", "GITHUB_API_URL"),
    *("LM_STUDIO_*", "CRITIC_MODEL", "BOT_*", "GITOMA_*"),
)
"""The names that jobs inherit, `*` standing for anything: the contract of jobs."""

NEVER = "GITOMA_API_TOKEN"
"""Whoever holds it commands the server, so no job gets it, not even where the operator names it."""

JOB_ID = "GITOMA_JOB_ID"
"""Where a job's processes find the id of their job, and how they can be found by it."""


def job_environment(server: Mapping[str, str], job_id: str, *, also: Collection[str] = ()) -> dict[str, str]:
    """The environment of a job.

    Args:
        server: The server's own environment.
        job_id: The job.
        also: Names of further variables to inherit, each in full.
    """
    inherited = {name: value for name, value in server.items() if _is_inherited(name, also)}
    return {**inherited, JOB_ID: job_id}


def _is_inherited(name: str, also: Collection[str]) -> bool:
    return name != NEVER and (name in also or any(fnmatchcase(name, pattern) for pattern in INHERITED))
