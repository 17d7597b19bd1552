"""`review` and its state, between a repository, a code host and a model in memory."""

from collections.abc import Mapping

import pytest

from gitoma.adapters.testing.agent_worlds import URL, AgentWorld
from gitoma.adapters.testing.code_hosts import ACME, MemoryRepo, hosted, pull_request
from gitoma.adapters.testing.language_models import ScriptedModel
from gitoma.adapters.testing.working_copies import MemoryWorkingCopy
from gitoma.domain.agents import run_state
from gitoma.domain.agents.changes import ChangeSet
from gitoma.domain.agents.code_host import ReviewComment
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import LanguageModel
from gitoma.domain.agents.review_pr import ReviewRequest, review_pull
from gitoma.domain.agents.run import RunRequest, run
from gitoma.domain.repos.names import RepoUrl, Slug
from gitoma.domain.repos.state import Phase

HEAD, OTHER = "gitoma/improve-1", "gitoma/improve-2"
FILES = {"one.py": b"def one():\n    return 1\n", "two.py": b"def two():\n    return 2\n"}
HUNK = "@@ -0,0 +1,2 @@\n+def {0}():\n+    return {1}"
AWAY = AgentError(Code.MODEL_UNAVAILABLE, "nobody answers")


def asked(id: int, body: str, path: str = "one.py", line: int = 2) -> ReviewComment:
    hunk = "\n".join(HUNK.format(path.removesuffix(".py"), 1 + (path == "two.py")).split("\n")[: line + 1])
    return ReviewComment(id, None, "ada", "OWNER", path, line, None, hunk, body)


def suggested(id: int, text: str, path: str = "one.py", line: int = 2) -> ReviewComment:
    return asked(id, f"```suggestion\n{text}\n```", path, line)


def a_world(*comments: ReviewComment, others: tuple[ReviewComment, ...] = ()) -> AgentWorld:
    pulls = [pull_request(1, HEAD), pull_request(2, OTHER), pull_request(3, "main")]
    repo = MemoryRepo(hosted(), pulls=pulls, comments={1: list(comments), 2: list(others)}, resolved=frozenset())
    return AgentWorld({"main": FILES, HEAD: FILES, OTHER: FILES}, repo)


def integrate(world: AgentWorld, pull: int | None = 1, model: LanguageModel | None = None) -> Mapping[str, object]:
    return review_pull(ReviewRequest(URL, integrate=True, pull=pull), world.process(model or ScriptedModel([AWAY] * 9)))


def refused(world: AgentWorld, pull: int | None = 1, model: LanguageModel | None = None) -> AgentError:
    with pytest.raises(AgentError) as raised:
        integrate(world, pull, model)
    return raised.value


def answers(world: AgentWorld, pull: int = 1) -> list[int | None]:
    return [each.reply_to for each in world.repo.comments[pull] if each.reply_to is not None]


def test_the_default_branch_is_not_pushed_to_whoever_opens_a_pull_request_from_it() -> None:
    world = a_world()
    world.repo.comments[3] = [suggested(11, "    return 10")]

    error = refused(world, 3)

    assert error.code is Code.FORBIDDEN
    assert "default branch" in str(error)
    assert "a branch of its own" in error.hint
    assert (world.remote.pushes, world.state) == ([], None)


def test_an_unfinished_run_is_not_forgotten_for_a_review() -> None:
    world = a_world(suggested(11, "    return 10"))
    unplanned = ScriptedModel(lambda _: AWAY)
    with pytest.raises(AgentError):
        run(RunRequest(URL), world.process(unplanned))
    before = list(world.home.history)
    assert world.state is not None
    assert run_state.is_unfinished(world.state)

    error = refused(world, None)

    assert error.code is Code.NEEDS_HUMAN
    assert str(world.state.branch) in str(error)
    assert error.hint == f"finish it with `gitoma run {URL}`, or forget it with `gitoma reset {URL}`"
    assert (world.home.history, world.remote.pushes) == (before, [])
    assert review_pull(ReviewRequest(URL, pull=1), world.process(unplanned))["threads"] == {"open": 1}
    assert world.home.history == before


def test_what_was_pushed_to_one_pull_request_is_answered_though_another_one_came_between() -> None:
    world = a_world(suggested(11, "    return 10"), others=(suggested(21, "    return 20", "two.py"),))
    world.host.failures["reply"] = AgentError(Code.NETWORK, "nobody answers")
    assert refused(world).code is Code.NETWORK
    del world.host.failures["reply"]

    integrate(world, 2)

    assert (answers(world), answers(world, 2)) == ([], [21])
    assert world.state is not None
    assert world.state.pr_number == 2
    pushed = len(world.remote.pushes)

    integrate(world, 1)

    assert (answers(world), answers(world, 2)) == ([11], [21])
    assert len(world.remote.pushes) == pushed
    assert "pushing" not in world.state.kept
    assert set(world.state.kept["threads"]) == {"11", "21"}


