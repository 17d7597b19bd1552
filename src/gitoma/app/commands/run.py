"""`gitoma run`: plan, edit, push, and open a pull request."""

from __future__ import annotations

import os
import sys

from gitoma.app import console
from gitoma.app.commands import agent_process
from gitoma.app.settings import Settings, load
from gitoma.app.toolbox import toolbox
from gitoma.domain.agents import dry_run as dry
from gitoma.domain.agents import run as real
from gitoma.domain.errors import CallerError
from gitoma.domain.repos.names import Branch, RepoUrl

_NOT_DONE_EXIT = 1


class Unconfirmed(CallerError):
    """Something that pushes was asked for, and nobody is there to confirm it."""


def run(
    repo: RepoUrl,
    branch: Branch | None,
    base: Branch | None,
    dry_run: bool,
    yes: bool,
    resume: bool,
    fresh: bool,
) -> int:
    """Run, or show what a run would do, and return the exit code.

    Raises:
        Unconfirmed: It would push, `--yes` is missing, and there is no terminal to ask on.
        InvalidSetting: A setting makes no sense.
    """
    settings = load(os.environ)
    if dry_run:
        return _show(settings, repo, base)
    if not yes and not _confirmed(repo):
        console.complain("gitoma run: nothing was done")
        return _NOT_DONE_EXIT
    request = real.RunRequest(repo, branch, base, resume=resume, fresh=fresh, critic=settings.run_critic)

    def work(progress: agent_process.ConsoleProgress) -> agent_process.Reached:
        return real.run(request, toolbox("run", settings, os.environ, progress, progress.reached))

    return agent_process.run("run", settings, work)


def _show(settings: Settings, repo: RepoUrl, base: Branch | None) -> int:
    request = dry.DryRunRequest(repo, base, critic=settings.run_critic)

    def work(progress: agent_process.ConsoleProgress) -> agent_process.Reached:
        return dry.dry_run(request, toolbox("run", settings, os.environ, progress, progress.reached))

    return agent_process.run("run", settings, work)


def _confirmed(repo: RepoUrl) -> bool:
    if not sys.stdin.isatty():
        raise Unconfirmed("a run pushes and opens a pull request: confirm it with --yes, or look first with --dry-run")
    console.say(f"This pushes a branch to {repo.slug} and opens a pull request.")
    return console.ask("Go on? [y/N] ").strip().lower() in ("y", "yes")
