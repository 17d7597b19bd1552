"""`review`: what people asked for on the agent's pull request, and, with `integrate`, the answer to it.

To look changes nothing: not the repository, not the state. What it takes to answer is `integration`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gitoma.domain.agents import reviewed_pull, run_state
from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.integration import Integration
from gitoma.domain.agents.ports import HeldState
from gitoma.domain.agents.progress import Step
from gitoma.domain.agents.session import Session, writable
from gitoma.domain.agents.thread_reader import ThreadReader, counts, dispositions, show, show_remarks
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import RepoUrl
from gitoma.domain.repos.state import Phase, RepoState


@dataclass(frozen=True, slots=True)
class ReviewRequest:
    """What is asked for.

    Attributes:
        repo: The repository.
        integrate: Do what was asked for, push it, and answer.
        pull: The pull request's number; None: the agent's own.
        trust_all: Act upon what strangers ask for, too.
    """

    repo: RepoUrl
    integrate: bool = False
    pull: int | None = None
    trust_all: bool = False


def review_pull(request: ReviewRequest, tools: Toolbox) -> Mapping[str, object]:
    """Show the threads; with `integrate`, act upon them. What it came to, for the result.

    Raises:
        AgentError: There is no pull request to look at, a run is unfinished (`needs_human`), or not every thread could
            be dealt with (`partial`).
    """
    slug = request.repo.slug
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma review {slug}"))
    if not request.integrate:
        hosted = tools.host.repo(slug)
        return _look(replace(request, repo=hosted.url), tools)
    hosted = writable(tools, slug)
    with tools.states.hold(hosted.slug, wait=tools.waits) as held:
        return _integrate(replace(request, repo=hosted.url), hosted, tools, held)


def _look(request: ReviewRequest, tools: Toolbox) -> Mapping[str, object]:
    state = tools.states.peek(request.repo.slug)
    pull = _find(request, tools, state, ended=False)
    reader = _reader(request, tools, pull)
    threads = reader.read(dispositions(state, "threads"))
    show(threads, tools.progress)
    remarks = reader.remarks()
    show_remarks(remarks, tools.progress)
    return {**_facts(request, pull), "threads": counts(threads), "remarks": len(remarks)}


def _integrate(request: ReviewRequest, hosted: HostedRepo, tools: Toolbox, held: HeldState) -> Mapping[str, object]:
    before = held.load()
    _keep_out_of_a_run(before, request)
    pull = _find(request, tools, before, ended=True)
    if not pull.is_open:
        _end(request, tools, held, before, pull)
        return {**_facts(request, pull), "threads": {}}
    # Before anything is written down: what is not to be integrated leaves no trace, and no other run's in peace.
    branch = reviewed_pull.pushable(pull, hosted)
    now = tools.clock.now().wall
    session = Session(held, run_state.reviewed(before, request.repo, pull, job_id=tools.job_id, now=now), tools)
    with session.recorded():
        session.enter(Phase.REVIEWING)
        work = Integration(hosted, branch, pull, _reader(request, tools, pull), session, tools)
        session.facts = lambda: {**_facts(request, pull), **work.reached()}
        try:
            return {**_facts(request, pull), **work.carry_out()}
        except AgentError as error:
            error.reached = {**_facts(request, pull), **error.reached}
            raise
        finally:
            session.enter(Phase.PR_OPEN)


def _keep_out_of_a_run(state: RepoState | None, request: ReviewRequest) -> None:
    """Taking up a pull request would be to forget the plan of a run that can be gone on with: a state has room for one.

    Raises:
        AgentError: `needs_human`: a run is unfinished.
    """
    if state is None or not run_state.is_unfinished(state):
        return
    where = f" on {state.branch}" if state.branch else ""
    raise AgentError(
        Code.NEEDS_HUMAN,
        f"a run{where} is unfinished",
        hint=f"finish it with `gitoma run {request.repo}`, or forget it with `gitoma reset {request.repo}`",
    )


def _find(request: ReviewRequest, tools: Toolbox, state: RepoState | None, *, ended: bool) -> PullRequest:
    pull = reviewed_pull.find(request.pull, request.repo.slug, state, tools, ended=ended)
    reviewed_pull.introduce(pull, tools)
    return pull


def _end(request: ReviewRequest, tools: Toolbox, held: HeldState, before: RepoState | None, pull: PullRequest) -> None:
    """Be done with a pull request that is merged or closed, if it is the one that the state is about."""
    if before is not None and reviewed_pull.is_of(before, pull):
        now = tools.clock.now().wall
        session = Session(held, run_state.taken_up(before, request.repo, job_id=tools.job_id, now=now), tools)
        with session.recorded():
            session.enter(Phase.DONE)
    tools.progress.emit(Step(Phase.DONE.value, f"#{pull.number} is no longer open: nothing to do"))


def _reader(request: ReviewRequest, tools: Toolbox, pull: PullRequest) -> ThreadReader:
    return ThreadReader(request.repo.slug, pull.number, tools, trust_all=request.trust_all)


def _facts(request: ReviewRequest, pull: PullRequest) -> dict[str, object]:
    return {"repo": str(request.repo.slug), "pr": pull.number, "url": pull.url}
