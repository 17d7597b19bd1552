"""`run`: analyse, plan, edit, push, and open a pull request.

Each task is committed and pushed before the next begins, and its commit is written down before it is pushed: a run that
is killed at any point goes on at its first task that is not on the branch, and pushes nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from gitoma.domain.agents import plan as plans
from gitoma.domain.agents import run_state
from gitoma.domain.agents.analyze import examine, metric_report, shown
from gitoma.domain.agents.code_host import HostedRepo
from gitoma.domain.agents.commits import commit_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.catalogue import FRESH_COMMITS
from gitoma.domain.agents.health.score import Report
from gitoma.domain.agents.language_model import ModelFacts
from gitoma.domain.agents.plan import Plan, Status, Subtask
from gitoma.domain.agents.planning import analyze_and_plan
from gitoma.domain.agents.ports import HeldState, WorkingCopy
from gitoma.domain.agents.progress import Step
from gitoma.domain.agents.pull_text import pull_request
from gitoma.domain.agents.run_state import Fresh, Refuse, Resume, decide_start, reconciled
from gitoma.domain.agents.session import Session, writable
from gitoma.domain.agents.task import Worker
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.errors import InvalidName
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Phase, RepoState


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is asked for.

    Attributes:
        repo: The repository.
        branch: The branch to work on; None: a new one.
        base: The branch to start from, and that the pull request goes to; None: that of the unfinished run
            where going on is asked for, else the default one.
        resume: Go on with the unfinished run, or refuse.
        fresh: Start anew, whatever is unfinished.
        critic: Have each change judged.
    """

    repo: RepoUrl
    branch: Branch | None = None
    base: Branch | None = None
    resume: bool = False
    fresh: bool = False
    critic: bool = False


def run(request: RunRequest, tools: Toolbox) -> Mapping[str, object]:
    """Do all of it, and return what it came to: the fields of the result.

    Raises:
        AgentError: It ended without success; what was pushed by then stays, and is in the error.
    """
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma run {request.repo.slug}"))
    hosted = writable(tools, request.repo.slug)
    facts = tools.model.facts()
    request = replace(request, repo=hosted.url)
    with tools.states.hold(hosted.slug, wait=tools.waits) as held:
        before = held.load()
        if before is not None and _is_still_open(before, request, tools):
            return reached(before)
        tools.budget.begin()
        return _Run(request, tools, hosted, facts, held, before).work()


def _is_still_open(state: RepoState, request: RunRequest, tools: Toolbox) -> bool:
    """Whether the last run's pull request is open, which another one would only repeat; says so if it is.

    Whoever wants another one all the same asks for a fresh run, or for another branch.
    """
    if state.phase not in (Phase.PR_OPEN, Phase.REVIEWING) or state.pr_number is None:
        return False
    if request.fresh or request.resume or request.branch not in (None, run_state.branch_of(state)):
        return False
    try:
        pull = tools.host.pull(state.slug, state.pr_number)
    except AgentError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return False
    if pull.is_open:
        text = f"{pull.url} is still open: merge or close it first, or start anew with --fresh"
        tools.progress.emit(Step(Phase.PR_OPEN.value, text))
    return pull.is_open


