"""`run --dry-run`: the plan, and what it would change.

Nothing is committed, pushed, asked of the code host, or kept as the state; it needs no token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitoma.domain.agents.changes import ChangeSet
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.plan import Plan, Status
from gitoma.domain.agents.planning import analyze_and_plan
from gitoma.domain.agents.progress import Step
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.shown_diff import show_diff
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


def dry_run(request: DryRunRequest, tools: Toolbox) -> Mapping[str, object]:
    """Show the plan and the diff, and return what it came to: the fields of the result.

    A task that fails is told, and fails nothing: there is a plan to look at.

    Raises:
        AgentError: There is no plan to show: no files, or no model.
    """
    slug = request.repo.slug
    session = Session(None, RepoState(slug=slug, phase=Phase.IDLE), tools)
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma run {slug} (dry run: nothing is pushed)"))
    facts = tools.model.facts()
    tools.budget.begin()
    model = tools.metered_model()
    with tools.vcs.clone(request.repo, request.base) as checkout:
        _, plan = analyze_and_plan(checkout, model, facts, session, tools)
        for task in plan.tasks:
            session.detail(f"{task.id} {task.title} ({task.check}) -> {', '.join(task.files)}")
        if plan.tasks:
            session.enter(Phase.WORKING)
        plan, changes = _do(plan, Tree(checkout), Worker(model, facts, tools, session, request.critic), session)
    place = show_diff([line for change in changes for line in change.diff()], "run.diff", slug, tools)
    counts = {status.value: sum(task.status is status for task in plan.tasks) for status in Status}
    return {"repo": str(slug), "dry_run": True, "tasks": counts, "diff": place, **model.budget.spent}


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
