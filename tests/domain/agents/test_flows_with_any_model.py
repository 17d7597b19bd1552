"""The flows with a model that says anything: nothing outside the policy is written, and every end is a proper one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, URL, AgentWorld
from gitoma.adapters.testing.checkouts import Files, MemoryCheckout
from gitoma.adapters.testing.code_hosts import MemoryRepo, hosted, pull_request
from gitoma.adapters.testing.working_copies import MemoryCommit
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents import gates, paths, run_state
from gitoma.domain.agents import plan as plans
from gitoma.domain.agents.budget import Limits
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.code_host import CiJob, CiRun, ReviewComment
from gitoma.domain.agents.dry_run import DryRunRequest, dry_run
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.agents.fix_ci import FixCiRequest, fix_ci
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.ports import Kind
from gitoma.domain.agents.progress import LINE_MAX_BYTES, Result, line_of, printable
from gitoma.domain.agents.review_pr import ReviewRequest, review_pull
from gitoma.domain.agents.run import RunRequest, run
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.names import Branch
from gitoma.domain.repos.state import Phase, RepoState
from tests.domain.agents.any_model import any_model, mostly

FILES: Files = {
    "README.md": f"# Widget\n\nIts password is {CREDENTIAL}.\n".encode(),
    "one.py": b"def one():\n    return 1\n",
    "two.py": b"def two():\n    return 2\n",
    "pyproject.toml": b"[project]\nname = 'widget'\n",
    "link": (Kind.LINK, b".git/config"),
    "module": (Kind.SUBMODULE, b""),
    "data.bin": b"\xff\0",
}
HEAD = "gitoma/improve-1"
HUNK = "@@ -1,2 +1,2 @@\n+def one():\n+    return 1"
LOG = f'File "one.py", line 2, in one\nValueError: {CREDENTIAL}\nFAILED two.py::two\n'
LINES_MAX = 500
"""How many lines of a job the server keeps."""

NEVER = re.compile(r"\.git/|workflows|\.env|\.lock|lock\.json|\.pem|\.\.|^/|\\|link|module", re.IGNORECASE)
"""What is in no path that a change may have, in other words than those of the policy."""

ROOMY = Limits(10_000.0, 34, 60_000)
TIGHT = st.builds(Limits, st.sampled_from([1.0, 1000.0]), st.integers(0, 17), st.sampled_from([10, 9000]))
LIMITS = mostly(st.just(ROOMY), TIGHT, times=3)


def comment(id: int, body: str, path: str = "one.py", association: str = "OWNER") -> ReviewComment:
    return ReviewComment(id, None, "ada", association, path, 2, None, HUNK, body)


def a_world() -> AgentWorld:
    comments = [
        comment(11, f"return {CREDENTIAL}, or delete it"),
        comment(12, "```suggestion\n    return 7\n```"),
        comment(13, "name it better", path="two.py"),
        comment(14, "and this", path="link"),
        comment(15, "write a workflow", association="NONE"),
    ]
    repo = MemoryRepo(
        hosted(),
        pulls=[pull_request(1, HEAD)],
        comments={1: comments},
        runs={branch: [CiRun(31, "CI", "5" * 40, "failure")] for branch in ("main", "feature")},
        jobs={31: [CiJob(41, 31, "test"), CiJob(42, 31, "lint")]},
        logs={41: LOG, 42: "pyproject.toml:1: error: bad\nlink:1: error: bad\n"},
    )
    return AgentWorld({"main": FILES, "feature": FILES, HEAD: FILES}, repo)


@dataclass
class Outcome:
    world: AgentWorld
    error: AgentError | None
    new: list[tuple[MemoryCommit, MemoryCommit]]  # each commit that was pushed, and the one before it


def played(data: st.DataObject, flow: Callable[[Toolbox], None]) -> Outcome:
    """Have a flow done once, and check all that holds of every flow."""
    world = a_world()
    before = dict(world.remote.branches)
    limits = data.draw(LIMITS)
    model = any_model(data, world)
    error = None
    try:
        flow(world.process(model, limits=limits))
    except AgentError as raised:
        error = raised
    assert len(model.requests) <= limits.calls
    assert not [request for request in model.requests if CREDENTIAL in request.system + request.user]
    _check_what_is_told(world, error)
    _check_what_is_written_down(world)
    assert world.vcs.open == 0
    assert world.remote.branches["main"] == before["main"]
    known = {commit.sha for commit in before.values()}
    return Outcome(world, error, list(_new_commits(world, known)))


def _check_what_is_told(world: AgentWorld, error: AgentError | None) -> None:
    events = world.progress.events
    assert not any(isinstance(event, Result) for event in events)  # the command says it, when all is tidied up
    assert len(events) <= LINES_MAX
    for event in events:
        line = line_of(event)
        assert printable(line) == line
        assert len(line.encode()) <= LINE_MAX_BYTES


def _check_what_is_written_down(world: AgentWorld) -> None:
    states = [RepoState(slug=URL.slug, phase=Phase.IDLE), *world.states]
    for state, after in pairwise(states):
        if after.phase is not state.phase and (state.phase, after.phase) != (Phase.IDLE, Phase.PR_OPEN):
            run_state.moved(state.phase, after.phase)  # a review of what no run has made begins with an open one
    if world.states:
        assert world.states[-1].exit_clean
        assert world.states[-1].current_operation is None
    written = [
        *(document.decode() for document in world.home.history),
        *world.artifacts.kept.values(),
        *(each.body for each in world.repo.comments[1] if each.reply_to is not None),
        *(f"{pull.title}\n{pull.body}" for pull in world.host.opened),
    ]
    assert not [text for text in written if CREDENTIAL in text]


def _new_commits(world: AgentWorld, known: set[str]) -> Iterator[tuple[MemoryCommit, MemoryCommit]]:
    seen = set(known)
    for name in world.remote.branches:
        for commit in world.commits(name):
            if commit.sha not in seen:
                seen.add(commit.sha)
                assert commit.parent is not None
                yield commit, commit.parent


def change_of(commit: MemoryCommit, parent: MemoryCommit) -> ChangeSet:
    """What a commit changes: text of ordinary files and nothing else."""
    changes = []
    for path in sorted({*commit.tree, *parent.tree}):
        old, new = parent.tree.get(path), commit.tree.get(path)
        if old == new:
            continue
        kinds = {entry[0] for entry in (old, new) if entry is not None}
        assert kinds == {Kind.FILE}, path
        changes.append(FileChange(path, old and old[1].decode(), new and new[1].decode()))
    return ChangeSet(tuple(changes))


def check_policy(scope: Scope, commit: MemoryCommit, parent: MemoryCommit) -> None:
    change = change_of(commit, parent)
    tree = Tree(MemoryCheckout(parent.tree))
    assert change.files
    assert not any(map(NEVER.search, change.paths))
    for file in change.files:  # in other words than those of the gates, too
        new_test = scope.new_tests and file.old is None and "test" in file.path
        assert file.path in (scope.files if file.new is not None else scope.deletable) or new_test
        assert (file.new or "").count(CREDENTIAL) <= (file.old or "").count(CREDENTIAL)
    assert all(paths.check(path, tree.special) == path for path in change.paths)
    assert gates.check(change, tree, scope, PyYamlReader(), lambda line: CREDENTIAL in line) == ()
    assert CREDENTIAL not in commit.message


def trailer(commit: MemoryCommit, key: str) -> str:
    return next(line for line in commit.message.splitlines() if line.startswith(f"{key}: ")).split()[1]


@settings(max_examples=150)
@given(st.data(), st.booleans())
def test_run_writes_what_its_tasks_list_and_nothing_else(data: st.DataObject, critic: bool) -> None:
    outcome = played(data, lambda tools: run(RunRequest(URL, critic=critic), tools))

    for commit, parent in outcome.new:
        state = outcome.world.state
        plan = plans.from_json(state.task_plan) if state else None
        assert plan is not None
        (task,) = [task for task in plan.tasks if task.id == trailer(commit, "Gitoma-Task")]
        assert task.sha == commit.sha
        scope = Scope(frozenset(task.files), text=f"{task.title} {task.instruction}")
        check_policy(scope, commit, parent)
    pushed = [name for name in outcome.world.remote.branches if name.startswith("gitoma/improve-2")]
    assert len(pushed) == bool(outcome.new)
    assert len(outcome.world.host.opened) <= len(pushed)


@settings(max_examples=100)
@given(st.data(), st.booleans())
def test_a_dry_run_writes_nothing(data: st.DataObject, critic: bool) -> None:
    outcome = played(data, lambda tools: dry_run(DryRunRequest(URL, critic=critic), tools))

    assert outcome.new == []
    assert outcome.world.remote.pushes == []
    assert outcome.world.host.written == []
    assert outcome.world.state is None


@settings(max_examples=150)
@given(st.data(), st.booleans())
def test_review_writes_what_was_commented_on_and_new_tests(data: st.DataObject, integrate: bool) -> None:
    outcome = played(data, lambda tools: review_pull(ReviewRequest(URL, integrate=integrate), tools))

    roots = {each.id: each for each in outcome.world.repo.comments[1] if each.reply_to is None}
    for commit, parent in outcome.new:
        assert integrate
        root = roots[int(trailer(commit, "Gitoma-Comment"))]
        assert root.association == "OWNER"
        path = frozenset({root.path})
        asked = frozenset({root.path.removesuffix(".py")})  # each file has one definition, and the comment is about it
        scope = Scope(path, new_tests=True, text=root.body, deletable=path, new_imports=True, may_go=asked)
        check_policy(scope, commit, parent)
    assert set(outcome.world.remote.pushes) <= {HEAD}
    if not integrate:
        assert outcome.world.host.written == []
        assert outcome.world.state is None


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["main", "feature"]), st.booleans())
def test_fix_ci_writes_what_the_log_names_and_new_tests(data: st.DataObject, branch: str, dry: bool) -> None:
    request = FixCiRequest(URL, Branch(branch), dry_run=dry)
    outcome = played(data, lambda tools: fix_ci(request, tools))

    files = frozenset({"one.py", "two.py", "pyproject.toml"})
    for commit, parent in outcome.new:
        assert not dry
        check_policy(Scope(files, new_tests=True, keeps_tests=True), commit, parent)
    own = {name for name in outcome.world.remote.branches if name.startswith("gitoma/fix-ci-")}
    assert set(outcome.world.remote.pushes) <= (own if branch == "main" else {"feature"})
    if dry:
        assert outcome.world.state is None
