"""What a run is going to do: a few tasks, each for one check, about at most three files.

A model proposes; what it proposes is taken only as far as it holds: a check that is amiss and that an agent can mend,
and of the files that it lists those that mend the check: which those are is not its to choose. Where it proposes
nothing of use, there is a plan without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.health.score import CheckResult, Mender, Report
from gitoma.domain.agents.proposals import INSTRUCTION_MAX, TITLE_MAX, Proposal, one_line, read_proposal
from gitoma.domain.agents.replies import read_object, read_objects
from gitoma.domain.agents.targets import TARGETS_MAX, is_amiss, is_for_agents, loss, mendable, targets
from gitoma.domain.agents.tree import Tree

TASKS_MAX = 5
"""How many tasks one run works on: a pull request that people still read."""

FALLBACK_MAX = 3
"""How many tasks there are where the model proposed nothing of use: it may not be up to more."""

_PROPOSED_MAX = 50  # proposals that are looked at; a model that makes more is repeating itself


class Status(StrEnum):
    """What has become of a task."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Source(StrEnum):
    """Who made a plan."""

    MODEL = "model"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Subtask:
    """One task.

    Attributes:
        id: `T1`, `T2`, …
        check: The check that it mends.
        title: What it does, on one line. A model may have written it.
        instruction: How, on one line. A model may have written it.
        files: What it may touch, and nothing else.
        status: What has become of it.
        sha: The commit, once there is one.
        error: Why it failed.
        attempts: How often the model was asked for it.
        recipe: It is made from a fixed text, without a model.
    """

    id: str
    check: str
    title: str
    instruction: str
    files: tuple[str, ...]
    status: Status = Status.PENDING
    sha: str | None = None
    error: str | None = None
    attempts: int = 0
    recipe: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is going to do, in order.

    Attributes:
        source: Who made it.
        model: Which model that was; "" for the fallback.
        tasks: The tasks; their ids differ.
    """

    source: Source
    model: str
    tasks: tuple[Subtask, ...]

    def after(self, task: Subtask) -> Plan:
        """The plan with this task in the place of the one with its id."""
        return replace(self, tasks=tuple(task if task.id == old.id else old for old in self.tasks))


@dataclass(frozen=True, slots=True)
class PlanReading:
    """A plan that a model proposed.

    Attributes:
        plan: What of it can be done.
        dropped: Why some of its proposals are not in it, each in words for people.
        left_out: Why some of the files that they list are not; likewise.
    """

    plan: Plan
    dropped: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def plan_schema(checks: Sequence[str]) -> tuple[str, Mapping[str, object]]:
    """The schema of an answer that `plan_of` reads, and its name.

    Args:
        checks: The names of the checks that there may be tasks for.
    """
    text = {"type": "string"}
    files = {"type": "array", "items": text, "minItems": 1, "maxItems": TARGETS_MAX}
    fields = {"check": {"type": "string", "enum": list(checks)}, "title": text, "instruction": text, "files": files}
    tasks = {"type": "array", "items": _closed(fields), "minItems": 1, "maxItems": TASKS_MAX}
    return "plan", _closed({"tasks": tasks})


def _closed(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def plan_of(reply: str, report: Report, tree: Tree, model: str) -> PlanReading | Refusal:
    """The plan in a model's reply.

    Args:
        reply: What the model said.
        report: What the checks found.
        tree: The files that they looked at.
        model: The model's name.

    Returns:
        At most `TASKS_MAX` tasks, those first whose checks cost the score most; or a refusal: those of `read_object`,
        or `no-task` where nothing of use is left, with the reasons.
    """
    answer = read_object(reply)
    # A list of tasks can mean one thing only.
    bare = read_objects(reply) if isinstance(answer, Refusal) and answer.code == "not-an-object" else None
    if isinstance(answer, Refusal) and bare is None:
        return answer
    proposed = answer.get("tasks") if isinstance(answer, dict) else bare
    if not isinstance(proposed, list) or not proposed:
        return Refusal("no-task", 'The answer has no list "tasks". Give an object {"tasks": [...]} with one or more.')
    ranked, dropped = _ranked(proposed[:_PROPOSED_MAX], report, tree)
    if not ranked:
        return Refusal("no-task", f"No task can be done: {'; '.join(dropped[:TASKS_MAX])}. Propose others.")
    kept, rest = ranked[:TASKS_MAX], [_task(each) for each in ranked[TASKS_MAX:]]
    dropped += [f"{task.title}: there are {TASKS_MAX} tasks of more weight" for task in rest]
    plan = Plan(Source.MODEL, model, _numbered([_task(each) for each in kept]))
    return PlanReading(plan, tuple(dropped), tuple(line for each in kept for line in each.left_out))


def fallback_plan(report: Report, tree: Tree) -> Plan:
    """The plan without a model: what costs the score most, as the checks themselves say how to mend it.

    Recipes only fill up: they are worth less to people than what needs thought. Without anything to mend, no tasks.
    """
    found = mendable(report, tree)
    chosen = sorted(found, key=lambda result: result.fix.kind is Mender.RECIPE)[:FALLBACK_MAX]
    tasks = [_task(Proposal(result, "", "", targets(result, tree)[:1])) for result in chosen]
    return Plan(Source.FALLBACK, "", _numbered(tasks))


def for_people(report: Report) -> tuple[CheckResult, ...]:
    """The checks that fail or warn and that only people can mend."""
    menders = (Mender.AGENT, Mender.HUMAN)
    return tuple(r for r in report.results if is_amiss(r) and r.fix.kind in menders and not is_for_agents(r))


def _numbered(tasks: Sequence[Subtask]) -> tuple[Subtask, ...]:
    return tuple(replace(task, id=f"T{number}") for number, task in enumerate(tasks, start=1))


def _task(proposal: Proposal) -> Subtask:
    """A task without a number; what nobody wrote is said in the check's words."""
    result = proposal.result
    hint = result.fix.hint
    return Subtask(
        "",
        result.name,
        proposal.title or one_line(hint, TITLE_MAX),
        proposal.instruction or one_line(f"{hint} What is wrong now: {result.reason}.", INSTRUCTION_MAX),
        proposal.files,
        recipe=result.fix.kind is Mender.RECIPE,
    )


