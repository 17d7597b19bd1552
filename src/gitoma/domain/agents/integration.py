"""From the open threads of a pull request to commits, one push, and answers.

The fixes of one job are one push, and nobody is answered before it has arrived. What is about to be pushed is written
down first: a job that was killed in between finds out whether it arrived, and then answers without asking a model.
What needs no model comes first, and whatever ends the work early, what was mended by then is pushed and answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from gitoma.domain.agents import review
from gitoma.domain.agents.code_host import HostedRepo, PullRequest, Remark
from gitoma.domain.agents.commits import review_message
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import WorkingCopy
from gitoma.domain.agents.review import Disposition, JudgedThread, Outcome
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.thread import Dealt, ThreadWorker
from gitoma.domain.agents.thread_reader import ThreadReader, counted, counts, dispositions, show, show_remarks
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch

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
        self._hosted = hosted
        self._branch = branch
        self._number = pull.number
        self._reader = reader
        self._session = session
        self._tools = tools
        self._worker = ThreadWorker(tools.metered_model(), tools, session)
        self._threads: tuple[JudgedThread, ...] = ()
        self._remarks: tuple[Remark, ...] = ()
        self._found: dict[int, Disposition] = {}
        self._expect: str | None = None

    def carry_out(self) -> Mapping[str, object]:
        """Mend what was asked for, push it, and answer; what it came to, for the result. The budget begins to count.

        Raises:
            AgentError: Not every thread could be dealt with. What was reached is in it.
        """
        self._tools.budget.begin()
        try:
            self._work()
        except AgentError as error:
            error.reached = {**self.reached(), **error.reached}
            raise
        return self.reached()

    def _work(self) -> None:
        with self._tools.vcs.working_copy(self._hosted.url, self._branch) as copy:
            self._answer_what_arrived(copy)
            self._threads = self._read()
            show(self._threads, self._tools.progress, settled=False)
            self._remarks = self._reader.remarks()
            show_remarks(self._remarks, self._tools.progress)
            ended = self._mend(copy)
            self._push(copy)
            self._answer(self._threads, self._found)
        self._conclude(ended)

    def _read(self) -> tuple[JudgedThread, ...]:
        return self._reader.read(dispositions(self._session.state, "threads"))

    def _answer_what_arrived(self, copy: WorkingCopy) -> None:
        """Answer the threads whose commits an earlier job pushed, and did not live to answer.

        What it pushed to other pull requests stays written down until they are looked at again.
        """
        pushing = dispositions(self._session.state, "pushing")
        threads = self._read() if pushing else ()
        here = {comment.id for judged in threads for comment in judged.thread.comments}
        arrived = {key: one for key, one in pushing.items() if key in here and copy.contains(one.detail)}
        if arrived:
            self._session.say(
                f"{counted(arrived, 'commit')} of an earlier job arrived without an answer: answering now"
            )
            self._answer(review.actionable(threads), arrived)
        self._is_no_longer_pushing(here)

    def _is_no_longer_pushing(self, keys: Collection[int]) -> None:
        pushing = dispositions(self._session.state, "pushing")
        left = {key: one for key, one in pushing.items() if key not in keys}
        if left != pushing:
            self._session.keep(pushing=review.to_json(left) or None)

    def _mend(self, copy: WorkingCopy) -> AgentError | None:
        """Commit what mends each thread; returns what has ended it early."""
        self._expect = copy.head.sha if copy.head else None
        waiting = self._waiting()
        self._mend_without_model(waiting, copy)
        left = [judged for judged in waiting if judged.key not in self._found]
        for judged in left[: review.THREADS_MAX - len(self._found)]:
            try:
                made = self._worker.deal(judged, Tree(copy))
            except AgentError as error:
                return error
            self._settle(judged, made, copy)
        return None

    def _waiting(self) -> Sequence[JudgedThread]:
        """Those to be acted upon; what came to nothing before comes last, or it would be in the way for ever."""
        before = dispositions(self._session.state, "threads")
        return sorted(review.actionable(self._threads), key=lambda judged: judged.key in before)

    def _mend_without_model(self, threads: Sequence[JudgedThread], copy: WorkingCopy) -> None:
        """From the last line to the first: so no change moves the lines that the next one is about."""
        tree = Tree(copy)
        for judged in sorted(threads, key=lambda judged: -(judged.thread.root.line or 0)):
            made = self._worker.deal_alone(judged, tree)
            if made is None:
                continue
            if self._settle(judged, made, copy):
                tree = Tree(copy)
            if len(self._found) == review.THREADS_MAX:
                return

    def _settle(self, judged: JudgedThread, made: Dealt, copy: WorkingCopy) -> bool:
        """Note what has become of a thread; returns whether there is a commit of it."""
        disposition = self._found[judged.key] = self._committed(judged, made, copy)
        self._session.say(f"{judged.thread.root.place}: {disposition}")
        return disposition.outcome in _FIXED

    def _committed(self, judged: JudgedThread, made: Dealt, copy: WorkingCopy) -> Disposition:
        if made.change is None:
            return replace(made.disposition, detail=self._tools.mask(made.disposition.detail))
        root = judged.thread.root
        try:
            sha = copy.commit(made.change, review_message(root.path, root.id))
        except AgentError as error:  # nothing has changed, and the other threads are as good as before
            self._session.detail(f"{root.place}: {error}")
            return Disposition(Outcome.FAILED, error.code.text)
        return Disposition(made.disposition.outcome, sha)

    def _push(self, copy: WorkingCopy) -> None:
        fixed = self._fixed()
        if fixed:
            known = dispositions(self._session.state, "pushing")  # to other pull requests
            self._session.keep(pushing=review.to_json({**known, **fixed}))
            self._session.step(f"pushing {counted(fixed, 'commit')} to {self._branch}")
            try:
                copy.push(self._branch, expect=self._expect)
            except AgentError:
                # Nobody is answered, and the result tells of no fix. If one arrived all the same, the next job sees it.
                self._found = {key: one for key, one in self._found.items() if key not in fixed}
                raise

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
        self._is_no_longer_pushing(found)

    def _reply(self, judged: JudgedThread, text: str) -> None:
        root = judged.thread.root
        try:
            self._tools.host.reply(self._hosted.slug, self._number, root.id, text)
        except AgentError as error:
            if error.code is not Code.NOT_FOUND:  # another failure may pass, and the next job answers
                raise
            self._session.detail(f"{root.place}: the comment is gone, and is not answered")

    def reached(self) -> dict[str, object]:
        """What it has come to until now, for the result."""
        threads = counts(self._threads, self._found)
        return {"threads": threads, "remarks": len(self._remarks), **self._tools.budget.spent}

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
