"""What failed on a branch: which runs, and, from the logs of their jobs, which different failures.

What agents cannot mend is said with its reason, and counts as left: nobody shall take a branch for mended that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.cilog import Failure, SharedFailure, collapse, failure_of
from gitoma.domain.agents.code_host import CiJob, CiRun
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import Checkout
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, Slug

FAILURES_MAX = 3
"""How many different failures one job mends."""

LOGS_MAX = 10
"""How many logs are read to find them, of each run in turn: a matrix fails in all its cells at once."""

_FIXABLE = frozenset({"failure", "timed_out"})


@dataclass(frozen=True, slots=True)
class Runs:
    """The newest run of each workflow on a branch.

    Attributes:
        all: All of them, newest first.
    """

    all: Sequence[CiRun]

    @property
    def failed(self) -> list[CiRun]:
        """Those that failed in a way that a change of files may mend."""
        return [run for run in self.all if run.conclusion in _FIXABLE]

    @property
    def unstarted(self) -> list[CiRun]:
        """Those whose workflow has an error, so that no job of theirs ran."""
        return [run for run in self.all if run.conclusion == "startup_failure"]

    @property
    def running(self) -> list[CiRun]:
        """Those that have not ended."""
        return [run for run in self.all if run.conclusion is None]

    def summary(self, branch: Branch) -> str:
        """What there is to do, in a line."""
        if self.failed or self.unstarted:
            return f"failed on {branch}: {_workflows([*self.failed, *self.unstarted])}"
        if self.running:
            return f"nothing to fix yet: still running on {branch}: {_workflows(self.running)}"
        if self.all:
            return f"nothing to fix: no workflow failed when it last ran on {branch}"
        return f"nothing to fix: CI has never run on a branch {branch}"


def _workflows(runs: Sequence[CiRun]) -> str:
    return ", ".join(run.workflow for run in runs)


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed.

    Attributes:
        mendable: The different failures that an agent may mend, at most `FAILURES_MAX`.
        mended: Those whose fix is there already, each with its commit.
        left: Why something is left to people, a reason each.
    """

    mendable: tuple[SharedFailure, ...]
    mended: tuple[tuple[SharedFailure, str], ...]
    left: tuple[str, ...]


class FailureReader:
    """Reads what failed.

    Args:
        slug: The repository.
        head: Where the branch that fails points to.
        tools: The ports.
        session: Where it is told.
        fix_of: The commit that mends a failure, if there is one already.
    """

    def __init__(
        self,
        slug: Slug,
        head: str,
        tools: Toolbox,
        session: Session,
        fix_of: Callable[[SharedFailure], str | None] = lambda _: None,
    ) -> None:
        self._slug = slug
        self._head = head
        self._host = tools.host
        self._session = session
        self._fix_of = fix_of
        self._left: list[str] = []

    def read(self, runs: Sequence[CiRun], checkout: Checkout) -> Failures:
        """Read what failed, once.

        Args:
            runs: The runs that failed.
            checkout: The files that it is to be mended in.

        Raises:
            AgentError: What the host says; a log that is gone is left.
        """
        mendable: list[SharedFailure] = []
        mended: list[tuple[SharedFailure, str]] = []
        for shared in collapse(list(self._logs(self._jobs(runs), Tree(checkout)))):
            sha = self._fix_of(shared)
            reason = _not_for_agents(shared.failure)
            if sha is not None:
                mended.append((shared, sha))
            elif reason is not None:
                self._left.append(f"{names(shared)}: {reason}")
            elif len(mendable) == FAILURES_MAX:
                self._left.append(f"{names(shared)}: one failure too many for one job")
            else:
                mendable.append(shared)
        return Failures(tuple(mendable), tuple(mended), tuple(self._left))

    def _jobs(self, runs: Sequence[CiRun]) -> Sequence[CiJob]:
        """The jobs whose logs are read: one of each run in turn, so that no matrix hides another workflow."""
        by_run = [self._jobs_of(run) for run in runs]
        jobs = [job for turn in zip_longest(*by_run) for job in turn if job is not None]
        read, unread = jobs[:LOGS_MAX], jobs[LOGS_MAX:]
        if unread:
            self._left.append(f"{_jobs_in_short(unread)}: not looked at; one job reads {LOGS_MAX} logs")
        if read:
            self._session.step(f"reading why they failed: {', '.join(job.name for job in read)}")
        return read

    def _jobs_of(self, run: CiRun) -> Sequence[CiJob]:
        if run.head_sha != self._head:
            detail = f"{run.workflow} ran on {run.head_sha[:7]}; the branch is at {self._head[:7]} meanwhile"
            self._session.detail(detail)
        jobs = self._host.failed_jobs(self._slug, run.id)
        if not jobs:
            self._left.append(f"{run.workflow}: it failed, but none of its jobs did; run it again")
        return jobs

    def _logs(self, jobs: Sequence[CiJob], tree: Tree) -> Iterator[tuple[CiJob, Failure]]:
        for job in jobs:
            try:
                log = self._host.job_log(self._slug, job.id)
            except AgentError as error:
                if error.code is not Code.NOT_FOUND:
                    raise
                self._left.append(f"{job.name}: its log is gone; run it again")
            else:
                yield job, failure_of(log, tree.paths, partial(_text, tree))


def _not_for_agents(failure: Failure) -> str | None:
    if failure.in_workflow:
        return "the workflow itself fails, which only people mend"
    return None if failure.files else "its log names no file of the repository"


def _text(tree: Tree, path: str) -> str | None:
    found = tree.read(path)
    return None if isinstance(found, Refusal) else found


def names(shared: SharedFailure) -> str:
    """The jobs that ended with a failure, in a few words."""
    return _jobs_in_short(shared.jobs)


def _jobs_in_short(jobs: Sequence[CiJob]) -> str:
    first, *others = (job.name for job in jobs)
    return f"{first} and {len(others)} more" if others else first
