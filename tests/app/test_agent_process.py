import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.app import settings
from gitoma.app.commands import agent_process
from gitoma.app.commands.agent_process import ConsoleProgress
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.progress import Detail, Step
from gitoma.domain.errors import InvalidName

TOKEN = "the-configured-token-9Q"


def run(home: Path, work: object) -> int:
    assert callable(work)
    configured = settings.load({"GITOMA_HOME": str(home), "GITHUB_TOKEN": TOKEN})
    return agent_process.run("analyze", configured, work)


def does(act: Callable[[ConsoleProgress], object]) -> object:
    def work(progress: ConsoleProgress) -> dict[str, object]:
        act(progress)
        return {}

    return work


def fails(error: BaseException) -> object:
    def work(_: ConsoleProgress) -> None:
        raise error

    return work


def last(output: str) -> object:
    return json.loads(output.splitlines()[-1].removeprefix("RESULT "))


def test_an_error_is_told_with_its_hint_and_its_details(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = AgentError(Code.NETWORK, "no way", hint="try again", details=("fatal: x", f"with {TOKEN}"))

    assert run(tmp_path, fails(error)) == 1

    printed = capsys.readouterr()
    assert printed.err == "gitoma analyze: no way\n  try again\n  git: fatal: x\n  git: with REDACTED\n"
    assert last(printed.out) == {"kind": "analyze", "exit": 1, "error": "network"}


@pytest.mark.parametrize("code", Code)
def test_the_exit_code_is_that_of_the_error(tmp_path: Path, code: Code) -> None:
    assert run(tmp_path, fails(AgentError(code, "x"))) == code.exit_code != 0


def test_a_defect_is_told_by_its_id_and_its_trace_is_in_the_log_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, fails(ZeroDivisionError(f"inner {TOKEN}"))) == 1

    printed = capsys.readouterr()
    assert "inner" not in printed.out + printed.err
    log = (tmp_path / "logs" / "agents.log").read_text()
    error_id = printed.err.partition("error_id=")[2].partition(")")[0]
    assert f"error_id={error_id}" in log
    assert "ZeroDivisionError: inner REDACTED" in log
    assert (tmp_path / "logs" / "agents.log").stat().st_mode & 0o777 == 0o600


def test_the_home_that_it_makes_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert run(tmp_path / "above" / "home", fails(AgentError(Code.NETWORK, "x"))) == 1
    finally:
        os.umask(before)

    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "above", tmp_path / "above" / "home")] == [0o700] * 2


def test_a_trace_that_no_log_can_take_is_not_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder")

    run(tmp_path / "file", fails(ZeroDivisionError("inner")))

    assert "ZeroDivisionError: inner" in capsys.readouterr().err


def test_wrong_usage_passes_through_to_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidName):
        run(tmp_path, fails(InvalidName("x")))

    assert last(capsys.readouterr().out) == {"kind": "analyze", "exit": 2, "error": "usage"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_signal_interrupts_the_work_and_a_second_one_does_not_interrupt_the_tidying(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    tidied = []

    def work(_: ConsoleProgress) -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            tidied.append(True)

    before = signal.getsignal(number)

    assert run(tmp_path, work) == code
    assert tidied == [True]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (lambda: signal.raise_signal(signal.SIGTERM), "cancelled"),
        (lambda: next(iter(())), "internal"),
    ],
)
def test_the_result_of_an_end_that_nobody_foresaw_says_what_was_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], end: Callable[[], object], error: str
) -> None:
    def act(progress: ConsoleProgress) -> None:
        progress.reached["branch"] = "b"
        end()

    code = run(tmp_path, does(act))

    assert last(capsys.readouterr().out) == {"kind": "analyze", "exit": code, "error": error, "branch": "b"}


def test_what_an_error_says_of_what_was_reached_goes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def act(progress: ConsoleProgress) -> None:
        progress.reached.update(branch="b", pr=None)
        raise AgentError(Code.NETWORK, "x", reached={"pr": 1})

    assert run(tmp_path, does(act)) == 1

    reached = {"branch": "b", "pr": 1}
    assert last(capsys.readouterr().out) == {"kind": "analyze", "exit": 1, "error": "network", **reached}


def test_a_signal_that_our_parent_has_us_ignore_stays_ignored(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run(tmp_path, does(lambda _: signal.raise_signal(signal.SIGHUP))) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_credentials_are_masked_in_every_line_before_it_is_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(progress: ConsoleProgress) -> dict[str, object]:
        progress.emit(Step("IDLE", f"a {TOKEN}"))
        progress.emit(Detail("x" * 985 + TOKEN))
        return {"url": "https://user:password@host/"}

    assert run(tmp_path, work) == 0

    printed = capsys.readouterr().out
    assert TOKEN[:8] not in printed
    assert "password" not in printed
    assert "[IDLE] a REDACTED" in printed
