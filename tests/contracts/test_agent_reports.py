"""Whatever an agent reports through keeps the promises of its port."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.files.artifacts import FileArtifacts
from gitoma.adapters.testing.agent_reports import ARTIFACT_STORE_CHECKS, PROGRESS_CHECKS
from gitoma.adapters.testing.checkouts import CollectedProgress, MemoryArtifacts
from gitoma.app.commands.agent_process import ConsoleProgress


@pytest.mark.parametrize("check", PROGRESS_CHECKS, ids=lambda check: check.__name__)
def test_progress_on_the_console_keeps_its_promise(check: Callable[..., None], capsys: pytest.CaptureFixture[str]):
    said: list[str] = []

    def heard() -> list[str]:
        said.extend(capsys.readouterr().out.splitlines())
        return said

    check(ConsoleProgress(lambda text: text), heard)


@pytest.mark.parametrize("check", PROGRESS_CHECKS, ids=lambda check: check.__name__)
def test_collected_progress_keeps_its_promise(check: Callable[..., None]):
    progress = CollectedProgress()

    check(progress, lambda: progress.lines)


@pytest.mark.parametrize("check", ARTIFACT_STORE_CHECKS, ids=lambda check: check.__name__)
def test_artifacts_in_files_keep_their_promise(check: Callable[..., None], tmp_path: Path):
    (tmp_path / "file").write_text("no folder")

    check(FileArtifacts(tmp_path / "artifacts"), FileArtifacts(tmp_path / "file"))


@pytest.mark.parametrize("check", ARTIFACT_STORE_CHECKS, ids=lambda check: check.__name__)
def test_artifacts_in_memory_keep_their_promise(check: Callable[..., None]):
    check(MemoryArtifacts(), MemoryArtifacts(refuse="no room"))
