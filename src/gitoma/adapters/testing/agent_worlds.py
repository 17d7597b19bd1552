"""For the flows of the agents: all that is around them, in memory, and the toolbox of one process after another."""

from __future__ import annotations

from datetime import timedelta

from gitoma.adapters.testing.checkouts import A_TIME, CollectedProgress, Files, MemoryArtifacts, MemoryVersionControl
from gitoma.adapters.testing.code_hosts import ACME, MemoryCodeHost, MemoryRepo, hosted
from gitoma.adapters.testing.deaths import Fate, mortal
from gitoma.adapters.testing.run_states import MemoryHome, MemoryRunStates
from gitoma.adapters.testing.working_copies import MemoryCommit, MemoryRemote
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.budget import LIMITS, Budget, Limits
from gitoma.domain.agents.language_model import LanguageModel
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.clock import Clock, Instant
from gitoma.domain.jobs.redaction import Redactor
from gitoma.domain.repos.names import RepoUrl
from gitoma.domain.repos.state import RepoState, decode

URL = RepoUrl.parse(f"https://github.com/{ACME}")

CREDENTIAL = "open-sesame-4711"
"""The installation's credential: of no shape by which anybody would know it."""


class PassingClock(Clock):
    """A clock on which a little time passes whenever somebody looks, and as much as one likes in between."""

    STEP_S = 0.001

    def __init__(self) -> None:
        self._elapsed = 0.0

    def now(self) -> Instant:
        """The present moment."""
        self.pass_(self.STEP_S)
        return Instant(A_TIME + timedelta(seconds=self._elapsed), self._elapsed)

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self._elapsed += seconds


class AgentWorld:
    """A repository `ACME` with its code host, and a machine that agents run on.

    Args:
        branches: Its branches and their files; the first one is the default.
        repo: What the host knows of it besides.

    Attributes:
        vcs: The repository's files and commits.
        repo: What the host knows of it.
        host: The host.
        home: The states.
        artifacts: What is kept for people.
        clock: The time.
        progress: What the last process said.
        limits: What a process may spend.
    """

    def __init__(self, branches: dict[str, Files], repo: MemoryRepo | None = None) -> None:
        self.vcs = MemoryVersionControl({ACME: branches})
        self.repo = repo or MemoryRepo(hosted())
        self.host = MemoryCodeHost({ACME: self.repo})
        self.home = MemoryHome()
        self.artifacts = MemoryArtifacts()
        self.clock = PassingClock()
        self.progress = CollectedProgress()
        self.limits = LIMITS["run"]

    @property
    def remote(self) -> MemoryRemote:
        """The repository."""
        return self.vcs.remotes[ACME]

    @property
    def state(self) -> RepoState | None:
        """What is written down of the repository."""
        document = self.home.documents.get(ACME)
        return decode(document) if document is not None else None

    @property
    def states(self) -> list[RepoState]:
        """All that ever was, oldest first."""
        return [decode(document) for document in self.home.history]

    def commits(self, branch: str) -> list[MemoryCommit]:
        """The commits of a branch, newest first; none where there is no such branch."""
        commit = self.remote.branches.get(branch)
        return list(commit.history()) if commit else []

    def process(self, model: LanguageModel, fate: Fate | None = None, limits: Limits | None = None) -> Toolbox:
        """What another process is given.

        Args:
            model: What it asks.
            fate: When it dies; None: not before it has ended.
            limits: What it may spend, if not `self.limits`.
        """
        fate = fate or Fate()
        self.progress = CollectedProgress()
        redact = Redactor([CREDENTIAL])
        return Toolbox(
            vcs=mortal(self.vcs, fate, online=True),
            host=mortal(self.host, fate, online=True),
            has_token=True,
            model=mortal(model, fate),
            states=mortal(MemoryRunStates(self.progress, self.clock, self.home), fate),
            artifacts=mortal(self.artifacts, fate),
            yaml=PyYamlReader(),
            clock=self.clock,
            progress=self.progress,
            is_secret=redact.knows,
            mask=redact.mask,
            token_hex=lambda digits: "0123456789abcdef"[:digits],
            budget=Budget(limits or self.limits, self.clock),
        )
