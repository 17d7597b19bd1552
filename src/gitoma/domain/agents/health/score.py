"""What a check says, and how what all of them say becomes one number.

A check scores 0 to 10, or nothing where it does not apply; what does not apply counts nowhere. The score of a
repository is the mean, weighted by risk with the weights of OpenSSF Scorecard: Critical 10, High 7.5, Medium 5, Low
2.5. Checks that follow Scorecard's own rules also make up a second score, comparable with Scorecard run on those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

PASS_FROM = 7.5
WARN_FROM = 4.0

EVIDENCE_SHOWN = 3
"""How many places a result names: enough to find the first ones; the reason has the count."""


class Risk(Enum):
    """How much a check weighs: OpenSSF Scorecard's risk levels and weights."""

    CRITICAL = ("Critical", 10.0)
    HIGH = ("High", 7.5)
    MEDIUM = ("Medium", 5.0)
    LOW = ("Low", 2.5)

    def __init__(self, text: str, weight: float) -> None:
        self.text = text
        self.weight = weight


class Standard(Enum):
    """Whose rule a check follows."""

    SCORECARD = "scorecard"
    COMMUNITY = "community"  # GitHub's community profile
    REPOLINTER = "repolinter"
    OWN = "own"


class Status(Enum):
    """A score in a word."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_APPLICABLE = "n/a"

    @classmethod
    def of(cls, score: float | None) -> Status:
        """`PASS_FROM` and more passes, `WARN_FROM` and more warns, less fails."""
        if score is None:
            return cls.NOT_APPLICABLE
        if score >= PASS_FROM:
            return cls.PASS
        return cls.WARN if score >= WARN_FROM else cls.FAIL


class Mender(Enum):
    """Who can mend what a check finds."""

    AGENT = "agent"
    HUMAN = "human"
    RECIPE = "recipe"  # a fixed template of ours, without a model
    NOBODY = "nobody"  # only the passing of work or time


@dataclass(frozen=True, slots=True)
class Fix:
    """How to mend what a check finds.

    Attributes:
        kind: Who can.
        files: The paths that a fix would create or change; the first is the usual one.
        hint: What to do, in one sentence.
    """

    kind: Mender
    files: tuple[str, ...]
    hint: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        score: 0 to 10, or None where the check does not apply.
        reason: Why, in a few words.
        evidence: Places in the repository that show it, all of them or the first.
    """

    score: float | None
    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One row of a report."""

    name: str
    risk: Risk
    standard: Standard
    score: float | None
    reason: str
    evidence: tuple[str, ...]
    fix: Fix

    @property
    def weight(self) -> float:
        """What the score counts for in the mean."""
        return self.risk.weight

    @property
    def status(self) -> Status:
        """The score in a word."""
        return Status.of(self.score)


@dataclass(frozen=True, slots=True)
class Report:
    """Every check's result, in the order of the catalogue."""

    results: tuple[CheckResult, ...]

    @property
    def score(self) -> float | None:
        """The weighted mean of all that apply, to one decimal; None if nothing does."""
        return _mean(self.results)

    @property
    def scorecard_score(self) -> float | None:
        """The same over the checks that follow Scorecard's rules."""
        return _mean([result for result in self.results if result.standard is Standard.SCORECARD])

    @property
    def applicable(self) -> tuple[CheckResult, ...]:
        """The results that count."""
        return tuple(result for result in self.results if result.score is not None)

    @property
    def failing(self) -> tuple[CheckResult, ...]:
        """The results that neither pass nor warn."""
        return tuple(result for result in self.results if result.status is Status.FAIL)


def _mean(results: Sequence[CheckResult]) -> float | None:
    counted = [(result.score, result.weight) for result in results if result.score is not None]
    total = sum(weight for _, weight in counted)
    return round(sum(score * weight for score, weight in counted) / total, 1) if total else None
