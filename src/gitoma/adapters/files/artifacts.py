"""Artifacts as files: `<home>/artifacts/<key>/<name>`, the owner's alone."""

from __future__ import annotations

import re
from pathlib import Path

from gitoma.adapters.files import private_files
from gitoma.domain.agents.ports import ArtifactNotKept, ArtifactStore

_SAFE = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,200}")


class FileArtifacts(ArtifactStore):
    """Artifacts below `folder`.

    Args:
        folder: Created when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, key: str, name: str, text: str) -> str:
        """See the port."""
        for part in (key, name):
            if not _SAFE.fullmatch(part):
                raise ValueError("a key and a name are safe names of files")
        path = self._folder / key / name
        try:
            private_files.write(path, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise ArtifactNotKept(f"{path} could not be written: {error.strerror or error}") from error
        return str(path)
