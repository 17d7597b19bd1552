"""`gitoma doctor`: is everything there that the agents need? One line for each thing, and what to do where it is not.

ok       git          git version 2.39.5
warning  github       GITHUB_TOKEN is not set
                      set it to a token that may …
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files import private_files
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.adapters.git import process
from gitoma.adapters.posix.process_table import PosixProcessTable
from gitoma.app import console
from gitoma.app.settings import VARIABLES, Settings, Variable, load
from gitoma.app.toolbox import Outside, code_host, language_model
from gitoma.domain.agents.advice import next_step, standing
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.agents.progress import printable
from gitoma.domain.errors import InvalidSetting
from gitoma.domain.health import Level
from gitoma.domain.jobs.redaction import Redactor, looks_like_a_credential
from gitoma.domain.repos.state import StorageRefused, liveness

ERROR_EXIT = 3

_GIT_LEAST = (2, 31)  # the first that takes settings from the environment, where we have the token
_GIT_VERSION = re.compile(r"git version (\d{1,4})\.(\d{1,4})")
_GIT_TIMEOUT_S = 10.0
_PATIENCE_S = 10.0  # for a server: whoever asks sits and waits
_MODELS_SHOWN = 8


class Finding(NamedTuple):
    """One line, and the one below it that says what to do; "" for none."""

    level: Level
    subject: str
    text: str
    hint: str = ""


def doctor() -> int:
    """Look at everything, say what was found, and return the exit code: 0 if nothing is an error."""
    try:
        settings = load(os.environ)
    except InvalidSetting as error:
        _say(Finding(Level.ERROR, "settings", str(error), "mend it, and ask again: nothing works before"), str)
        return ERROR_EXIT
    redact = Redactor(settings.secrets)
    worst = Level.OK
    for look in (_settings, _home, _git, _api, _github, _model, _runs):
        for finding in look(settings):
            _say(finding, redact)
            worst = Level.ERROR if Level.ERROR in (worst, finding.level) else worst
    return ERROR_EXIT if worst is Level.ERROR else 0


def _say(finding: Finding, redact: Callable[[str], str]) -> None:
    level, subject, text, hint = finding
    console.say(f"{level:<8} {subject:<10} {printable(redact(text))}")
    if hint:
        console.say(f"{'':<8} {'':<10} {printable(redact(hint))}")


def _settings(settings: Settings) -> Iterator[Finding]:
    """What was set, and where; all the rest has its default."""
    for variable in VARIABLES:
        source = settings.source(variable.field)
        if source != "default":
            yield Finding(Level.OK, "settings", f"{variable.name} {_shown(settings, variable)} (from {source})")
    defaults = sum(source == "default" for source in settings.sources.values())
    yield Finding(Level.OK, "settings", f"{defaults} others have their defaults")


def _shown(settings: Settings, variable: Variable) -> str:
    value = getattr(settings, variable.field)
    if variable.secret or variable.field == "agent_command":  # whose arguments may be credentials
        return "is set"
    return f"= {', '.join(map(str, value)) if isinstance(value, tuple) else value}"


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    try:
        private_files.ensure_folder(home)
        with tempfile.TemporaryFile(dir=home):
            mode = stat.S_IMODE(home.stat().st_mode)
    except OSError as error:
        hint = "set GITOMA_HOME to a folder that can be written: the agents cannot work without one"
        yield Finding(Level.ERROR, "home", f"{home} cannot be written: {error.strerror or error}", hint)
        return
    if mode & 0o077:
        yield Finding(Level.WARNING, "home", f"others can look into {home}", f"chmod 700 {home}")
    else:
        yield Finding(Level.OK, "home", str(home))


def _git(settings: Settings) -> Iterator[Finding]:
    del settings
    try:
        asked = process.run(("--version",), folder=Path("/"), variables=os.environ, timeout_s=_GIT_TIMEOUT_S)
    except AgentError as error:
        yield Finding(Level.ERROR, "git", str(error), error.hint)
        return
    said = asked.output.decode("utf-8", "replace").strip()
    version = _GIT_VERSION.match(said)
    if version is None:
        yield Finding(Level.ERROR, "git", f"what is on PATH as git does not answer as git does: {said[:80]}")
    elif (int(version[1]), int(version[2])) < _GIT_LEAST:
        yield Finding(
            Level.ERROR, "git", said, f"{'.'.join(map(str, _GIT_LEAST))} is the oldest that the agents can use"
        )
    else:
        yield Finding(Level.OK, "git", said)


def _api(settings: Settings) -> Iterator[Finding]:
    if settings.api_token is None:
        hint = "set it, or start with `gitoma serve --auto-token`; the command line needs none"
        yield Finding(Level.WARNING, "api", "GITOMA_API_TOKEN is not set, so the REST API answers 503", hint)
    elif not looks_like_a_credential(settings.api_token):
        text = "GITOMA_API_TOKEN can be guessed, and is not masked where a file has the same word"
        yield Finding(Level.WARNING, "api", text, "set it to something random, as `openssl rand -hex 32` makes it")
    else:
        yield Finding(Level.OK, "api", "the REST API has a token")


def _github(settings: Settings) -> Iterator[Finding]:
    if settings.github_token is None:
        hint = "only `analyze` of public repositories works: set it to a token that may push and open pull requests"
        yield Finding(Level.WARNING, "github", "GITHUB_TOKEN is not set", hint)
        return
    host = code_host(settings, _outside(settings))
    try:
        login = host.viewer()
    except AgentError as error:
        yield Finding(Level.ERROR, "github", f"{settings.github_api_url}: {error}", error.hint)
    else:
        who = f"the token is {login}'s" if login else "the token is nobody's, as those of apps are"
        yield Finding(Level.OK, "github", f"{settings.github_api_url}: {who}")


def _model(settings: Settings) -> Iterator[Finding]:
    try:
        facts = language_model(settings, _outside(settings)).facts()
    except AgentError as error:
        hint = error.hint or "start the model server, or set LM_STUDIO_BASE_URL"
        yield Finding(Level.ERROR, "model", f"{settings.lm_studio_base_url}: {error}", hint)
        return
    takes = f", which takes {facts.context_tokens} tokens" if facts.context_tokens else ""
    others = [model for model in facts.available if model != facts.model][:_MODELS_SHOWN]
    listed = f"; there are also {', '.join(others)}" if others else ""
    yield Finding(Level.OK, "model", f"{settings.lm_studio_base_url}: {facts.model} answers{takes}{listed}")


def _runs(settings: Settings) -> Iterator[Finding]:
    """Work that was begun, and that nobody goes on with."""
    try:
        states = StateFolder(settings.home / "state").all()  # those that cannot be read are told on standard error
    except StorageRefused as error:
        yield Finding(Level.ERROR, "runs", str(error), "see who owns the folder `state` in GITOMA_HOME")
        return
    now, processes, orphaned = datetime.now(UTC), PosixProcessTable(), 0
    for state in sorted(states, key=lambda state: state.slug):
        judged = liveness(state, now, process_is_alive=state.pid is not None and processes.is_alive(state.pid))
        if judged.is_orphaned:
            orphaned += 1
            text = f"the work on {state.slug} {standing(state, judged)} in {state.phase}"
            yield Finding(Level.WARNING, "runs", text, next_step(state, judged))
    if not orphaned:
        yield Finding(Level.OK, "runs", f"{len(states)} repositories known, none left behind in the middle of the work")


def _outside(settings: Settings) -> Outside:
    """Whoever asks a doctor sits and waits: what does not answer now is told as it is, and not tried again."""
    return Outside(
        clock=SystemClock(),
        sleep=lambda _: None,
        notice=lambda _: None,
        redact=Redactor(settings.secrets),
        remaining=lambda: _PATIENCE_S,
    )
