from pathlib import Path

import pytest

from gitoma.adapters.files.artifacts import FileArtifacts
from gitoma.domain.agents.ports import ArtifactNotKept


def test_an_artifact_is_the_owners_alone_and_replaces_the_one_before(tmp_path: Path) -> None:
    artifacts = FileArtifacts(tmp_path / "artifacts")
    artifacts.keep("acme__widget", "report.json", "old")

    place = artifacts.keep("acme__widget", "report.json", "new \udcff")

    assert Path(place).read_text() == "new \\udcff"
    assert Path(place).stat().st_mode & 0o777 == 0o600
    assert Path(place).parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in Path(place).parent.iterdir()] == ["report.json"]


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("no folder")

    with pytest.raises(ArtifactNotKept, match="could not be written") as raised:
        FileArtifacts(tmp_path / "artifacts").keep("acme__widget", "report.json", "x")

    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("key", ["..", "a/b", "", ".hidden", "a\0"])
def test_a_key_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="safe"):
        FileArtifacts(tmp_path).keep(key, "report.json", "x")

    assert list(tmp_path.iterdir()) == []
