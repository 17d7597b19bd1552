"""`gitoma review`: its place. The agent behind it is not there yet, and nothing here pretends that it is."""

from __future__ import annotations

from gitoma.app import console
from gitoma.domain.repos.names import RepoUrl


def review(repo: RepoUrl, integrate: bool, pr: int | None) -> int:
    """Say that the command is not available, and return exit code 3; the arguments have been checked already."""
    del repo, integrate, pr
    console.complain("gitoma review is not available yet in this version; nothing was done")
    return 3
