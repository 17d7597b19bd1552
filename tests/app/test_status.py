from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.files.run_states import FileRunStates
from gitoma.adapters.files.state_folder import StateFolder
from gitoma.adapters.testing.checkouts import CollectedProgress
from gitoma.adapters.testing.process_tables import FixedProcessTable
from gitoma.adapters.testing.repo_states import states
from gitoma.app.cli import main
from gitoma.app.commands.status import details, table
from gitoma.domain.agents.plan import Plan, Source, Status, Subtask, to_json
from gitoma.domain.agents.run_state import begun
from gitoma.domain.repos.names import Branch, RepoUrl, Slug
from gitoma.domain.repos.state import Phase, RepoState

URL = "https://github.com/acme/widget"
REPO = RepoUrl.parse(URL)
NOW = datetime(2026, 4, 21, 12, tzinfo=UTC)
PID = 2**31 - 1  # no process of this machine
TASKS = (
    Subtask("T1", "Readme", "Say more", "Say it", ("README.md",), Status.DONE, "2e3dd92aaaaa"),
    Subtask("T2", "Tests", "Test it", "Test it", ("tests/test_a.py",), Status.FAILED, error="no-match"),
)
STATE = replace(
    begun(REPO, Branch("gitoma/x"), run_id="r1", base="main", base_sha="e48eeb5aaaa", job_id="j1", now=NOW),
    phase=Phase.WORKING,
    pid=PID,
    updated_at=NOW - timedelta(minutes=3),
    last_heartbeat=NOW,
    current_operation="T2: attempt 1 of 3",
    task_plan=to_json(Plan(Source.MODEL, "qwen", TASKS)),
    errors=("the first", "the second"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFolder:
    monkeypatch.setenv("GITOMA_HOME", str(tmp_path / "home"))
    return StateFolder(tmp_path / "home" / "state")


Printed = pytest.CaptureFixture[str]


def row(state: RepoState, *alive: int) -> str:
    (_, found) = table([state], NOW, FixedProcessTable(*alive))
    return " ".join(found.split())


def test_a_row_says_what_is_done_and_what_to_do() -> None:
    died = f"acme/widget WORKING died 3 min ago gitoma/x - gitoma run {URL}"

    assert row(STATE) == died
    assert row(STATE, PID) == "acme/widget WORKING works 3 min ago gitoma/x - -"
    assert row(replace(STATE, exit_clean=True)) == died.replace("died", "ended")
    pull = replace(STATE, phase=Phase.PR_OPEN, exit_clean=True, pr_number=12)
    assert row(pull) == f"acme/widget PR_OPEN ended 3 min ago gitoma/x #12 gitoma review {URL} --integrate"
    assert row(replace(pull, phase=Phase.DONE)) == "acme/widget DONE ended 3 min ago gitoma/x #12 -"
    silent = replace(STATE, last_heartbeat=NOW - timedelta(minutes=2))
    assert "silent" in row(silent, PID)
    assert f"process {PID}" in row(silent, PID)


@pytest.mark.parametrize(
    ("age", "said"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86_400, "1 d"), (10**7, "115 d")],
)
def test_an_age_has_one_unit(age: int, said: str) -> None:
    assert f" {said} ago " in row(replace(STATE, updated_at=NOW - timedelta(seconds=age)))


def test_the_table_is_as_wide_as_what_is_in_it_and_the_newest_is_first(folder: StateFolder, capsys: Printed) -> None:
    folder.save(replace(STATE, slug=Slug("acme", "older"), updated_at=NOW - timedelta(days=1)))
    folder.save(replace(STATE, branch="b" * 200))

    assert main(["status"]) == 0

    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["REPOSITORY", "PHASE", "CHANGED", "BRANCH", "PULL", "NEXT"]
    assert first.startswith("acme/widget")
    assert second.startswith("acme/older")
    assert header.index("NEXT") == first.index("gitoma run") == second.index("gitoma run") < 180


def test_one_repository_is_told_with_its_tasks_and_errors(folder: StateFolder, capsys: Printed) -> None:
    folder.save(STATE)

    assert main(["status", URL]) == 0

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "acme/widget"
    assert "T1  done     2e3dd92  Say more -> README.md" in lines
    assert "T2  failed            Test it -> tests/test_a.py (no-match)" in lines
    assert {"the first", "the second"} <= set(lines)
    assert "base     main@e48eeb5" in lines
    assert f"next     gitoma run {URL}" in lines


def test_without_any_state_there_is_nothing_to_tell(folder: StateFolder, capsys: Printed) -> None:
    assert main(["status"]) == 0
    assert main(["status", URL]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "no agent has worked on any repository yet",
        "no agent has worked on acme/widget yet",
    ]


def test_a_damaged_state_hides_no_other_and_is_told_with_what_to_do(
    folder: StateFolder, tmp_path: Path, capsys: Printed, caplog: pytest.LogCaptureFixture
) -> None:
    folder.save(replace(STATE, slug=Slug("acme", "other")))
    (tmp_path / "home" / "state" / "acme__widget.json").write_bytes(b"{half")

    assert main(["status"]) == 0
    assert "acme/other" in capsys.readouterr().out
    assert "acme__widget.json" in caplog.text
    assert main(["status", URL]) == 3
    assert f"gitoma reset {URL}" in capsys.readouterr().err


def test_nothing_that_is_written_down_steers_the_terminal_or_shows_a_credential(
    folder: StateFolder, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "the-token-of-somebody")
    hostile = "\x1b[2J\u202e the-token-of-somebody\n"
    folder.save(replace(STATE, current_operation=hostile, errors=(hostile,), branch=hostile, pr_url=hostile))

    main(["status"])
    main(["status", URL])

    shown = capsys.readouterr().out
    assert "the-token-of-somebody" not in shown
    assert all(line.isprintable() for line in shown.splitlines())


@given(st.lists(states(), max_size=3))
def test_whatever_was_written_down_can_be_shown(found: list[RepoState]) -> None:
    processes = FixedProcessTable()

    assert len(list(table(found, NOW, processes))) == len(found) + 1
    for state in found:
        assert list(details(state, NOW, processes)).index(str(state.slug)) == 0


def test_a_reset_deletes_once_and_says_what_it_did(folder: StateFolder, capsys: Printed) -> None:
    folder.save(STATE)

    assert main(["reset", URL]) == 0
    assert main(["reset", URL]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("deleted")
    assert second == "nothing is written down of acme/widget"
    assert folder.all() == []


def test_a_reset_takes_what_cannot_be_read(folder: StateFolder, tmp_path: Path, capsys: Printed) -> None:
    folder.save(STATE)
    (tmp_path / "home" / "state" / "acme__widget.json").write_bytes(b"{half")

    assert main(["reset", URL]) == 0
    assert capsys.readouterr().out.startswith("deleted")
    assert folder.load(REPO.slug) is None


def test_a_reset_leaves_alone_what_somebody_works_on(folder: StateFolder, tmp_path: Path, capsys: Printed) -> None:
    others = FileRunStates(
        tmp_path / "home" / "state", progress=CollectedProgress(), clock=SystemClock(), job_id="job-7"
    )
    with others.hold(REPO.slug, wait=False) as held:
        held.save(STATE)
        assert main(["reset", URL]) == 5
        assert folder.load(REPO.slug) is not None

    assert "(job job-7)" in capsys.readouterr().err
    assert main(["reset", URL]) == 0


def test_a_reset_in_a_home_that_has_no_locks_is_the_installations_fault(
    folder: StateFolder, tmp_path: Path, capsys: Printed
) -> None:
    (tmp_path / "home").touch()

    assert main(["reset", URL]) == 3
    assert "GITOMA_HOME" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["status", "acme/widget"], ["reset"], ["reset", "x"], ["doctor", "x"]])
def test_wrong_arguments_are_refused(arguments: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)

    assert raised.value.code == 2
