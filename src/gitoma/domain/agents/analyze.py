"""`analyze`: judge a repository's health. Changes nothing, needs no token and no model, runs none of its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from gitoma.domain.agents.health.catalogue import CHECKS, Check
from gitoma.domain.agents.health.score import EVIDENCE_SHOWN, CheckResult, Finding, Report, Status
from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.ports import ArtifactNotKept, ArtifactStore, Checkout, Head, Progress, YamlReader
from gitoma.domain.agents.progress import Detail, Step, printable
from gitoma.domain.clock import Clock

CHECK_LIMIT_S = 20.0
"""How long one check may go on reading."""

CHECK_LIMIT_BYTES = 200 * 1024 * 1024
"""How much one check may read."""

_PHASE = "ANALYZING"
_TEXT_SHOWN = 200  # characters of a piece of evidence


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged.

    Attributes:
        name: As people call it: `owner/name`, or a folder's name.
        key: The name of its folder of artifacts; a safe file name.
        got: How its files were got, in a word: `cloned`, `read`.
    """

    name: str
    key: str
    got: str


@dataclass(frozen=True, slots=True)
class Tools:
    """The ports that the analysis uses."""

    yaml: YamlReader
    clock: Clock
    progress: Progress
    artifacts: ArtifactStore


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis came to.

    Attributes:
        report: Every check's result.
        reached: The same in short, and where the report is kept: the fields of the result.
    """

    report: Report
    reached: Mapping[str, object]


def analyze(subject: Subject, source: AbstractContextManager[Checkout], tools: Tools) -> Analysis:
    """Judge what `source` gives, say so line by line, and keep `report.json`.

    A check that reads for too long, or too much, counts as not applicable: a guess would be worth less than nothing.

    Raises:
        AgentError: The files cannot be had.
    """
    tools.progress.emit(Step("IDLE", f"gitoma analyze {subject.name}"))
    started = tools.clock.now().monotonic
    with source as checkout:
        entries = checkout.entries()
        head = checkout.head
        took = tools.clock.now().monotonic - started
        where = f"{head.branch or 'HEAD'}@{head.sha[:7]}" if head else "a repository without commits"
        tools.progress.emit(Step(_PHASE, f"{subject.got} {where} in {took:.1f} s, {len(entries)} files"))
        report = examine(checkout, tools.yaml, tools.clock, lambda result: tools.progress.emit(Detail(row(result))))
    place = _keep(subject, head, report, tools)
    tools.progress.emit(Step(_PHASE, scores(report)))
    return Analysis(report, {**_summary(subject, head, report), "report": place})


def examine(
    checkout: Checkout, yaml: YamlReader, clock: Clock, each: Callable[[CheckResult], None] = lambda _: None
) -> Report:
    """Run every check over the files.

    Args:
        checkout: The files.
        yaml: Reads their YAML.
        clock: Limits each check, and tells how old the commit is.
        each: Is told of each result as soon as it is there.

    Raises:
        AgentError: The files cannot be had.
    """
    reads = _CappedReads(checkout, clock)
    snapshot = _snapshot(checkout, reads, yaml, clock)
    results = []
    for check in CHECKS:
        reads.begin()
        result = _judge(check, snapshot)
        each(result)
        results.append(result)
    return Report(tuple(results))


def examine_for(name: str, checkout: Checkout, yaml: YamlReader, clock: Clock) -> CheckResult:
    """Run the check of this name alone.

    Raises:
        AgentError: The files cannot be had.
    """
    check = next(check for check in CHECKS if check.name == name)
    return _judge(check, _snapshot(checkout, _CappedReads(checkout, clock), yaml, clock))


def _snapshot(checkout: Checkout, reads: _CappedReads, yaml: YamlReader, clock: Clock) -> Snapshot:
    committed = checkout.head.time if checkout.head else None
    return Snapshot(checkout.entries(), reads.read, yaml, committed, clock.now().wall)


def _judge(check: Check, snapshot: Snapshot) -> CheckResult:
    try:
        finding = check.judge(snapshot)
    except _CapReached as reached:
        finding = Finding(None, str(reached))
    shown = tuple(printable(place)[:_TEXT_SHOWN] for place in finding.evidence[:EVIDENCE_SHOWN])
    return check.result(Finding(finding.score, printable(finding.reason), shown))


class _CapReached(Exception):
    """A check has read for as long, or as much, as it may; the message is its reason."""


class _CappedReads:
    """The reads of one check after another, each with limits of its own."""

    def __init__(self, checkout: Checkout, clock: Clock) -> None:
        self._checkout = checkout
        self._clock = clock
        self.begin()

    def begin(self) -> None:
        """Another check begins."""
        self._deadline = self._clock.now().monotonic + CHECK_LIMIT_S
        self._left = CHECK_LIMIT_BYTES

    def read(self, path: str, limit: int) -> bytes | None:
        """`Checkout.read`, within the limits of the check that runs."""
        if self._clock.now().monotonic > self._deadline:
            raise _CapReached(f"not judged: it would take longer than {CHECK_LIMIT_S:g} s")
        content = self._checkout.read(path, limit)
        self._left -= len(content or b"")
        if self._left < 0:
            raise _CapReached(f"not judged: it would read more than {CHECK_LIMIT_BYTES // 1024**2} MiB")
        return content


_NAME_WIDTH = max(len(check.name) for check in CHECKS)


def row(result: CheckResult) -> str:
    """One line of the table: name, score, status, weight, reason, and the first place where something is amiss."""
    score = "   -" if result.score is None else f"{result.score:>4g}"
    amiss = result.status in (Status.WARN, Status.FAIL)
    first = result.evidence[0] if result.evidence and amiss and result.evidence[0] not in result.reason else ""
    place = f": {first}" if first else ""
    about = f"{result.status.value:<4}  weight {result.weight:<4g}"
    return f"{result.name:<{_NAME_WIDTH}}  {score}/10  {about}  {result.reason}{place}"


def _keep(subject: Subject, head: Head | None, report: Report, tools: Tools) -> str | None:
    """Keep the report, and say where; None where it could not be kept."""
    try:
        place = tools.artifacts.keep(subject.key, "report.json", document(subject, head, report))
    except ArtifactNotKept as error:
        tools.progress.emit(Step(_PHASE, f"the report is not kept: {error}"))
        return None
    tools.progress.emit(Step(_PHASE, f"report kept in {place}"))
    return place


def scores(report: Report) -> str:
    """Both means, and how many checks they are of, in a line."""
    counts = f"{len(report.applicable)} checks apply, {len(report.failing)} fail"
    return f"score {shown(report.score)} scorecard {shown(report.scorecard_score)} ({counts})"


def shown(score: float | None) -> str:
    """A score as people are shown it."""
    return "n/a" if score is None else f"{score:.1f}"


def metric_report(report: Report, head: Head | None) -> dict[str, object]:
    """The report as the state of a repository holds it."""
    return {
        "score": report.score,
        "scorecard_score": report.scorecard_score,
        "commit": head.sha if head else None,
        "checks": [
            {
                "name": result.name,
                "score": result.score,
                "status": result.status.value,
                "weight": result.weight,
                "reason": result.reason,
            }
            for result in report.results
        ],
    }


def _summary(subject: Subject, head: Head | None, report: Report) -> Mapping[str, object]:
    return {
        "repo": subject.name,
        "branch": head.branch if head else None,
        "commit": head.sha if head else None,
        "score": report.score,
        "scorecard_score": report.scorecard_score,
        "checks": {result.name: result.score for result in report.results},
        "failing": [result.name for result in report.failing],
    }


def document(subject: Subject, head: Head | None, report: Report) -> str:
    """`report.json`: the same facts as the lines, for programs."""
    return json.dumps(
        {
            "schema": 1,
            "repo": subject.name,
            "branch": head.branch if head else None,
            "commit": head.sha if head else None,
            "committed_at": head.time.isoformat() if head else None,
            "score": report.score,
            "scorecard_score": report.scorecard_score,
            "checks": [_row_document(result) for result in report.results],
        },
        indent=1,
    )


def _row_document(result: CheckResult) -> Mapping[str, object]:
    return {
        "name": result.name,
        "risk": result.risk.text,
        "weight": result.weight,
        "standard": result.standard.value,
        "score": result.score,
        "status": result.status.value,
        "reason": result.reason,
        "evidence": list(result.evidence),
        "fix": {"kind": result.fix.kind.value, "files": list(result.fix.files), "hint": result.fix.hint},
    }
