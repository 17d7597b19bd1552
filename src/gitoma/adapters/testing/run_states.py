"""For `RunStates`: a store in memory, and the checks that every adapter must pass.

To run the checks over an adapter, give each of `RUN_STATES_CHECKS` a maker of stores that share their states and locks,
as processes of one machine do, and a way to put bytes in a state's place:

    @pytest.mark.parametrize("check", RUN_STATES_CHECKS)
    def test_my_run_states(check):
        check(my_maker, my_put_raw)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from threading import Lock
from typing import TypeAlias

from gitoma.adapters.testing.checkouts import CollectedProgress
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.ports import HeldState, Progress, RunStates
from gitoma.domain.agents.progress import Event, Step
from gitoma.domain.clock import Clock
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState, UnreadableState, decode, encode

MakeRunStates: TypeAlias = Callable[[Progress], RunStates]
PutRaw: TypeAlias = Callable[[Slug, bytes], None]
Check: TypeAlias = Callable[[MakeRunStates, PutRaw], None]

LIMIT_S = 20.0
"""How long a check waits for something that takes no time."""


@dataclass(slots=True)
class MemoryHome:
    """What the stores of one machine share.

    Attributes:
        documents: The states, encoded: what a document cannot hold does not survive here either.
        locks: One for each repository that was ever held.
        refuses: Nothing can be kept.
        history: Every state that was ever kept, encoded, oldest first.
    """

    documents: dict[Slug, bytes] = field(default_factory=dict)
    locks: dict[Slug, Lock] = field(default_factory=dict)
    refuses: bool = False
    history: list[bytes] = field(default_factory=list)


class MemoryRunStates(RunStates):
    """States in memory. Nothing beats between two saves: time stands still in tests.

    Args:
        progress: Is told who is waited for, and what cannot be kept or read.
        clock: Tells the time.
        home: What it shares with others.
    """

    def __init__(self, progress: Progress, clock: Clock, home: MemoryHome | None = None) -> None:
        self.home = home or MemoryHome()
        self._progress = progress
        self._clock = clock

    @contextmanager
    def hold(self, slug: Slug, *, wait: bool) -> Iterator[HeldState]:
        """Be the only one."""
        lock = self.home.locks.setdefault(slug, Lock())
        if not lock.acquire(blocking=False):
            if not wait:
                raise AgentError(Code.REPO_BUSY, f"{slug} is worked on by process {os.getpid()}")
            self._progress.emit(Step(Phase.IDLE, f"waiting for process {os.getpid()}, which works on {slug}"))
            lock.acquire()
        try:
            yield MemoryHeldState(self.home, slug, self._progress, self._clock)
        finally:
            lock.release()

    def peek(self, slug: Slug) -> RepoState | None:
        """The state as it is now."""
        try:
            return _read(self.home, slug)
        except UnreadableState:
            return None


class MemoryHeldState(HeldState):
    """The state of a repository that is held; made by `MemoryRunStates.hold`."""

    def __init__(self, home: MemoryHome, slug: Slug, progress: Progress, clock: Clock) -> None:
        self._home = home
        self._slug = slug
        self._progress = progress
        self._clock = clock
        self._has_complained = False

    def load(self) -> RepoState | None:
        """The state."""
        try:
            return _read(self._home, self._slug)
        except UnreadableState as error:
            del self._home.documents[self._slug]
            self._progress.emit(Step(Phase.IDLE, f"the state of {self._slug} cannot be read: {error.reason}"))
            return None

    def save(self, state: RepoState) -> None:
        """Keep a state."""
        now = self._clock.now().wall
        document = encode(replace(state, pid=os.getpid(), updated_at=now, last_heartbeat=now))
        if not self._home.refuses:
            self._home.documents[self._slug] = document
            self._home.history.append(document)
        elif not self._has_complained:
            self._has_complained = True
            self._progress.emit(Step(Phase.IDLE, "what is done is not written down"))


def _read(home: MemoryHome, slug: Slug) -> RepoState | None:
    document = home.documents.get(slug)
    if document is None:
        return None
    state = decode(document)
    if state.slug != slug:
        raise UnreadableState("it is the state of another repository than its name says")
    return state


_WIDGET = Slug("acme", "widget")
_GADGET = Slug("acme", "gadget")
_STATE = RepoState(slug=_WIDGET, phase=Phase.WORKING, branch="b", errors=("one",), kept={"x": {"y": [1, None]}})


class _Watched(CollectedProgress):
    """Lets another thread know that something was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said = Flag()

    def emit(self, event: Event) -> None:
        super().emit(event)
        self.said.set()


