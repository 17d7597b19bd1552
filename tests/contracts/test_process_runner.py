"""The promises of `ProcessRunner`, kept by real processes on both event loops and by the fake on its clock."""

import asyncio
import os
import sys

import pytest
import uvloop

from gitoma.adapters.posix import process_group
from gitoma.adapters.posix.leftovers import kill_marked
from gitoma.adapters.posix.process_group import ProcessGroupRunner, contains_escapees
from gitoma.adapters.testing.process_runner_checks import A_LOT, PROCESS_RUNNER_CHECKS, Behaviour, Subject
from gitoma.adapters.testing.processes import FakeProcessRunner, Script, ending
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.jobs.ports import Exited, ProcessEvent, Wrote

CLEANS_UP = """
import signal, sys, time
def clean_up(*_):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(1)
    print("bye")
    sys.exit()
signal.signal(signal.SIGTERM, clean_up)
print("ready", flush=True)
signal.pause()
"""

LEAVES_AN_ESCAPEE_BEHIND = """
import os, signal, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.write(writing, b".")
    time.sleep(600)
os.read(reading, 1)
"""

COMMANDS = {
    Behaviour.SAYS_HELLO: ["echo", "hello"],
    Behaviour.EXITS_WITH_3: ["sh", "-c", "exit 3"],
    Behaviour.WRITES_A_LOT: [sys.executable, "-c", f"print('x' * {A_LOT}, end='')"],
    Behaviour.SLEEPS: ["sleep", "600"],
    Behaviour.CLOSES_OUTPUT_AND_SLEEPS: ["sh", "-c", "exec sleep 600 >&- 2>&-"],
    Behaviour.IGNORES_TERMINATE: ["sh", "-c", "trap '' TERM; echo ready; exec sleep 600"],
    Behaviour.CLEANS_UP: [sys.executable, "-c", CLEANS_UP],
    Behaviour.LEAVES_A_CHILD_BEHIND: ["sh", "-c", "sleep 600 &"],
    Behaviour.LEAVES_AN_ESCAPEE_BEHIND: [sys.executable, "-c", LEAVES_AN_ESCAPEE_BEHIND],
    Behaviour.CANNOT_START: ["no-such-command-anywhere"],
}

LEFT_BEHIND = ((0.0, ProcessEvent.OUTPUT_CLOSED), (0.0, ProcessEvent.GONE))

SCRIPTS = {
    Behaviour.SAYS_HELLO: Script(ending(0, saying=b"hello\n")),
    Behaviour.EXITS_WITH_3: Script(ending(3, after=0.1)),
    Behaviour.WRITES_A_LOT: Script(
        ((0.0, Wrote(b"x" * (A_LOT // 2))), *ending(0, after=0.1, saying=b"x" * (A_LOT // 2)))
    ),
    Behaviour.SLEEPS: Script(),
    Behaviour.CLOSES_OUTPUT_AND_SLEEPS: Script(((0.1, ProcessEvent.OUTPUT_CLOSED),)),
    Behaviour.IGNORES_TERMINATE: Script(((0.1, Wrote(b"ready\n")),), on_terminate=None),
    Behaviour.CLEANS_UP: Script(((0.1, Wrote(b"ready\n")),), on_terminate=ending(0, after=1.0, saying=b"bye\n")),
    Behaviour.LEAVES_A_CHILD_BEHIND: Script(((0.1, Exited(0)),), on_terminate=LEFT_BEHIND),
    Behaviour.LEAVES_AN_ESCAPEE_BEHIND: Script(((0.1, Exited(0)),), on_terminate=None, on_kill=LEFT_BEHIND),
    Behaviour.CANNOT_START: Script(refusal="No such file or directory"),
}


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


@pytest.mark.parametrize("check", PROCESS_RUNNER_CHECKS, ids=lambda check: check.__name__)
def test_real_processes_keep_the_promise(check, run):
    runner = ProcessGroupRunner(os.environ)

    run(check(Subject(runner, COMMANDS.__getitem__, finds_escapees=contains_escapees())))


@pytest.mark.parametrize("check", PROCESS_RUNNER_CHECKS, ids=lambda check: check.__name__)
async def test_real_processes_keep_the_promise_on_a_system_without_subreapers(check, monkeypatch):
    without = "import sys; sys.path.append(sys.argv[1]); import job_parent; job_parent.prctl = lambda *_: False; "
    monkeypatch.setattr(process_group, "JOB_PARENT", without + "job_parent.main(sys.argv[2:])")

    try:
        await check(Subject(ProcessGroupRunner(os.environ), COMMANDS.__getitem__, finds_escapees=False))
    finally:
        kill_marked(f"job that {Behaviour.LEAVES_AN_ESCAPEE_BEHIND.name}")  # which is not found, as announced


@pytest.mark.parametrize("check", PROCESS_RUNNER_CHECKS, ids=lambda check: check.__name__)
async def test_scripts_keep_the_promise(check):
    clock = VirtualClock()
    runner = FakeProcessRunner(clock, lambda argv: SCRIPTS[Behaviour[argv[0]]])

    await clock.complete(check(Subject(runner, lambda behaviour: [behaviour.name])))

    assert all(processes.closed for processes in runner.started)