class _Run:
    """One run, from the lock to the pull request."""

    def __init__(
        self,
        request: RunRequest,
        tools: Toolbox,
        hosted: HostedRepo,
        facts: ModelFacts,
        held: HeldState,
        before: RepoState | None,
    ) -> None:
        self._request = request
        self._tools = tools
        self._hosted = hosted
        self._facts = facts
        self._held = held
        self._model = tools.metered_model()
        self._before = before
        named = request.base or (run_state.base_of(self._before) if request.resume and self._before else None)
        self._base = named or _default_branch(hosted)
        # The default branch is not named: a repository without commits has none, and git would say no more than that.
        self._cloned = None if self._base.name == hosted.default_branch else self._base

    def work(self) -> Mapping[str, object]:
        with self._tools.vcs.working_copy(self._request.repo, self._cloned) as base:
            if base.head is None:
                raise AgentError(Code.NOT_FOUND, f"{self._hosted.slug} has no commits yet", hint="push a first one")
            if base.remote_sha(self._base) is None:  # git takes a tag of that name as well
                raise AgentError(
                    Code.NOT_FOUND,
                    f"{self._hosted.slug} has no branch {self._base}",
                    hint="name one that it has with --base",
                )
            state, resumed = self._start(base, base.head.sha)
            session = Session(self._held, state, self._tools)
            session.facts = lambda: self._reached(session)
            with session.recorded(), self._copy(base, session, resumed=resumed) as (copy, pushed):
                self._introduce(session, resumed=resumed)
                try:
                    self._go(session, copy, pushed)
                except AgentError as error:
                    error.reached = self._reached(session)
                    raise
        return self._reached(session)

    def _reached(self, session: Session) -> Mapping[str, object]:
        return {**reached(session.state), **self._model.budget.spent}

    def _start(self, base: WorkingCopy, base_sha: str) -> tuple[RepoState, bool]:
        """The state to begin with, and whether it is that of an unfinished run."""
        request, now = self._request, self._tools.clock.now().wall
        before = self._before
        wanted = request.branch or (before and run_state.branch_of(before))
        start = decide_start(
            before,
            branch=request.branch,
            from_base=self._base,
            base_sha=base_sha,
            remote_sha=base.remote_sha(wanted) if wanted else None,
            resume=request.resume,
            fresh=request.fresh,
            now=now,
        )
        match start:
            case Refuse():
                raise start.error()
            case Resume(phase=Phase.WORKING):
                taken = run_state.taken_up(before, request.repo, job_id=self._tools.job_id, now=now)
                return replace(taken, errors=()), True
            case Resume():  # it had done nothing yet that could be gone on with
                return self._begun(start.run_id, start.branch, base_sha, now), False
            case Fresh():
                self._check_room(base, start.branch)
                if start.reason:
                    self._tools.progress.emit(Step(Phase.IDLE.value, f"starting anew: {start.reason}"))
                run_id = run_state.new_run_id(now, self._tools.token_hex(4))
                return self._begun(run_id, start.branch, base_sha, now), False

    def _check_room(self, base: WorkingCopy, branch: Branch) -> None:
        """See that no branch stands where this one needs a folder: git would refuse it when all the work is done."""
        parts = branch.name.split("/")
        for end in range(1, len(parts)):
            above = Branch("/".join(parts[:end]))
            if base.remote_sha(above) is not None:
                raise AgentError(
                    Code.BRANCH_EXISTS,
                    f"there is a branch {above}, so git takes none that begins with {above}/",
                    hint="name one that does not, with --branch",
                )

    def _begun(self, run_id: str, branch: Branch, base_sha: str, now: datetime) -> RepoState:
        return run_state.begun(
            self._request.repo,
            branch,
            run_id=run_id,
            base=self._base.name,
            base_sha=base_sha,
            job_id=self._tools.job_id,
            now=now,
            before=self._before,
        )

    @contextmanager
    def _copy(self, base: WorkingCopy, session: Session, *, resumed: bool) -> Iterator[tuple[WorkingCopy, str | None]]:
        """A copy to work on, and where its branch is on the host; the base's where we have not pushed the branch yet.

        Raises:
            AgentError: `branch_exists`: the branch is there, and holds nothing of ours.
        """
        branch = _branch(session)
        if not resumed or base.remote_sha(branch) is None:
            yield base, None
            return
        with self._tools.vcs.working_copy(self._request.repo, branch) as copy:
            if not any(task.sha and copy.contains(task.sha) for task in _plan(session).tasks):
                raise AgentError(
                    Code.BRANCH_EXISTS,
                    f"{branch} is there meanwhile, and holds no commit of this run",
                    hint="start anew with --fresh, on another branch",
                )
            yield copy, copy.head.sha if copy.head else None

    def _introduce(self, session: Session, *, resumed: bool) -> None:
        what = "resuming" if resumed else "starting"
        run_id = run_state.run_id(session.state)
        model = f"model={self._facts.model} ctx={self._facts.context_tokens or 'unknown'}"
        session.say(f"{what} run={run_id} {model}", Phase.IDLE)

    def _go(self, session: Session, copy: WorkingCopy, pushed: str | None) -> None:
        if session.state.phase is not Phase.WORKING:
            self._analyze_and_plan(session, copy)
        else:
            session.write(task_plan=plans.to_json(reconciled(_plan(session), copy.contains if pushed else _nothing)))
        if session.state.phase is Phase.WORKING:
            spent = self._do_tasks(session, copy, pushed)
            self._conclude(session, copy, spent)

    def _analyze_and_plan(self, session: Session, copy: WorkingCopy) -> None:
        report, plan = analyze_and_plan(copy, self._model, self._facts, session, self._tools)
        session.write(metric_report=metric_report(report, copy.head))
        if plan.tasks:
            session.write(task_plan=plans.to_json(plan))
            session.enter(Phase.WORKING)

    def _do_tasks(self, session: Session, copy: WorkingCopy, pushed: str | None) -> AgentError | None:
        """Do what is pending; returns why not all of it was tried, if the budget is spent."""
        worker = Worker(self._model, self._facts, self._tools, session, self._request.critic)
        for task in _plan(session).tasks:
            if task.status is not Status.PENDING:
                continue
            session.write(current_task_id=task.id)
            try:
                made = worker.make(task, Tree(copy))
            except AgentError as error:
                if error.code is not Code.BUDGET:
                    raise
                return error
            if made.change is None:
                self._set(session, replace(task, status=Status.FAILED, error=made.error, attempts=made.attempts))
                session.error(f"{task.id} {task.title}: {made.error}")
                session.say(f"{task.id} failed: {made.error}")
            else:
                message = commit_message(task, run_state.run_id(session.state) or "")
                sha = copy.commit(made.change, message)
                pushed = self._push(session, copy, replace(task, sha=sha, attempts=made.attempts), pushed)
        return None

    def _push(self, session: Session, copy: WorkingCopy, task: Subtask, expect: str | None) -> str:
        """Push a task's commit. It is written down first, so that whoever resumes can find out whether it arrived."""
        assert task.sha is not None
        branch = _branch(session)
        self._set(session, task)
        copy.push(branch, expect=expect)
        self._set(session, replace(task, status=Status.DONE))
        session.say(f"{task.id} done {task.sha[:7]}, pushed {branch}")
        return task.sha

    def _set(self, session: Session, task: Subtask) -> None:
        session.write(task_plan=plans.to_json(_plan(session).after(task)))

    def _conclude(self, session: Session, copy: WorkingCopy, spent: AgentError | None) -> None:
        """Open the pull request for what was done, whatever was not."""
        plan = _plan(session)
        if not any(task.status is Status.DONE for task in plan.tasks):
            if spent is not None:
                raise spent
            session.write(branch=None)  # there never was one
            session.enter(Phase.DONE)
            raise AgentError(
                Code.NO_FIX,
                f"none of {len(plan.tasks)} tasks succeeded; nothing was pushed",
                hint="the lines above say why; a larger model may do better",
            )
        self._open_pull(session, copy, plan)
        if spent is not None:
            raise spent

    def _open_pull(self, session: Session, copy: WorkingCopy, plan: Plan) -> None:
        session.step("opening the pull request")
        after = _as_old(examine(copy, self._tools.yaml, self._tools.clock), session.state)
        before = _score(session.state)
        run_id = run_state.run_id(session.state) or ""
        new = pull_request(plan, before, after, run_id, head=_branch(session).name, base=self._base.name)
        pull = self._tools.host.open_pull(self._hosted.slug, new)
        session.write(pr_number=pull.number, pr_url=pull.url)
        session.enter(Phase.PR_OPEN)
        session.say(f"{pull.url} (score {shown(before)} -> {shown(after.score)})")


