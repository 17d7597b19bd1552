"""What real processes find and write: their environment, their descriptors, and output of every hostile kind."""

import asyncio
import os
import signal
import sys
import uuid
from ast import literal_eval
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvloop

from gitoma.adapters.posix.process_group import PIPE_BYTES, ProcessGroupRunner
from gitoma.domain.errors import CannotStart
from gitoma.domain.jobs.ports import Exited, ProcessEvent, Stop, Wrote

LIMIT_S = 30.0
needs_proc = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="counts descriptors in /proc, which is Linux's"
)


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


@asynccontextmanager
async def job(argv, environment=os.environ, **options):
    processes = await ProcessGroupRunner(environment, **options).start(str(uuid.uuid4()), argv)
    try:
        yield processes
    finally:
        processes.stop(Stop.KILL)
        processes.close()


async def events_of(argv, environment=os.environ, **options):
    async with job(argv, environment, **options) as processes:
        events = []
        while ProcessEvent.GONE not in events[-1:]:
            events.append(await processes.next(LIMIT_S))
        return events


async def output_of(argv, environment=os.environ, **options):
    events = await events_of(argv, environment, **options)
    return b"".join(event.chunk for event in events if isinstance(event, Wrote))


def python(program, *arguments):
    return [sys.executable, "-c", program, *arguments]


def test_a_line_of_200_kib_arrives_whole(run):
    assert run(output_of(python("print('x' * 204_800)"))) == b"x" * 204_800 + b"\n"


def test_a_last_line_without_a_newline_arrives(run):
    assert run(output_of(["printf", "one\\ntwo"])) == b"one\ntwo"


def test_bytes_that_are_no_text_arrive_as_they_are(run):
    everything = bytes(range(256))

    assert run(output_of(python("import sys; sys.stdout.buffer.write(bytes(range(256)))"))) == everything


def test_standard_output_and_error_are_one_pipe_in_order(run):
    program = "import os\nfor i in range(100): os.write(1 + i % 2, b'%d\\n' % i)"

    assert run(output_of(python(program))).split() == [b"%d" % i for i in range(100)]


def test_output_after_a_silence_arrives_at_once(run):
    async def talk():
        async with job(["sh", "-c", "echo one; kill -STOP $$; echo two"]) as processes:
            assert await processes.next(LIMIT_S) == Wrote(b"one\n")
            with pytest.raises(TimeoutError):
                await processes.next(0.05)
            processes.stop(Stop.TERMINATE)
            return await processes.next(LIMIT_S)

    # SIGTERM, then SIGCONT: the stopped shell wakes up and acts on the first.
    assert run(talk()) in (Exited(-15), ProcessEvent.OUTPUT_CLOSED)


def test_100_mb_as_fast_as_it_can_are_read_in_full_while_others_have_their_turn(run):
    program = "import os\npiece = b'x' * 65_536\nfor _ in range(1600): os.write(1, piece)"

    async def read():
        turns = chunks = size = 0
        done = False

        async def others():
            nonlocal turns
            while not done:
                turns += 1
                await asyncio.sleep(0)

        async with job(python(program)) as processes:
            other = asyncio.create_task(others())
            while (event := await processes.next(LIMIT_S)) is not ProcessEvent.GONE:
                if isinstance(event, Wrote):
                    chunks += 1
                    size += len(event.chunk)
            done = True
            await other
        return turns, chunks, size

    turns, chunks, size = run(read())

    assert size == 1600 * 65_536
    assert turns >= chunks


def test_a_job_that_nobody_reads_is_slowed_down_and_loses_nothing(run, tmp_path):
    pieces = [b"%4d" % number * 256 for number in range(2000)]
    progress = tmp_path / "progress"
    program = "import os, sys\nfor i in range(2000): os.write(1, b'%4d' % i * 256); open(sys.argv[1], 'ab').write(b'.')"

    def written():
        return progress.stat().st_size if progress.exists() else 0

    async def read_late():
        async with job(python(program, str(progress))) as processes:
            stuck = -1
            while written() != stuck:  # it writes until the pipe is full, and then no more
                stuck = written()
                await asyncio.sleep(0.2)
            rest = b""
            while (event := await processes.next(LIMIT_S)) is not ProcessEvent.GONE:
                rest += event.chunk if isinstance(event, Wrote) else b""
            return stuck * 1024, rest

    ahead, output = run(read_late())

    assert ahead <= PIPE_BYTES
    assert output == b"".join(pieces)


def test_standard_input_is_empty(run):
    assert run(output_of(["sh", "-c", "cat; readlink /proc/self/fd/0 || true"])).strip() in (b"/dev/null", b"")


