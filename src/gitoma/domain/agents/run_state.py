"""How far a run has come: which phase may follow which, whether it is gone on with, and what it is called.

The phases, and which may follow which:

    IDLE ─► ANALYZING ─► PLANNING ─► WORKING ─► PR_OPEN ◄─► REVIEWING
                            │           │          │            │
                            └───────────┴──────────┴─► DONE ◄───┘

Only a new run, under a new run id, begins at IDLE again. PLANNING ─► DONE: there was nothing to mend. WORKING ─► DONE:
no task succeeded. A pull request that is merged or closed is DONE.

A run is resumed if it was left behind in ANALYZING, PLANNING or WORKING, began less than `RESUMABLE_FOR` ago on the
commit that its base branch still points to, and if nobody asks for another branch, or another base. In WORKING its plan
must be readable. A run that was killed between its last push and its pull request is one in WORKING with nothing left
to do: resuming it opens the pull request.

Beyond the fields that every reader of a state knows, a run keeps `run_id`, `base`, `base_sha` and `job_id`; a review
`threads` and `pushing` (threads whose commits may not have arrived yet); fix-ci `ci_fixes` (commits, by the CI run and
the failure that they mend) and `ci_pulls` (numbers of pull requests, by the branches that they join), which outlive a
new run. They are in `RepoState.kept`, and whatever is in their place, reading them never fails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from gitoma.domain.agents.code_host import PullRequest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.plan import Plan, Status, Subtask, from_json
from gitoma.domain.errors import Defect, InvalidName
from gitoma.domain.repos.names import Branch, RepoUrl
from gitoma.domain.repos.state import Json, Phase, RepoState

PREFIX = "gitoma/"
"""What the names of the branches that we make begin with."""

RESUMABLE_FOR = timedelta(hours=24)
"""How long an unfinished run is worth going on with: by the next evening its repository is another one."""

_NEXT: Mapping[Phase, frozenset[Phase]] = MappingProxyType(
    {
        Phase.IDLE: frozenset({Phase.ANALYZING}),
        Phase.ANALYZING: frozenset({Phase.PLANNING}),
        Phase.PLANNING: frozenset({Phase.WORKING, Phase.DONE}),
        Phase.WORKING: frozenset({Phase.PR_OPEN, Phase.DONE}),
        Phase.PR_OPEN: frozenset({Phase.REVIEWING, Phase.DONE}),
        Phase.REVIEWING: frozenset({Phase.PR_OPEN, Phase.DONE}),
        Phase.DONE: frozenset(),
    }
)
_OUTLIVES = frozenset({"ci_fixes", "ci_pulls"})
_UNFINISHED = (Phase.ANALYZING, Phase.PLANNING, Phase.WORKING)
_OF_A_RUN = ("run_id", "base", "base_sha")


class IllegalMove(Defect):
    """A phase that may not follow the one before it."""

    def __init__(self, now: Phase, to: Phase) -> None:
        super().__init__(f"{to} does not follow {now}")
        self.now = now
        self.to = to


def moved(now: Phase, to: Phase) -> Phase:
    """The phase `to`, which follows `now`.

    Raises:
        IllegalMove: It does not. Staying is no move either.
    """
    if to not in _NEXT[now]:
        raise IllegalMove(now, to)
    return to


def is_unfinished(state: RepoState) -> bool:
    """Whether a run has begun and not come to its end."""
    return state.phase in _UNFINISHED


def new_run_id(now: datetime, token: str) -> str:
    """A name that no other run of the repository has: `20260421-100000-7f3a`.

    Args:
        now: The present moment, aware.
        token: A few random hex digits.
    """
    return f"{_stamp(now)}-{token}"


def new_branch(now: datetime) -> Branch:
    """The branch of a run that was asked for none: `gitoma/improve-20260421-100000`."""
    return Branch(f"{PREFIX}improve-{_stamp(now)}")


def _stamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")


def begun(
    repo: RepoUrl,
    branch: Branch,
    *,
    run_id: str,
    base: str,
    base_sha: str,
    job_id: str | None,
    now: datetime,
    before: RepoState | None = None,
) -> RepoState:
    """The first state of a new run, in place of whatever there was but for what fix-ci goes by.

    Args:
        repo: The repository.
        branch: The branch that it works on.
        run_id: See `new_run_id`.
        base: The branch that it starts from.
        base_sha: Where that points to.
        job_id: The job that it is; None on a command line.
        now: The present moment, aware.
        before: What there was.
    """
    kept: dict[str, Json] = {
        name: value for name, value in (before.kept if before else {}).items() if name in _OUTLIVES
    }
    kept |= {"run_id": run_id, "base": base, "base_sha": base_sha}
    if job_id is not None:
        kept["job_id"] = job_id
    return RepoState(
        slug=repo.slug, phase=Phase.IDLE, repo_url=repo.text, branch=branch.name, started_at=now, kept=kept
    )


def taken_up(state: RepoState | None, repo: RepoUrl, *, job_id: str | None, now: datetime) -> RepoState:
    """The state for whoever works on a repository without beginning a run: what there was.

    Errors are forgotten, but for those of an unfinished run: they say why it is unfinished.
    """
    before = state or RepoState(slug=repo.slug, phase=Phase.IDLE, repo_url=repo.text, started_at=now)
    kept = {name: value for name, value in before.kept.items() if name != "job_id"}
    errors = before.errors if is_unfinished(before) else ()
    return replace(before, errors=errors, kept=kept if job_id is None else {**kept, "job_id": job_id})


def reviewed(
    state: RepoState | None, repo: RepoUrl, pull: PullRequest, *, job_id: str | None, now: datetime
) -> RepoState:
    """The state for whoever reviews this pull request: what there was, without what belongs to another one's run.

    What is known of threads stays whichever pull request they are in: a comment's number is unique in its repository.
    """
    before = taken_up(state, repo, job_id=job_id, now=now)
    if before.pr_number != pull.number:
        kept = {name: value for name, value in before.kept.items() if name not in _OF_A_RUN}
        before = replace(before, task_plan=None, metric_report=None, started_at=now, kept=kept)
    return replace(before, phase=Phase.PR_OPEN, pr_number=pull.number, pr_url=pull.url, branch=pull.head_branch)


def run_id(state: RepoState) -> str | None:
    """Which run this is the state of; None where it is that of no run."""
    return _text(state, "run_id")


def base(state: RepoState) -> str | None:
    """The branch that the run started from."""
    return _text(state, "base")


def base_sha(state: RepoState) -> str | None:
    """The commit that the run started from."""
    return _text(state, "base_sha")


def job_id(state: RepoState) -> str | None:
    """The job that last worked on it; None for a command line."""
    return _text(state, "job_id")


def _text(state: RepoState, name: str) -> str | None:
    value = state.kept.get(name)
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Fresh:
    """Begin a new run on this branch, which does not exist yet.

    Attributes:
        branch: The branch to make.
        reason: Why an unfinished run is left alone, in words; "" where there is none.
    """

    branch: Branch
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with an unfinished run, from this phase.

    Tasks that the plan calls done may have been lost: see `reconciled`.
    """

    run_id: str
    branch: Branch
    phase: Phase


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do nothing, and say why."""

    code: Code
    message: str
    hint: str

    def error(self) -> AgentError:
        """The same, to be raised."""
        return AgentError(self.code, self.message, hint=self.hint)


def decide_start(
    state: RepoState | None,
    *,
    branch: Branch | None,
    from_base: Branch,
    base_sha: str,
    remote_sha: str | None,
    resume: bool,
    fresh: bool,
    now: datetime,
) -> Fresh | Resume | Refuse:
    """Begin anew, go on, or neither; see the rules at the top of this file.

    Args:
        state: What an earlier run left behind.
        branch: The branch that is asked for; None: the one of the unfinished run, or a new one.
        from_base: The base branch.
        base_sha: Where the base branch points to now.
        remote_sha: Where `branch` points to on the host, or the state's branch if none is asked for; None: it is not
            there.
        resume: Going on is asked for.
        fresh: Beginning anew is asked for.
        now: The present moment, aware.
    """
    if resume and fresh:
        return Refuse(Code.USAGE, "to resume and to start anew exclude each other", "choose one of them")
    found = "as was asked" if fresh else _unfinished(state, branch, from_base, base_sha, now)
    if isinstance(found, Resume):
        return _guarded(found, state, remote_sha)
    if resume:
        return Refuse(
            Code.USAGE, f"there is no run to resume: {found or 'none is known'}", "start one without --resume"
        )
    if branch is None:
        return Fresh(new_branch(now), found)
    return _exists(branch) if remote_sha is not None else Fresh(branch, found)


def _unfinished(
    state: RepoState | None, branch: Branch | None, from_base: Branch, base_sha_now: str, now: datetime
) -> Resume | str:
    """The run to go on with, or why there is none; "" where there never was one."""
    if state is None or state.phase is Phase.IDLE:
        return ""
    if not is_unfinished(state):
        return f"the last one is {state.phase}"
    known, theirs, began = run_id(state), branch_of(state), state.started_at
    if known is None or theirs is None or began is None:
        return "what the last one left behind is not complete"
    if branch is not None and branch != theirs:
        return f"the unfinished one is on {theirs}"
    if base_of(state) != from_base:
        return f"the unfinished one is from {base_of(state) or 'an unknown base'}"
    if base_sha(state) != base_sha_now:
        return "the base branch has moved since"
    if now - began >= RESUMABLE_FOR:
        return f"the unfinished one is older than {RESUMABLE_FOR // timedelta(hours=1)} h"
    if state.phase is Phase.WORKING and from_json(state.task_plan) is None:
        return "the plan of the unfinished one cannot be read"
    return Resume(known, theirs, state.phase)


def _guarded(found: Resume, state: RepoState | None, remote_sha: str | None) -> Resume | Refuse:
    """A branch that the run has not pushed to is somebody else's, though it has the name that we wanted."""
    plan = from_json(state.task_plan) if state and state.phase is Phase.WORKING else None
    has_pushed = plan is not None and any(task.sha for task in plan.tasks)
    return found if remote_sha is None or has_pushed else _exists(found.branch)


