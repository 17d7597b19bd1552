"""`fix-ci`: from what failed on a branch to a commit that mends it.

A fixer proposes, a critic judges, and CI itself is the last judge: it runs on what is pushed. A fix is written down
before it is pushed, so whoever asks again while CI has not looked at it yet is told so, and nothing is mended twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gitoma.domain.agents import run_state
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.ci_delivery import Delivery
from gitoma.domain.agents.ci_fixer import CiFixer
from gitoma.domain.agents.cilog import SharedFailure, collapse, failure_of
from gitoma.domain.agents.code_host import CiJob, CiRun, HostedRepo, PullRequest
from gitoma.domain.agents.commits import fix_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ModelFacts
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.ports import Checkout, WorkingCopy
from gitoma.domain.agents.progress import Result, Step
from gitoma.domain.agents.session import Session, need_token, writable
from gitoma.domain.agents.shown_diff import show_diff
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Phase, RepoState

FAILURES_MAX = 3
"""How many different failures one job mends."""

LOGS_MAX = 10
"""How many logs are read to find them: a matrix fails in all its cells at once."""

_LABEL = "FIX-CI"
_FIXABLE = frozenset({"failure", "timed_out"})
_FIXES_KEPT = 50  # commits that are remembered, by their CI runs


@dataclass(frozen=True, slots=True)
class FixCiRequest:
    """What is asked for.

    Attributes:
        repo: The repository.
        branch: The branch whose CI fails.
        dry_run: Show the diff, and commit nothing.
        direct: Push to the branch also if it is the default one.
    """

    repo: RepoUrl
    branch: Branch
    dry_run: bool = False
    direct: bool = False


def fix_ci(request: FixCiRequest, tools: Toolbox) -> None:
    """Do all of it, and end with the result.

    Raises:
        AgentError: Not everything that failed is mended; what was pushed stays, and is in the error.
    """
    slug = request.repo.slug
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma fix-ci {slug} branch={request.branch}"))
    need_token(tools)  # to read a log takes one, also in public repositories
    hosted = tools.host.repo(slug) if request.dry_run else writable(tools, slug)
    runs = _failed(tools.host.latest_runs(slug, request.branch.name), request, tools)
    if not runs:
        _emit_nothing(request, tools)
        return
    facts = tools.model.facts()
    if request.dry_run:
        session = Session(None, RepoState(slug=slug, phase=Phase.IDLE), tools, _LABEL)
        _Fix(request, tools, hosted, facts, session, runs).show()
        return
    with tools.states.hold(slug, wait=tools.waits) as held:
        now = tools.clock.now().wall
        state = run_state.taken_up(held.load(), request.repo, job_id=tools.job_id, now=now)
        session = Session(held, state, tools, _LABEL)
        with session.recorded():
            _Fix(request, tools, hosted, facts, session, runs).mend()


def _failed(runs: Sequence[CiRun], request: FixCiRequest, tools: Toolbox) -> list[CiRun]:
    """The runs that failed in a way that a change of files may mend.

    Raises:
        AgentError: `needs_human`: all that failed did not even start.
    """
    failed = [run for run in runs if run.conclusion in _FIXABLE]
    unstarted = [run.workflow for run in runs if run.conclusion == "startup_failure"]
    if unstarted and not failed:
        raise AgentError(
            Code.NEEDS_HUMAN,
            f"the workflow {unstarted[0]} does not start on {request.branch}",
            hint="its file has an error; agents do not edit workflows",
        )
    running = [run.workflow for run in runs if run.conclusion is None]
    if failed:
        text = f"failed on {request.branch}: {', '.join(run.workflow for run in failed)}"
    elif running:
        text = f"nothing to fix yet: {', '.join(running)} still runs on {request.branch}"
    elif runs:
        text = f"nothing to fix: CI passes on {request.branch}"
    else:
        text = f"nothing to fix: CI has never run on a branch {request.branch}"
    tools.progress.emit(Step(_LABEL, text))
    return failed


def _emit_nothing(request: FixCiRequest, tools: Toolbox) -> None:
    facts = {"repo": str(request.repo.slug), "branch": request.branch.name, "fixed": 0, "failed": 0}
    tools.progress.emit(Result({"kind": "fix-ci", "exit": 0, **facts}))


class _Fix:
    """The failures of one branch: from their logs to commits."""

    def __init__(
        self,
        request: FixCiRequest,
        tools: Toolbox,
        hosted: HostedRepo,
        facts: ModelFacts,
        session: Session,
        runs: Sequence[CiRun],
    ) -> None:
        self._request = request
        self._tools = tools
        self._hosted = hosted
        self._session = session
        self._runs = runs
        self._url = RepoUrl.parse(f"https://github.com/{hosted.slug}")
        tools.budget.begin()
        self._model = MeteredModel(tools.model, tools.budget, tools.mask)
        self._fixer = CiFixer(self._model, facts, tools, session)
        self._fixed: list[SharedFailure] = []
        self._left: list[str] = []  # why something is not mended, a reason each
        self._pushed: Branch | None = None
        self._pull: PullRequest | None = None

    def show(self) -> None:
        """Mend nothing, and show how it would be done."""
        lines: list[str] = []
        with self._tools.vcs.clone(self._url, self._request.branch) as checkout:
            tree = Tree(checkout)
            for shared in self._failures(checkout, self._runs):
                change = self._fixer.fix(shared, tree)
                if change is None:
                    self._left.append(f"{_names(shared)}: no fix was found")
                else:
                    self._fixed.append(shared)
                    tree = tree.with_change(change)
                    lines += change.diff()
        show_diff(lines, "fix-ci.diff", self._request.repo.slug, self._tools)
        self._keep_transcript()
        self._conclude()

    def mend(self) -> None:
        """Mend what can be, and push it."""
        try:
            with self._tools.vcs.working_copy(self._url, self._request.branch) as copy:
                self._mend_on(copy)
        except AgentError as error:
            error.reached = self._reached()
            raise
        finally:
            self._keep_transcript()
        self._conclude()

    def _mend_on(self, copy: WorkingCopy) -> None:
        delivery = Delivery(
            copy,
            self._request.branch,
            self._hosted,
            self._session,
            self._tools,
            direct=self._request.direct,
        )
        if delivery.is_done_already:
            self._session.say(f"what fails at this commit was mended before, on {delivery.target}")
            self._pull = delivery.propose([run.workflow for run in self._runs])
            return
        try:
            for shared in self._failures(copy, self._not_mended_yet(copy)):
                self._mend_one(shared, copy, delivery)
        finally:
            if self._fixed:
                self._pull = delivery.propose([job.name for shared in self._fixed for job in shared.jobs])

    def _mend_one(self, shared: SharedFailure, copy: WorkingCopy, delivery: Delivery) -> None:
        change = self._fixer.fix(shared, Tree(copy))
        if change is None:
            self._left.append(f"{_names(shared)}: no fix was found")
            return
        job = shared.jobs[0]
        sha = copy.commit(change, fix_message(job.name, job.run_id))
        self._remember(shared, sha)
        delivery.push(sha)
        self._fixed.append(shared)
        self._pushed = delivery.target

    def _not_mended_yet(self, copy: WorkingCopy) -> list[CiRun]:
        """The runs but for those whose fix is on the branch, where CI has not come to an end with it."""
        known = self._session.state.kept.get("ci_fixes")
        fixes = known if isinstance(known, dict) else {}
        left = []
        for run in self._runs:
            sha = fixes.get(str(run.id))
            if isinstance(sha, str) and copy.contains(sha):
                self._session.say(f"{run.workflow}: {sha[:7]} mends it and is pushed; CI has not ended on it yet")
            else:
                left.append(run)
        return left

    def _remember(self, shared: SharedFailure, sha: str) -> None:
        known = self._session.state.kept.get("ci_fixes")
        fixes = {**(known if isinstance(known, dict) else {}), **{str(job.run_id): sha for job in shared.jobs}}
        self._session.keep(ci_fixes=dict(list(fixes.items())[-_FIXES_KEPT:]))

    def _failures(self, checkout: Checkout, runs: Sequence[CiRun]) -> list[SharedFailure]:
        """The different failures that an agent may mend; the others are noted down as left."""
        head = checkout.head.sha if checkout.head else ""
        tree = Tree(checkout)
        jobs: list[CiJob] = []
        for run in runs:
            if run.head_sha != head:
                self._session.detail(f"{run.workflow} ran on {run.head_sha[:7]}; the branch is at {head[:7]} meanwhile")
            jobs += self._tools.host.failed_jobs(self._hosted.slug, run.id)
        if len(jobs) > LOGS_MAX:
            self._session.detail(f"{len(jobs)} jobs failed; looking at the first {LOGS_MAX}")
        logs = [(job, self._tools.host.job_log(self._hosted.slug, job.id)) for job in jobs[:LOGS_MAX]]
        shared = collapse((job, failure_of(log, tree.paths, partial(_text, tree))) for job, log in logs)
        mendable = [each for each in shared if self._is_for_agents(each)]
        self._left += [f"{_names(each)}: one failure too many for one job" for each in mendable[FAILURES_MAX:]]
        return mendable[:FAILURES_MAX]

    def _is_for_agents(self, shared: SharedFailure) -> bool:
        if shared.failure.in_workflow:
            self._left.append(f"{_names(shared)}: the workflow itself fails, which only people mend")
        elif not shared.failure.files:
            self._left.append(f"{_names(shared)}: its log names no file of the repository")
        else:
            return True
        return False

    def _reached(self) -> dict[str, object]:
        return {
            "repo": str(self._request.repo.slug),
            "branch": self._request.branch.name,
            "pushed": self._pushed.name if self._pushed else None,
            "pr": self._pull.number if self._pull else None,
            "url": self._pull.url if self._pull else None,
            "fixed": len(self._fixed),
            "failed": len(self._left),
            **self._model.budget.spent,
        }

    def _keep_transcript(self) -> None:
        place = self._fixer.keep_transcript()
        if place:
            self._session.detail(f"what was tried is in {place}")

    def _conclude(self) -> None:
        for reason in self._left:
            self._session.error(reason)
            self._session.say(f"not mended: {reason}")
        if not self._left:
            self._tools.progress.emit(Result({"kind": "fix-ci", "exit": 0, **self._reached()}))
            return
        tried = self._fixer.tried
        code = Code.PARTIAL if self._fixed else Code.NO_FIX if tried else Code.NEEDS_HUMAN
        raise AgentError(
            code,
            f"{len(self._fixed)} of {len(self._fixed) + len(self._left)} failures mended",
            hint="the lines above say why the others are not",
            reached=self._reached(),
        )


def _text(tree: Tree, path: str) -> str | None:
    found = tree.read(path)
    return None if isinstance(found, Refusal) else found


def _names(shared: SharedFailure) -> str:
    first, *others = (job.name for job in shared.jobs)
    return f"{first} and {len(others)} more" if others else first
