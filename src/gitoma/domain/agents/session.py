"""What every flow that writes has around it: the phases and the heartbeat of the state, and how its end is recorded.

No rule of a flow is here. Which phase may follow which is `run_state`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from gitoma.domain.agents import run_state
from gitoma.domain.agents.code_host import HostedRepo
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import HeldState
from gitoma.domain.agents.progress import Detail, Step
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState

ERRORS_KEPT = 20
"""How many errors a state holds: the last ones."""

SIZE_MAX_KIB = 2 * 1024 * 1024
"""The largest repository that is worked on, as its host counts: 2 GiB, what one pack of a clone may have."""

_INTERNAL = "internal error; its trace is in the log of the agents"
_UNREAD = "ended because its output could not be written, or nobody read it any more"


class Session:
    """One agent at work on one repository: the state as it was last written.

    Args:
        held: Where the state is kept; None for a dry run, which writes none.
        state: The state to begin with. It is not saved until something changes.
        tools: Where steps are told, and what takes credentials out of what is written down.
        label: What stands before the lines in place of the phase, for work that is none.

    Attributes:
        state: The state as it was last written.
        mask: Takes our credentials out of a text. What is written down here is masked here; but a plan is masked by
            whoever makes it, because its names of files must stay as they are.
        facts: What the work has come to now, as a result says it; a flow puts its own in the place of this one.
    """

    def __init__(self, held: HeldState | None, state: RepoState, tools: Toolbox, label: str = "") -> None:
        self._held = held
        self._progress = tools.progress
        self.mask = tools.mask
        self._label = label
        self._reached = tools.reached
        self.state = state
        self.facts: Callable[[], Mapping[str, object]] = lambda: {"repo": str(self.state.slug)}

    def write(self, **changes: Any) -> None:
        """Change fields of the state, and keep it."""
        self.state = replace(self.state, **changes)
        if self._held is not None:
            self._held.save(self.state)

    def keep(self, **extra: Any) -> None:
        """Change fields of the state that are ours alone; see `run_state`. None takes a field away."""
        kept = {name: value for name, value in {**self.state.kept, **extra}.items() if value is not None}
        self.write(kept=kept)

    def enter(self, phase: Phase) -> None:
        """Go on to another phase, or stay.

        Raises:
            IllegalMove: It may not follow the present one.
        """
        if phase is not self.state.phase:
            self.write(phase=run_state.moved(self.state.phase, phase))

    def step(self, text: str) -> None:
        """Say, and write down, what is done now."""
        self.say(text)
        self.write(current_operation=self.mask(text))

    def say(self, text: str, phase: Phase | None = None) -> None:
        """Say what has come of it."""
        self._progress.emit(Step(self._label or (phase or self.state.phase).value, text))

    def detail(self, text: str) -> None:
        """Say something about it."""
        self._progress.emit(Detail(text))

    def error(self, text: str) -> None:
        """Write down what went wrong."""
        self.write(errors=(*self.state.errors, self.mask(text))[-ERRORS_KEPT:])

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """However the work in here ends, the state says it: what went wrong, and that nobody works any more.

        What it has come to is in the `reached` of the tools then, even if it was cancelled.

        A clean exit is every end that was meant: success, a failure that was told, a cancel. A defect of ours is none.
        Work that is no run leaves a run that died as one that died.
        """
        died = bool(self._label) and run_state.is_unfinished(self.state) and not self.state.exit_clean
        self.write(exit_clean=False)
        clean = True
        try:
            yield
        except AgentError as error:
            self.error(str(error))
            raise
        except BrokenPipeError:
            self.error(_UNREAD)
            raise
        except Exception:
            clean = False
            self.error(_INTERNAL)
            raise
        finally:
            self._reached.update(self.facts())
            left = clean and not died
            self.write(current_operation=None, current_task_id=None, current_subtask_id=None, exit_clean=left)


def writable(tools: Toolbox, slug: Slug) -> HostedRepo:
    """The repository on its host, for whoever wants to push to it.

    Raises:
        AgentError: `config` without a token, `archived`, `forbidden` without the right to push, and what the host says.
    """
    need_token(tools)
    repo = tools.host.repo(slug)
    if repo.archived:
        raise AgentError(Code.ARCHIVED, f"{repo.slug} is archived", hint="unarchive it, or choose another repository")
    if not repo.can_push:
        raise AgentError(
            Code.FORBIDDEN,
            f"the token may not push to {repo.slug}",
            hint="give it the right to write contents, or work on a fork of your own",
        )
    if repo.size_kib > SIZE_MAX_KIB:
        raise AgentError(Code.TOO_LARGE, f"{repo.slug} has {repo.size_kib // 1024} MiB, which is more than is cloned")
    return repo


def need_token(tools: Toolbox) -> None:
    """Go on only with a token.

    Raises:
        AgentError: `config`: there is none.
    """
    if not tools.has_token:
        raise AgentError(
            Code.CONFIG,
            "GITHUB_TOKEN is not set, and this needs one",
            hint="set it to a token that may write contents and pull requests, and read actions",
        )
