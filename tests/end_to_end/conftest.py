"""What the end-to-end tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stand_ins.git_host import GitHost
from tests.stand_ins.github import GitHub

from .world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with nothing in it yet; at its end nothing of it runs any more, and no secret was told."""
    with GitHost(tmp_path / "git") as git, GitHub(git) as github:
        world = World(tmp_path / "world", git, github)
        yield world
        world.close()
