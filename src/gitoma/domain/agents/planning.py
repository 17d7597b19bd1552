"""From a report to a plan: the model proposes, `plan` disposes, and a plan of ours stands in for none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from gitoma.domain.agents import prompts
from gitoma.domain.agents.analyze import examine, row, scores
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.agents.health.score import Report
from gitoma.domain.agents.language_model import Finish, ModelFacts
from gitoma.domain.agents.metered import MeteredModel, complete_whole
from gitoma.domain.agents.plan import Plan, PlanReading, Source, fallback_plan, plan_of
from gitoma.domain.agents.ports import Checkout
from gitoma.domain.agents.reflexion import LOST, Lesson
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.targets import is_amiss, mendable
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.state import Phase

QUESTIONS = 2
"""How often the planner is asked; then the fallback plan is taken."""

_NO_ANSWER = Refusal("empty", "The answer was empty or had no end. Give only the JSON object.")

_CUT_OFF = Refusal("truncated", "The answer was too long and was cut off. Plan fewer tasks, in fewer words.")


def analyze_and_plan(
    checkout: Checkout, model: MeteredModel, facts: ModelFacts, session: Session, tools: Toolbox
) -> tuple[Report, Plan]:
    """Examine the files, say what is amiss, and plan what to do about it; where that is nothing, be done.

    Raises:
        AgentError: The files cannot be had, the model cannot be used at all, or the budget is spent.
    """
    session.enter(Phase.ANALYZING)
    head = checkout.head
    session.step(f"looking at {head.branch or 'HEAD'}@{head.sha[:7]}" if head else "looking at nothing")
    report = examine(checkout, tools.yaml, tools.clock)
    for result in filter(is_amiss, report.results):
        session.detail(row(result))
    session.say(scores(report))
    session.enter(Phase.PLANNING)
    session.step(f"asking {facts.model} for a plan")
    plan = make_plan(report, Tree(checkout), model, facts, session)
    if not plan.tasks:
        session.enter(Phase.DONE)
        session.say("nothing that an agent could mend is amiss")
    return report, plan


def make_plan(report: Report, tree: Tree, model: MeteredModel, facts: ModelFacts, session: Session) -> Plan:
    """The plan for what the report found; without tasks if there is nothing that an agent can mend.

    Raises:
        AgentError: The model cannot be used at all, or the budget is spent.
    """
    if not mendable(report, tree):
        return Plan(Source.FALLBACK, "", ())
    lessons: tuple[Lesson, ...] = ()
    for _ in range(QUESTIONS):
        reading = _ask(report, tree, model, facts, lessons, session)
        if isinstance(reading, PlanReading):
            _tell(reading, session)
            return _masked(reading.plan, session.mask)
        session.detail(f"no plan: {reading}")
        lessons = (*lessons, Lesson((reading,)))
    plan = fallback_plan(report, tree)
    session.say(f"the model gave no usable plan; going on with our own, of {len(plan.tasks)} tasks")
    return plan


def _ask(
    report: Report,
    tree: Tree,
    model: MeteredModel,
    facts: ModelFacts,
    lessons: tuple[Lesson, ...],
    session: Session,
) -> PlanReading | Refusal:
    try:
        reply = complete_whole(model, prompts.planner(report, tree, facts.context_tokens, lessons))
    except AgentError as error:
        if error.code not in LOST:
            raise
        session.detail(f"no answer: {error}" + (f" ({error.hint})" if error.hint else ""))
        return _NO_ANSWER
    if reply.finish is Finish.LENGTH:  # whatever of it reads as a plan: nobody knows what is missing
        return _CUT_OFF
    return plan_of(reply.text, report, tree, reply.model)


def _masked(plan: Plan, mask: Callable[[str], str]) -> Plan:
    """The plan without our credentials in a model's words: they are written down, and shown in a pull request."""
    tasks = (replace(task, title=mask(task.title), instruction=mask(task.instruction)) for task in plan.tasks)
    return replace(plan, tasks=tuple(tasks))


def _tell(reading: PlanReading, session: Session) -> None:
    kept, dropped = len(reading.plan.tasks), reading.dropped
    session.say(f"model proposed {kept + len(dropped)} tasks, kept {kept}")
    for reason in dropped:
        session.detail(f"dropped: {reason}")
    for reason in reading.left_out:
        session.detail(f"left out: {reason}")
