"""`gitoma fix-ci`: its place. The agent behind it is not there yet, and nothing here pretends that it is."""

from __future__ import annotations

from gitoma.app import console
from gitoma.domain.repos.names import Branch, RepoUrl


def fix_ci(repo: RepoUrl, branch: Branch, dry_run: bool) -> int:
    """Say that the command is not available, and return exit code 3; the arguments have been checked already."""
    del repo, branch, dry_run
    console.complain("gitoma fix-ci is not available yet in this version; nothing was done")
    return 3
