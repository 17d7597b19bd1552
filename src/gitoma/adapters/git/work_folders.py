"""The folders that clones are made in: each held by a lock while its process lives, and swept once it does not.

The lock is the kernel's (`flock` on the folder itself), so it is gone with the process, however that ended. A process
id in a file would say less: numbers are used again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "clone-"


def sweep(work: Path) -> None:
    """Remove the folders whose owners are dead. What cannot be removed stays, until somebody can."""
    with suppress(OSError):  # no such folder, or not ours to read: there is nothing for us to sweep
        for folder in sorted(work.glob(f"{_PREFIX}*")):
            lock = _locked(folder)
            if lock is not None:
                try:
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(lock)


@contextmanager
def held(work: Path) -> Iterator[Path]:
    """A new empty folder under `work`, 0700, ours until the context ends; then it and its contents are gone.

    Raises:
        OSError: None can be made there.
    """
    work.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder, lock = _new(work)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _new(work: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=work))
        lock = _locked(folder)
        if lock is not None:
            return folder, lock
        # A sweep took it for abandoned, between its making and its locking: leave it to that.


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock; None if another process holds it, or there is no such folder."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino == folder.stat().st_ino:
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(lock)
        raise
    os.close(lock)
    return None
