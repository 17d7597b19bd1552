import json
import re
import time

from tests.rest.service import Service
from tests.stand_ins.github import LOGIN
from tests.stand_ins.model import Call, Reply

from .run_scripts import CHANGES, GOOD_WORK, GUIDE, POLICY, SUBJECTS, THREE_TASKS
from .world import FILES, LIMIT_S, SLUG, URL, World, phases_of, plan, task, verdict

PHASES = ["IDLE", "ANALYZING", "PLANNING", "WORKING", "PR_OPEN"]


def test_tasks_become_commits_and_the_commits_a_pull_request(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})

    done = world.gitoma("run", URL, "--yes")

    assert (done.code, done.err) == (0, "")
    assert done.phases == PHASES
    (branch,) = repo.branches().keys() - {"main"}
    assert re.fullmatch(r"gitoma/improve-\d{8}-\d{6}", branch)
    commits = repo.log(branch, since="main")
    assert [commit.subject for commit in commits] == SUBJECTS
    assert {commit.author for commit in commits} == {"gitoma <gitoma@users.noreply.github.com>"}
    run_id = (world.state() or {})["run_id"]
    trailers = [commit.message.splitlines()[-2:] for commit in commits]
    assert trailers[0] == [f"Gitoma-Run: {run_id}", "Gitoma-Task: T1 Security-Policy"]
    assert {trailer[0] for trailer in trailers} == {f"Gitoma-Run: {run_id}"}
    assert repo.files(branch).keys() == FILES.keys() | {"SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"}
    (pull,) = world.github.pulls(SLUG)
    assert (pull.head, pull.base, pull.author) == (branch, "main", LOGIN)
    assert f"<!-- gitoma:run={run_id} -->" in pull.body
    assert done.result["pr"] == 1
    assert done.result["tasks"] == {"pending": 0, "done": 3, "failed": 0, "skipped": 0}
    assert done.result["calls"] == len(model.calls()) == 4
    assert world.clones() == []
    assert not world.is_locked()


def followed(service: Service, job: str) -> list[str]:
    """The lines of a job, live until its stream ends; heartbeats alone do not keep us waiting for ever."""
    lines: list[str] = []
    end = time.monotonic() + LIMIT_S
    with service.follow(job) as stream:
        for line in stream.iter_lines():
            assert time.monotonic() < end, lines
            if line.startswith("data: "):
                lines.append(json.loads(line.removeprefix("data: "))["line"])
    return lines


def test_as_a_job_its_phases_are_streamed_and_its_state_is_seen(world: World) -> None:
    repo = world.repo()
    world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})
    service = world.serve()

    job = service.dispatch("widget", "run")
    lines = followed(service, job)

    assert lines[-1] == "__END__:completed"
    assert phases_of(lines) == PHASES
    (state,) = service.http.get("/api/v1/state").json()
    (branch,) = repo.branches().keys() - {"main"}
    assert (state["phase"], state["pr_number"], state["branch"]) == ("PR_OPEN", 1, branch)
    assert (world.state() or {})["job_id"] == job


def test_a_dry_run_shows_plan_and_diff_and_needs_no_token(world: World) -> None:
    repo = world.repo(archived=True, can_push=False)
    refs = repo.refs()
    world.model({"planner": [THREE_TASKS], "worker": [POLICY, *["no idea"] * 3, CHANGES]})

    done = world.gitoma("run", URL, "--dry-run", GITHUB_TOKEN=None)

    assert (done.code, done.err) == (0, "")
    assert "  T2 Mend Contributing (Contributing) -> CONTRIBUTING.md" in done.lines
    assert "  +# Security" in done.lines
    assert "  +# Changelog" in done.lines
    assert done.result["tasks"] == {"pending": 0, "done": 2, "failed": 1, "skipped": 0}
    assert "+# Security\n" in world.artifact("run.diff")
    assert world.github.journal == []
    assert repo.refs() == refs
    assert world.state() is None
    assert world.clones() == []


def test_branch_and_base_are_those_that_are_asked_for(world: World) -> None:
    repo = world.repo()
    repo.commit({"EXTRA.md": "extra\n"}, branch="develop")
    repo.protect("main")
    repo.protect("develop")
    tips = repo.branches()
    world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})

    done = world.gitoma("run", URL, "--yes", "--base", "develop", "--branch", "topics/health")

    assert done.code == 0
    assert done.result["branch"] == "topics/health"
    assert len(repo.log("topics/health", since="develop")) == 3
    assert {name: sha for name, sha in repo.branches().items() if name in tips} == tips
    (pull,) = world.github.pulls(SLUG)
    assert (pull.head, pull.base) == ("topics/health", "develop")


