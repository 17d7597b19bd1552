"""What the domain of repositories needs from the outside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import RepoState


class RepoStates(Protocol):
    """The state of each repository, at most one for each.

    Whoever reads sees what was saved last or what was saved before, never a part and never a mixture, also when the
    writer or the machine dies in between. Two that save the same state are not kept apart here: the later one stays.

    What is kept under a repository's name but belongs to another one is unreadable: deleting goes by the name under
    which a thing is kept, so showing it under a second one would offer to delete the wrong state.
    """

    @abstractmethod
    async def all(self) -> Sequence[RepoState]:
        """Every readable state, in unspecified order.

        An unreadable one hides no other; it is reported in the log, once until it changes.

        Raises:
            StorageRefused: The states cannot even be listed. That nothing was ever saved is no such case.
        """

    @abstractmethod
    async def load(self, slug: Slug) -> RepoState | None:
        """The state of this repository; None where there is none.

        Raises:
            UnreadableState: There is something, but no reader can take it.
        """

    @abstractmethod
    async def save(self, state: RepoState) -> None:
        """Keep this state in place of the one that is kept of the same repository, readable or not.

        When this returns, the state survives a power cut. When it raises, the old one is still there, or the new one
        if all that failed was to make it last.

        Raises:
            UnreadableState: No reader could take it; see `state.encode`.
            StorageRefused: It could not be kept.
        """

    @abstractmethod
    async def delete(self, slug: Slug) -> bool:
        """Let go of whatever is kept under this repository's name, readable or not.

        Returns:
            Whether there was something. Deleting twice is allowed.

        Raises:
            StorageRefused: There is something, and it could not be deleted.
        """


class ProcessTable(Protocol):
    """The processes of this machine."""

    @abstractmethod
    def is_alive(self, pid: int) -> bool:
        """Whether this process exists and is no zombie. Never raises: a number that no process can have is False."""
