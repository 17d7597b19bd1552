"""`fix-ci`: from what failed on a branch to a commit that mends it.

A fixer proposes, a critic judges, and CI itself is the last judge: it runs on what is pushed. A fix is written down
before it is pushed, so whoever asks again while CI has not looked at it yet is told so, and nothing is mended twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitoma.domain.agents import run_state
from gitoma.domain.agents.ci_delivery import Delivery
from gitoma.domain.agents.ci_failures import Failures, Runs, failures, names
from gitoma.domain.agents.ci_fixer import CiFixer
from gitoma.domain.agents.cilog import SharedFailure
from gitoma.domain.agents.code_host import CiRun, HostedRepo, PullRequest
from gitoma.domain.agents.commits import fix_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ModelFacts
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.ports import Checkout, WorkingCopy
from gitoma.domain.agents.progress import Step
from gitoma.domain.agents.session import Session, need_token, writable
from gitoma.domain.agents.shown_diff import show_diff
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Phase, RepoState

_LABEL = "FIX-CI"
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


def fix_ci(request: FixCiRequest, tools: Toolbox) -> Mapping[str, object]:
    """Do all of it, and return what it came to: the fields of the result.

    Raises:
        AgentError: Not everything that failed is mended; what was pushed stays, and is in the error.
    """
    slug = request.repo.slug
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma fix-ci {slug} branch={request.branch}"))
    need_token(tools)  # to read a log takes one, also in public repositories
    hosted = tools.host.repo(slug) if request.dry_run else writable(tools, slug)
    runs = Runs(tools.host.latest_runs(hosted.slug, request.branch.name))
    tools.progress.emit(Step(_LABEL, runs.summary(request.branch)))
    if not runs.failed:
        return _without_work(request, hosted, runs)
    facts = tools.model.facts()
    if request.dry_run:
        session = Session(None, RepoState(slug=hosted.slug, phase=Phase.IDLE), tools, _LABEL)
        return _Fix(request, tools, hosted, facts, session, runs).show()
    with tools.states.hold(hosted.slug, wait=tools.waits) as held:  # one lock, however the repository was spelled
        now = tools.clock.now().wall
        state = run_state.taken_up(held.load(), hosted.url, job_id=tools.job_id, now=now)
        session = Session(held, state, tools, _LABEL)
        with session.recorded():
            return _Fix(request, tools, hosted, facts, session, runs).mend()


def _without_work(request: FixCiRequest, hosted: HostedRepo, runs: Runs) -> Mapping[str, object]:
    facts = {"repo": str(hosted.slug), "branch": request.branch.name, "fixed": 0, "failed": len(runs.unstarted)}
    if runs.unstarted:
        raise AgentError(
            Code.NEEDS_HUMAN,
            f"the workflow {runs.unstarted[0].workflow} does not start on {request.branch}",
            hint="its file has an error; agents do not edit workflows",
            reached=facts,
        )
    return facts


class _Fix:
    """The failures of one branch: from their logs to commits."""

    def __init__(
        self,
        request: FixCiRequest,
        tools: Toolbox,
        hosted: HostedRepo,
        facts: ModelFacts,
        session: Session,
        runs: Runs,
    ) -> None:
        self._request = request
        self._tools = tools
        self._hosted = hosted
        self._session = session
        self._runs = runs
        self._url = hosted.url
        tools.budget.begin()
        self._model = MeteredModel(tools.model, tools.budget, tools.mask)
        self._fixer = CiFixer(self._model, facts, tools, session)
        self._fixed: list[SharedFailure] = []
        self._left = [f"{run.workflow}: it does not start; agents do not edit workflows" for run in runs.unstarted]
        self._pushed: Branch | None = None
        self._pull: PullRequest | None = None

    def show(self) -> Mapping[str, object]:
        """Mend nothing, and show how it would be done; returns what it came to."""
        try:
            with self._tools.vcs.clone(self._url, self._request.branch) as checkout:
                lines = self._diff_on(checkout)
        except AgentError as error:
            error.reached = self._reached()
            raise
        finally:
            self._keep_transcript()
        show_diff(lines, "fix-ci.diff", self._hosted.slug, self._tools)
        return self._concluded()

    def _diff_on(self, checkout: Checkout) -> list[str]:
        tree = Tree(checkout)
        lines: list[str] = []
        for shared in self._mendable(checkout, self._runs.failed):
            change = self._fixer.fix(shared, tree)
            if change is None:
                self._leave(shared)
            else:
                self._fixed.append(shared)
                tree = tree.with_change(change)
                lines += change.diff()
        return lines

    def mend(self) -> Mapping[str, object]:
        """Mend what can be, and push it; returns what it came to."""
        try:
            with self._tools.vcs.working_copy(self._url, self._request.branch) as copy:
                self._mend_on(copy)
        except AgentError as error:
            error.reached = self._reached()
            raise
        finally:
            self._keep_transcript()
        return self._concluded()

    def _mend_on(self, copy: WorkingCopy) -> None:
        delivery = Delivery(
            copy,
            self._request.branch,
            self._hosted,
            self._session,
            self._tools,
            direct=self._request.direct,
        )
        if delivery.finds_proposal():
            self._session.say(f"what fails at this commit was mended before, on {delivery.target}: CI judges it there")
            self._pull = delivery.propose([run.workflow for run in self._runs.failed])
            return
        try:
            for shared in self._mendable(copy, self._not_mended_yet(copy)):
                self._mend_one(shared, copy, delivery)
        except AgentError:
            self._propose(delivery)
            raise
        self._propose(delivery)

    def _mend_one(self, shared: SharedFailure, copy: WorkingCopy, delivery: Delivery) -> None:
        change = self._fixer.fix(shared, Tree(copy))
        if change is None:
            self._leave(shared)
            return
        job = shared.jobs[0]
        sha = copy.commit(change, fix_message(job.name, job.run_id))
        self._remember(shared, sha)
        delivery.push(sha)
        self._fixed.append(shared)
        self._pushed = delivery.target

    def _propose(self, delivery: Delivery) -> None:
        if self._fixed:
            self._pull = delivery.propose([job.name for shared in self._fixed for job in shared.jobs])

    def _not_mended_yet(self, copy: WorkingCopy) -> list[CiRun]:
        """The runs but for those whose fix is on the branch, where CI has not come to an end with it."""
        fixes = self._known_fixes()
        left = []
        for run in self._runs.failed:
            sha = fixes.get(str(run.id))
            if isinstance(sha, str) and copy.contains(sha):
                self._session.say(f"{run.workflow}: {sha[:7]} mends it and is pushed; CI has not ended on it yet")
            else:
                left.append(run)
        return left

    def _remember(self, shared: SharedFailure, sha: str) -> None:
        fixes = {**self._known_fixes(), **{str(job.run_id): sha for job in shared.jobs}}
        self._session.keep(ci_fixes=dict(list(fixes.items())[-_FIXES_KEPT:]))

    def _known_fixes(self) -> dict[str, object]:
        known = self._session.state.kept.get("ci_fixes")
        return dict(known) if isinstance(known, dict) else {}

    def _mendable(self, checkout: Checkout, runs: Sequence[CiRun]) -> Sequence[SharedFailure]:
        """The failures that are for us; the others are noted down as left."""
        found: Failures = failures(runs, self._hosted.slug, checkout, self._tools, self._session)
        self._left += found.left
        return found.mendable

    def _leave(self, shared: SharedFailure) -> None:
        self._left.append(f"{names(shared)}: no fix was found")

    def _reached(self) -> dict[str, object]:
        return {
            "repo": str(self._hosted.slug),
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

    def _concluded(self) -> Mapping[str, object]:
        for reason in self._left:
            self._session.error(reason)
            self._session.say(f"not mended: {reason}")
        mended = "would be mended" if self._request.dry_run else "mended; CI says whether it holds"
        total = len(self._fixed) + len(self._left)
        if self._fixed:
            self._session.say(f"{len(self._fixed)} of {total} failures {mended}")
        if not self._left:
            return self._reached()
        code = Code.PARTIAL if self._fixed else Code.NO_FIX if self._fixer.tried else Code.NEEDS_HUMAN
        raise AgentError(
            code,
            f"{len(self._left)} of {total} failures not mended",
            hint="the lines above say why",
            reached=self._reached(),
        )
