"""From the open threads of a pull request to commits, one push, and answers.

The fixes of one job are one push, and nobody is answered before it has arrived. What is about to be pushed is written
down first: a job that was killed in between finds out whether it arrived, and then answers without asking a model.
Whatever ends the work early, what was mended by then is pushed and answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from gitoma.domain.agents import review
from gitoma.domain.agents.code_host import HostedRepo, PullRequest
from gitoma.domain.agents.commits import review_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.ports import WorkingCopy
from gitoma.domain.agents.review import Disposition, JudgedThread, Outcome
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.thread import ThreadWorker
from gitoma.domain.agents.thread_reader import ThreadReader, counted, counts, dispositions, show
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch, RepoUrl

_FIXED = (Outcome.APPLIED, Outcome.FIXED)


class Integration:
    """The work on one pull request.

    Args:
        hosted: The repository.
        branch: The pull request's branch in it.
        pull: The pull request.
        reader: Reads its threads.
        session: Where it is told and written down.
        tools: The ports.
    """

    def __init__(
        self,
        hosted: HostedRepo,
        branch: Branch,
        pull: PullRequest,
        reader: ThreadReader,
        session: Session,
        tools: Toolbox,
    ) -> None:
        self._slug = hosted.slug
        self._branch = branch
        self._number = pull.number
        self._reader = reader
        self._session = session
        self._tools = tools
        tools.budget.begin()
        self._model = MeteredModel(tools.model, tools.budget, tools.mask)
        self._worker = ThreadWorker(self._model, tools, session)
        self._threads: tuple[JudgedThread, ...] = ()
        self._found: dict[int, Disposition] = {}
        self._expect: str | None = None

    def done(self) -> Mapping[str, object]:
        """Do it all; the outcome, for the result.

        Raises:
            AgentError: Not every thread could be dealt with. What was reached is in it.
        """
        try:
            self._work()
        except AgentError as error:
            error.reached = {**self._reached(), **error.reached}
            raise
        return self._reached()

    def _work(self) -> None:
        url = RepoUrl.parse(f"https://github.com/{self._slug}")
        with self._tools.vcs.working_copy(url, self._branch) as copy:
            self._answer_what_arrived(copy)
            self._threads = self._read()
            show(self._threads, self._tools.progress)
            ended = self._mend(self._chosen(), copy)
            self._push(copy)
            self._answer(self._threads, self._found)
        self._conclude(ended)

    def _read(self) -> tuple[JudgedThread, ...]:
        return self._reader.read(dispositions(self._session.state, "threads"))

    def _answer_what_arrived(self, copy: WorkingCopy) -> None:
        """Answer the threads whose commits an earlier job pushed, and did not live to answer."""
        pushing = dispositions(self._session.state, "pushing")
        arrived = {key: one for key, one in pushing.items() if copy.contains(one.detail)}
        if arrived:
            self._session.say(
                f"{counted(arrived, 'commit')} of an earlier job arrived without an answer: answering now"
            )
            self._answer(review.actionable(self._read()), arrived)
        self._session.keep(pushing=None)

    def _chosen(self) -> Sequence[JudgedThread]:
        """Those that this job takes; what came to nothing before comes last, or it would be in the way for ever."""
        before = dispositions(self._session.state, "threads")
        waiting = sorted(review.actionable(self._threads), key=lambda judged: judged.key in before)
        return waiting[: review.THREADS_MAX]

    def _mend(self, threads: Sequence[JudgedThread], copy: WorkingCopy) -> AgentError | None:
        """Commit what mends each thread; returns what has ended it early."""
        self._expect = copy.head.sha if copy.head else None
        for judged in threads:
            try:
                self._found[judged.key] = self._mend_one(judged, copy)
            except AgentError as error:
                return error
            self._session.say(f"{judged.thread.root.path}: {self._found[judged.key]}")
        return None

    def _mend_one(self, judged: JudgedThread, copy: WorkingCopy) -> Disposition:
        made = self._worker.deal(judged, Tree(copy))
        if made.change is None:
            return replace(made.disposition, detail=self._tools.mask(made.disposition.detail))
        root = judged.thread.root
        sha = copy.commit(made.change, review_message(root.path, root.id))
        return Disposition(made.disposition.outcome, sha)

    def _push(self, copy: WorkingCopy) -> None:
        fixed = self._fixed()
        if fixed:
            self._session.keep(pushing=review.to_json(fixed))
            self._session.step(f"pushing {counted(fixed, 'commit')} to {self._branch}")
            copy.push(self._branch, expect=self._expect)

    def _fixed(self) -> dict[int, Disposition]:
        return {key: one for key, one in self._found.items() if one.outcome in _FIXED}

    def _answer(self, threads: Sequence[JudgedThread], found: Mapping[int, Disposition]) -> None:
        """Answer each thread, and write down at once that it is answered."""
        for judged in threads:
            disposition = found.get(judged.key)
            if disposition is None:
                continue
            text = review.answer(disposition)
            if text:
                self._reply(judged, text)
            known = {**dispositions(self._session.state, "threads"), judged.key: disposition}
            self._session.keep(threads=review.to_json(known))
        self._session.keep(pushing=None)

    def _reply(self, judged: JudgedThread, text: str) -> None:
        root = judged.thread.root
        try:
            self._tools.host.reply(self._slug, self._number, root.id, text)
        except AgentError as error:
            if error.code is not Code.NOT_FOUND:  # another failure may pass, and the next job answers
                raise
            self._session.detail(f"{root.path}: the comment is gone, and is not answered")

    def _reached(self) -> dict[str, object]:
        return {"threads": counts(self._threads, self._found), **self._model.budget.spent}

    def _conclude(self, ended: AgentError | None) -> None:
        answered = [one for one in self._found.values() if review.answer(one)]
        self._session.say(f"{counted(self._fixed(), 'commit')} pushed, {counted(answered, 'thread')} answered")
        if ended is not None:
            raise ended
        tally = counts(self._threads, self._found)
        failed, left = tally.get(Outcome.FAILED.value, 0), tally.get("open", 0)
        if failed or left:
            raise _partial(failed, left)


def _partial(failed: int, left: int) -> AgentError:
    said = [f"threads that could not be dealt with: {failed}"] if failed else []
    said += [f"threads left for another job, because one takes {review.THREADS_MAX}: {left}"] if left else []
    hint = "the lines above say why; start it again to try again" if failed else "start it again to go on"
    return AgentError(Code.PARTIAL, "; ".join(said), hint=hint)
