"""Standard streams that are closed, full, or not read: `REDIRECTION` is what a shell does to the command."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FULL = Path("/dev/full")
NO_SPACE = "gitoma: standard output cannot be written: No space left on device\n"
GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]

Run = Callable[..., subprocess.CompletedProcess[str]]

full = pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")


@pytest.fixture
def gitoma(tmp_path: Path) -> Run:
    """Run the command line in a checkout, with its streams as a shell redirects them."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "README.md").write_text("# widget\n")
    for arguments in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "all"]):
        subprocess.run([*GIT, *arguments], cwd=checkout, check=True, timeout=60)

    def run(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "gitoma", *arguments]
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "GITOMA_HOME": str(tmp_path / "home")}
        return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, timeout=120)

    return run


def result(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    document: dict[str, object] = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))
    return document


@full
@pytest.mark.parametrize("command", [("analyze", "."), ("status",), ("doctor",)])
def test_a_full_disk_below_standard_output_is_told_in_one_line(gitoma: Run, command: tuple[str, ...]) -> None:
    done = gitoma(">/dev/full", *command)

    assert (done.returncode, done.stderr) == (74, NO_SPACE)


@full
def test_where_nothing_can_be_told_the_exit_code_tells_it(gitoma: Run) -> None:
    assert gitoma(">/dev/full 2>&1", "analyze", ".").returncode == 74


@pytest.mark.parametrize("redirection", [">&-", "<&- >&-", ">/dev/null"])
def test_a_closed_standard_output_is_as_one_that_leads_nowhere(gitoma: Run, redirection: str, tmp_path: Path) -> None:
    done = gitoma(redirection, "analyze", ".")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in (tmp_path / "home" / "artifacts").glob("*/*")] == ["report.json"]


@pytest.mark.parametrize("redirection", ["2>&-", pytest.param("2>/dev/full", marks=full)])
def test_the_work_does_not_end_because_nothing_can_be_complained_of(gitoma: Run, redirection: str) -> None:
    done = gitoma(redirection, "analyze", ".")

    assert (done.returncode, result(done)["exit"]) == (0, 0)


@pytest.mark.parametrize("redirection", ["2>&-", pytest.param("2>/dev/full", marks=full)])
def test_a_complaint_that_nobody_hears_leaves_the_exit_code_as_it_is(gitoma: Run, redirection: str) -> None:
    assert gitoma(redirection, "analyze", "/no/such/folder").returncode == 2
    assert gitoma(redirection, "no-such-command").returncode == 2


def test_nobody_is_asked_on_a_closed_standard_input(gitoma: Run) -> None:
    done = gitoma("<&-", "run", "https://github.com/acme/widget")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_reader_that_goes_away_ends_it_without_a_word(gitoma: Run) -> None:
    done = gitoma("| true", "analyze", ".")  # the shell's exit code is that of `true`

    assert (done.stdout, done.stderr) == ("", "")
