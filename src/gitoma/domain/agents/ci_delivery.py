"""Where the commits that mend CI go: to the branch itself, or, where that is not for us to push to, a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import WorkingCopy
from gitoma.domain.agents.pull_text import fix_ci_pull
from gitoma.domain.agents.run_state import PREFIX
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import Branch


class Delivery:
    """Pushes, and proposes what may not be pushed.

    Args:
        copy: A working copy of the branch that fails.
        branch: That branch.
        hosted: The repository. Its default branch is not pushed to.
        direct: It is, because the operator said so.
        session: Where it is told.
        tools: The ports.

    Attributes:
        copy: The working copy to commit to.
        begun_at: The commit that fails.
        own: The branch of our own for what mends this very commit.
    """

    def __init__(
        self, copy: WorkingCopy, branch: Branch, hosted: HostedRepo, session: Session, tools: Toolbox, *, direct: bool
    ) -> None:
        assert copy.head is not None
        self.copy = copy
        self.begun_at = copy.head.sha
        self.own = Branch(f"{PREFIX}fix-ci-{self.begun_at[:7]}")
        self._branch = branch
        self._hosted = hosted
        self._session = session
        self._tools = tools
        self._proposes = branch.name == hosted.default_branch and not direct
        self._expect: str | None = None if self._proposes else self.begun_at
        self._has_own = False

    @property
    def proposes(self) -> bool:
        """Whether it goes to a branch of our own, as far as is known."""
        return self._proposes

    @property
    def target(self) -> Branch:
        """The branch that is pushed to."""
        return self.own if self._proposes else self._branch

    def go_on(self, copy: WorkingCopy) -> None:
        """Go on from the branch of our own, which an earlier call has pushed.

        Args:
            copy: A working copy of it.
        """
        assert copy.head is not None
        self.copy, self._expect = copy, copy.head.sha
        self._proposes = self._has_own = True

    def push(self, sha: str) -> None:
        """Push the newest commit; where the branch is protected, to a branch of our own instead.

        Raises:
            AgentError: Those of `WorkingCopy.push`, but for the first `protected`.
        """
        try:
            self.copy.push(self.target, expect=self._expect)
        except AgentError as error:
            if error.code is not Code.PROTECTED or self._proposes:
                raise
            self._session.say(f"{self._branch} is protected: proposing the fix instead")
            self._proposes, self._expect = True, None
            self.copy.push(self.target, expect=None)
        self._expect = sha
        self._has_own = self._proposes
        self._session.say(f"pushed {sha[:7]} to {self.target}")

    def propose(self, jobs: Sequence[str]) -> PullRequest | None:
        """Open the pull request for what is on the branch of our own; None where nothing is.

        Args:
            jobs: The names of the jobs that it mends.
        """
        if not self._has_own:
            return None
        new = fix_ci_pull(jobs, head=self.own.name, base=self._branch.name)
        pull = self._tools.host.open_pull(self._hosted.slug, new)
        self._session.say(f"proposed in {pull.url}")
        return pull
