"""What `fix-ci` tells, and what it does when it is asked again: after half of it, after people, after somebody else."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from gitoma.adapters.testing.agent_worlds import URL, AgentWorld
from gitoma.adapters.testing.code_hosts import ACME, MemoryRepo, hosted, pull_request
from gitoma.adapters.testing.language_models import ScriptedModel
from gitoma.adapters.testing.run_states import MemoryRunStates
from gitoma.domain.agents.budget import LIMITS
from gitoma.domain.agents.ci_failures import FAILURES_MAX, LOGS_MAX
from gitoma.domain.agents.code_host import CiJob, CiRun
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.fix_ci import FixCiRequest, fix_ci
from gitoma.domain.agents.language_model import ChatRequest, Role
from gitoma.domain.agents.ports import HeldState
from gitoma.domain.repos.names import Branch, RepoUrl, Slug
from gitoma.domain.repos.state import Phase, RepoState, encode

NAMES = ("one", "two", "three", "four")
FILES = {f"{name}.py": f"def {name}():\n    return 0\n".encode() for name in NAMES}
RUN = CiRun(31, "CI", "5" * 40, "failure")
OTHER = CiRun(32, "Docs", "5" * 40, "failure")


def log(name: str) -> str:
    return f'Traceback (most recent call last):\n  File "{name}.py", line 2, in run\nValueError: wrong\n'


class Ci:
    """A repository, the jobs that failed in it, and what can be mended.

    Args:
        branch: The branch that fails.
        jobs: Runs to the files that their jobs fail in.
    """

    def __init__(self, branch: str, jobs: Mapping[CiRun, Collection[str]]) -> None:
        self._numbers = iter(range(41, 1000))
        self.branch = branch
        self.repo = MemoryRepo(hosted(), runs={branch: list(jobs)})
        for run, names in jobs.items():
            self.repo.jobs[run.id] = [self._job(run, name) for name in names]
        self.world = AgentWorld({"main": FILES, "topic": FILES}, self.repo)
        self.world.limits = LIMITS["fix-ci"]
        self.can: set[str] = set(NAMES)
        self.asked: list[str] = []

    def _job(self, run: CiRun, name: str) -> CiJob:
        job = CiJob(next(self._numbers), run.id, f"{run.workflow} {name}")
        self.repo.logs[job.id] = log(name)
        return job

    def _say(self, question: ChatRequest) -> str:
        if question.role is Role.CRITIC:
            return json.dumps({"verdict": "approve", "reason": "right", "must_change": []})
        name = next(name for name in NAMES if f"Change only: {name}.py;" in question.user)
        self.asked.append(name)
        if name not in self.can:
            return f"no {len(self.asked)}"
        return f"FILE: {name}.py\n<<<<<<< SEARCH\n    return 0\n=======\n    return 1\n>>>>>>> REPLACE\n"

    def fix(
        self, *, states: Callable[[MemoryRunStates], MemoryRunStates] | None = None
    ) -> Mapping[str, object] | AgentError:
        """What a process comes to."""
        self.asked = []
        tools = self.world.process(ScriptedModel(self._say))
        if states is not None:
            tools = replace(
                tools, states=states(MemoryRunStates(self.world.progress, self.world.clock, self.world.home))
            )
        try:
            return fix_ci(FixCiRequest(URL, Branch(self.branch)), tools)
        except AgentError as error:
            return error

    @property
    def mended(self) -> set[str]:
        """The files that are mended somewhere."""
        tips = self.world.remote.branches.values()
        return {path for tip in tips for path, (_, content) in tip.tree.items() if b"return 1" in content}

    @property
    def pushes(self) -> int:
        return len(self.world.remote.pushes)


def failed(outcome: Mapping[str, object] | AgentError, code: Code, *, fixed: int, left: int) -> AgentError:
    assert isinstance(outcome, AgentError), outcome
    assert (outcome.code, outcome.reached["fixed"], outcome.reached["failed"]) == (code, fixed, left)
    return outcome


def succeeded(outcome: Mapping[str, object] | AgentError, *, fixed: int) -> Mapping[str, object]:
    assert not isinstance(outcome, AgentError), outcome
    assert (outcome["fixed"], outcome["failed"]) == (fixed, 0)
    return outcome


each_branch = pytest.mark.parametrize("branch", ["main", "topic"])
each_place = pytest.mark.parametrize("jobs", [{RUN: ["one", "two"]}, {RUN: ["one"], OTHER: ["two"]}])


@each_branch
@each_place
def test_what_was_not_mended_is_tried_again_until_it_is(branch: str, jobs: Mapping[CiRun, Collection[str]]) -> None:
    ci = Ci(branch, jobs)
    ci.can = {"one"}
    failed(ci.fix(), Code.PARTIAL, fixed=1, left=1)

    failed(ci.fix(), Code.NO_FIX, fixed=0, left=1)
    assert set(ci.asked) == {"two"}
    ci.can = {"two"}
    succeeded(ci.fix(), fixed=1)
    before = ci.pushes
    succeeded(ci.fix(), fixed=0)

    assert (ci.asked, ci.pushes) == ([], before)
    assert ci.mended == {"one.py", "two.py"}
    assert len(ci.repo.pulls) == (branch == "main")


@each_branch
def test_what_is_too_much_for_one_job_is_the_next_ones(branch: str) -> None:
    ci = Ci(branch, {RUN: NAMES})

    failed(ci.fix(), Code.PARTIAL, fixed=FAILURES_MAX, left=1)
    succeeded(ci.fix(), fixed=1)

    assert len(ci.mended) == len(NAMES)


@pytest.mark.parametrize("known", [{"31": "f" * 40}, {"31:": None, "x": [1]}, [], "no", 7])
def test_whatever_is_remembered_what_fails_is_mended(known: object) -> None:
    ci = Ci("topic", {RUN: ["one"]})
    state = RepoState(slug=ACME, phase=Phase.IDLE, repo_url=URL.text, kept={"ci_fixes": known, "ci_pulls": known})
    ci.world.home.documents[ACME] = encode(state)

    succeeded(ci.fix(), fixed=1)


def test_a_run_that_failed_without_a_failed_job_is_left() -> None:
    ci = Ci("topic", {RUN: []})
    failed(ci.fix(), Code.NEEDS_HUMAN, fixed=0, left=1)
    ci = Ci("topic", {RUN: [], OTHER: ["two"]})

    failed(ci.fix(), Code.PARTIAL, fixed=1, left=1)

    assert "[FIX-CI] not mended: CI: it failed, but none of its jobs did; run it again" in ci.world.progress.lines


def test_a_log_that_says_nothing_is_left() -> None:
    ci = Ci("topic", {RUN: ["one"]})
    ci.repo.logs = dict.fromkeys(ci.repo.logs, "")

    failed(ci.fix(), Code.NEEDS_HUMAN, fixed=0, left=1)


def test_a_matrix_does_not_hide_another_workflow_and_what_is_not_read_is_left() -> None:
    ci = Ci("topic", {RUN: ["one"] * (LOGS_MAX + 2), OTHER: ["two"]})

    failed(ci.fix(), Code.PARTIAL, fixed=2, left=1)

    assert ci.mended == {"one.py", "two.py"}
    (line,) = [line for line in ci.world.progress.lines if "not looked at" in line]
    assert line == "[FIX-CI] not mended: CI one and 2 more: not looked at; one job reads 10 logs"


def closed(ci: Ci, *, merged: bool) -> None:
    (pull,) = ci.repo.pulls
    ci.repo.pulls[:] = [replace(pull, is_open=False, is_merged=merged)]


@pytest.mark.parametrize("branch_stays", [True, False])
def test_what_people_have_closed_is_not_proposed_again(branch_stays: bool) -> None:
    ci = Ci("main", {RUN: ["one"]})
    succeeded(ci.fix(), fixed=1)
    closed(ci, merged=False)
    if not branch_stays:
        del ci.world.remote.branches[ci.repo.pulls[0].head_branch]

    error = failed(ci.fix(), Code.NEEDS_HUMAN, fixed=0, left=1)

    assert "#1 " in str(error)
    assert (error.reached["pr"], ci.asked, len(ci.repo.pulls)) == (1, [], 1)


def test_after_people_have_closed_one_a_later_commit_is_looked_at_anew() -> None:
    ci = Ci("main", {RUN: ["one"]})
    succeeded(ci.fix(), fixed=1)
    closed(ci, merged=False)
    ci.world.remote.advance("main", ci.world.remote.branches["main"].tree)

    succeeded(ci.fix(), fixed=1)

    assert len(ci.repo.pulls) == 2


def test_what_was_merged_or_is_another_repositorys_hinders_nobody() -> None:
    ci = Ci("main", {RUN: ["one"]})
    succeeded(ci.fix(), fixed=1)
    closed(ci, merged=True)
    succeeded(ci.fix(), fixed=0)
    ci.repo.pulls[:] = [pull_request(2, "other", is_open=False)]

    succeeded(ci.fix(), fixed=0)


def test_what_is_proposed_for_one_branch_is_none_of_another_that_is_at_the_same_commit() -> None:
    ci = Ci("main", {RUN: ["one"]})
    succeeded(ci.fix(), fixed=1)
    ci.world.remote.branches["topic"] = ci.world.remote.branches["main"]
    ci.branch, ci.repo.runs["topic"] = "topic", [OTHER]
    ci.repo.jobs[OTHER.id] = [ci._job(OTHER, "two")]

    assert succeeded(ci.fix(), fixed=1)["pushed"] == "topic"


class Waiting(MemoryRunStates):
    """Waits for somebody who does something meanwhile, and takes an hour for it."""

    def __init__(self, ci: Ci, meanwhile: Callable[[], None]) -> None:
        super().__init__(ci.world.progress, ci.world.clock, ci.world.home)
        self._world = ci.world
        self._meanwhile = meanwhile

    @contextmanager
    def hold(self, slug: Slug, *, wait: bool) -> Iterator[HeldState]:
        self._world.clock.pass_(3600)
        self._meanwhile()
        with super().hold(slug, wait=wait) as held:
            yield held


def test_what_somebody_else_has_mended_while_it_waited_is_not_mended_again() -> None:
    ci = Ci("topic", {RUN: ["one"]})

    def green() -> None:
        ci.repo.runs["topic"] = [replace(RUN, id=33, conclusion="success")]

    succeeded(ci.fix(states=lambda _: Waiting(ci, green)), fixed=0)

    assert (ci.asked, ci.pushes, ci.world.state) == ([], 0, None)
    assert "[FIX-CI] nothing to fix: no workflow failed when it last ran on topic" in ci.world.progress.lines


def test_to_wait_for_others_spends_none_of_its_time() -> None:
    ci = Ci("topic", {RUN: ["one"]})

    succeeded(ci.fix(states=lambda _: Waiting(ci, lambda: None)), fixed=1)


def test_a_repository_is_one_however_it_is_spelled() -> None:
    ci = Ci("topic", {RUN: ["one"]})
    ci.world.host.repos = {**ci.world.host.repos, Slug("acme", "former"): ci.repo}
    tools = ci.world.process(ScriptedModel(ci._say))

    reached = fix_ci(FixCiRequest(RepoUrl.parse("https://github.com/acme/former"), Branch("topic")), tools)

    assert reached["repo"] == str(ACME)
    assert list(ci.world.home.documents) == [ACME]