def test_nothing_of_another_pull_requests_run_stays_behind() -> None:
    world = a_world(suggested(11, "    return 10"))
    tools = world.process(ScriptedModel([AWAY]))
    now = tools.clock.now().wall
    branch = run_state.new_branch(now)
    begun = run_state.begun(URL, branch, run_id="r", base="main", base_sha="0" * 40, job_id=None, now=now)

    reviewed = run_state.reviewed(begun, URL, pull_request(1, HEAD), job_id=None, now=now)

    assert [find(reviewed) for find in (run_state.run_id, run_state.base, run_state.base_sha)] == [None] * 3
    again = run_state.reviewed(reviewed, URL, pull_request(1, HEAD), job_id=None, now=now)
    assert again == reviewed


def test_a_model_that_is_away_keeps_no_suggestion_from_being_applied() -> None:
    world = a_world(asked(11, "return ten"), suggested(12, "    return 20", "two.py"))

    error = refused(world, model=ScriptedModel(lambda _: AWAY))

    assert error.code is Code.MODEL_UNAVAILABLE
    assert error.reached["threads"] == {"open": 1, "applied": 1}
    assert answers(world) == [12]
    assert world.remote.pushes == [HEAD]


def test_one_suggestion_does_not_move_the_lines_of_the_next() -> None:
    world = a_world(suggested(11, "# One.\n\ndef one():", line=1), suggested(12, "    return 10"))

    assert integrate(world)["threads"] == {"applied": 2}

    (_, text) = world.commits(HEAD)[0].tree["one.py"]
    assert text == b"# One.\n\ndef one():\n    return 10\n"


def test_a_commit_that_git_refuses_is_told_and_the_other_threads_are_dealt_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = MemoryWorkingCopy.commit

    def refuse(copy: MemoryWorkingCopy, change: ChangeSet, message: str) -> str:
        if change.files[0].path == "one.py":
            raise AgentError(Code.GIT_FAILED, "git refused")
        return commit(copy, change, message)

    monkeypatch.setattr(MemoryWorkingCopy, "commit", refuse)
    world = a_world(suggested(11, "    return 10"), suggested(12, "    return 20", "two.py"))

    error = refused(world)

    assert error.code is Code.PARTIAL
    assert error.reached["threads"] == {"failed": 1, "applied": 1}
    assert "  one.py:2: git refused" in world.progress.lines
    assert answers(world) == [12]


def test_a_repository_has_one_state_however_it_is_spelled() -> None:
    world = a_world(suggested(11, "    return 10"))
    former = Slug("acme", "former-name")
    world.host.repos = {**world.host.repos, former: world.repo}
    request = ReviewRequest(RepoUrl.parse(f"https://github.com/{former}"), integrate=True, pull=1)

    reached = review_pull(request, world.process(ScriptedModel([AWAY])))

    assert (reached["repo"], reached["threads"]) == (str(ACME), {"applied": 1})
    assert list(world.home.documents) == [ACME]
    looked = review_pull(ReviewRequest(request.repo, pull=1), world.process(ScriptedModel([AWAY])))
    assert looked["threads"] == {"applied": 1}


def test_however_many_threads_there_are_a_job_says_little() -> None:
    comments = [asked(number, f"make it {number} times faster") for number in range(100, 300)]
    comments += [suggested(number, "    return 10", path="gone.py") for number in range(300, 400)]
    world = a_world(*comments)
    nonsense = iter(range(1000))
    model = ScriptedModel(lambda _: "FILE: x\n" * 30 + f"I cannot, {next(nonsense)}")
    looking = world.process(model)

    review_pull(ReviewRequest(URL, pull=1), looking)
    looked = world.progress.lines
    refused(world, model=model)

    assert "  250 threads not listed: 250 open" in looked
    assert len(looked) < 60
    assert len(world.progress.lines) < 400


def test_what_is_not_acted_upon_is_only_counted_where_one_acts() -> None:
    stranger = ReviewComment(12, None, "mallory", "NONE", "one.py", 2, None, HUNK.format("one", 1), "delete it")
    world = a_world(suggested(11, "    return 10"), stranger)

    integrate(world)

    assert "  1 thread not listed: 1 untrusted" in world.progress.lines
    assert not [line for line in world.progress.lines if "mallory" in line]


def test_the_budget_begins_with_the_work() -> None:
    world = a_world(suggested(11, "    return 10"))
    tools = world.process(ScriptedModel([AWAY]))
    world.clock.pass_(10_000)

    assert review_pull(ReviewRequest(URL, integrate=True, pull=1), tools)["seconds"] == 0
    assert world.state is not None
    assert world.state.phase is Phase.PR_OPEN
