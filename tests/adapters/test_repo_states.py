import asyncio
import errno
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.files import private_files
from gitoma.adapters.files.repo_states import FileRepoStates
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState, StorageRefused, UnreadableState, encode

SLUG = Slug("acme", "widget")
STATE = RepoState(slug=SLUG, phase=Phase.WORKING)
OTHER = RepoState(slug=Slug("acme", "gadget"), phase=Phase.DONE)
NAME = "acme__widget.json"
ROUNDS = 30
LIMIT_S = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def folder(path: Path) -> StateFolder:
    return StateFolder(path)


def a_link(place: Path) -> None:
    target = place.parent.parent / "outside.json"
    target.write_bytes(encode(STATE))
    place.symlink_to(target)


def a_dangling_link(place: Path) -> None:
    place.symlink_to(place.parent / "nowhere")


def a_link_to_itself(place: Path) -> None:
    place.symlink_to(place)


def a_link_to_a_folder(place: Path) -> None:
    outside = place.parent.parent / "outside"
    outside.mkdir()
    (outside / "precious").touch()
    place.symlink_to(outside)


def a_fifo(place: Path) -> None:
    os.mkfifo(place)


def a_socket(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(place.parent)  # the path of a socket may have 107 bytes only
        try:
            listener.bind(place.name)
        finally:
            os.chdir(here)


def an_empty_folder(place: Path) -> None:
    place.mkdir()


def a_folder_with_something_in_it(place: Path) -> None:
    place.mkdir()
    (place / "precious").touch()


def a_huge_file(place: Path) -> None:
    with place.open("wb") as file:
        file.truncate(50 * 1024 * 1024)


def somebody_elses_file(place: Path) -> None:
    place.write_bytes(encode(STATE))
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(place, 65534, -1)


ODD_THINGS = [
    a_link,
    a_dangling_link,
    a_link_to_itself,
    a_link_to_a_folder,
    a_fifo,
    a_socket,
    an_empty_folder,
    a_folder_with_something_in_it,
    a_huge_file,
    somebody_elses_file,
]


def everything_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("make", ODD_THINGS, ids=lambda make: make.__name__)
def test_an_odd_thing_is_reported_once_hides_no_other_and_can_be_deleted(
    make: Callable[[Path], None], path: Path, folder: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(OTHER)
    make(path / NAME)
    outside = {each for each in everything_below(path.parent) if not each.startswith("state")}

    assert folder.all() == [OTHER]
    assert folder.all() == [OTHER]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert NAME in caplog.text
    with pytest.raises(UnreadableState):
        folder.load(SLUG)

    assert folder.delete(SLUG) is True
    assert folder.delete(SLUG) is False
    assert folder.all() == [OTHER]
    assert {each for each in everything_below(path.parent) if not each.startswith("state")} == outside


@pytest.mark.parametrize(
    "make", [a_link, a_dangling_link, a_fifo, a_socket, a_huge_file], ids=lambda make: make.__name__
)
def test_a_save_replaces_an_odd_thing_and_follows_no_link(
    make: Callable[[Path], None], path: Path, folder: StateFolder
) -> None:
    folder.save(OTHER)
    make(path / NAME)
    (path.parent / "outside.json").write_bytes(b"untouched")

    folder.save(STATE)

    assert folder.load(SLUG) == STATE
    assert stat.S_ISREG((path / NAME).lstat().st_mode)
    assert (path.parent / "outside.json").read_bytes() == b"untouched"


def test_a_folder_that_holds_something_is_moved_aside_whole(
    path: Path, folder: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(OTHER)
    a_folder_with_something_in_it(path / NAME)

    assert folder.delete(SLUG) is True

    (aside,) = path.glob(f".{NAME}.*.aside")
    assert (aside / "precious").exists()
    assert aside.name in caplog.text


def test_a_save_does_not_replace_a_folder_and_leaves_nothing_behind(path: Path, folder: StateFolder) -> None:
    folder.save(OTHER)
    a_folder_with_something_in_it(path / NAME)
    before = everything_below(path)

    with pytest.raises(StorageRefused):
        folder.save(STATE)

    assert everything_below(path) == before


def test_a_fault_is_reported_again_when_it_is_another_one(
    path: Path, folder: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(STATE)
    for content in (b"{", b"", encode(STATE), b""):
        (path / NAME).write_bytes(content)
        folder.all()

    assert len(caplog.records) == 3


def test_a_name_with_control_characters_does_not_reach_the_log(
    path: Path, folder: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(STATE)
    (path / "a\x1b[2J\nb.json").touch()

    assert folder.all() == [STATE]
    assert "\x1b" not in caplog.text
    assert len(caplog.text.splitlines()) == 1


def test_a_file_under_another_name_than_its_own_is_no_state(path: Path, folder: StateFolder) -> None:
    folder.save(STATE)
    (path / "acme__zebra.json").write_bytes(encode(STATE))

    assert folder.all() == [STATE]
    with pytest.raises(UnreadableState, match="another repository"):
        folder.load(Slug("acme", "zebra"))


def test_other_files_in_the_folder_are_no_states_and_no_faults(
    path: Path, folder: StateFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(STATE)
    for name in (f".{NAME}.0123.tmp", "acme__widget.lock", "notes.txt", ".json"):
        (path / name).touch()

    assert folder.all() == [STATE]
    assert not caplog.records


def test_what_is_created_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        StateFolder(tmp_path / "home" / "state").save(STATE)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "state" / NAME).stat().st_mode) == 0o600


def test_a_home_that_is_a_file_keeps_nothing_and_says_so_only_when_saving(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    folder = StateFolder(tmp_path / "home" / "state")

    assert folder.all() == []
    assert folder.load(SLUG) is None
    assert folder.delete(SLUG) is False
    with pytest.raises(StorageRefused):
        folder.save(STATE)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_leaves_the_old_state_and_no_leftovers(
    path: Path, folder: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save(STATE)
    really_open = os.open

    def open_full(file: Path, flags: int, mode: int = 0o777) -> int:
        if not flags & os.O_CREAT:
            return really_open(file, flags, mode)
        os.close(really_open(file, flags, mode))
        return really_open("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", open_full)
    with pytest.raises(StorageRefused, match=os.strerror(errno.ENOSPC)):
        folder.save(RepoState(slug=SLUG, phase=Phase.DONE))

    monkeypatch.undo()
    assert folder.load(SLUG) == STATE
    assert everything_below(path) == {NAME}


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_every_descriptor_is_closed_again(path: Path, folder: StateFolder) -> None:
    folder.save(OTHER)
    for number, make in enumerate(ODD_THINGS[:7]):
        make(path / f"acme__odd{number}.json")
    before = open_descriptors()

    for _ in range(3):
        folder.all()
        folder.save(STATE)

    assert open_descriptors() == before


def test_leftovers_of_killed_writers_go_once_they_are_old(path: Path, folder: StateFolder) -> None:
    folder.save(STATE)
    old, young, foreign = path / f".{NAME}.01.tmp", path / f".{NAME}.02.tmp", path / ".acme__gadget.json.03.tmp"
    for leftover in (old, young, foreign):
        leftover.touch()
    for leftover in (old, foreign):
        os.utime(leftover, (time.time() - 7200,) * 2)

    folder.save(STATE)

    assert not old.exists()
    assert young.exists()
    assert foreign.exists()


def test_a_home_is_created_once_and_its_mode_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"

    assert private_files.ensure_home(home) is True
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    home.chmod(0o755)
    assert private_files.ensure_home(home) is True
    assert stat.S_IMODE(home.stat().st_mode) == 0o755


def test_a_home_that_cannot_be_is_logged_and_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()

    assert private_files.ensure_home(tmp_path / "file") is False
    assert private_files.ensure_home(tmp_path / "file" / "home") is False
    assert private_files.ensure_home(tmp_path / ("x" * 5000)) is False
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 3


async def test_the_event_loop_goes_on_while_a_disk_is_slow(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repos = FileRepoStates(path)
    await repos.save(STATE)
    reached, go_on = asyncio.Event(), os.pipe()
    loop = asyncio.get_running_loop()
    really_read = private_files.read

    def slow_read(file: Path, limit: int) -> bytes:
        loop.call_soon_threadsafe(reached.set)
        os.read(go_on[0], 1)
        return really_read(file, limit)

    monkeypatch.setattr(private_files, "read", slow_read)
    reading = asyncio.create_task(repos.all())
    await asyncio.wait_for(reached.wait(), LIMIT_S)
    os.write(go_on[1], b"x")

    assert await reading == [STATE]
    for descriptor in go_on:
        os.close(descriptor)


WRITER = """
import sys
from pathlib import Path
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState
folder = StateFolder(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    text = f"{number % 10}" * 200_000
    folder.save(RepoState(slug=Slug("acme", "widget"), phase=Phase.WORKING, current_operation=text))
    if number == 1:
        print("begun", flush=True)
"""


def test_a_writer_that_is_killed_leaves_the_old_state_or_the_new_one(path: Path, folder: StateFolder) -> None:
    seen = set()
    for turn in range(ROUNDS):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            try:
                assert writer.stdout is not None
                assert writer.stdout.readline() == b"begun\n"
                for _ in range(turn % 5):  # a reader beside the writer: the kill comes at another point each time
                    seen.add(the_one_digit_of(folder))
            finally:
                writer.send_signal(signal.SIGKILL)
            assert writer.wait(LIMIT_S) == -signal.SIGKILL

        seen.add(the_one_digit_of(folder))

    assert len(seen) > 1


def the_one_digit_of(folder: StateFolder) -> str:
    (state,) = folder.all()
    assert state.current_operation is not None
    (digit,) = set(state.current_operation)
    assert len(state.current_operation) == 200_000
    return digit