def _default_branch(hosted: HostedRepo) -> Branch:
    try:
        return Branch(hosted.default_branch)
    except InvalidName:
        raise AgentError(
            Code.USAGE,
            f"the default branch of {hosted.slug} has a name that agents do not take",
            hint="name another branch with --base: of letters, digits, '.', '_', '/' and '-'",
        ) from None


def _branch(session: Session) -> Branch:
    return Branch(session.state.branch or "")


def _plan(session: Session) -> Plan:
    plan = plans.from_json(session.state.task_plan)
    assert plan is not None  # we wrote it, or `decide_start` has read it
    return plan


def _nothing(_: str) -> bool:
    return False


def reached(state: RepoState) -> Mapping[str, object]:
    """What a run has come to, for the result: branch and pull request where there are any, and tasks by status."""
    plan = plans.from_json(state.task_plan)
    counts = {status.value: sum(task.status is status for task in plan.tasks) for status in Status} if plan else {}
    return {
        "repo": str(state.slug),
        "branch": state.branch if counts.get(Status.DONE.value) else None,
        "pr": state.pr_number,
        "url": state.pr_url,
        "tasks": counts,
    }


def _as_old(report: Report, state: RepoState) -> Report:
    """The report as if our commits were no newer than those before: that they are fresh is no merit of what they do."""
    checks = (state.metric_report or {}).get("checks")
    before = {check.get("name"): check.get("score") for check in checks} if isinstance(checks, list) else {}
    score = before.get(FRESH_COMMITS)
    old = score if isinstance(score, (int, float)) else None
    return Report(tuple(replace(r, score=old) if r.name == FRESH_COMMITS else r for r in report.results))


def _score(state: RepoState) -> float | None:
    value = (state.metric_report or {}).get("score")
    return float(value) if isinstance(value, (int, float)) else None
