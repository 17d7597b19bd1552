"""The repository on the code host: where its branches point to, and how one of them is moved forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gitoma.adapters.git import failures, process
from gitoma.adapters.git.environment import ORIGIN
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Branch, Slug


@dataclass(frozen=True, slots=True)
class Remote:
    """One repository, seen from a clone of it.

    Args:
        slug: Which one.
        folder: The clone.
        variables: The environment of commands that use the network, credentials and all.
        redact: Takes credentials out of a line.
        timeout_s: How long a push, or a look, may take.
    """

    slug: Slug
    folder: Path
    variables: Mapping[str, str]
    redact: Callable[[str], str]
    timeout_s: float

    def sha(self, branch: Branch) -> str | None:
        """Where the branch points to now; None if there is none.

        Raises:
            AgentError: See `WorkingCopy.remote_sha`.
        """
        ref = _ref(branch)
        ended = self._git("ls-remote", "--", self._address, ref)
        if ended.code != 0:
            raise failures.of_lookup(str(self.slug), ended, self.timeout_s, self.redact)
        records = (line.split("\t") for line in ended.output.decode("utf-8", "replace").splitlines())
        return next(
            (record[0] for record in records if record[1:] == [ref]), None
        )  # git matches the ends of names, too

    def push(self, sha: str, branch: Branch, expect: str | None) -> None:
        """Make the branch point to `sha`, if it points to `expect` at that very moment, or does not exist.

        Args:
            sha: A commit of the clone that comes after `expect`; whoever calls has made sure of that.
            branch: The branch.
            expect: Where it points to; None: it does not exist.

        Raises:
            AgentError: See `WorkingCopy.push`.
        """
        # Without a lease, git would also move a branch that somebody made, or set back, since we looked, if only ours
        # comes after it. With one the server compares: it moves the branch from `expect`, or not at all. A lease also
        # switches off git's own test for a fast forward, so it is taken only where that is certain: `sha` comes after
        # `expect`. There is no "+" and no --force: whatever else the branch points to by then, the push is refused.
        ref = _ref(branch)
        options = ("--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no")
        lease = f"--force-with-lease={ref}:{expect or ''}"
        ended = self._git("push", *options, lease, "--", self._address, f"{sha}:{ref}")
        if ended.code == 0:
            return
        error = failures.of_push(str(self.slug), ended, self.timeout_s, self.redact)
        if error.code is Code.BRANCH_MOVED:
            raise self.moved(branch, is_new=expect is None, details=error.details)
        # An answer that was lost says nothing of what it would have said: the branch does.
        if error.code is not Code.NETWORK or not self._has_arrived(sha, branch):
            raise error

    def moved(self, branch: Branch, *, is_new: bool, details: tuple[str, ...] = ()) -> AgentError:
        """The error for a branch that does not point to what it should; a new one should not be there."""
        if is_new:
            message, hint = f"{self.slug} has a branch {branch} already", "choose another name for the branch"
            return AgentError(Code.BRANCH_EXISTS, message, hint=hint, details=details)
        message, hint = f"the branch {branch} has moved meanwhile", "start again from the branch as it is"
        return AgentError(Code.BRANCH_MOVED, message, hint=hint, details=details)

    @property
    def _address(self) -> str:
        return f"{ORIGIN}/{self.slug}"

    def _has_arrived(self, sha: str, branch: Branch) -> bool:
        try:
            return self.sha(branch) == sha
        except AgentError:  # the network is still gone; what went wrong first is what is told
            return False

    def _git(self, *arguments: str) -> process.Completed:
        return process.run(arguments, folder=self.folder, variables=self.variables, timeout_s=self.timeout_s)


def _ref(branch: Branch) -> str:
    return f"refs/heads/{branch}"
