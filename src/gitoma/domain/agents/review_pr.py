"""`review`: what people asked for on the agent's pull request, and, with `integrate`, the answer to it.

To look changes nothing: not the repository, not the state. What it takes to answer is `integration`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitoma.domain.agents import reviewed_pull, run_state
from gitoma.domain.agents.code_host import PullRequest
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.agents.integration import Integration
from gitoma.domain.agents.ports import HeldState
from gitoma.domain.agents.progress import Result, Step
from gitoma.domain.agents.session import Session, need_token
from gitoma.domain.agents.thread_reader import ThreadReader, counts, dispositions, show
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


def review_pull(request: ReviewRequest, tools: Toolbox) -> None:
    """Show the threads; with `integrate`, act upon them. Ends with the result.

    Raises:
        AgentError: There is no pull request to look at, or not every thread could be dealt with (`partial`).
    """
    slug = request.repo.slug
    tools.progress.emit(Step(Phase.IDLE.value, f"gitoma review {slug}"))
    if request.integrate:
        need_token(tools)
        with tools.states.hold(slug, wait=tools.waits) as held:
            _integrate(request, tools, held)
    else:
        _look(request, tools)


def _look(request: ReviewRequest, tools: Toolbox) -> None:
    state = tools.states.peek(request.repo.slug)
    pull = _find(request, tools, state, ended=False)
    threads = _reader(request, tools, pull).read(dispositions(state, "threads"))
    show(threads, tools.progress)
    tools.progress.emit(_done(request, pull, counts(threads)))


def _integrate(request: ReviewRequest, tools: Toolbox, held: HeldState) -> None:
    before = held.load()
    pull = _find(request, tools, before, ended=True)
    if not pull.is_open:
        _end(request, tools, held, before, pull)
        tools.progress.emit(_done(request, pull, {}))
        return
    # Before anything is written down: what is not to be integrated leaves no trace, and no other run's in peace.
    hosted, branch = reviewed_pull.pushable(pull, request.repo.slug, tools)
    now = tools.clock.now().wall
    session = Session(held, run_state.reviewed(before, request.repo, pull, job_id=tools.job_id, now=now), tools)
    with session.recorded():
        session.enter(Phase.REVIEWING)
        work = Integration(hosted, branch, pull, _reader(request, tools, pull), session, tools)
        try:
            fields = work.done()
        except AgentError as error:
            error.reached = {**_facts(request, pull), **error.reached}
            raise
        finally:
            session.enter(Phase.PR_OPEN)
        tools.progress.emit(Result({"kind": "review", "exit": 0, **_facts(request, pull), **fields}))


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


def _done(request: ReviewRequest, pull: PullRequest, threads: Mapping[str, int]) -> Result:
    return Result({"kind": "review", "exit": 0, **_facts(request, pull), "threads": threads})


def _facts(request: ReviewRequest, pull: PullRequest) -> dict[str, object]:
    return {"repo": str(request.repo.slug), "pr": pull.number, "url": pull.url}
