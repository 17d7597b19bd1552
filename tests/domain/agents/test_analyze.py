import json
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given, settings

from gitoma.adapters.testing.checkouts import (
    A_HEAD,
    CollectedProgress,
    Files,
    MemoryArtifacts,
    MemoryCheckout,
    MemoryVersionControl,
    trees,
)
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents import analyze as flow
from gitoma.domain.agents.analyze import Subject, Tools, analyze
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.health.score import Report, Status
from gitoma.domain.agents.ports import Checkout
from gitoma.domain.agents.progress import Detail, Result
from gitoma.domain.clock import Clock, Instant
from gitoma.domain.repos.names import RepoUrl

SUBJECT = Subject("acme/widget", "acme__widget", "cloned")
URL = RepoUrl.parse("https://github.com/acme/widget")


def run(
    source: AbstractContextManager[Checkout],
    *,
    artifacts: MemoryArtifacts | None = None,
    clock: Clock | None = None,
) -> tuple[Report, CollectedProgress, MemoryArtifacts]:
    progress, artifacts = CollectedProgress(), artifacts or MemoryArtifacts()
    report = analyze(SUBJECT, source, Tools(PyYamlReader(), clock or VirtualClock(), progress, artifacts))
    return report, progress, artifacts


def of(files: Files) -> AbstractContextManager[Checkout]:
    return nullcontext(MemoryCheckout(files))


def result_of(progress: CollectedProgress) -> dict[str, object]:
    results = [line for line in progress.lines if line.startswith("RESULT ")]
    assert results == progress.lines[-1:]
    document = json.loads(results[0].removeprefix("RESULT "))
    assert isinstance(document, dict)
    return document


def test_every_check_has_a_line_and_the_result_is_last_and_once() -> None:
    report, progress, _ = run(of({"README.md": b"# x"}))

    rows = [event.text for event in progress.events if isinstance(event, Detail)]
    assert [line.split()[0] for line in rows] == [check.name for check in CHECKS]
    assert len({line.index("weight") for line in rows}) == 1  # they are aligned
    result = result_of(progress)
    assert result["kind"] == "analyze"
    assert result["exit"] == 0
    assert result["score"] == report.score
    assert result["commit"] == A_HEAD.sha


def test_the_report_is_kept_and_says_what_the_lines_say() -> None:
    report, progress, artifacts = run(of({"main.py": b"def f(:"}))

    document = json.loads(artifacts.kept["acme__widget", "report.json"])
    assert document["score"] == report.score == result_of(progress)["score"]
    syntax = next(row for row in document["checks"] if row["name"] == "Valid-Syntax")
    assert syntax["score"] == 7
    assert syntax["evidence"] == ["main.py"]
    assert syntax["fix"] == {"kind": "agent", "files": [], "hint": "Mend the files that do not parse."}


def test_an_artifact_that_cannot_be_kept_stops_nothing_and_is_said() -> None:
    _, progress, _ = run(of({}), artifacts=MemoryArtifacts(refuse="read-only file system"))

    assert "[ANALYZING] the report is not kept: read-only file system" in progress.lines
    assert result_of(progress)["report"] is None


def test_a_repository_without_commits_is_judged_too() -> None:
    report, progress, _ = run(nullcontext(MemoryCheckout({}, None)))

    assert result_of(progress)["commit"] is None
    assert next(r for r in report.results if r.name == "Fresh-Commits").status is Status.NOT_APPLICABLE


def test_the_checkout_is_closed_before_the_result_is_told() -> None:
    control = MemoryVersionControl({URL.slug: {"main": {"a.py": b"x"}}})
    open_at: list[int] = []

    class Watching(CollectedProgress):
        def emit(self, event: object) -> None:
            if isinstance(event, Result):
                open_at.append(control.open)

    analyze(SUBJECT, control.clone(URL), Tools(PyYamlReader(), VirtualClock(), Watching(), MemoryArtifacts()))

    assert open_at == [0]


def test_a_repository_that_is_not_there_is_an_error_and_no_result() -> None:
    progress = CollectedProgress()
    tools = Tools(PyYamlReader(), VirtualClock(), progress, MemoryArtifacts())

    with pytest.raises(AgentError) as raised:
        analyze(SUBJECT, MemoryVersionControl({}).clone(URL), tools)

    assert raised.value.code is Code.NOT_FOUND
    assert not any(isinstance(event, Result) for event in progress.events)


class SlowClock(VirtualClock):
    """Each look at it takes five seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0.0

    def now(self) -> Instant:
        self._looks += 5.0
        return Instant(super().now().wall, self._looks)


def test_a_check_that_reads_for_too_long_is_not_judged_and_the_others_are() -> None:
    report, progress, _ = run(of({f"{n}.py": b"x" for n in range(20)}), clock=SlowClock())

    by_name = {result.name: result for result in report.results}
    assert by_name["Secrets"].score is None
    assert "longer than 20 s" in by_name["Secrets"].reason
    assert by_name["Fresh-Commits"].score == 10
    assert result_of(progress)["exit"] == 0


def test_a_check_that_reads_too_much_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "CHECK_LIMIT_BYTES", 100)

    report, _, _ = run(of({f"{n}.txt": b"x" * 60 for n in range(3)}))

    assert next(result for result in report.results if result.name == "Secrets").score is None


@settings(deadline=None)  # a slow machine fails nothing
@given(trees())
def test_whatever_is_in_the_repository_the_lines_are_ours(files: Files) -> None:
    _, progress, _ = run(of(files))

    assert all(len(line.splitlines()) == 1 and line.isprintable() for line in progress.lines)
    assert sum(line.startswith("RESULT ") for line in progress.lines) == 1
    assert 0 <= float(str(result_of(progress)["score"])) <= 10
