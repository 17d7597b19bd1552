"""The demonstration shows what it says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demonstration_shows_the_phases_the_branch_and_the_pull_request() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout.splitlines()
    marks = ["[IDLE]", "[ANALYZING]", "[PLANNING]", "[WORKING]", "[PR_OPEN]", "RESULT", "__END__:completed"]
    first = [next(place for place, line in enumerate(told) if line.strip().startswith(mark)) for mark in marks]
    assert first == sorted(first)
    assert any("phase PR_OPEN" in line for line in told)
    assert any(line.startswith("The branch that was pushed: gitoma/improve-") for line in told)
    assert any(line.startswith("The pull request: #1 ") for line in told)
