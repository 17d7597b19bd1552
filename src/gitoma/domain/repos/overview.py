"""All repositories that an agent has worked on, as they are at this moment."""

from __future__ import annotations

from gitoma.domain.clock import Clock
from gitoma.domain.repos.ports import ProcessTable, RepoStates
from gitoma.domain.repos.state import Json, snapshots


class RepoOverview:
    """What clients are shown of repositories.

    Args:
        states: What agents wrote down.
        processes: Whether those agents still live.
        clock: The time.
    """

    def __init__(self, *, states: RepoStates, processes: ProcessTable, clock: Clock) -> None:
        self._states = states
        self._processes = processes
        self._clock = clock

    async def snapshots(self) -> list[dict[str, Json]]:
        """A snapshot of every readable state, newest first; see `state.snapshot`.

        Raises:
            StorageRefused: The states cannot even be listed.
        """
        return snapshots(await self._states.all(), self._clock.now().wall, self._processes.is_alive)
