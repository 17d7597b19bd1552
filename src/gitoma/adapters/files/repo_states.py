"""Repository states as files, off the event loop; `state_folder` does the work.

In a file of its own because agents need the folder and no event loop, whose import would take longer than theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gitoma.adapters.files.state_folder import StateFolder
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.ports import RepoStates
from gitoma.domain.repos.state import RepoState


class FileRepoStates(RepoStates):
    """The states in a folder.

    Args:
        folder: See `StateFolder`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = StateFolder(folder)

    async def all(self) -> Sequence[RepoState]:
        """Every readable state; see `StateFolder.all`."""
        return await asyncio.to_thread(self._folder.all)

    async def load(self, slug: Slug) -> RepoState | None:
        """The state of one repository."""
        return await asyncio.to_thread(self._folder.load, slug)

    async def save(self, state: RepoState) -> None:
        """Keep a state."""
        await asyncio.to_thread(self._folder.save, state)

    async def delete(self, slug: Slug) -> bool:
        """Delete a state; see `StateFolder.delete`."""
        return await asyncio.to_thread(self._folder.delete, slug)
