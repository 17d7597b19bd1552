"""`gitoma run`: its place. The agent behind it is not there yet, and nothing here pretends that it is."""

from __future__ import annotations

from gitoma.app import console
from gitoma.domain.repos.names import Branch, RepoUrl


def run(
    repo: RepoUrl, branch: Branch | None, base: Branch | None, dry_run: bool, yes: bool, resume: bool, fresh: bool
) -> int:
    """Say that the command is not available, and return exit code 3; the arguments have been checked already."""
    del repo, branch, base, dry_run, yes, resume, fresh
    console.complain("gitoma run is not available yet in this version; nothing was done")
    return 3
