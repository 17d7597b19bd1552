import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.run_states import FileHeldState, FileRunStates
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.adapters.testing.checkouts import CollectedProgress
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState

SLUG = Slug("acme", "widget")
STATE = RepoState(slug=SLUG, phase=Phase.WORKING)
LIMIT_S = 20.0
SOON_S = 0.01

# Another process of the same machine: holds the lock, or waits for it, says so, and stays until its input ends.
OTHER = """
import sys
from pathlib import Path
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.testing.checkouts import CollectedProgress
from gitoma.domain.agents.progress import line_of
from gitoma.domain.repos.names import Slug
class Said(CollectedProgress):
    def emit(self, event):
        print(line_of(event), flush=True)
states = FileRunStates(Path(sys.argv[1]), progress=Said(), clock=SystemClock(), job_id="job-1")
with states.hold(Slug("acme", "widget"), wait=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OTHER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def make(folder: Path, heartbeat_s: float = 600.0, progress: CollectedProgress | None = None) -> FileRunStates:
    return FileRunStates(folder, progress=progress or CollectedProgress(), clock=SystemClock(), heartbeat_s=heartbeat_s)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(SOON_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "state"


def test_a_second_process_is_refused_and_told_who_has_it(folder: Path) -> None:
    with another(folder) as other:
        assert line(other) == "held"
        with pytest.raises(AgentError) as raised, make(folder).hold(SLUG, wait=False):
            pass

        assert raised.value.code is Code.REPO_BUSY
        assert f"process {other.pid} (job job-1)" in str(raised.value)


def test_a_second_process_waits_for_the_first(folder: Path) -> None:
    with ExitStack() as ours:
        ours.enter_context(make(folder).hold(SLUG, wait=False))
        with another(folder) as other:
            assert line(other) == f"[IDLE] waiting for process {os.getpid()}, which works on acme/widget"
            ours.close()
            assert line(other) == "held"


def test_a_process_that_is_killed_lets_go(folder: Path) -> None:
    with another(folder) as other:
        assert line(other) == "held"
        other.send_signal(signal.SIGKILL)
        other.wait(LIMIT_S)

    with make(folder).hold(SLUG, wait=False):
        pass


def test_a_signal_whose_handler_raises_ends_a_wait(folder: Path) -> None:
    class Cancelled(BaseException):
        pass

    def cancel(*_: object) -> None:
        raise Cancelled

    class Interrupted(CollectedProgress):
        def emit(self, event: object) -> None:
            # From another thread and a little later, so that it finds us in the wait.
            threading.Timer(0.2, signal.pthread_kill, (threading.main_thread().ident, signal.SIGTERM)).start()

    before = signal.signal(signal.SIGTERM, cancel)
    try:
        with another(folder) as other:
            assert line(other) == "held"
            with pytest.raises(Cancelled), make(folder, progress=Interrupted()).hold(SLUG, wait=True):
                pass
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_lock_is_not_left_to_children(folder: Path) -> None:
    with make(folder).hold(SLUG, wait=False):
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
    try:
        with make(folder).hold(SLUG, wait=False):
            pass
    finally:
        child.kill()
        child.wait()


def test_the_file_of_a_lock_stays_and_is_the_owners_alone_and_no_state(folder: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            with make(folder).hold(SLUG, wait=False):
                (lock,) = folder.iterdir()
                assert lock.read_text() == f"pid {os.getpid()}\n"
    finally:
        os.umask(before)

    assert list(folder.iterdir()) == [lock]
    assert lock.read_text() == ""
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert StateFolder(folder).all() == []


@pytest.mark.parametrize("written", [b"", b"pid x\n", b"\xff" * 5000, b"pid 1 job \x1b[2J\n"])
def test_whatever_is_written_in_a_lock_it_is_no_more_than_words(folder: Path, written: bytes) -> None:
    with another(folder) as other:
        assert line(other) == "held"
        (folder / ".acme__widget.lock").write_bytes(written)
        with pytest.raises(AgentError, match="worked on by another process"), make(folder).hold(SLUG, wait=False):
            pass


def test_a_home_that_has_no_locks_is_the_installations_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / ".acme__widget.lock").symlink_to(tmp_path / "file")
    (tmp_path / "fifo").mkdir()
    os.mkfifo(tmp_path / "fifo" / ".acme__widget.lock")
    for folder in (tmp_path / "file", tmp_path / "file" / "state", tmp_path / "link", tmp_path / "fifo"):
        with pytest.raises(AgentError) as raised, make(folder).hold(SLUG, wait=True):
            pass
        assert raised.value.code is Code.CONFIG
    assert (tmp_path / "file").read_bytes() == b""


def beat(folder: Path) -> datetime:
    state = make(folder).peek(SLUG)
    assert state is not None
    assert state.last_heartbeat is not None
    return state.last_heartbeat


def test_the_heart_beats_while_the_state_is_held_and_nothing_else_changes(folder: Path) -> None:
    with make(folder, SOON_S).hold(SLUG, wait=False) as held:
        held.save(STATE)
        first = make(folder).peek(SLUG)
        assert first is not None
        wait_until(lambda: beat(folder) > beat_of(first))
        later = make(folder).peek(SLUG)

    assert later is not None
    assert replace(later, last_heartbeat=None) == replace(first, last_heartbeat=None)


def beat_of(state: RepoState) -> datetime:
    return state.last_heartbeat or datetime.max.replace(tzinfo=UTC)


def test_the_heart_stops_when_the_state_is_let_go(folder: Path) -> None:
    threads = threading.active_count()
    with make(folder, SOON_S).hold(SLUG, wait=False) as held:
        held.save(STATE)
        assert threading.active_count() == threads + 1

    assert threading.active_count() == threads


class Watched(StateFolder):
    """Counts how often a heart looked whether there is a state."""

    looks = 0

    def has(self, slug: Slug) -> bool:
        self.looks += 1
        return super().has(slug)


def test_a_state_that_was_deleted_does_not_come_back_by_itself(folder: Path) -> None:
    watched = Watched(folder)
    held = FileHeldState(watched, SLUG, CollectedProgress(), SystemClock())
    held.save(STATE)
    assert watched.delete(SLUG)

    with held.beating(SOON_S):
        wait_until(lambda: watched.looks > 2)

    assert watched.load(SLUG) is None
    held.save(STATE)
    assert watched.load(SLUG) is not None


def test_what_was_there_before_the_first_save_is_not_touched(folder: Path) -> None:
    StateFolder(folder).save(STATE)

    with make(folder, SOON_S).hold(SLUG, wait=False) as held:
        assert held.load() == STATE
    assert StateFolder(folder).load(SLUG) == STATE


def test_signals_are_not_for_the_thread_of_the_heart(folder: Path) -> None:
    with make(folder).hold(SLUG, wait=False):
        (thread,) = [each for each in threading.enumerate() if each.name == "heartbeat"]
        blocked = int(
            next(
                text.split()[1]
                for text in Path(f"/proc/self/task/{thread.native_id}/status").read_text().splitlines()
                if text.startswith("SigBlk:")
            ),
            16,
        )

    assert all(blocked & 1 << number - 1 for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_home_that_takes_nothing_stops_no_work_and_is_said_once(folder: Path) -> None:
    progress = CollectedProgress()
    with make(folder, SOON_S, progress).hold(SLUG, wait=False) as held:
        (folder / "acme__widget.json" / "full").mkdir(parents=True)  # no file takes the place of a folder
        held.save(STATE)
        held.save(STATE)

    assert len(progress.lines) == 1
    assert "not written down" in progress.lines[0]


def test_an_unreadable_state_is_kept_under_another_name(folder: Path) -> None:
    progress = CollectedProgress()
    folder.mkdir(parents=True)
    (folder / "acme__widget.json").write_bytes(b"{half")

    with make(folder, progress=progress).hold(SLUG, wait=False) as held:
        assert held.load() is None

    (aside,) = folder.glob("acme__widget.json.corrupt-*")
    assert aside.read_bytes() == b"{half"
    assert aside.name in progress.lines[0]
    assert StateFolder(folder).all() == []


def test_every_descriptor_is_closed_again(folder: Path) -> None:
    def count() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    before = count()
    for _ in range(3):
        with make(folder).hold(SLUG, wait=False) as held:
            held.save(STATE)
            with pytest.raises(AgentError), make(folder).hold(SLUG, wait=False):
                pass

    assert count() == before
