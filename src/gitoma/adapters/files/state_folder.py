"""Repository states as files: `<owner>__<name>.json` in one folder, readable by people."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from gitoma.adapters.files import private_files
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import MAX_BYTES, RepoState, StorageRefused, UnreadableState, decode, encode

_log = logging.getLogger(__name__)

_SUFFIX = ".json"
_NOTHING_THERE = (FileNotFoundError, NotADirectoryError)  # the second: the folder, or the home, is a file


class StateFolder:
    """The folder of states, for callers that may wait for a disk; the promises are those of `RepoStates`.

    Args:
        folder: Where the files are. It need not exist: it is created, 0700, by the first `save`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reported: dict[
            str, str
        ] = {}  # file name to reason: a cockpit that asks each second must not fill the log

    def all(self) -> list[RepoState]:
        """See `RepoStates.all`. Files whose name begins with a dot, or does not end in `.json`, are no states."""
        states = []
        faults = {}
        for name in self._names():
            try:
                state = _read(self._folder / name)
            except UnreadableState as error:
                faults[name] = error.reason
            else:
                if state is not None:
                    states.append(state)
        self._report(faults)
        return states

    def load(self, slug: Slug) -> RepoState | None:
        """See `RepoStates.load`."""
        return _read(self._path(slug))

    def save(self, state: RepoState) -> None:
        """See `RepoStates.save`. The file is 0600."""
        data = encode(state)
        try:
            private_files.write(self._path(state.slug), data)
        except OSError as error:
            raise _refused(error) from error

    def delete(self, slug: Slug) -> bool:
        """See `RepoStates.delete`. A link itself is deleted, never what it points to.

        A folder in a file's place is deleted if it is empty. We make none there, so one that holds something is
        somebody's: it is moved aside, under a name with a dot first, and the log says where.
        """
        path = self._path(slug)
        try:
            if path.is_dir() and not path.is_symlink():
                _delete_folder(path)
            else:
                path.unlink()
        except _NOTHING_THERE:
            return False
        except OSError as error:
            raise _refused(error) from error
        return True

    def has(self, slug: Slug) -> bool:
        """Whether anything is in the place of this repository's state, readable or not."""
        return os.path.lexists(self._path(slug))

    def set_aside(self, slug: Slug, mark: str) -> str:
        """Move whatever is in the place of a state out of it, unread. Under its new name it is no state.

        Args:
            slug: The repository.
            mark: Goes behind the file's name.

        Returns:
            The new name.

        Raises:
            StorageRefused: It cannot be moved.
        """
        path = self._path(slug)
        aside = path.with_name(f"{path.name}.{mark}")
        try:
            path.rename(aside)
        except OSError as error:
            raise _refused(error) from error
        return aside.name

    def _path(self, slug: Slug) -> Path:
        return self._folder / f"{slug.file_stem}{_SUFFIX}"

    def _names(self) -> list[str]:
        try:
            names = [path.name for path in self._folder.iterdir()]
        except _NOTHING_THERE:
            return []
        except OSError as error:
            raise _refused(error) from error
        return [name for name in names if name.endswith(_SUFFIX) and not name.startswith(".")]

    def _report(self, faults: dict[str, str]) -> None:
        for name, reason in faults.items():
            if self._reported.get(name) != reason:
                _log.warning("The state file %r is passed over: %s", name, reason)
        self._reported = faults


def _read(path: Path) -> RepoState | None:
    try:
        state = decode(private_files.read(path, MAX_BYTES))
    except _NOTHING_THERE:  # never, or no longer since it was listed
        return None
    except private_files.NotReadable as error:
        raise UnreadableState(str(error)) from None
    except OSError as error:
        raise UnreadableState(_word(error)) from error
    if path.name != f"{state.slug.file_stem}{_SUFFIX}":
        raise UnreadableState("it is the state of another repository than its name says")
    return state


def _delete_folder(path: Path) -> None:
    try:
        path.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        aside = path.with_name(f".{path.name}.{os.urandom(8).hex()}.aside")
        path.rename(aside)
        _log.warning("A folder was in the place of the state file %r; it is now %r", path.name, aside.name)


def _refused(error: OSError) -> StorageRefused:
    return StorageRefused(_word(error))


def _word(error: OSError) -> str:
    return error.strerror or type(error).__name__