def test_a_renamed_repository_is_found_under_its_old_name(world: World) -> None:
    repo = world.repo()
    world.github.rename(SLUG, "acme/gadget")
    world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})

    done = world.gitoma("run", URL, "--yes")

    assert done.code == 0
    moved = world.git.repo("acme/gadget")
    assert moved is not None
    assert len(moved.branches()) == 2
    assert not repo.folder.exists()
    assert [pull.number for pull in world.github.pulls("acme/gadget")] == [1]


def test_where_nothing_is_amiss_that_an_agent_could_mend_nothing_is_done(world: World) -> None:
    files = {
        "README.md": "# x\n" + "word " * 150 + "\n## Install\n## Usage\n```\nx\n```\nLicence: MIT\n",
        "SECURITY.md": "Report a vulnerability to security@example.org; we answer within 5 days.\n",
        "CONTRIBUTING.md": "how\n",
        "CHANGELOG.md": "what\n",
        ".gitignore": "*.o\n",
        ".editorconfig": "root = true\n",
        "ruff.toml": "line-length = 120\n",
        ".github/ISSUE_TEMPLATE/bug.md": "bug\n",
        ".github/PULL_REQUEST_TEMPLATE.md": "pull\n",
    }
    repo = world.repo(files)
    model = world.model({})

    done = world.gitoma("run", URL, "--yes")

    assert done.code == 0
    assert done.phases == ["IDLE", "ANALYZING", "PLANNING", "DONE"]
    assert (world.state() or {})["phase"] == "DONE"
    assert model.calls() == []
    assert list(repo.branches()) == ["main"]
    assert world.github.requests("POST") == []


def test_a_spent_budget_ends_it_with_a_pull_request_for_what_was_done(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})

    done = world.gitoma("run", URL, "--yes", GITOMA_AGENT_MAX_CALLS="3")

    assert done.code == 1
    assert done.err.splitlines() == [
        "gitoma run: the budget of 3 questions to the model is spent",
        "  GITOMA_AGENT_MAX_CALLS sets another one",
    ]
    assert (done.result["error"], done.result["pr"], done.result["calls"]) == ("budget", 1, 3)
    assert world.tasks() == {"T1": "done", "T2": "done", "T3": "pending"}
    (pull,) = world.github.pulls(SLUG)
    assert [commit.subject for commit in repo.log(pull.head, since="main")] == SUBJECTS[:2]
    assert "CHANGELOG.md" not in repo.files(pull.head)
    assert (world.state() or {})["phase"] == "PR_OPEN"
    assert len(model.calls()) == 3


def test_a_critic_judges_each_change_where_one_is_wanted(world: World) -> None:
    world.repo()
    revised = POLICY.replace("We answer", "We always answer")
    judged = [verdict(False, "it names no key", "Name the key."), verdict(True)]
    model = world.model(
        {"planner": [plan(task("Security-Policy", "SECURITY.md"))], "worker": [POLICY, revised], "critic": judged}
    )

    done = world.gitoma("run", URL, "--yes", GITOMA_RUN_CRITIC="on")

    assert done.code == 0
    assert [call.role for call in model.calls()] == ["planner", "worker", "critic", "worker", "critic"]
    assert "Name the key." in model.calls("worker")[1].user
    assert "  critic: revise - it names no key" in done.lines
    assert b"always" in world.git.repo(SLUG).files(done.result["branch"])["SECURITY.md"]  # type: ignore[union-attr]


def test_a_branch_that_moves_meanwhile_is_not_overwritten(world: World) -> None:
    repo = world.repo()
    theirs: list[str] = []

    def script(call: Call) -> Reply | str:
        if call.role == "planner":
            return THREE_TASKS
        if call.number == 1:
            theirs.append(repo.commit({"THEIRS.md": "theirs\n"}, branch="b", message="Of somebody else"))
        return [POLICY, GUIDE, GUIDE, CHANGES][call.number]

    world.model(script)

    moved = world.gitoma("run", URL, "--yes", "--branch", "b")
    tip = repo.sha("b")
    again = world.gitoma("run", URL, "--yes")

    assert (moved.code, moved.result["error"]) == (4, "branch_moved")
    assert "moved meanwhile" in moved.err
    assert [tip] == theirs
    assert again.code == 0  # it goes on from where the branch is now
    assert [commit.subject for commit in repo.log("b", since="main")] == [
        SUBJECTS[0],
        "Of somebody else",
        *SUBJECTS[1:],
    ]
