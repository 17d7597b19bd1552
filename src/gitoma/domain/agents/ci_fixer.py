"""One CI failure, from its log to a change that a critic approved; nothing is written but a transcript."""

from __future__ import annotations

from collections.abc import Callable

from gitoma.domain.agents import prompts
from gitoma.domain.agents.changes import ChangeSet
from gitoma.domain.agents.cilog import SharedFailure
from gitoma.domain.agents.editing import ATTEMPTS, Assignment, Editor
from gitoma.domain.agents.excerpts import file_texts
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.language_model import ChatRequest, LanguageModel, ModelFacts
from gitoma.domain.agents.named_definitions import named_by_tools
from gitoma.domain.agents.ports import ArtifactNotKept
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.prompt_layout import Attempt
from gitoma.domain.agents.reflexion import Outcome
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree

_ASKED = "Make the CI job pass by mending the cause of its failure, with as little change as it takes."


class CiFixer:
    """Finds fixes, and writes down how.

    Args:
        model: Fixes and judges; metered.
        facts: What is known of it.
        tools: The ports.
        session: Where it is told.
    """

    def __init__(self, model: LanguageModel, facts: ModelFacts, tools: Toolbox, session: Session) -> None:
        self._facts = facts
        self._tools = tools
        self._session = session
        self._transcript: list[str] = []
        self._editor = Editor(model, tools.yaml, tools.is_secret, self._tell)

    def fix(self, shared: SharedFailure, tree: Tree) -> ChangeSet | None:
        """The change that mends a failure; None if none was found.

        Raises:
            AgentError: `budget`, or the model cannot be used at all.
        """
        failure = shared.failure
        self._transcript += [f"# {shared.jobs[0].name}", "", failure.excerpt, ""]
        files = frozenset(failure.files)
        assignment = Assignment(
            self._question(shared, tree),
            # Nobody asks for a deletion here, a log is no person; but tools name what is not used.
            Scope(files, new_tests=True, keeps_tests=True, may_go=named_by_tools(failure.excerpt)),
            critique=lambda change: self._critique(shared, change),
            only=failure.files[0] if len(files) == 1 else None,
        )
        edited = self._editor.edit(assignment, tree)
        self._transcript += [f"outcome: {edited.outcome.value}", *(edited.change.diff() if edited.change else ()), ""]
        if edited.outcome is Outcome.BUDGET and edited.failure is not None:
            raise edited.failure
        if edited.change is None:
            self._session.say(f"{shared.jobs[0].name}: {edited.reason}")
        return edited.change

    def keep_transcript(self) -> str | None:
        """Keep what was tried, and return where; None where nothing was, or it could not be kept."""
        if not self._transcript:
            return None
        text = "\n".join(printable(line) for line in "\n".join(self._transcript).split("\n"))
        try:
            return self._tools.artifacts.keep(
                self._session.state.slug.file_stem, "fix-ci.txt", self._tools.mask(text + "\n")
            )
        except ArtifactNotKept as error:
            self._session.detail(f"the transcript is not kept: {error}")
            return None

    def _question(self, shared: SharedFailure, tree: Tree) -> Callable[[Attempt], ChatRequest]:
        failure, job = shared.failure, shared.jobs[0].name
        files = file_texts(tree, failure.files, failure.lines)

        def ask(attempt: Attempt) -> ChatRequest:
            if not attempt.halved:
                where = ", ".join(failure.files)
                self._session.step(f"{job}: {where} (attempt {attempt.number}/{ATTEMPTS})")
            context = self._facts.context_tokens
            return prompts.fixer(job, failure.excerpt, files, context, attempt)

        return ask

    def _critique(self, shared: SharedFailure, change: ChangeSet) -> ChatRequest:
        return prompts.critic(_ASKED, change, self._facts.context_tokens, excerpt=shared.failure.excerpt)

    def _tell(self, line: str) -> None:
        self._session.detail(line)
        self._transcript.append(line)
