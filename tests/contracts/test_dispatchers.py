"""Each dispatcher keeps the promises of the port."""

from collections.abc import Awaitable, Callable

import pytest

from gitoma.adapters.local import LocalDispatcher
from gitoma.adapters.testing.dispatchers import DISPATCHER_CHECKS, Make
from gitoma.domain.jobs.admission import Queue
from gitoma.domain.jobs.supervisor import Supervisor


def local(supervisor: Supervisor, running: int, waiting: int) -> LocalDispatcher:
    return LocalDispatcher(queue=Queue(max_running=running, max_waiting=waiting), supervisor=supervisor)


@pytest.mark.parametrize("check", DISPATCHER_CHECKS, ids=lambda check: check.__name__)
async def test_the_local_dispatcher_keeps_its_promise(check: Callable[[Make], Awaitable[None]]):
    await check(local)
