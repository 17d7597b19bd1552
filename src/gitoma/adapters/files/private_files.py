"""Files and folders that are the owner's alone: 0700, 0600, whole or not there at all.

Each step of `write` is needed when the power goes: without the fsync of the file, the new name can stand for an empty
file (xfs does that nearly always, ext4 now and then); without that of the folder, the new name itself may be lost.
"""

from __future__ import annotations

import logging
import os
import stat
import time
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

_log = logging.getLogger(__name__)

_STALE_AFTER_S = 3600.0  # no write takes that long: its writer was killed


class NotReadable(OSError):
    """What is at this path is not a file of ours of sane size; the text says what it is."""


def ensure_home(home: Path) -> bool:
    """Create the home where there is none; one that is there already keeps its mode.

    Returns:
        Whether there is a home that can be written to. If not, the log says why, and nothing stops: what cannot be
        kept is logged where it happens.
    """
    try:
        ensure_folder(home)
    except OSError as error:
        _log.warning("The home %r cannot be made, so nothing will be kept: %s", str(home), error.strerror)
        return False
    if not os.access(home, os.W_OK | os.X_OK):
        _log.warning("The home %r is not writable, so nothing new will be kept", str(home))
        return False
    return True


def ensure_folder(folder: Path) -> None:
    """Create a folder of ours and whatever is missing above it, all 0700; what is there already keeps its mode.

    Raises:
        OSError: It cannot be created, or something else is there.
    """
    missing = list(takewhile(lambda path: not path.is_dir(), (folder, *folder.parents)))
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def read(path: Path, limit: int) -> bytes:
    """The contents of a regular file of ours; never waits, and follows no link.

    Args:
        path: Where it is.
        limit: The bytes that it may have at most.

    Raises:
        NotReadable: It is a link, a FIFO, a folder, somebody else's, or longer than `limit`.
        OSError: The operating system refused; FileNotFoundError if there is none.
    """
    # O_NONBLOCK: to open a FIFO would otherwise wait for its writer. It changes nothing for a regular file.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        if path.is_symlink():
            raise NotReadable("it is a symbolic link") from None
        raise
    try:
        return _read_checked(descriptor, limit)
    finally:
        os.close(descriptor)


def _read_checked(descriptor: int, limit: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise NotReadable("it is no regular file")
    if found.st_uid != os.geteuid():
        raise NotReadable("it belongs to somebody else")
    data = b""
    if found.st_size <= limit:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)  # it can grow after it was looked at
    if max(found.st_size, len(data)) > limit:
        raise NotReadable(f"it is longer than {limit} bytes")
    return data


def write(path: Path, data: bytes) -> None:
    """Put a file in place of whatever file, link or FIFO is there, in one step that a crash cannot cut in two.

    When this returns, the contents are on the disk. A file's folder is created if it is missing. A link is replaced,
    not followed.

    Raises:
        OSError: The operating system refused; the old file is there, or the new one if only its lasting is in doubt.
    """
    ensure_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        _write_through(temporary, data)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # nothing to clean up, or nothing that can be; what went wrong first is what is told
            temporary.unlink()
        raise
    _sync_folder(path.parent)
    _sweep(path)


def _write_through(path: Path, data: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what writers of this file left behind when they were killed."""
    oldest = time.time() - _STALE_AFTER_S
    with suppress(OSError):  # the file is written; leftovers can wait for the next time
        for other in path.parent.iterdir():
            is_leftover = other.name.startswith(f".{path.name}.") and other.suffix == ".tmp"
            if is_leftover and other.lstat().st_mtime < oldest:
                other.unlink()
