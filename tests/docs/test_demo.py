"""The demonstration shows what it says, and what README shows of it."""

import subprocess
import sys

import pytest

from .pages import ROOT, blocks
from .session import Command, differs


@pytest.fixture(scope="module")
def shown() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demonstration_shows_the_phases_the_branch_and_the_pull_request(shown: str) -> None:
    told = shown.splitlines()
    marks = ["[IDLE]", "[ANALYZING]", "[PLANNING]", "[WORKING]", "[PR_OPEN]", "RESULT", "__END__:completed"]
    first = [next(place for place, line in enumerate(told) if line.strip().startswith(mark)) for mark in marks]
    assert first == sorted(first)
    assert any("phase PR_OPEN" in line for line in told)
    assert any(line.startswith("The branch that was pushed: gitoma/improve-") for line in told)
    assert any(line.startswith("The pull request: #1 ") for line in told)


def test_readme_shows_what_the_demonstration_shows(shown: str) -> None:
    (page,) = [block for block in blocks(ROOT / "README.md", "text") if "[WORKING]" in block.text]

    wrong = differs(Command(page.place, "make demo", page.text.splitlines()), shown)

    assert not wrong, wrong
