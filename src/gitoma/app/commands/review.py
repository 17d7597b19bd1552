"""`gitoma review`: what was asked for on the agent's pull request, and, with `--integrate`, the answer to it."""

from __future__ import annotations

import os

from gitoma.app.commands import agent_process
from gitoma.app.settings import load
from gitoma.app.toolbox import toolbox
from gitoma.domain.agents.review_pr import ReviewRequest, review_pull
from gitoma.domain.repos.names import RepoUrl


def review(repo: RepoUrl, integrate: bool, pr: int | None) -> int:
    """Show the threads, or act upon them, and return the exit code.

    Raises:
        InvalidSetting: A setting makes no sense.
    """
    settings = load(os.environ)
    request = ReviewRequest(repo, integrate, pr, trust_all=settings.review_trust == "all")

    def work(progress: agent_process.ConsoleProgress) -> agent_process.Reached:
        return review_pull(request, toolbox("review", settings, os.environ, progress, progress.reached))

    return agent_process.run("review", settings, work)