def _exists(branch: Branch) -> Refuse:
    return Refuse(
        Code.BRANCH_EXISTS,
        f"the branch {branch} exists already, and not by an unfinished run",
        "name another one with --branch, or start with --fresh and without --branch",
    )


def branch_of(state: RepoState) -> Branch | None:
    """The branch that the run works on; None where what is written down is none."""
    return _branch(state.branch)


def base_of(state: RepoState) -> Branch | None:
    """The branch that the run started from; None where what is written down is none."""
    return _branch(base(state))


def _branch(name: str | None) -> Branch | None:
    try:
        return Branch(name or "")
    except InvalidName:
        return None


def reconciled(plan: Plan, contains: Callable[[str], bool]) -> Plan:
    """The plan as the branch on the host bears it out.

    A task whose commit is written down and is on the branch is done, also where the run died between pushing it and
    saying so. One whose commit is not there is to be done again. What failed or was skipped stays so.

    Args:
        plan: The plan that was written down.
        contains: Whether the branch has a commit (`WorkingCopy.contains`).
    """
    return replace(plan, tasks=tuple(_reconciled(task, contains) for task in plan.tasks))


def _reconciled(task: Subtask, contains: Callable[[str], bool]) -> Subtask:
    if task.status not in (Status.PENDING, Status.DONE):
        return task
    if task.sha is not None and contains(task.sha):
        return replace(task, status=Status.DONE)
    return replace(task, status=Status.PENDING, sha=None)
