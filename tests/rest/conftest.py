"""Servers for the tests of the REST API: one for all ordinary tests, and fresh ones where settings differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .service import Service, start

Start = Callable[..., Service]


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The server of all tests that need no settings of their own. Jobs stay known, and dispatches are not limited."""
    home = tmp_path_factory.mktemp("home")
    running = start(
        home,
        GITOMA_DISPATCH_RATE_LIMIT="0",
        GITOMA_MAX_JOBS="100000",
        GITOMA_CANCEL_GRACE_S="1",
    )
    yield running
    running.close()


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server whose jobs end at once, for tests that look at the answer to a dispatch and at nothing else."""
    running = start(tmp_path_factory.mktemp("quick"), GITOMA_DISPATCH_RATE_LIMIT="0", GITOMA_AGENT_COMMAND="true")
    yield running
    running.close()


@pytest.fixture
def start_service(tmp_path: Path) -> Iterator[Start]:
    """Starts servers with settings of their own; each is stopped, and looked after, at the end of the test."""
    running: list[Service] = []

    def start_one(*arguments: str, **settings: str | None) -> Service:
        home = tmp_path / f"home-{len(running)}"
        home.mkdir(exist_ok=True)
        running.append(start(home, *arguments, **settings))
        return running[-1]

    yield start_one
    for each in reversed(running):
        each.close()


@pytest.fixture(scope="module")
def closed_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A server without a token."""
    running = start(tmp_path_factory.mktemp("closed"), GITOMA_API_TOKEN=None)
    yield running
    running.close()


@pytest.fixture(scope="session")
def three_lines(service: Service) -> str:
    """A job that has ended: its command is line 1, `line 1` to `line 3` are lines 2 to 4."""
    job_id = service.dispatch("prints-3")
    service.ended(job_id)
    return job_id
