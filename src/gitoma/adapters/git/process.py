"""One git process: bounded in time, in what it may write, and in what is read of it; gone with all its children.

It is gone, too, when we are, however we ended: a push that goes on by itself would land after the next agent has looked
at the branch. So its process group is led by a shell that waits for us. Linux can send a process a signal when its
parent dies, but not the children of that process, and it is they who push; and others than Linux cannot.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gitoma.domain.agents.errors import AgentError, Code

COMMAND_TIMEOUT_S = 120.0
"""How long any command but a clone may take."""

_CHUNK = 1 << 16
_LEADER = ("/bin/sh", "-c", "read -r line || kill -KILL 0")  # nothing is written: the read ends when our end is closed
_ENDING = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_TAIL = 1 << 16  # bytes kept of standard error: a server can send text for as long as it likes


@dataclass(frozen=True, slots=True)
class Completed:
    """How a git process ended.

    Attributes:
        code: Its exit code; negative: the signal that ended it; None: it was stopped at its time limit.
        output: What it printed.
        cut: It printed more than was wanted, and was stopped there.
        errors: The end of its standard error.
    """

    code: int | None
    output: bytes
    cut: bool
    errors: str


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    variables: Mapping[str, str],
    given: bytes = b"",
    timeout_s: float = COMMAND_TIMEOUT_S,
    output_limit: int = _CHUNK,
    file_limit: int | None = None,
) -> Completed:
    """Run git to its end, or to one of its limits.

    Args:
        arguments: Behind `git`.
        folder: Its working directory.
        variables: Its environment.
        given: Its standard input.
        timeout_s: How long it may take.
        output_limit: How many bytes of output are wanted at most.
        file_limit: How many bytes one file that it writes may have.

    Raises:
        AgentError: There is no git (`config`), or it cannot be started (`git_failed`).
    """
    deadline = time.monotonic() + timeout_s
    with (
        _as_input(given) as stdin,
        started(
            arguments,
            folder=folder,
            variables=variables,
            stdin=stdin,
            errors=subprocess.PIPE,
            file_limit=file_limit,
        ) as git,
    ):
        assert git.stdout is not None
        assert git.stderr is not None
        output, errors = bytearray(), bytearray()
        for source, chunk in _chunks({git.stdout.fileno(): output, git.stderr.fileno(): errors}, deadline):
            source += chunk
            if source is errors:
                del errors[:-_TAIL]
            elif len(output) > output_limit:
                return Completed(None, bytes(output[:output_limit]), True, errors.decode("utf-8", "replace"))
        code: int | None = None
        with suppress(subprocess.TimeoutExpired):  # then the code stays None, which says so
            code = git.wait(max(0.0, deadline - time.monotonic()))
    return Completed(code, bytes(output), False, errors.decode("utf-8", "replace"))


@contextmanager
def _as_input(given: bytes) -> Iterator[int]:
    """A descriptor to read `given` from; a file, because a pipe that is full would wait for whoever waits for us."""
    if not given:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        yield file.fileno()


def _chunks(sinks: dict[int, bytearray], deadline: float) -> Iterator[tuple[bytearray, bytes]]:
    """What comes from any of the pipes, with the buffer it belongs to, until all are closed or time is up."""
    poll = select.poll()
    for descriptor in sinks:
        poll.register(descriptor, select.POLLIN)
    open_pipes = len(sinks)
    while open_pipes and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            chunk = os.read(descriptor, _CHUNK)
            if chunk:
                yield sinks[descriptor], chunk
            else:
                poll.unregister(descriptor)
                open_pipes -= 1


@contextmanager
def started(
    arguments: Sequence[str],
    *,
    folder: Path,
    variables: Mapping[str, str],
    errors: int = subprocess.DEVNULL,
    stdin: int = subprocess.DEVNULL,
    file_limit: int | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """A git process; when the context ends, or we do, it and all its children are killed.

    Raises:
        AgentError: There is no git (`config`), or it cannot be started (`git_failed`).
    """
    # A signal that ended us while the process is being made would leave us without knowing of it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    with ExitStack() as stack:
        try:
            group = stack.enter_context(_group())
            git = _popen(arguments, folder, variables, stdin, errors, group, _prepared(mask, file_limit))
            stack.callback(_end, git, group)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        yield git


@contextmanager
def _group() -> Iterator[int]:
    """A process group, by its number, that kills itself when the context ends, or we do."""
    try:
        # Its standard input is a pipe of which nobody else has our end: descriptors are not inherited. Its output must
        # not be ours: whoever reads that waits for all who can write it.
        leader = subprocess.Popen(
            _LEADER,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            process_group=0,
        )
    except OSError as error:
        raise AgentError(Code.GIT_FAILED, f"{_LEADER[0]} could not be started: {error.strerror}") from error
    with leader:  # which closes our end of the pipe, and waits
        yield leader.pid


def _popen(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    stdin: int,
    errors: int,
    group: int,
    prepare: Callable[[], None],
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=dict(variables),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            process_group=group,
            # Unsafe where threads hold locks that it needs. It needs none: two system calls. And a command line's only
            # other thread is the heartbeat, which holds none beyond Python's own.
            preexec_fn=prepare,
        )
    except OSError as error:
        raise _not_started(error) from error


def _prepared(mask: set[signal.Signals] | set[int], file_limit: int | None) -> Callable[[], None]:
    """What the new process does before it becomes git."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if file_limit is not None:
            # An existing limit that is lower stays: raising it is refused.
            limit = file_limit if hard == resource.RLIM_INFINITY else min(file_limit, hard)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return prepare


def _not_started(error: OSError) -> AgentError:
    if isinstance(error, FileNotFoundError):
        return AgentError(Code.CONFIG, "git was not found", hint="install git, or put it on PATH")
    return AgentError(Code.GIT_FAILED, f"git could not be started: {error.strerror}")


def _end(git: subprocess.Popen[bytes], group: int) -> None:
    for pipe in (git.stdin, git.stdout, git.stderr):
        if pipe:
            with suppress(BrokenPipeError):  # it is gone before it read all we had to say
                pipe.close()
    os.killpg(group, signal.SIGKILL)  # its leader is there, or nobody has waited for it: no other group has its number
    git.wait()
