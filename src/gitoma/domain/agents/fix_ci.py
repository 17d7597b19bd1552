"""`fix-ci`: from what failed on a branch to a commit that mends it.

A fixer proposes, a critic judges, and CI itself is the last judge: it runs on what is pushed. A fix is written down
before it is pushed, so whoever asks again while CI has not looked at it yet is told so, nothing is mended twice, and
what was not mended is tried again. What people have closed is not proposed a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from gitoma.domain.agents import run_state
from gitoma.domain.agents.ci_delivery import Delivery
from gitoma.domain.agents.ci_failures import FailureReader, Runs, names
from gitoma.domain.agents.ci_fixer import CiFixer
from gitoma.domain.agents.ci_outcome import Outcome
from gitoma.domain.agents.ci_record import Record
from gitoma.domain.agents.cilog import SharedFailure
from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.commits import fix_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ModelFacts
from gitoma.domain.agents.ports import Checkout, HeldState
from gitoma.domain.agents.progress import Step
from gitoma.domain.agents.session import Session, need_token, writable
from gitoma.domain.agents.shown_diff import show_diff
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Phase, RepoState

_LABEL = "FIX-CI"


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
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma fix-ci {request.repo.slug} branch={request.branch}"))
    need_token(tools)  # to read a log takes one, also in public repositories
    hosted, runs = _look(request, tools)
    if not runs.all:
        _need_branch(request, hosted, tools)
    tools.progress.emit(Step(_LABEL, runs.summary(request.branch)))
    if not runs.failed:
        return _without_work(request, hosted, runs)
    facts = tools.model.facts()
    if request.dry_run:
        tools.budget.begin()
        session = Session(None, RepoState(slug=hosted.slug, phase=Phase.IDLE), tools, _LABEL)
        return _Fix(request, tools, hosted, facts, session, runs).show()
    with tools.states.hold(hosted.slug, wait=tools.waits) as held:  # one lock, however the repository was spelled
        tools.budget.begin()
        return _mended(request, tools, facts, held, runs)


def _mended(
    request: FixCiRequest, tools: Toolbox, facts: ModelFacts, held: HeldState, before: Runs
) -> Mapping[str, object]:
    """Look again, because whoever held the repository may have mended it meanwhile, and mend what fails now."""
    hosted, runs = _look(request, tools)
    if runs != before:
        tools.progress.emit(Step(_LABEL, runs.summary(request.branch)))
    if not runs.failed:
        return _without_work(request, hosted, runs)
    state = run_state.taken_up(held.load(), hosted.url, job_id=tools.job_id, now=tools.clock.now().wall)
    session = Session(held, state, tools, _LABEL)
    with session.recorded():
        return _Fix(request, tools, hosted, facts, session, runs).mend()


def _look(request: FixCiRequest, tools: Toolbox) -> tuple[HostedRepo, Runs]:
    """The repository, and its newest runs on the branch, as they are now."""
    slug = request.repo.slug
    hosted = tools.host.repo(slug) if request.dry_run else writable(tools, slug)
    return hosted, Runs(tuple(tools.host.latest_runs(hosted.slug, request.branch.name)))


def _need_branch(request: FixCiRequest, hosted: HostedRepo, tools: Toolbox) -> None:
    """End with `not_found` where the branch does not exist: of a misspelt one, the host just says that nothing ran."""
    try:
        with tools.vcs.clone(hosted.url, request.branch):
            pass  # to enter is to know
    except AgentError as error:
        error.reached = {"repo": str(hosted.slug), "branch": request.branch.name, "fixed": 0, "failed": 0}
        raise


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
        self._model = tools.metered_model()
        self._fixer = CiFixer(self._model, facts, tools, session)
        self._record = Record(session)
        unstarted = "it does not start; agents do not edit workflows"
        self._outcome = Outcome([f"{run.workflow}: {unstarted}" for run in runs.unstarted])
        session.facts = self._reached

    def show(self) -> Mapping[str, object]:
        """Mend nothing, and show how it would be done; returns what it came to."""
        with self._told(), self._tools.vcs.clone(self._hosted.url, self._request.branch) as checkout:
            lines = self._diff_on(checkout)
        show_diff(lines, "fix-ci.diff", self._hosted.slug, self._tools)
        return self._concluded()

    def _diff_on(self, checkout: Checkout) -> list[str]:
        tree = Tree(checkout)
        lines: list[str] = []
        head = checkout.head.sha if checkout.head else ""
        found = FailureReader(self._hosted.slug, head, self._tools, self._session).read(self._runs.failed, checkout)
        self._outcome.left += found.left
        for shared in found.mendable:
            change = self._fixer.fix(shared, tree)
            if change is None:
                self._outcome.leave(shared)
            else:
                self._outcome.fixed.append(shared)
                tree = tree.with_change(change)
                lines += change.diff()
        return lines

    def mend(self) -> Mapping[str, object]:
        """Mend what can be, and push it; returns what it came to."""
        with self._told(), ExitStack() as stack:
            self._mend_in(self._delivery(stack))
        return self._concluded()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """However the work in here ends: an error says what was reached, and what was tried is kept."""
        try:
            yield
        except AgentError as error:
            error.reached = self._reached()
            raise
        finally:
            self._keep_transcript()

    def _delivery(self, stack: ExitStack) -> Delivery:
        """Where fixes go: on from the branch of our own, if an earlier call has begun there."""
        base = stack.enter_context(self._tools.vcs.working_copy(self._hosted.url, self._request.branch))
        direct = self._request.direct
        delivery = Delivery(base, self._request.branch, self._hosted, self._session, self._tools, direct=direct)
        self._heed_rejection(delivery.own)
        if base.remote_sha(delivery.own) is not None:
            own = stack.enter_context(self._tools.vcs.working_copy(self._hosted.url, delivery.own))
            # Another branch may fail at the same commit; what was proposed for that one is none of this one's.
            if delivery.proposes or self._record.mends_any(self._runs.failed, own):
                delivery.go_on(own)
        return delivery

    def _heed_rejection(self, own: Branch) -> None:
        """End where people have closed what we proposed for this very commit: they do not want it a second time."""
        number = self._record.pull_of(own, self._request.branch)
        pull = self._pull_request(number) if number is not None else None
        if pull is None or pull.is_open or pull.is_merged or pull.head_branch != own.name:
            return
        self._outcome.pull = pull
        self._outcome.left += [f"{run.workflow}: its fix was rejected in #{pull.number}" for run in self._runs.failed]
        raise AgentError(
            Code.NEEDS_HUMAN,
            f"#{pull.number} proposed a fix of this commit, and was closed without being merged",
            hint="reopen it, or mend this by hand: what fails at a later commit is looked at anew",
        )

    def _pull_request(self, number: int) -> PullRequest | None:
        try:
            return self._tools.host.pull(self._hosted.slug, number)
        except AgentError as error:
            if error.code is not Code.NOT_FOUND:
                raise
            return None  # of a repository that had this name before

    def _mend_in(self, delivery: Delivery) -> None:
        reader = FailureReader(
            self._hosted.slug,
            delivery.begun_at,
            self._tools,
            self._session,
            lambda shared: self._record.fix_of(shared, delivery.copy),
        )
        found = reader.read(self._runs.failed, delivery.copy)
        self._outcome.left += found.left
        mended = [shared for shared, _ in found.mended]
        for shared, sha in found.mended:
            self._session.say(f"{names(shared)}: {sha[:7]} on {delivery.target} mends it; CI has not ended on it yet")
        try:
            for shared in found.mendable:
                self._mend_one(shared, delivery)
        except AgentError:
            self._propose(delivery, mended)
            raise
        self._propose(delivery, mended)

    def _mend_one(self, shared: SharedFailure, delivery: Delivery) -> None:
        change = self._fixer.fix(shared, Tree(delivery.copy))
        if change is None:
            self._outcome.leave(shared)
            return
        job = shared.jobs[0]
        sha = delivery.copy.commit(change, fix_message(job.name, job.run_id))
        self._record.keep_fix(shared, sha)
        delivery.push(sha)
        self._outcome.fixed.append(shared)
        self._outcome.pushed = delivery.target

    def _propose(self, delivery: Delivery, before: Sequence[SharedFailure]) -> None:
        pull = delivery.propose(self._outcome.jobs(before))
        if pull is not None:
            self._outcome.pull = pull
            self._record.keep_pull(delivery.own, self._request.branch, pull.number)

    def _reached(self) -> dict[str, object]:
        about = {"repo": str(self._hosted.slug), "branch": self._request.branch.name}
        return {**about, **self._outcome.fields, **self._model.budget.spent}

    def _keep_transcript(self) -> None:
        place = self._fixer.keep_transcript()
        if place:
            self._session.detail(f"what was tried is in {place}")

    def _concluded(self) -> Mapping[str, object]:
        mended = "would be mended" if self._request.dry_run else "mended; CI says whether it holds"
        self._outcome.tell(self._session, mended)
        error = self._outcome.error(self._reached())
        if error is not None:
            raise error
        return self._reached()
