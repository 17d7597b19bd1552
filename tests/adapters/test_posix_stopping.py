"""Nothing of a job survives, whatever it does and whoever dies first: its main process, its parent, or the server.

Processes are counted by a word in their command lines, which neither a new session nor an emptied environment removes.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from gitoma.adapters.posix.process_group import PIPE_BYTES, ProcessGroupRunner, contains_escapees
from gitoma.domain.jobs.ports import Exited, ProcessEvent, Stop, Wrote

pytestmark = pytest.mark.skipif(not contains_escapees(), reason="only Linux finds processes that left their group")

LIMIT_S = 30.0

HOSTILE = """
import ctypes, os, signal, sys, time
behaviour, word = sys.argv[1:]

def fork(child):
    if os.fork() == 0:
        child()
        os._exit(0)

def sleep():
    time.sleep(600)

def ignore():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)

def leave():
    os.setsid()
    ignore()

def leave_twice():
    os.setsid()
    fork(ignore)

def leave_with_nothing():
    os.setsid()
    if os.fork() == 0:
        program = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        os.execve(sys.executable, [sys.executable, "-c", program, word], {})

def adopt():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    leave_twice()
    ignore()

def grow(depth=0):
    if depth < 3:
        for _ in range(5):
            fork(lambda: grow(depth + 1))
        for _ in range(2):
            fork(leave)
    ignore()

def hop():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.fork() == 0:
        os.setsid()
    os._exit(0)

def stop():
    os.setsid()
    os.kill(os.getpid(), signal.SIGSTOP)

main = sleep
match behaviour:
    case "has a child": fork(sleep)
    case "has a child that ignores SIGTERM": fork(ignore)
    case "leaves first": fork(ignore); main = lambda: None
    case "has a child in another session": fork(leave)
    case "has a daemon": fork(leave_twice)
    case "has a daemon without environment": fork(leave_with_nothing)
    case "has a child that adopts orphans": fork(adopt)
    case "has two hundred descendants": fork(grow)
    case "has a child that forks away for ever": fork(hop)
    case "has a stopped child": fork(stop)
    case "is stopped": main = lambda: os.kill(os.getpid(), signal.SIGSTOP)
print("ready", flush=True)
main()
"""

BEHAVIOURS = [
    "has a child",
    "has a child that ignores SIGTERM",
    "leaves first",
    "has a child in another session",
    "has a daemon",
    "has a daemon without environment",
    "has a child that adopts orphans",
    "has two hundred descendants",
    "has a child that forks away for ever",
    "has a stopped child",
    "is stopped",
]

SERVER = """
import asyncio, os, sys
from gitoma.adapters.posix.process_group import ProcessGroupRunner
from gitoma.domain.jobs.ports import Wrote

async def serve():
    processes = await ProcessGroupRunner(os.environ, grace_s=0.2).start("1", sys.argv[1:])
    while type(await processes.next(600)) is not Wrote:
        pass
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(serve())
"""


@pytest.fixture
def word():
    word = f"word-{uuid.uuid4()}"
    yield word
    for pid in processes_with(word):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes_with(word):
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if word.encode() in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def poll(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def hostile(behaviour, word):
    return [sys.executable, "-c", HOSTILE, behaviour, word]


def pipe_of(pid):
    """The writing end of a process's standard output, as a stranger could get hold of it."""
    pipe = Path(f"/proc/{pid}/fd/1").open("wb", buffering=0)  # noqa: SIM115 - the caller does
    os.set_blocking(pipe.fileno(), False)
    return pipe


@asynccontextmanager
async def job(argv, **options):
    processes = await ProcessGroupRunner(os.environ, **options).start(str(uuid.uuid4()), argv)
    try:
        yield processes
    finally:
        processes.stop(Stop.KILL)
        processes.close()


async def until(processes, last):
    events = []
    while not events or not (events[-1] is last or type(events[-1]) is last):
        events.append(await processes.next(LIMIT_S))
    return events


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_kill_leaves_nothing(behaviour, word):
    async with job(hostile(behaviour, word)) as processes:
        await until(processes, Wrote)
        before = processes_with(word)
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)

        assert before
        assert processes_with(word) == []


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_terminate_and_then_kill_leave_nothing(behaviour, word):
    async with job(hostile(behaviour, word)) as processes:
        await until(processes, Wrote)
        processes.stop(Stop.TERMINATE)
        with suppress(TimeoutError):
            while await processes.next(0.1) is not ProcessEvent.GONE:
                pass
        if processes_with(word):
            processes.stop(Stop.KILL)
            await until(processes, ProcessEvent.GONE)

        assert processes_with(word) == []


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_server_that_is_killed_leaves_nothing(behaviour, word):
    server = subprocess.Popen([sys.executable, "-c", SERVER, *hostile(behaviour, word)], stdout=subprocess.PIPE)
    with server:
        try:
            assert server.stdout.readline() == b"ready\n"
            assert len(processes_with(word)) >= 2
        finally:
            server.kill()

    poll(lambda: processes_with(word) == [])


