"""The states that agents write, as files: one writer at a time, and a heartbeat for as long as it lives."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gitoma.adapters.files import run_locks
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.domain.agents.ports import HeldState, Progress, RunStates
from gitoma.domain.agents.progress import Step
from gitoma.domain.clock import Clock
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState, StorageRefused, UnreadableState

HEARTBEAT_S = 15.0
"""Between two heartbeats: six fit into the 90 s after which an agent is taken for dead."""


class FileRunStates(RunStates):
    """States and locks in one folder; what readers see of it is `StateFolder`'s.

    Args:
        folder: Where they are; created when first needed.
        progress: Is told who is waited for, and what cannot be kept or read.
        clock: Tells the time.
        job_id: The job that we are; None on a command line. Whoever waits for us is told.
        heartbeat_s: Between two heartbeats.
    """

    def __init__(
        self,
        folder: Path,
        *,
        progress: Progress,
        clock: Clock,
        job_id: str | None = None,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._folder = folder
        self._progress = progress
        self._clock = clock
        self._job_id = job_id
        self._heartbeat_s = heartbeat_s

    @contextmanager
    def hold(self, slug: Slug, *, wait: bool) -> Iterator[HeldState]:
        """See the port."""

        def say(who: str) -> None:
            self._progress.emit(Step(Phase.IDLE, f"waiting for {who}, which works on {slug}"))

        with run_locks.held(self._folder, slug, job_id=self._job_id, wait=say if wait else None):
            held = FileHeldState(StateFolder(self._folder), slug, self._progress, self._clock)
            with held.beating(self._heartbeat_s):
                yield held

    def peek(self, slug: Slug) -> RepoState | None:
        """See the port."""
        try:
            return StateFolder(self._folder).load(slug)
        except UnreadableState:
            return None


class FileHeldState(HeldState):
    """The state of a repository whose lock we hold; made by `FileRunStates.hold`."""

    def __init__(self, folder: StateFolder, slug: Slug, progress: Progress, clock: Clock) -> None:
        self._folder = folder
        self._slug = slug
        self._progress = progress
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._saved: RepoState | None = None
        self._is_refused = False

    def load(self) -> RepoState | None:
        """See the port."""
        try:
            return self._folder.load(self._slug)
        except UnreadableState as error:
            self._say(f"what was written down of {self._slug} cannot be read ({error.reason}): {self._set_aside()}")
            return None

    def save(self, state: RepoState) -> None:
        """See the port."""
        now = self._clock.now().wall
        with self._one_at_a_time:
            self._saved = replace(state, pid=os.getpid(), updated_at=now, last_heartbeat=now)
            try:
                self._folder.save(self._saved)
            except StorageRefused as error:
                if not self._is_refused:
                    self._say(f"what is done is not written down, and cannot be resumed: {error.reason}")
                self._is_refused = True

    @contextmanager
    def beating(self, interval_s: float) -> Iterator[None]:
        """Keep the heartbeat of the state that was saved last fresh, until the context ends."""
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(interval_s):
                self._beat()

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        # Signals are for the main thread: one that came to this one would not wake it, and would have its handler run
        # where the main thread has blocked it. A thread inherits the mask of the one that starts it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self) -> None:
        """Say that we are there.

        A state that somebody has deleted stays so. One that is deleted between our look and our write comes back.
        """
        with self._one_at_a_time:
            if self._saved is None or not self._folder.has(self._slug):
                return
            self._saved = replace(self._saved, last_heartbeat=self._clock.now().wall)
            try:
                self._folder.save(self._saved)
            except (
                StorageRefused
            ):  # `save` says it, and may say it better: from another thread a line would come between
                return

    def _set_aside(self) -> str:
        mark = f"corrupt-{self._clock.now().wall:%Y%m%d-%H%M%S}"
        try:
            return f"it is now {self._folder.set_aside(self._slug, mark)}"
        except StorageRefused as error:
            return f"it cannot be moved aside, either: {error.reason}"

    def _say(self, text: str) -> None:
        self._progress.emit(Step(Phase.IDLE, text))
