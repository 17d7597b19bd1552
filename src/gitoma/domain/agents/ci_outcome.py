"""What has become of the failures of a branch: what is mended, what is left and why, and where the fixes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gitoma.domain.agents.ci_failures import names
from gitoma.domain.agents.cilog import SharedFailure
from gitoma.domain.agents.code_host import PullRequest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.session import Session
from gitoma.domain.repos.names import Branch


@dataclass(slots=True)
class Outcome:
    """What has been reached until now.

    Attributes:
        left: Why something is left, a reason each.
        fixed: What is mended, or would be.
        unsolved: How many failures no fix was found for; they are left, too.
        pushed: The branch that fixes were pushed to.
        pull: The pull request that proposes them.
    """

    left: list[str]
    fixed: list[SharedFailure] = field(default_factory=list)
    unsolved: int = 0
    pushed: Branch | None = None
    pull: PullRequest | None = None

    def leave(self, shared: SharedFailure) -> None:
        """No fix was found for a failure."""
        self.left.append(f"{names(shared)}: no fix was found")
        self.unsolved += 1

    def jobs(self, before: Sequence[SharedFailure]) -> list[str]:
        """The names of the jobs that are mended, with those that were before."""
        return [job.name for shared in (*before, *self.fixed) for job in shared.jobs]

    @property
    def fields(self) -> Mapping[str, object]:
        """The same, for the result."""
        return {
            "pushed": self.pushed.name if self.pushed else None,
            "pr": self.pull.number if self.pull else None,
            "url": self.pull.url if self.pull else None,
            "fixed": len(self.fixed),
            "failed": len(self.left),
        }

    def tell(self, session: Session, mended: str) -> None:
        """Say it, and write down what is left.

        Args:
            session: Where.
            mended: What is to be said of what was mended.
        """
        for reason in self.left:
            session.error(reason)
            session.say(f"not mended: {reason}")
        if self.fixed:
            session.say(f"{len(self.fixed)} of {self._total} failures {mended}")

    def error(self, reached: Mapping[str, object]) -> AgentError | None:
        """The error to end with; None where nothing is left."""
        if not self.left:
            return None
        code = Code.PARTIAL if self.fixed else Code.NO_FIX if self.unsolved else Code.NEEDS_HUMAN
        message = f"{len(self.left)} of {self._total} failures not mended"
        return AgentError(code, message, hint="the lines above say why", reached=reached)

    @property
    def _total(self) -> int:
        return len(self.fixed) + len(self.left)
