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
from gitoma.domain.agents.analyze import Analysis, Subject, Tools, analyze
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.health.score import Status
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
) -> tuple[Analysis, CollectedProgress, MemoryArtifacts]:
    progress, artifacts = CollectedProgress(), artifacts or MemoryArtifacts()
    found = analyze(SUBJECT, source, Tools(PyYamlReader(), clock or VirtualClock(), progress, artifacts))
    assert not any(isinstance(event, Result) for event in progress.events)  # whoever ends the process says it
    return found, progress, artifacts


def of(files: Files) -> AbstractContextManager[Checkout]:
    return nullcontext(MemoryCheckout(files))


def test_every_check_has_a_line_and_the_result_is_in_short_what_they_say() -> None:
    found, progress, _ = run(of({"README.md": b"# x"}))

    rows = [event.text for event in progress.events if isinstance(event, Detail)]
    assert [line.split()[0] for line in rows] == [check.name for check in CHECKS]
    assert len({line.index("weight") for line in rows}) == 1  # they are aligned
    assert found.reached["score"] == found.report.score
    assert found.reached["commit"] == A_HEAD.sha


def test_the_report_is_kept_and_says_what_the_lines_say() -> None:
    found, _, artifacts = run(of({"main.py": b"def f(:"}))

    document = json.loads(artifacts.kept["acme__widget", "report.json"])
    assert document["score"] == found.report.score == found.reached["score"]
    syntax = next(row for row in document["checks"] if row["name"] == "Valid-Syntax")
    assert syntax["score"] == 7
    assert syntax["evidence"] == ["main.py"]
    assert syntax["fix"] == {"kind": "agent", "files": [], "hint": "Mend the files that do not parse."}


def test_an_artifact_that_cannot_be_kept_stops_nothing_and_is_said() -> None:
    found, progress, _ = run(of({}), artifacts=MemoryArtifacts(refuse="read-only file system"))

    assert "[ANALYZING] the report is not kept: read-only file system" in progress.lines
    assert found.reached["report"] is None


def test_a_repository_without_commits_is_judged_too() -> None:
    found, _, _ = run(nullcontext(MemoryCheckout({}, None)))

    assert found.reached["commit"] is None
    assert next(r for r in found.report.results if r.name == "Fresh-Commits").status is Status.NOT_APPLICABLE


def test_the_checkout_is_closed_when_it_is_done() -> None:
    control = MemoryVersionControl({URL.slug: {"main": {"a.py": b"x"}}})

    run(control.clone(URL))

    assert control.open == 0


def test_a_repository_that_is_not_there_is_an_error() -> None:
    progress = CollectedProgress()
    tools = Tools(PyYamlReader(), VirtualClock(), progress, MemoryArtifacts())

    with pytest.raises(AgentError) as raised:
        analyze(SUBJECT, MemoryVersionControl({}).clone(URL), tools)

    assert raised.value.code is Code.NOT_FOUND


class SlowClock(VirtualClock):
    """Each look at it takes five seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._looks = 0.0

    def now(self) -> Instant:
        self._looks += 5.0
        return Instant(super().now().wall, self._looks)


def test_a_check_that_reads_for_too_long_is_not_judged_and_the_others_are() -> None:
    found, _, _ = run(of({f"{n}.py": b"x" for n in range(20)}), clock=SlowClock())

    by_name = {result.name: result for result in found.report.results}
    assert by_name["Secrets"].score is None
    assert "longer than 20 s" in by_name["Secrets"].reason
    assert by_name["Fresh-Commits"].score == 10
    assert found.report.score is not None


def test_a_check_that_reads_too_much_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "CHECK_LIMIT_BYTES", 100)

    found, _, _ = run(of({f"{n}.txt": b"x" * 60 for n in range(3)}))

    assert next(result for result in found.report.results if result.name == "Secrets").score is None


@settings(deadline=None)  # a slow machine fails nothing
@given(trees())
def test_whatever_is_in_the_repository_the_lines_are_ours(files: Files) -> None:
    found, progress, _ = run(of(files))

    assert all(len(line.splitlines()) == 1 and line.isprintable() for line in progress.lines)
    assert not any(line.startswith("RESULT ") for line in progress.lines)
    assert 0 <= float(str(found.reached["score"])) <= 10
