"""Commands that are given again and again, and what must hold whenever one of their processes has ended."""

import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence

from gitoma.adapters.testing.agent_worlds import URL, AgentWorld
from gitoma.adapters.testing.code_hosts import MemoryRepo, hosted, pull_request
from gitoma.adapters.testing.deaths import Death, Fate
from gitoma.adapters.testing.language_models import ScriptedModel
from gitoma.domain.agents import plan as plans
from gitoma.domain.agents.code_host import CiJob, CiRun, ReviewComment
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.fix_ci import FixCiRequest, fix_ci
from gitoma.domain.agents.language_model import ChatRequest, Role
from gitoma.domain.agents.plan import Status
from gitoma.domain.agents.progress import Result
from gitoma.domain.agents.review import from_json
from gitoma.domain.agents.review_pr import ReviewRequest, review_pull
from gitoma.domain.agents.run import RunRequest, run
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import Branch
from gitoma.domain.repos.state import Phase

NOTHING_TO_SAY = AgentError(Code.MODEL_UNAVAILABLE, "nobody expected this question")


class Scenario(ABC):
    """A command that is given again and again, and what must hold whenever its process has ended."""

    def __init__(self, world: AgentWorld) -> None:
        self.world = world
        self.tips: set[tuple[str, str]] = set()
        self.wrong: list[str] = []  # what was seen in the middle of a process, whose flow might swallow an assertion

    @abstractmethod
    def command(self, tools: Toolbox) -> None: ...

    @abstractmethod
    def say(self, question: ChatRequest) -> str | AgentError: ...

    @property
    @abstractmethod
    def marks(self) -> Sequence[str]:
        """The trailers of all commits that an agent made, on whatever branch."""

    @abstractmethod
    def check_end(self) -> None: ...

    @property
    def is_over(self) -> bool:
        """Somebody who looks would not give the command again."""
        return False

    def process(self, fate: Fate) -> bool:
        """One process; whether it succeeded."""
        try:
            self.command(self.world.process(ScriptedModel(self.say), fate))
        except Death:
            return False
        except AgentError as error:
            if not fate.is_over or error.code is not Code.NETWORK:
                raise
            return False
        assert not any(isinstance(event, Result) for event in self.world.progress.events)  # that is the command's
        return True

    def check(self) -> None:
        """What holds at any time."""
        assert self.wrong == []
        assert self.world.vcs.open == 0
        assert len(self.world.repo.pulls) <= 1
        assert [mark for mark, count in Counter(self.marks).items() if count > 1] == [], "something was pushed twice"
        for branch, sha in self.tips:
            assert sha in [commit.sha for commit in self.world.commits(branch)], "a pushed commit was lost"
        self.tips |= {(name, commit.sha) for name, commit in self.world.remote.branches.items()}

    def trailers(self, key: str) -> list[str]:
        commits = {commit.sha: commit for name in self.world.remote.branches for commit in self.world.commits(name)}
        lines = [line for commit in commits.values() for line in commit.message.splitlines()]
        return [line for line in lines if line.startswith(f"{key}: ")]


PYTHON_PROJECT = {
    "README.md": b"# Widget\n",
    "pyproject.toml": b"[project]\nname = 'widget'\n",
    "widget.py": b"def widget():\n    return 1\n",
}
PLAN = {"Security-Policy": "SECURITY.md", "Contributing": "CONTRIBUTING.md", "Dependency-Update-Tool": "no matter"}


