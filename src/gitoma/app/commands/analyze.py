"""`gitoma analyze`: of a repository on GitHub, or of a checkout on this machine."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.artifacts import FileArtifacts
from gitoma.adapters.git.cli import GitCli
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.app.commands import agent_process
from gitoma.app.settings import load, without_credentials
from gitoma.domain.agents.analyze import Subject, Tools
from gitoma.domain.agents.analyze import analyze as judge
from gitoma.domain.agents.ports import Checkout, VersionControl
from gitoma.domain.agents.progress import Step
from gitoma.domain.errors import InvalidName
from gitoma.domain.jobs.redaction import Redactor
from gitoma.domain.repos.names import RepoUrl

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[\w.-]+@[\w.-]+:")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def analyze(target: str) -> int:
    """Judge `target`, a GitHub URL or a folder in a checkout, and return the exit code.

    Raises:
        InvalidName: It is neither.
        InvalidSetting: A setting makes no sense.
    """
    settings = load(os.environ)
    repo = _repo(target)

    def work(progress: agent_process.ConsoleProgress) -> agent_process.Reached:
        git = GitCli(
            work=settings.home / "work",
            variables=without_credentials(os.environ),
            token=settings.github_token,
            redact=Redactor(settings.secrets),
            notice=lambda line: progress.emit(Step("ANALYZING", line)),
        )
        tools = Tools(PyYamlReader(), SystemClock(), progress, FileArtifacts(settings.home / "artifacts"))
        return judge(*_source(repo, target, git), tools).reached

    return agent_process.run("analyze", settings, work)


def _repo(target: str) -> RepoUrl | None:
    """The repository, or None for a folder."""
    if _ADDRESS.match(target):
        return RepoUrl.parse(target)
    if not target or not Path(target).is_dir():
        raise InvalidName("TARGET must be https://github.com/<owner>/<repo>, or a folder in a checkout")
    return None


def _source(repo: RepoUrl | None, target: str, git: VersionControl) -> tuple[Subject, AbstractContextManager[Checkout]]:
    if repo is not None:
        return Subject(str(repo.slug), repo.slug.file_stem, "cloned"), git.clone(repo)
    path = Path(target).resolve()
    return Subject(path.name or "/", _local_key(path), "read"), git.local(str(path))


def _local_key(path: Path) -> str:
    """A folder of artifacts for a checkout: no owner's name begins with "_", so it is no repository's."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
    return f"_local__{_UNSAFE.sub('_', path.name)[:100]}-{digest}"