def _ranked(proposed: Sequence[object], report: Report, tree: Tree) -> tuple[list[Proposal], list[str]]:
    """What can be taken, that of the most weight first, and why the rest cannot."""
    results = mendable(report, tree)
    taken: list[Proposal] = []
    dropped: list[str] = []
    for value in proposed:
        proposal = read_proposal(value, results, tree)
        if isinstance(proposal, Proposal) and any(map(proposal.doubles, taken)):
            dropped.append(f"{proposal.result.name}: another task has it, for the same file")
        elif isinstance(proposal, Proposal):
            taken.append(proposal)
        else:
            dropped.append(proposal)
    return sorted(taken, key=lambda proposal: loss(proposal.result), reverse=True), dropped


def to_json(plan: Plan) -> dict[str, object]:
    """The plan as a state holds it; `from_json` makes an equal one of it."""
    return {"source": plan.source.value, "model": plan.model, "tasks": [_plain(task) for task in plan.tasks]}


def _plain(task: Subtask) -> dict[str, object]:
    return {
        "id": task.id,
        "check": task.check,
        "title": task.title,
        "instruction": task.instruction,
        "files": list(task.files),
        "status": task.status.value,
        "sha": task.sha,
        "error": task.error,
        "attempts": task.attempts,
        "recipe": task.recipe,
    }


def from_json(value: object) -> Plan | None:
    """The plan in a state; None where it is not exactly what `to_json` makes, or has a task twice.

    Half a plan is not resumed: what is missing of it may be what was done already.
    """
    match value:
        case {"source": str(source), "model": str(model), "tasks": list(listed)} if source in list(Source):
            tasks = [task for task in map(_task_of, listed) if task]
            whole = len(tasks) == len(listed) == len({task.id for task in tasks})
            return Plan(Source(source), model, tuple(tasks)) if whole else None
        case _:
            return None


def _task_of(value: object) -> Subtask | None:
    match value:
        case {
            "id": str(id_),
            "check": str(check),
            "title": str(title),
            "instruction": str(instruction),
            "files": list(files),
            "status": str(status),
            "sha": (str() | None) as sha,
            "error": (str() | None) as error,
            "attempts": int(attempts),
            "recipe": bool(recipe),
        } if status in list(Status) and attempts >= 0:
            texts = tuple(path for path in files if isinstance(path, str))
            if len(texts) < len(files):
                return None
            return Subtask(id_, check, title, instruction, texts, Status(status), sha, error, int(attempts), recipe)
        case _:
            return None
