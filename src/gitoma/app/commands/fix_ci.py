"""`gitoma fix-ci`: mend what fails on a branch."""

from __future__ import annotations

import os

from gitoma.app.commands import agent_process
from gitoma.app.settings import load
from gitoma.app.toolbox import toolbox
from gitoma.domain.agents.fix_ci import FixCiRequest
from gitoma.domain.agents.fix_ci import fix_ci as mend
from gitoma.domain.repos.names import Branch, RepoUrl


def fix_ci(repo: RepoUrl, branch: Branch, dry_run: bool) -> int:
    """Mend, or show what would be changed, and return the exit code.

    Raises:
        InvalidSetting: A setting makes no sense.
    """
    settings = load(os.environ)
    request = FixCiRequest(repo, branch, dry_run, settings.fix_ci_direct)

    def work(progress: agent_process.ConsoleProgress) -> agent_process.Reached:
        return mend(request, toolbox("fix-ci", settings, os.environ, progress, progress.reached))

    return agent_process.run("fix-ci", settings, work)
