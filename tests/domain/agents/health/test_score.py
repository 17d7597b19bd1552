import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.testing.checkouts import ordered, snapshot, trees
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.health.score import CheckResult, Finding, Fix, Mender, Report, Risk, Standard, Status
from gitoma.domain.agents.ports import Kind

Files = dict[str, bytes | tuple[Kind, bytes]]


def result(score: float | None, risk: Risk = Risk.LOW, standard: Standard = Standard.OWN) -> CheckResult:
    return CheckResult("x", risk, standard, score, "", (), Fix(Mender.HUMAN, (), ""))


def test_a_score_weighs_by_risk() -> None:
    report = Report((result(10, Risk.CRITICAL), result(0, Risk.LOW)))

    assert report.score == 8.0


def test_what_does_not_apply_counts_nowhere() -> None:
    assert Report((result(None, Risk.CRITICAL), result(5))).score == 5.0
    assert Report((result(None),)).score is None
    assert Report(()).score is None


def test_the_scorecard_score_is_of_scorecards_checks_only() -> None:
    report = Report((result(10, standard=Standard.SCORECARD), result(0)))

    assert (report.scorecard_score, report.score) == (10.0, 5.0)


@pytest.mark.parametrize(
    ("score", "status"),
    [(10, "pass"), (7.5, "pass"), (7.4, "warn"), (4, "warn"), (3.9, "fail"), (0, "fail"), (None, "n/a")],
)
def test_a_status_is_a_score_in_a_word(score: float | None, status: str) -> None:
    assert Status.of(score).value == status


@settings(deadline=None)  # a slow machine fails nothing
@given(st.lists(st.tuples(st.none() | st.floats(0, 10), st.sampled_from(Risk))))
def test_a_mean_lies_between_the_worst_and_the_best(rows: list[tuple[float | None, Risk]]) -> None:
    scores = [score for score, _ in rows if score is not None]
    mean = Report(tuple(result(score, risk) for score, risk in rows)).score

    assert (mean is None) == (not scores)
    if mean is not None:
        assert round(min(scores), 1) - 0.05 <= mean <= round(max(scores), 1) + 0.05


def test_the_catalogue_has_every_check_once_with_its_weight() -> None:
    weights = {check.name: check.risk.weight for check in CHECKS}

    assert len(weights) == len(CHECKS) == 22
    assert weights["Dangerous-Workflow"] == 10
    assert weights["Tests"] == weights["Secrets"] == weights["Token-Permissions"] == 7.5
    assert weights["Readme"] == weights["Manifest"] == 5
    assert weights["License"] == weights["Fresh-Commits"] == 2.5
    assert [check.name for check in CHECKS if check.standard is Standard.SCORECARD] == [
        "Dangerous-Workflow",
        "Token-Permissions",
        "Binary-Artifacts",
        "Dependency-Update-Tool",
        "Pinned-Dependencies",
        "SAST",
        "Security-Policy",
        "License",
    ]


def findings(files: Files) -> list[Finding]:
    return [check.judge(snapshot(files, PyYamlReader())) for check in CHECKS]


@settings(deadline=None)  # a slow machine fails nothing
@given(trees())
def test_every_check_takes_every_tree_and_scores_from_0_to_10(files: Files) -> None:
    for check, finding in zip(CHECKS, findings(files), strict=True):
        assert finding.score is None or 0 <= finding.score <= 10, check.name
        assert finding.reason


@settings(deadline=None)  # a slow machine fails nothing
@given(trees(), st.randoms(use_true_random=False))
def test_what_is_found_does_not_depend_on_the_order_of_the_files(files: Files, shuffled: random.Random) -> None:
    order = list(files)
    shuffled.shuffle(order)

    assert findings(ordered(files, order)) == findings(files) == findings(files)


@settings(deadline=None)  # a slow machine fails nothing
@given(trees(), trees(4))
def test_what_is_no_regular_file_is_as_good_as_not_read(files: Files, others: Files) -> None:
    hidden: Files = {f"z/{path}": (Kind.LINK, b"target") for path in others}
    judged = [check for check in CHECKS if check.name != "Repo-Hygiene"]  # a tracked link may be junk by its name

    for check in judged:
        with_links, without = (check.judge(snapshot(tree, PyYamlReader())) for tree in (files | hidden, files))

        assert with_links == without, check.name
