"""`run --dry-run`: the plan, and what it would change.

Nothing is committed, pushed, asked of the code host, or kept as the state; it needs no token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gitoma.domain.agents.analyze import examine, row, scores
from gitoma.domain.agents.changes import ChangeSet
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ModelFacts
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.plan import Plan, Status
from gitoma.domain.agents.planning import make_plan
from gitoma.domain.agents.ports import Checkout
from gitoma.domain.agents.progress import Result, Step
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.shown_diff import show_diff
from gitoma.domain.agents.targets import is_amiss
from gitoma.domain.agents.task import Worker
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Phase, RepoState


@dataclass(frozen=True, slots=True)
class DryRunRequest:
    """What is asked for.

    Attributes:
        repo: The repository.
        base: The branch to look at; None: the default one.
        critic: Have each change judged.
    """

    repo: RepoUrl
    base: Branch | None = None
    critic: bool = False


def dry_run(request: DryRunRequest, tools: Toolbox) -> None:
    """Show the plan and the diff, and end with the result.

    A task that fails is told, and fails nothing: there is a plan to look at.

    Raises:
        AgentError: There is no plan to show: no files, or no model.
    """
    slug = request.repo.slug
    session = Session(None, RepoState(slug=slug, phase=Phase.IDLE), tools)
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma run {slug} (dry run: nothing is pushed)"))
    facts = tools.model.facts()
    model = MeteredModel(tools.model, tools.budget, tools.mask)
    with tools.vcs.clone(request.repo, request.base) as checkout:
        plan = _plan(checkout, model, facts, session, tools)
        session.enter(Phase.WORKING if plan.tasks else Phase.DONE)
        plan, changes = _do(plan, Tree(checkout), Worker(model, facts, tools, session, request.critic), session)
    place = show_diff([line for change in changes for line in change.diff()], "run.diff", slug, tools)
    counts = {status.value: sum(task.status is status for task in plan.tasks) for status in Status}
    fields = {"kind": "run", "exit": 0, "repo": str(slug), "dry_run": True, "tasks": counts, "diff": place}
    tools.progress.emit(Result({**fields, **model.budget.spent}))


def _plan(checkout: Checkout, model: MeteredModel, facts: ModelFacts, session: Session, tools: Toolbox) -> Plan:
    session.enter(Phase.ANALYZING)
    report = examine(checkout, tools.yaml, tools.clock)
    for result in filter(is_amiss, report.results):
        session.detail(row(result))
    session.say(scores(report))
    session.enter(Phase.PLANNING)
    plan = make_plan(report, Tree(checkout), model, facts, session)
    if not plan.tasks:
        session.say("nothing that an agent could mend is amiss")
    for task in plan.tasks:
        session.detail(f"{task.id} {task.title} ({task.check}) -> {', '.join(task.files)}")
    return plan


def _do(plan: Plan, tree: Tree, worker: Worker, session: Session) -> tuple[Plan, list[ChangeSet]]:
    """Each task in turn, on files that are as the tasks before would have left them."""
    changes = []
    for task in plan.tasks:
        try:
            made = worker.make(task, tree)
        except AgentError as error:
            if error.code is not Code.BUDGET:
                raise
            session.say(str(error))
            break
        if made.change is None:
            plan = plan.after(replace(task, status=Status.FAILED, error=made.error, attempts=made.attempts))
            session.say(f"{task.id} failed: {made.error}")
        else:
            plan = plan.after(replace(task, status=Status.DONE, attempts=made.attempts))
            changes.append(made.change)
            tree = tree.with_change(made.change)
            session.say(f"{task.id} would change {', '.join(made.change.paths)}")
    return plan, changes