def test_a_server_that_is_killed_leaves_nothing_even_of_a_job_that_has_stopped_its_parent(word):
    # Half a second after the start: the server continues a parent that it still waits for, and nobody after that.
    program = "sleep 0.5; kill -STOP $PPID; echo ready; sleep 600"
    server = subprocess.Popen([sys.executable, "-c", SERVER, "sh", "-c", program, word], stdout=subprocess.PIPE)
    with server:
        try:
            assert server.stdout.readline() == b"ready\n"
            assert "T" in [state_of(pid) for pid in processes_with(word)]
        finally:
            server.kill()

    poll(lambda: processes_with(word) == [])


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("behaviour", ["has a child", "has a daemon", "has a child that forks away for ever"])
async def test_a_job_that_is_let_go_of_is_ended_by_its_parent(behaviour, word):
    async with job(hostile(behaviour, word), grace_s=0.1) as processes:
        await until(processes, Wrote)
        processes.close()

        poll(lambda: processes_with(word) == [])


async def test_terminate_reaches_those_who_left_the_group_and_those_who_are_stopped(word):
    program = """
import os, signal, sys
def leave(*_):
    os.write(1, b"bye")
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
if os.fork() == 0:
    os.setsid()
os.write(1, b"ready")
os.kill(os.getpid(), signal.SIGSTOP)
"""
    async with job([sys.executable, "-c", program, word]) as processes:
        output = b""
        while output != b"readyready":
            event = await processes.next(LIMIT_S)
            output += event.chunk
        processes.stop(Stop.TERMINATE)
        events = await until(processes, ProcessEvent.GONE)

    assert b"".join(event.chunk for event in events if isinstance(event, Wrote)) == b"byebye"
    assert Exited(0) in events


async def test_the_exit_is_told_at_once_and_the_end_when_the_last_process_is_gone(word):
    async with job(hostile("leaves first", word)) as processes:
        await until(processes, Exited)
        with pytest.raises(TimeoutError):
            await processes.next(0.1)
        assert processes_with(word)
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)

        assert processes_with(word) == []


async def test_a_job_that_kills_its_group_does_not_reach_its_parent():
    async with job(["sh", "-c", "kill -KILL 0"]) as processes:
        events = await until(processes, ProcessEvent.GONE)

    assert Exited(-9) in events


async def test_a_job_that_kills_its_parent_is_ended_and_what_it_left_is_too(word):
    program = 'setsid sh -c "sleep 600; :" $0 & kill -KILL $PPID; sleep 600'
    async with job(["sh", "-c", program, word]) as processes:
        events = await until(processes, ProcessEvent.GONE)

        assert Exited(-9) in events
        assert processes_with(word) == []


async def test_a_job_that_terminates_its_parent_is_terminated_and_then_killed(word):
    program = "trap '' TERM; kill -TERM $PPID; while :; do sleep 0.1; done"
    async with job(["sh", "-c", program, word], grace_s=0.2) as processes:
        events = await until(processes, ProcessEvent.GONE)

    assert Exited(-9) in events


async def test_a_job_that_stops_its_parent_can_still_be_killed(word):
    async with job(["sh", "-c", "kill -STOP $PPID; echo ready; sleep 600", word]) as processes:
        await until(processes, Wrote)
        processes.stop(Stop.KILL)
        events = await until(processes, ProcessEvent.GONE)

        assert Exited(-9) in events
        assert processes_with(word) == []


async def test_a_job_that_stops_its_parent_and_exits_is_seen_to_have_exited(word):
    async with job(["sh", "-c", "kill -STOP $PPID; exit 3", word]) as processes:
        events = await until(processes, ProcessEvent.GONE)

    assert Exited(3) in events


async def test_a_job_that_stops_its_parent_is_still_ended_when_it_is_let_go_of(word):
    async with job(["sh", "-c", "kill -STOP $PPID; echo ready; sleep 600", word], grace_s=0.1) as processes:
        await until(processes, Wrote)
        processes.close()

        poll(lambda: processes_with(word) == [])


async def test_a_signal_to_the_servers_terminal_reaches_neither_the_job_nor_its_parent(word):
    async with job(hostile("has a child", word)) as processes:
        await until(processes, Wrote)
        sessions = {os.getsid(pid) for pid in processes_with(word)}
        processes.stop(Stop.KILL)
        await until(processes, ProcessEvent.GONE)

    assert len(sessions) == 2  # the parent's and the job's
    assert os.getsid(0) not in sessions


async def test_a_stranger_who_holds_the_pipe_does_not_hold_up_the_end():
    async with job(["sh", "-c", "echo $$; exec sleep 600"]) as processes:
        wrote = await processes.next(LIMIT_S)
        with pipe_of(int(wrote.chunk)):
            processes.stop(Stop.KILL)
            events = await until(processes, ProcessEvent.GONE)

    assert events == [Exited(-9), ProcessEvent.GONE]


async def test_a_stranger_who_floods_the_pipe_does_not_hold_up_the_end():
    async with job(["sh", "-c", "echo $$; exec sleep 600"]) as processes:
        wrote = await processes.next(LIMIT_S)
        with pipe_of(int(wrote.chunk)) as pipe:
            processes.stop(Stop.KILL)
            size = 0
            while (event := await processes.next(LIMIT_S)) is not ProcessEvent.GONE:
                size += len(event.chunk) if isinstance(event, Wrote) else 0
                pipe.write(b"x" * PIPE_BYTES)
                assert size < 1000 * PIPE_BYTES, "it never ends"


async def test_a_job_goes_before_the_server_when_memory_runs_out():
    own = int(Path("/proc/self/oom_score_adj").read_text())  # noqa: ASYNC240 - /proc does not block
    async with job(["cat", "/proc/self/oom_score_adj"]) as processes:
        events = await until(processes, ProcessEvent.GONE)

    assert Wrote(b"%d\n" % max(own, 500)) in events