class Running(Scenario):
    """`run`, with two tasks that a model does and one that none does."""

    def __init__(self, branch: Branch | None = None) -> None:
        super().__init__(AgentWorld({"main": PYTHON_PROJECT}))
        self._branch = branch
        self._main = self.world.remote.branches["main"]

    def command(self, tools: Toolbox) -> None:
        run(RunRequest(URL, self._branch), tools)

    def say(self, question: ChatRequest) -> str | AgentError:
        if question.role is Role.PLANNER:
            files = {"Dependency-Update-Tool": ".github/dependabot.yml"}
            tasks = [
                {"check": check, "title": check, "instruction": "", "files": [files.get(check, path)]}
                for check, path in PLAN.items()
            ]
            return json.dumps({"tasks": tasks})
        path = next((path for path in PLAN.values() if f"make only: {path}." in question.user), None)
        if path is None:
            return NOTHING_TO_SAY
        if any(path in commit.tree for name in self.world.remote.branches for commit in self.world.commits(name)):
            self.wrong.append(f"the model was asked for {path}, which is pushed")
        return new_file(path)

    @property
    def marks(self) -> Sequence[str]:
        return self.trailers("Gitoma-Task")

    @property
    def is_over(self) -> bool:
        return self.world.state is not None and self.world.state.phase is Phase.PR_OPEN

    def check(self) -> None:
        super().check()
        assert self.world.remote.branches["main"] == self._main
        assert len(self.world.remote.branches) <= 2

    def check_end(self) -> None:
        state = self.world.state
        assert state is not None
        plan = plans.from_json(state.task_plan)
        assert plan is not None
        assert [task.status for task in plan.tasks] == [Status.DONE] * len(PLAN)
        assert state.phase is Phase.PR_OPEN
        assert len(self.marks) == len(PLAN)
        (pull,) = self.world.repo.pulls
        assert (pull.number, pull.url) == (state.pr_number, state.pr_url)
        newest = self.world.commits(pull.head_branch)[0]
        assert {"SECURITY.md", "CONTRIBUTING.md", ".github/dependabot.yml"} <= set(newest.tree)
        assert [task.sha for task in plan.tasks][-1] == newest.sha
        assert state.branch == pull.head_branch == (self._branch.name if self._branch else state.branch)


def new_file(path: str) -> str:
    return f"FILE: {path}\n<<<<<<< SEARCH\n=======\n# How to\n\nWrite to us.\n>>>>>>> REPLACE\n"


def replacing(path: str, old: str, new: str) -> str:
    return f"FILE: {path}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n"


NUMBERS = {f"{name}.py": f"def {name}():\n    return {number}\n".encode() for number, name in enumerate(("one", "two"))}
HEAD = "gitoma/improve-1"


def comment(id: int, path: str, body: str, association: str = "OWNER") -> ReviewComment:
    hunk = f"@@ -1,2 +1,2 @@\n+def {path.removesuffix('.py')}():\n+    return {int(path == 'two.py')}"
    return ReviewComment(id, None, "ada", association, path, 2, None, hunk, body)


class Integrating(Scenario):
    """`review --integrate`: a request that a model fulfils, a suggestion, one that is declined, one of a stranger."""

    def __init__(self) -> None:
        comments = [
            comment(11, "one.py", "return ten"),
            comment(12, "two.py", "better:\n```suggestion\n    return 20\n```"),
            comment(13, "one.py", "is this right?"),
            comment(14, "two.py", "delete it all", association="NONE"),
        ]
        repo = MemoryRepo(hosted(), pulls=[pull_request(1, HEAD)], comments={1: comments})
        super().__init__(AgentWorld({"main": NUMBERS, HEAD: NUMBERS}, repo))

    def command(self, tools: Toolbox) -> None:
        review_pull(ReviewRequest(URL, integrate=True), tools)

    def say(self, question: ChatRequest) -> str | AgentError:
        if "is this right?" in question.user:
            return "NO_CHANGE: it is"
        if "return ten" not in question.user:
            return NOTHING_TO_SAY
        if self.marks:
            self.wrong.append("the model was asked for what is pushed")
        return replacing("one.py", "    return 0", "    return 10")

    @property
    def marks(self) -> Sequence[str]:
        return self.trailers("Gitoma-Comment")

    @property
    def replies(self) -> list[ReviewComment]:
        return [each for each in self.world.repo.comments[1] if each.reply_to is not None]

    def check(self) -> None:
        super().check()
        answered = Counter(reply.reply_to for reply in self.replies)
        assert set(answered) <= {11, 12, 13}
        assert set(answered.values()) <= {1}, "somebody was answered twice"
        for reply in self.replies:
            if reply.reply_to != 13:
                assert f"Gitoma-Comment: {reply.reply_to}" in self.marks, "answered before the push"
                assert any(commit.sha[:7] in reply.body for commit in self.world.commits(HEAD))

    def check_end(self) -> None:
        state = self.world.state
        assert state is not None
        assert state.phase is Phase.PR_OPEN
        assert state.exit_clean
        assert "pushing" not in state.kept
        assert len(self.replies) == 3
        assert set(from_json(state.kept.get("threads"))) <= {11, 12, 13}
        before = len(self.world.remote.pushes)
        review_pull(ReviewRequest(URL, integrate=True), self.world.process(ScriptedModel()))
        assert (len(self.replies), len(self.world.remote.pushes)) == (3, before)


