"""What the tests of the pages need of the machine, and the repository that the pages show."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

WIDGET = {
    "README.md": "# widget\n\nTurns sprockets into gears.\n\n## Install\n\n    pip install widget\n\n## Usage\n\n"
    '    from widget.turning import turn\n\n    turn("sprocket")\n',
    "src/widget/turning.py": 'def turn(what: str) -> str:\n    return what.replace("sprocket", "gear")\n',
    "tests/test_turning.py": "from widget.turning import turn\n\n\ndef test_a_sprocket_becomes_a_gear():\n"
    '    assert turn("sprocket") == "gear"\n',
    "pyproject.toml": '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n\n[project]\n'
    'name = "widget"\nversion = "1.2.0"\ndescription = "Turns sprockets into gears."\n',
    ".github/workflows/ci.yml": "name: ci\non: [push, pull_request]\njobs:\n  test:\n    runs-on: ubuntu-latest\n"
    "    steps:\n      - uses: actions/checkout@v4\n      - run: pip install -e . pytest\n      - run: pytest\n",
    ".gitignore": "__pycache__/\n.venv/\n",
}


@pytest.fixture
def needs_curl() -> None:
    """Skip where there is no curl; where nothing may be skipped, fail."""
    if shutil.which("curl") is None:
        if os.environ.get("GITOMA_TESTS_REQUIRE") == "all":
            pytest.fail("curl is not installed, and GITOMA_TESTS_REQUIRE=all lets no test be skipped")
        pytest.skip("curl is not installed")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A folder in which git finds acme/widget, as a bare repository."""
    checkout = tmp_path / "checkout"
    for path, text in WIDGET.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    who = {f"GIT_{role}_{what}": "ada@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    variables = {**os.environ, **who, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
    remote = tmp_path / "remote"
    for arguments in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "--all"),
        ("commit", "--quiet", "-m", "Turn sprockets into gears"),
        ("clone", "--quiet", "--bare", ".", str(remote / "acme" / "widget.git")),
    ):
        subprocess.run(["git", *arguments], cwd=checkout, env=variables, check=True, capture_output=True)
    return remote
