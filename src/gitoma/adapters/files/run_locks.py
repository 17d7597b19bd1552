"""One lock for each repository, held by the kernel (`flock`) for as long as the process that took it lives.

The file stays when the lock goes: to remove it would leave two processes that each hold a lock, one on the old file and
one on the new. What is written in it, the process and the job that hold it, is for people; the lock alone decides.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gitoma.adapters.files.private_files import ensure_folder
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Slug

_HOLDER = re.compile(rb"pid (\d{1,10})(?: job ([0-9A-Za-z-]{1,64}))?\n")
_HOLDER_MAX = 100  # bytes
_JOB = re.compile(r"[0-9A-Za-z-]{1,64}")


@contextmanager
def held(folder: Path, slug: Slug, *, job_id: str | None, wait: Callable[[str], None] | None) -> Iterator[None]:
    """Hold the lock of a repository until the context ends.

    A wait ends when the lock is free, or with a signal whose handler raises.

    Args:
        folder: Where the locks are; created if it is missing.
        slug: The repository.
        job_id: The job that we are, or None.
        wait: Is told, once, who has the lock that is waited for; None: do not wait.

    Raises:
        AgentError: `repo_busy`, if it is taken and is not waited for; `config`, if nothing can be locked there.
    """
    descriptor = _opened(folder, slug)
    try:
        _take(descriptor, slug, wait)
        _write_holder(descriptor, job_id)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)  # before the lock goes: behind it the next holder writes
    finally:
        os.close(descriptor)


def _path(folder: Path, slug: Slug) -> Path:
    return folder / f".{slug.file_stem}.lock"


def _opened(folder: Path, slug: Slug) -> int:
    path = _path(folder, slug)
    try:
        ensure_folder(folder)
        # O_NONBLOCK: to open a FIFO would otherwise wait. It changes nothing for a regular file.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o600)
    except OSError as error:
        raise _not_lockable(slug, error.strerror or str(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_lockable(slug, f"{path} is no regular file")
    return descriptor


def _take(descriptor: int, slug: Slug, wait: Callable[[str], None] | None) -> None:
    if _is_free(descriptor, slug):
        return
    who = _holder(descriptor)
    if wait is None:
        raise AgentError(Code.REPO_BUSY, f"{slug} is worked on by {who}", hint="wait until it has ended, or end it")
    wait(who)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        raise _not_lockable(slug, error.strerror or str(error)) from error


def _is_free(descriptor: int, slug: Slug) -> bool:
    """Whether the lock was free; it is ours then."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # a file system without locks
        raise _not_lockable(slug, error.strerror or str(error)) from error
    return True


def _write_holder(descriptor: int, job_id: str | None) -> None:
    job = f" job {job_id}" if job_id and _JOB.fullmatch(job_id) else ""
    os.ftruncate(descriptor, 0)  # what a holder that was killed left
    try:
        os.pwrite(descriptor, f"pid {os.getpid()}{job}\n".encode(), 0)
    except OSError:  # a full disk: the lock holds all the same, and whoever waits is told less
        os.ftruncate(descriptor, 0)


def _holder(descriptor: int) -> str:
    match = _HOLDER.fullmatch(os.pread(descriptor, _HOLDER_MAX, 0))
    if match is None:  # it has just been taken, or has just become free
        return "another process"
    job = f" (job {match[2].decode()})" if match[2] else ""
    return f"process {match[1].decode()}{job}"


def _not_lockable(slug: Slug, reason: str) -> AgentError:
    return AgentError(
        Code.CONFIG,
        f"{slug} cannot be locked against a second agent: {reason}",
        hint="GITOMA_HOME must be a folder that can be written, on a file system that has locks",
    )
