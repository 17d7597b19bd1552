import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitoma.adapters.posix.process_table import PosixProcessTable

TABLES = [
    pytest.param(PosixProcessTable(), id="with /proc"),
    pytest.param(PosixProcessTable(Path("/nowhere")), id="without /proc"),
]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("table", TABLES)
def test_a_process_is_alive_until_it_has_ended(table: PosixProcessTable, child: subprocess.Popen[bytes]) -> None:
    assert table.is_alive(os.getpid())
    assert table.is_alive(child.pid)

    child.kill()
    child.wait()

    assert not table.is_alive(child.pid)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells a zombie from a process")
def test_a_zombie_is_not_alive(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie until it is waited for

    assert not PosixProcessTable().is_alive(child.pid)


def test_a_process_may_call_itself_anything(tmp_path: Path) -> None:
    for number, (line, alive) in enumerate([("1 (x) Z y)) S 1", True), ("1 (a) S b) Z 1", False)], start=1):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "stat").write_text(line)

        assert PosixProcessTable(tmp_path).is_alive(number) is alive


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("pid", [0, -1, -(2**31), 2**31, 2**64, pytest.param(10**5000, id="5001 digits")])
def test_a_number_that_no_process_can_have_is_not_alive(table: PosixProcessTable, pid: int) -> None:
    assert not table.is_alive(pid)


def test_a_process_of_somebody_else_is_alive() -> None:
    assert PosixProcessTable(Path("/nowhere")).is_alive(1)
