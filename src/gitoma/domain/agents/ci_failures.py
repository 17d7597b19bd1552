"""What failed on a branch: which runs, and, from the logs of their jobs, which different failures.

What agents cannot mend is said with its reason, and counts as left: nobody shall take a branch for mended that is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

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
"""How many logs are read to find them: a matrix fails in all its cells at once."""

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
        left: Why something is left to people, a reason each.
    """

    mendable: tuple[SharedFailure, ...]
    left: tuple[str, ...]


def failures(runs: Sequence[CiRun], slug: Slug, checkout: Checkout, tools: Toolbox, session: Session) -> Failures:
    """Read what failed.

    Args:
        runs: The runs that failed.
        slug: The repository.
        checkout: The branch as it is.
        tools: The ports.
        session: Where it is told.

    Raises:
        AgentError: What the host says; a log that is gone is left.
    """
    left: list[str] = []
    read = list(_read(runs, slug, checkout, tools, session, left))
    mendable: list[SharedFailure] = []
    for shared in collapse(read):
        reason = _not_for_agents(shared.failure)
        if reason is None and len(mendable) == FAILURES_MAX:
            reason = "one failure too many for one job"
        if reason is None:
            mendable.append(shared)
        else:
            left.append(f"{names(shared)}: {reason}")
    return Failures(tuple(mendable), tuple(left))


def _read(
    runs: Sequence[CiRun], slug: Slug, checkout: Checkout, tools: Toolbox, session: Session, left: list[str]
) -> Iterator[tuple[CiJob, Failure]]:
    tree = Tree(checkout)
    for job in _jobs(runs, slug, checkout, tools, session):
        try:
            log = tools.host.job_log(slug, job.id)
        except AgentError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            left.append(f"{job.name}: its log is gone; run it again")
        else:
            yield job, failure_of(log, tree.paths, partial(_text, tree))


def _jobs(runs: Sequence[CiRun], slug: Slug, checkout: Checkout, tools: Toolbox, session: Session) -> Sequence[CiJob]:
    head = checkout.head.sha if checkout.head else ""
    jobs: list[CiJob] = []
    for run in runs:
        if run.head_sha != head:
            session.detail(f"{run.workflow} ran on {run.head_sha[:7]}; the branch is at {head[:7]} meanwhile")
        jobs += tools.host.failed_jobs(slug, run.id)
    if len(jobs) > LOGS_MAX:
        session.detail(f"{len(jobs)} jobs failed; looking at the first {LOGS_MAX}")
    if jobs:
        session.step(f"reading why they failed: {', '.join(job.name for job in jobs[:LOGS_MAX])}")
    return jobs[:LOGS_MAX]


def _not_for_agents(failure: Failure) -> str | None:
    if failure.in_workflow:
        return "the workflow itself fails, which only people mend"
    return None if failure.files else "its log names no file of the repository"


def _text(tree: Tree, path: str) -> str | None:
    found = tree.read(path)
    return None if isinstance(found, Refusal) else found


def names(shared: SharedFailure) -> str:
    """The jobs that ended with a failure, in a few words."""
    first, *others = (job.name for job in shared.jobs)
    return f"{first} and {len(others)} more" if others else first
