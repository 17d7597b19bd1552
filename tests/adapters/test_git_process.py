"""A git process and those that it starts, and what becomes of them when we end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.git import process

LIMIT_S = 30.0


def ended(pid: int) -> bool:
    """A zombie has ended, too; who collects it is not our affair."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return shown.strip()[:1] in ("", "Z")


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """With them git is a program that starts another one, writes down both, and waits."""
    (tmp_path / "git").write_text(
        f"#!/bin/sh\nsleep 600 &\necho $$ $! > {tmp_path}/new\nmv {tmp_path}/new pids\nwait\n"
    )
    (tmp_path / "git").chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_git_and_its_children_are_gone_when_we_are(
    tmp_path: Path, variables: dict[str, str], number: signal.Signals
) -> None:
    program = (
        "import os, pathlib; from gitoma.adapters.git.process import run\n"
        "run(('push',), folder=pathlib.Path(), variables=dict(os.environ))"
    )
    pids = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, env=variables) as agent:
        wait_until(pids.exists)
        agent.send_signal(number)
    git, child = map(int, pids.read_text().split())

    wait_until(lambda: ended(git) and ended(child))


def test_what_git_leaves_behind_is_gone_when_git_is(tmp_path: Path, variables: dict[str, str]) -> None:
    shim = tmp_path / "git"
    shim.write_text(shim.read_text().replace("&\n", "> /dev/null 2>&1 &\n").replace("wait\n", ""))
    done = process.run(("push",), folder=tmp_path, variables=variables)

    assert done.code == 0
    wait_until(lambda: ended(int((tmp_path / "pids").read_text().split()[1])))


def test_nobody_is_left_behind_where_there_is_no_git(tmp_path: Path) -> None:
    program = """if True:
        import os, pathlib
        from gitoma.adapters.git.process import run
        from gitoma.domain.agents.errors import AgentError, Code
        try:
            run(("push",), folder=pathlib.Path(), variables={"PATH": "."})
        except AgentError as error:
            assert error.code is Code.CONFIG
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("no children")
    """
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "no children\n"
