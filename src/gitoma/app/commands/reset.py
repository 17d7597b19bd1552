"""`gitoma reset`: forget what an agent wrote down of a repository. What it pushed stays where it is."""

from __future__ import annotations

import os

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.app import console
from gitoma.app.commands.agent_process import ConsoleProgress
from gitoma.app.settings import load
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.jobs.redaction import Redactor
from gitoma.domain.repos.names import RepoUrl


def reset(repo: RepoUrl) -> int:
    """Delete the state of `repo`, readable or not, and return the exit code; no one else may be at work on it.

    Raises:
        InvalidSetting: A setting makes no sense.
        StorageRefused: There is a state, and it cannot be deleted.
    """
    settings = load(os.environ)
    folder = settings.home / "state"
    states = FileRunStates(folder, progress=ConsoleProgress(Redactor(settings.secrets)), clock=SystemClock())
    try:
        with states.hold(repo.slug, wait=False):
            was_there = StateFolder(folder).delete(repo.slug)
    except AgentError as error:
        console.complain(f"gitoma reset: {error}")
        console.complain(f"  {error.hint}")
        return error.code.exit_code
    if was_there:
        console.say(f"deleted what was written down of {repo.slug}; branches and pull requests stay as they are")
    else:
        console.say(f"nothing is written down of {repo.slug}")
    return 0
