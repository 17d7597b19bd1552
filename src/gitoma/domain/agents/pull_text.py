"""The title and the text of a pull request.

What a model or a repository wrote is shown as code: no mention, no reference, no link, no image and no markup comes of
it, it cannot leave its line, and it cannot pass for the mark that says which run made the pull request.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitoma.domain.agents.code_host import NewPull
from gitoma.domain.agents.health.score import CheckResult, Report
from gitoma.domain.agents.plan import Plan, Source, Status, Subtask, for_people
from gitoma.domain.agents.proposals import one_line

LINE_MAX = 160
"""How much is shown of one text, in characters."""


def pull_request(plan: Plan, before: float | None, after: Report, run_id: str, *, head: str, base: str) -> NewPull:
    """The pull request of a run; its body is Markdown.

    Args:
        plan: What was planned, and what has become of it.
        before: The score of the base branch; None if nothing applied.
        after: What the checks find now.
        run_id: The run's id; a hidden mark in the body holds it.
        head: The branch with the commits.
        base: The branch that they are for.
    """
    scores = f"{_score(before)} → {_score(after.score)}"
    done = [task for task in plan.tasks if task.status is Status.DONE]
    title = f"Improve the repository's health: {_counted(done)} ({scores})"
    parts = [
        f"Health score **{scores}** of 10, by checks of the files alone; nothing was run.",
        _note(plan),
        _section("Done", map(_done, done)),
        _section("Not done", map(_failed, (task for task in plan.tasks if task.status is not Status.DONE))),
        _section("For people", map(_for_people, for_people(after))),
        "Made by gitoma. Read each commit before you merge.",
        mark_of(run_id),
    ]
    return NewPull(title, "\n\n".join(filter(None, parts)) + "\n", head, base)


def fix_ci_pull(jobs: Iterable[str], *, head: str, base: str) -> NewPull:
    """The pull request of commits that mend CI where they may not be pushed; its body is Markdown.

    Args:
        jobs: The names of the jobs that failed.
        head: The branch with the commits.
        base: The branch that they are for.
    """
    parts = [
        f"CI fails on {shown(base)}. This mends what its log points at; whether it does, CI says on this branch.",
        _section("Jobs that failed", map(shown, jobs)),
        "Made by gitoma. Read each commit before you merge.",
    ]
    return NewPull(f"Mend CI on {base}", "\n\n".join(filter(None, parts)) + "\n", head, base)


def mark_of(run_id: str) -> str:
    """The hidden mark in the body of a run's pull request."""
    return f"<!-- gitoma:run={run_id} -->"


def shown(text: str) -> str:
    """Text of a model or a repository as code on one line of Markdown, where nothing of it means anything."""
    line = one_line(text, LINE_MAX).replace("`", "'").replace("<!--", "<! --")
    return f"`{line}`" if line.strip() else "(nothing)"


def _score(score: float | None) -> str:
    return "n/a" if score is None else f"{score:.1f}"


def _counted(done: list[Subtask]) -> str:
    return f"{len(done)} improvement{'' if len(done) == 1 else 's'}"


def _note(plan: Plan) -> str:
    if plan.source is Source.FALLBACK:
        return "The model proposed no usable plan; this is the agent's own, made from what weighs most in the checks."
    return f"Planned by the model {shown(plan.model)}."


def _section(heading: str, lines: Iterable[str]) -> str:
    listed = "\n".join(f"- {line}" for line in lines)
    return f"### {heading}\n{listed}" if listed else ""


def _done(task: Subtask) -> str:
    files = ", ".join(map(shown, task.files))
    sha = f" ({task.sha[:10]})" if task.sha else ""
    return f"**{task.check}**: {shown(task.title)}, in {files}{sha}"


def _failed(task: Subtask) -> str:
    return f"**{task.check}**: {shown(task.title)}: {shown(task.error or task.status.value)}"


def _for_people(result: CheckResult) -> str:
    score = "" if result.score is None else f" ({result.score:g}/10)"
    return f"**{result.name}**{score}: {shown(result.reason)}. {result.fix.hint}"