def check_what_was_saved_is_loaded_and_peeked(make: MakeRunStates, put_raw: PutRaw) -> None:
    """By the one who holds it and by everybody else; also after it is let go."""
    states, others = make(CollectedProgress()), make(CollectedProgress())
    with states.hold(_WIDGET, wait=False) as held:
        assert held.load() is None
        assert others.peek(_WIDGET) is None
        held.save(_STATE)

        loaded = held.load()
        assert loaded is not None
        assert replace(loaded, pid=None, updated_at=None, last_heartbeat=None) == _STATE
        assert others.peek(_WIDGET) is not None
    peeked = others.peek(_WIDGET)
    assert peeked is not None
    assert replace(peeked, last_heartbeat=None) == replace(loaded, last_heartbeat=None)
    assert others.peek(_GADGET) is None


def check_a_save_says_who_and_when(make: MakeRunStates, put_raw: PutRaw) -> None:
    """Our process, and one moment for the change and the heartbeat, whatever the state said before."""
    with make(CollectedProgress()).hold(_WIDGET, wait=False) as held:
        held.save(replace(_STATE, pid=1))
        loaded = held.load()

    assert loaded is not None
    assert loaded.pid == os.getpid()
    assert loaded.updated_at is not None
    assert loaded.last_heartbeat is not None
    assert loaded.last_heartbeat >= loaded.updated_at
    assert loaded.updated_at.utcoffset() is not None


def check_who_does_not_wait_is_told_who_works(make: MakeRunStates, put_raw: PutRaw) -> None:
    """And holds nothing; another repository is free."""
    progress = CollectedProgress()
    with make(CollectedProgress()).hold(_WIDGET, wait=False):
        try:
            with make(progress).hold(_WIDGET, wait=False):
                raise AssertionError("held twice")
        except AgentError as error:
            assert error.code is Code.REPO_BUSY, error
            assert str(os.getpid()) in str(error), error
        with make(progress).hold(_GADGET, wait=False):
            pass
    with make(progress).hold(_WIDGET, wait=False):
        pass
    assert progress.events == []


def check_who_waits_says_so_and_is_next(make: MakeRunStates, put_raw: PutRaw) -> None:
    """It finds what the one before it saved."""
    progress = _Watched()

    def wait_for_it() -> RepoState | None:
        with make(progress).hold(_WIDGET, wait=True) as held:
            return held.load()

    with ThreadPoolExecutor() as pool:
        with make(CollectedProgress()).hold(_WIDGET, wait=False) as held:
            waiting = pool.submit(wait_for_it)
            assert progress.said.wait(LIMIT_S)
            assert not waiting.done()
            held.save(_STATE)
        found = waiting.result(LIMIT_S)

    assert found is not None
    assert found.branch == "b"
    assert len(progress.lines) == 1
    assert str(os.getpid()) in progress.lines[0]


def check_who_waits_for_nobody_says_nothing(make: MakeRunStates, put_raw: PutRaw) -> None:
    """A free lock is taken at once."""
    progress = CollectedProgress()
    for _ in range(2):
        with make(progress).hold(_WIDGET, wait=True):
            pass
    assert progress.events == []


def check_an_unreadable_state_is_moved_aside_and_that_is_said(make: MakeRunStates, put_raw: PutRaw) -> None:
    """It stops nobody, and is in nobody's way again."""
    for data in (b"", b"{", b"\xff", b'{"owner": "acme", "name": "gadget", "phase": "IDLE"}'):
        progress = CollectedProgress()
        states = make(progress)
        put_raw(_WIDGET, data)
        assert states.peek(_WIDGET) is None
        assert progress.events == []
        with states.hold(_WIDGET, wait=False) as held:
            assert held.load() is None
            assert len(progress.lines) == 1
            assert held.load() is None
            held.save(_STATE)
            assert held.load() is not None
        assert len(progress.lines) == 1


def check_it_is_free_again_however_the_work_ends(make: MakeRunStates, put_raw: PutRaw) -> None:
    """Also with an exception that is no `Exception`."""
    states = make(CollectedProgress())
    for error in (ValueError, KeyboardInterrupt):
        try:
            with states.hold(_WIDGET, wait=False) as held:
                held.save(_STATE)
                raise error
        except (ValueError, KeyboardInterrupt):
            pass
        with states.hold(_WIDGET, wait=False) as held:
            assert held.load() is not None


RUN_STATES_CHECKS: tuple[Check, ...] = (
    check_what_was_saved_is_loaded_and_peeked,
    check_a_save_says_who_and_when,
    check_who_does_not_wait_is_told_who_works,
    check_who_waits_says_so_and_is_next,
    check_who_waits_for_nobody_says_nothing,
    check_an_unreadable_state_is_moved_aside_and_that_is_said,
    check_it_is_free_again_however_the_work_ends,
)
