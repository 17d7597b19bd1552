"""What a run makes of what is there already, and what counts as better."""

from .run_scripts import GOOD_WORK, THREE_TASKS
from .world import SLUG, URL, World, plan, task, whole_file


def test_while_its_pull_request_is_open_a_run_is_not_repeated(world: World) -> None:
    repo = world.repo()
    model = world.model({"planner": [THREE_TASKS], "worker": GOOD_WORK})
    first = world.gitoma("run", URL, "--yes")
    refs, asked = repo.refs(), len(model.calls())

    again = world.gitoma("run", URL, "--yes")

    assert (first.code, again.code) == (0, 0)
    assert again.result["pr"] == first.result["pr"]
    assert "is still open" in again.out
    assert repo.refs() == refs
    assert len(model.calls()) == asked


def test_whoever_asks_for_a_fresh_run_or_another_branch_gets_a_second_one(world: World) -> None:
    world.repo()
    world.model({"planner": [THREE_TASKS] * 2, "worker": GOOD_WORK * 2})
    world.gitoma("run", URL, "--yes", "--branch", "one")

    other = world.gitoma("run", URL, "--yes", "--branch", "two")

    assert other.code == 0
    assert [pull.head for pull in world.github.pulls(SLUG)] == ["one", "two"]


def test_once_it_is_closed_the_next_run_starts_anew(world: World) -> None:
    world.repo()
    world.model({"planner": [THREE_TASKS] * 2, "worker": GOOD_WORK * 2})
    world.gitoma("run", URL, "--yes", "--branch", "one")
    world.github.pulls(SLUG)[0].state = "closed"

    again = world.gitoma("run", URL, "--yes")

    assert again.code == 0
    assert len(world.github.pulls(SLUG)) == 2


def test_a_task_whose_check_finds_the_same_as_before_is_not_done(world: World) -> None:
    repo = world.repo()
    model = world.model(
        {
            "planner": [plan(task("Readme", "README.md"))],
            "worker": [whole_file("README.md", f"# widget{n}\n") for n in "123"],
        }
    )

    done = world.gitoma("run", URL, "--yes")

    assert (done.code, done.result["error"]) == (1, "no_fix")
    assert "no-better" in done.out
    assert "finds the same as before" in model.calls("worker")[1].user
    assert list(repo.branches()) == ["main"]


def test_that_its_own_commits_are_fresh_is_no_merit_of_a_run(world: World) -> None:
    world.repo()
    model = world.model(
        {"planner": [plan(task("Changelog", "CHANGELOG.md"))], "worker": [whole_file("CHANGELOG.md", "# 1\n\n- x\n")]}
    )
    before = world.gitoma("analyze", URL).result

    done = world.gitoma("run", URL, "--yes")

    checks = dict(before["checks"])
    assert checks["Fresh-Commits"] == 0  # the stand-in's commits are old
    (pull,) = world.github.pulls(SLUG)
    shown = float(pull.title.rpartition("→ ")[2].rstrip(")"))
    assert 0 < shown - before["score"] < 0.5  # one check of low weight, and not two
    assert done.code == 0
    assert len(model.calls("worker")) == 1


def test_a_tag_is_no_branch_to_start_from(world: World) -> None:
    repo = world.repo()
    repo.tag("v1")
    model = world.model({})

    done = world.gitoma("run", URL, "--yes", "--base", "v1")

    assert (done.code, done.result["error"]) == (4, "not_found")
    assert model.calls() == []


def test_a_branch_in_the_way_of_ours_is_seen_before_the_model_is_asked(world: World) -> None:
    repo = world.repo()
    repo.commit({"x": "x"}, branch="gitoma")
    model = world.model({})

    done = world.gitoma("run", URL, "--yes")

    assert (done.code, done.result["error"]) == (4, "branch_exists")
    assert "--branch" in done.err
    assert model.calls() == []
