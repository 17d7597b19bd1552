from pathlib import Path

import pytest

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.testing.run_states import RUN_STATES_CHECKS, Check, MemoryHome, MemoryRunStates
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.agents.ports import Progress
from gitoma.domain.repos.names import Slug


@pytest.mark.parametrize("check", RUN_STATES_CHECKS, ids=lambda check: check.__name__)
def test_run_states_in_memory(check: Check) -> None:
    home = MemoryHome()

    check(lambda progress: MemoryRunStates(progress, VirtualClock(), home), home.documents.__setitem__)


@pytest.mark.parametrize("check", RUN_STATES_CHECKS, ids=lambda check: check.__name__)
def test_run_states_in_files(check: Check, tmp_path: Path) -> None:
    folder = tmp_path / "state"

    def make(progress: Progress) -> FileRunStates:
        return FileRunStates(folder, progress=progress, clock=SystemClock())

    def put_raw(slug: Slug, data: bytes) -> None:
        folder.mkdir(exist_ok=True)
        (folder / f"{slug.file_stem}.json").write_bytes(data)

    check(make, put_raw)