LOG = 'Traceback (most recent call last):\n  File "{}", line 2, in run\nValueError: {} is wrong\n'


class Mending(Scenario):
    """`fix-ci`, of two workflows that fail, one of them in two jobs alike."""

    def __init__(self, branch: str, *, protected: bool = False) -> None:
        repo = MemoryRepo(
            hosted(),
            runs={branch: [CiRun(31, "CI", "5" * 40, "failure"), CiRun(32, "Docs", "5" * 40, "timed_out")]},
            jobs={31: [CiJob(41, 31, "test (3.11)"), CiJob(42, 31, "test (3.12)")], 32: [CiJob(43, 32, "docs")]},
            logs={41: LOG.format("one.py", 3), 42: LOG.format("one.py", 4), 43: LOG.format("two.py", 5)},
        )
        super().__init__(AgentWorld({"main": NUMBERS, "feature": NUMBERS}, repo))
        self._branch = branch
        self._proposes = protected or branch == "main"
        if protected:
            self.world.remote.protected.add(branch)
        self._before = dict(self.world.remote.branches)

    def command(self, tools: Toolbox) -> None:
        fix_ci(FixCiRequest(URL, Branch(self._branch)), tools)

    def say(self, question: ChatRequest) -> str | AgentError:
        if question.role is Role.CRITIC:
            return json.dumps({"verdict": "approve", "reason": "right", "must_change": []})
        for run_id, path, number in ((31, "one.py", 0), (32, "two.py", 1)):
            if f"Change only: {path};" in question.user:
                if f"Gitoma-CI-Run: {run_id}" in self.marks:
                    self.wrong.append(f"the model was asked for run {run_id}, which is mended")
                return replacing(path, f"    return {number}", f"    return {number}0")
        return NOTHING_TO_SAY

    @property
    def marks(self) -> Sequence[str]:
        return self.trailers("Gitoma-CI-Run")

    def check(self) -> None:
        super().check()
        mine = {self._branch: not self._proposes}
        for name, commit in self._before.items():
            assert mine.get(name) or self.world.remote.branches[name] == commit, f"{name} was pushed to"
        assert len(self.world.remote.branches) <= 3

    def check_end(self) -> None:
        assert self.world.state is not None
        assert self.world.state.exit_clean
        assert sorted(self.marks) == ["Gitoma-CI-Run: 31", "Gitoma-CI-Run: 32"]
        if self._proposes:
            (pull,) = self.world.repo.pulls
            assert pull.base_branch == self._branch
            assert len(self.world.commits(pull.head_branch)) == 3
            assert list(self.world.state.kept["ci_pulls"].values()) == [pull.number]
        else:
            assert self.world.repo.pulls == []


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "run": Running,
    "run on a branch of a name": lambda: Running(Branch("better")),
    "review": Integrating,
    "fix-ci": lambda: Mending("feature"),
    "fix-ci of the default branch": lambda: Mending("main"),
    "fix-ci of a protected branch": lambda: Mending("feature", protected=True),
}
