"""`gitoma status`: what the agents of this machine have done and do, as a table, or one repository in detail."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from gitoma.adapters.files.state_folder import StateFolder
from gitoma.adapters.posix.process_table import PosixProcessTable
from gitoma.app import console
from gitoma.app.settings import load
from gitoma.domain.agents import run_state
from gitoma.domain.agents.advice import next_step, standing
from gitoma.domain.agents.plan import Subtask, from_json
from gitoma.domain.agents.progress import printable
from gitoma.domain.jobs.redaction import Redactor
from gitoma.domain.repos.names import RepoUrl, Slug
from gitoma.domain.repos.ports import ProcessTable
from gitoma.domain.repos.state import Liveness, RepoState, UnreadableState, liveness, newest_first

UNREADABLE_EXIT = 3

_HEADER = ("REPOSITORY", "PHASE", "", "CHANGED", "BRANCH", "PULL", "NEXT")
_CELL_MAX = 60
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def status(repo: RepoUrl | None) -> int:
    """Print what is known of all repositories, or of `repo`, and return the exit code.

    Raises:
        InvalidSetting: A setting makes no sense.
        StorageRefused: The states cannot be listed.
    """
    settings = load(os.environ)
    folder, now, say = StateFolder(settings.home / "state"), datetime.now(UTC), _say(Redactor(settings.secrets))
    if repo is not None:
        return _one(folder, repo.slug, now, say)
    states = newest_first(folder.all())  # those that cannot be read are told on standard error
    for line in table(states, now, PosixProcessTable()) if states else ["no agent has worked on any repository yet"]:
        say(line)
    return 0


def _say(redact: Callable[[str], str]) -> Callable[[str], None]:
    """Agents write down what models and repositories say: nothing of it may steer a terminal."""
    return lambda line: console.say(printable(redact(line)))


def _one(folder: StateFolder, slug: Slug, now: datetime, say: Callable[[str], None]) -> int:
    try:
        state = folder.load(slug)
    except UnreadableState as error:
        console.complain(f"gitoma status: what was written down of {slug} cannot be read: {error.reason}")
        console.complain(f"  gitoma reset https://github.com/{slug} deletes it; the next run moves it aside")
        return UNREADABLE_EXIT
    if state is None:
        say(f"no agent has worked on {slug} yet")
        return 0
    for line in details(state, now, PosixProcessTable()):
        say(line)
    return 0


def table(states: Sequence[RepoState], now: datetime, processes: ProcessTable) -> Iterator[str]:
    """One line for each state, in the order given, below a header.

    Args:
        states: What was written down.
        now: The present moment, aware.
        processes: Tells whether those who wrote it still live.
    """
    rows = [_HEADER, *(_row(state, _judged(state, now, processes), now) for state in states)]
    cells = [[_cut(cell) for cell in row[:-1]] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, shown in zip(rows, cells, strict=True):
        # The last column is not cut: it is there to be copied.
        columns = [cell.ljust(width) for cell, width in zip(shown, widths, strict=True)]
        yield "  ".join([*columns, row[-1]]).rstrip()


def _row(state: RepoState, judged: Liveness, now: datetime) -> tuple[str, ...]:
    pull = f"#{state.pr_number}" if state.pr_number else "-"
    step = next_step(state, judged) or "-"
    return str(state.slug), state.phase, standing(state, judged), _age(state, now), state.branch or "-", pull, step


def details(state: RepoState, now: datetime, processes: ProcessTable) -> Iterator[str]:
    """All that is known of one repository, line by line; the arguments are as those of `table`."""
    judged = _judged(state, now, processes)
    yield str(state.slug)
    for name, text in _facts(state, judged, now):
        if text:
            yield f"  {name:<9}{text}"
    plan = from_json(state.task_plan)
    if plan is not None:
        yield f"  tasks    {len(plan.tasks)}, by {plan.model or 'the checks alone'}"
        yield from map(_task, plan.tasks)
    elif state.task_plan is not None:
        yield "  tasks    what is written down of them cannot be read"
    if state.errors:
        yield "  errors"
        yield from (f"    {error}" for error in state.errors)


def _facts(state: RepoState, judged: Liveness, now: datetime) -> Iterator[tuple[str, str | None]]:
    process = f" (process {state.pid})" if state.pid else ""
    yield "phase", f"{state.phase}, {standing(state, judged)}{process}"
    yield "now", state.current_operation
    yield "changed", _age(state, now)
    yield "branch", state.branch
    yield "pull", state.pr_url
    yield "run", run_state.run_id(state)
    base, base_sha = run_state.base(state), run_state.base_sha(state)
    yield "base", base and f"{base}@{(base_sha or '')[:7]}"
    yield "job", run_state.job_id(state)
    yield "next", next_step(state, judged)


def _task(task: Subtask) -> str:
    commit = task.sha[:7] if task.sha else ""
    why = f" ({task.error})" if task.error else ""
    return f"    {task.id:<3} {task.status:<8} {commit:<8} {task.title} -> {', '.join(task.files)}{why}"


def _judged(state: RepoState, now: datetime, processes: ProcessTable) -> Liveness:
    is_alive = state.pid is not None and processes.is_alive(state.pid)
    return liveness(state, now, process_is_alive=is_alive)


def _age(state: RepoState, now: datetime) -> str:
    if state.updated_at is None:
        return "-"
    seconds = max(0, int((now - state.updated_at).total_seconds()))  # clocks are set back
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size or size == 1)
    return f"{seconds // size} {unit} ago"


def _cut(text: str) -> str:
    text = printable(text)  # what is escaped is wider
    return text if len(text) <= _CELL_MAX else f"{text[: _CELL_MAX - 1]}…"
