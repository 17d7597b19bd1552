"""The four commands that can be dispatched, and the arguments that each hands to the agent's command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gitoma.domain.repos.names import Branch, RepoUrl


@dataclass(frozen=True, slots=True)
class Run:
    """A full autonomous run: plan, edit, push, open a pull request."""

    label: ClassVar[str] = "run"

    repo: RepoUrl
    branch: Branch | None = None
    dry_run: bool = False

    def arguments(self) -> tuple[str, ...]:
        """`run URL --yes [--branch B] [--dry-run]`; `--yes` because nobody is there to be asked."""
        return ("run", self.repo.text, "--yes", *_branch(self.branch), *_flag("--dry-run", self.dry_run))


@dataclass(frozen=True, slots=True)
class Analyze:
    """A read-only analysis."""

    label: ClassVar[str] = "analyze"

    repo: RepoUrl

    def arguments(self) -> tuple[str, ...]:
        """`analyze URL`."""
        return ("analyze", self.repo.text)


@dataclass(frozen=True, slots=True)
class Review:
    """A review of the agent's pull request; with `integrate`, fixes are proposed and pushed."""

    label: ClassVar[str] = "review"

    repo: RepoUrl
    integrate: bool = False

    def arguments(self) -> tuple[str, ...]:
        """`review URL [--integrate]`."""
        return ("review", self.repo.text, *_flag("--integrate", self.integrate))


@dataclass(frozen=True, slots=True)
class FixCi:
    """The Reflexion agent: mend what fails on a branch."""

    label: ClassVar[str] = "fix-ci"

    repo: RepoUrl
    branch: Branch
    dry_run: bool = False

    def arguments(self) -> tuple[str, ...]:
        """`fix-ci URL --branch B [--dry-run]`."""
        return ("fix-ci", self.repo.text, *_branch(self.branch), *_flag("--dry-run", self.dry_run))


Command = Run | Analyze | Review | FixCi


def _branch(branch: Branch | None) -> tuple[str, ...]:
    return ("--branch", branch.name) if branch else ()


def _flag(name: str, wanted: bool) -> tuple[str, ...]:
    return (name,) if wanted else ()
