"""`review`: what people asked for on the agent's pull request, and, with `integrate`, the answer to it.

The fixes of one job are one push, and nobody is answered before it has arrived. What is about to be pushed is written
down first: a job that was killed in between finds out whether it arrived, and then answers without asking a model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gitoma.domain.agents import review, run_state
from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.commits import review_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.ports import HeldState, WorkingCopy
from gitoma.domain.agents.progress import Detail, Result, Step
from gitoma.domain.agents.review import Disposition, JudgedThread, Known, Outcome
from gitoma.domain.agents.session import Session, need_token, writable
from gitoma.domain.agents.thread import ThreadWorker
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl, Slug
from gitoma.domain.repos.state import Phase, RepoState

_PHASE = Phase.REVIEWING.value
_FIXED = (Outcome.APPLIED, Outcome.FIXED)
_OK = {"kind": "review", "exit": 0}


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
        return
    pull = _find(request, tools, tools.states.peek(slug))
    threads = _threads(request, tools, pull, tools.states.peek(slug))
    _tell(threads, tools)
    tools.progress.emit(Result({**_OK, **_facts(slug, pull), "threads": _counts(threads)}))


def _find(request: ReviewRequest, tools: Toolbox, state: RepoState | None) -> PullRequest:
    """The one that was asked for; else the one of the last run, if it is open; else the newest one of a run."""
    slug, host = request.repo.slug, tools.host
    if request.pull is not None:
        return host.pull(slug, request.pull)
    if state is not None and state.pr_number is not None:
        known = host.pull(slug, state.pr_number)
        # One that was merged or closed is what `integrate` wants to know of, to be done with it.
        if known.is_open or (request.integrate and state.phase in (Phase.PR_OPEN, Phase.REVIEWING)):
            return known
    opened = host.open_pulls(slug)
    for pull in opened:
        if pull.head_branch.startswith(run_state.PREFIX):
            return pull
    listed = tuple(f"#{pull.number} {pull.head_branch} {pull.url}" for pull in opened[:10])
    for line in listed:
        tools.progress.emit(Detail(line))
    raise AgentError(
        Code.NO_PULL,
        f"{slug} has no open pull request of an agent ({len(opened)} of others)",
        hint="name one with --pr" if opened else "start a run first",
    )


def _threads(
    request: ReviewRequest, tools: Toolbox, pull: PullRequest, state: RepoState | None
) -> tuple[JudgedThread, ...]:
    slug = request.repo.slug
    comments = tools.host.review_comments(slug, pull.number)
    resolved = tools.host.resolved_comments(slug, pull.number) if comments else frozenset()
    if resolved is None:
        tools.progress.emit(Detail("the host does not say which threads are resolved: all count as open"))
    known = Known(resolved or frozenset(), _dispositions(state, "threads"), request.trust_all)
    return review.judged(review.threads_of(comments), known)


def _tell(threads: Sequence[JudgedThread], tools: Toolbox) -> None:
    open_ones = review.actionable(threads)
    tools.progress.emit(Step(_PHASE, f"{len(threads)} threads, {len(open_ones)} to be acted upon"))
    for judged in threads:
        root = judged.thread.root
        place = f"{root.path}:{root.line}" if root.line else root.path
        said = " ".join(root.body.split())[:160]
        what = judged.disposition or "to be acted upon"
        tools.progress.emit(Detail(f"{place} {root.author} ({root.association.lower()}): {what}: {said}"))


def _integrate(request: ReviewRequest, tools: Toolbox, held: HeldState) -> None:
    before = held.load()
    pull = _find(request, tools, before)
    now = tools.clock.now().wall
    state = run_state.reviewed(before, request.repo, pull, job_id=tools.job_id, now=now)
    session = Session(held, state, tools)
    with session.recorded():
        if not pull.is_open:
            session.enter(Phase.DONE)
            session.say(f"#{pull.number} is {'merged' if pull.is_merged else 'closed'}: nothing to do")
            tools.progress.emit(Result({**_OK, **_facts(request.repo.slug, pull), "threads": {}}))
            return
        hosted = _pushable(request, tools, pull)
        session.enter(Phase.REVIEWING)
        try:
            _Integration(request, tools, session, hosted, pull).work()
        finally:
            session.enter(Phase.PR_OPEN)


def _pushable(request: ReviewRequest, tools: Toolbox, pull: PullRequest) -> HostedRepo:
    hosted = writable(tools, request.repo.slug)
    if pull.head_repo is None or pull.head_repo.casefold() != str(hosted.slug).casefold():
        raise AgentError(
            Code.FORBIDDEN,
            f"#{pull.number} comes from {pull.head_repo or 'a fork that is gone'}, which is not pushed to",
            hint="only pull requests from the repository's own branches can be integrated",
        )
    return hosted


class _Integration:
    """One pull request: from its open threads to answers."""

    def __init__(
        self, request: ReviewRequest, tools: Toolbox, session: Session, hosted: HostedRepo, pull: PullRequest
    ) -> None:
        self._request = request
        self._tools = tools
        self._session = session
        self._pull = pull
        self._url = RepoUrl.parse(f"https://github.com/{hosted.slug}")
        self._branch = Branch(pull.head_branch)
        tools.budget.begin()
        self._model = MeteredModel(tools.model, tools.budget, tools.mask)

    def work(self) -> None:
        with self._tools.vcs.working_copy(self._url, self._branch) as copy:
            threads = self._answer_what_arrived(copy)
            _tell(threads, self._tools)
            chosen = review.actionable(threads)[: review.THREADS_MAX]
            found, spent = self._deal_with(chosen, copy)
            self._answer(chosen, found)
        self._conclude(threads, found, spent)

    def _answer_what_arrived(self, copy: WorkingCopy) -> tuple[JudgedThread, ...]:
        """The threads, once those are answered whose commits an earlier job pushed and did not live to answer."""
        pushing = _dispositions(self._session.state, "pushing")
        arrived = {key: one for key, one in pushing.items() if copy.contains(one.detail)}
        threads = self._read()
        if arrived:
            self._session.say(f"{len(arrived)} fixes of an earlier job have arrived: answering")
            self._answer(review.actionable(threads), arrived)
            threads = self._read()
        self._session.keep(pushing=None)
        return threads

    def _read(self) -> tuple[JudgedThread, ...]:
        return _threads(self._request, self._tools, self._pull, self._session.state)

    def _deal_with(
        self, threads: Sequence[JudgedThread], copy: WorkingCopy
    ) -> tuple[dict[int, Disposition], AgentError | None]:
        """Commit what mends each thread, and push it all; returns what became of each, and a spent budget."""
        expect = copy.head.sha if copy.head else None
        worker = ThreadWorker(self._model, self._tools, self._session)
        found: dict[int, Disposition] = {}
        spent: AgentError | None = None
        for judged in threads:
            try:
                made = worker.deal(judged, Tree(copy))
            except AgentError as error:
                if error.code is not Code.BUDGET:
                    raise
                spent = error
                break
            found[judged.key] = made.disposition
            if made.change is not None:
                root = judged.thread.root
                sha = copy.commit(made.change, review_message(root.path, root.id))
                found[judged.key] = Disposition(made.disposition.outcome, sha)
            self._session.say(f"{judged.thread.root.path}: {found[judged.key]}")
        fixed = {key: one for key, one in found.items() if one.outcome in _FIXED}
        if fixed:
            self._session.keep(pushing=review.to_json(fixed))
            self._session.step(f"pushing {len(fixed)} fixes to {self._branch}")
            copy.push(self._branch, expect=expect)
        return found, spent

    def _answer(self, threads: Sequence[JudgedThread], found: dict[int, Disposition]) -> None:
        """Answer each thread, and write down at once that it is answered."""
        for judged in threads:
            disposition = found.get(judged.key)
            if disposition is None:
                continue
            text = review.answer(disposition)
            if text:
                self._tools.host.reply(self._request.repo.slug, self._pull.number, judged.thread.root.id, text)
            known = {**_dispositions(self._session.state, "threads"), judged.key: disposition}
            self._session.keep(threads=review.to_json(known))
        self._session.keep(pushing=None)

    def _conclude(
        self, threads: Sequence[JudgedThread], found: dict[int, Disposition], spent: AgentError | None
    ) -> None:
        counts = _counts(threads, found)
        fields = {**_facts(self._request.repo.slug, self._pull), "threads": counts, **self._model.budget.spent}
        left = counts.get(Outcome.FAILED.value, 0) + counts.get("open", 0)
        if spent is not None:
            spent.reached = fields
            raise spent
        if left:
            raise AgentError(
                Code.PARTIAL,
                f"{left} threads could not be dealt with; the others are answered",
                hint="the lines above say why; start it again to try again",
                reached=fields,
            )
        self._session.say(
            f"{sum(one.outcome in _FIXED for one in found.values())} fixes pushed, all threads dealt with"
        )
        self._tools.progress.emit(Result({**_OK, **fields}))


def _dispositions(state: RepoState | None, name: str) -> dict[int, Disposition]:
    return review.from_json(state.kept.get(name)) if state is not None else {}


def _counts(threads: Sequence[JudgedThread], found: dict[int, Disposition] | None = None) -> dict[str, int]:
    counts: dict[str, int] = {}
    for judged in threads:
        disposition = judged.disposition or (found or {}).get(judged.key)
        word = disposition.outcome.value if disposition else "open"
        counts[word] = counts.get(word, 0) + 1
    return counts


def _facts(slug: Slug, pull: PullRequest) -> dict[str, object]:
    return {"repo": str(slug), "pr": pull.number, "url": pull.url}