def test_a_job_finds_the_allowed_part_of_the_environment_and_its_id(run):
    server = {
        "PATH": os.environ["PATH"],
        "HOME": "/nowhere",
        "GITOMA_API_TOKEN": "secret",
        "DATABASE_URL": "secret",
        "NPM_TOKEN": "named",
    }

    async def start():
        runner = ProcessGroupRunner(server, also_inherit=["NPM_TOKEN"])
        processes = await runner.start("the-id", python("import os; print(sorted(os.environ.items()))"))
        output = b""
        while (event := await processes.next(LIMIT_S)) is not ProcessEvent.GONE:
            output += event.chunk if isinstance(event, Wrote) else b""
        processes.close()
        return output.decode()

    found = dict(literal_eval(run(start())))
    found.pop("LC_CTYPE", None)  # the interpreter that prints sets it for itself

    assert found == {"PATH": os.environ["PATH"], "HOME": "/nowhere", "NPM_TOKEN": "named", "GITOMA_JOB_ID": "the-id"}


def test_the_interpreter_between_adds_nothing_to_the_environment(run):
    output = run(output_of(["env"], {"PATH": os.environ["PATH"]}))

    assert sorted(line.split(b"=")[0] for line in output.splitlines()) == [b"GITOMA_JOB_ID", b"PATH"]


@pytest.mark.parametrize("given", [{"LC_CTYPE": "C"}, {"LC_ALL": "C"}, {"LANG": "de_DE.UTF-8"}])
def test_a_locale_that_the_server_has_is_inherited_as_it_is(run, given):
    output = run(output_of(["env"], {"PATH": os.environ["PATH"], **given}))

    assert dict(line.split("=") for line in output.decode().splitlines() if line[:2] in ("LC", "LA")) == given


def test_the_job_leads_a_session_of_its_own(run):
    pid, group, session = run(output_of(python("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))"))).split()

    assert pid == group == session
    assert int(session) != os.getsid(0)


@needs_proc
def test_a_job_has_three_descriptors_and_no_more(run):
    program = "import os; print([int(n) for n in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{n}')])"

    async def start():
        inheritable = os.dup(0)  # as another library of the server might have one
        os.set_inheritable(inheritable, True)
        try:
            return await output_of(python(program))
        finally:
            os.close(inheritable)

    assert sorted(literal_eval(run(start()).decode())) == [0, 1, 2]


def test_signals_have_their_default_meaning_in_a_job(run):
    program = """
import signal
ignored = [s.name for s in signal.Signals if signal.getsignal(s) is signal.SIG_IGN]
print(ignored, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        output = run(output_of(python(program)))
    finally:
        signal.signal(signal.SIGUSR1, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    assert output == b"['SIGPIPE', 'SIGXFSZ'] set()\n"  # these two are Python's own


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["no-such-command"], "No such file or directory: no-such-command"),
        (["/"], "Permission denied: /"),
        (["./null\0byte"], "embedded null byte"),
        (["echo", "x" * 200_000], "Argument list too long"),
    ],
)
def test_a_command_that_cannot_be_started_says_why(run, argv, reason):
    with pytest.raises(CannotStart) as refused:
        run(output_of(argv))

    assert refused.value.reason == reason


def test_an_interpreter_that_is_not_there_is_a_command_that_cannot_be_started(run):
    with pytest.raises(CannotStart, match="No such file"):
        run(output_of(["echo"], interpreter="/no/such/python"))


def test_a_parent_process_that_breaks_is_a_command_that_cannot_be_started(run):
    with pytest.raises(CannotStart, match="ended with code 1"):
        run(output_of(["echo"], interpreter="/bin/false"))


@needs_proc
def test_no_descriptor_is_left_and_no_zombie(run):
    async def many():
        for argv in (["echo", "hello"], ["sleep", "600"], ["no-such-command"], ["sh", "-c", "exec >&- 2>&-"]):
            try:
                async with job(argv) as processes:
                    processes.stop(Stop.KILL)
                    while await processes.next(LIMIT_S) is not ProcessEvent.GONE:
                        pass
            except CannotStart:
                continue

    run(many())  # whatever is made once, on first use
    before, others = descriptors(), children_of_this_process()
    run(many())

    assert descriptors() == before
    assert children_of_this_process() == others


@needs_proc
def test_a_job_that_is_let_go_of_while_it_runs_leaves_no_descriptor_and_no_zombie(run):
    async def let_go():
        before, others = descriptors(), children_of_this_process()
        processes = await ProcessGroupRunner(os.environ, grace_s=0.1).start(
            "1", ["sh", "-c", "trap '' TERM; sleep 600"]
        )
        processes.close()
        assert descriptors() == before
        async with asyncio.timeout(LIMIT_S):
            while children_of_this_process() != others:  # noqa: ASYNC110 - polled, because nobody announces it
                await asyncio.sleep(0.01)

    run(let_go())


def test_a_cancelled_wait_loses_nothing(run):
    async def interrupted():
        async with job(["sh", "-c", "read _; echo", "sh"]) as processes:
            waiting = asyncio.create_task(processes.next(LIMIT_S))
            await asyncio.sleep(0)
            waiting.cancel()
            return [await processes.next(LIMIT_S) for _ in range(4)]

    events = run(interrupted())

    assert Wrote(b"\n") in events
    assert events[-1] is ProcessEvent.GONE


def descriptors():
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names, not paths


def children_of_this_process():
    found = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended; another has its children
            found += (task / "children").read_text().split()
    return sorted(found)
