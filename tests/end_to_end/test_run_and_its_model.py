"""Models that are hostile, sloppy, or of no use."""

import pytest

from tests.stand_ins.git_host import Link
from tests.stand_ins.github import TOKEN
from tests.stand_ins.model import Call, Reply

from .run_scripts import POLICY, SUBJECTS, THREE_TASKS
from .world import FILES, SLUG, URL, World, block, plan, task, whole_file

POLICY_TASK = plan(task("Security-Policy", "SECURITY.md"))

HOSTILE = {
    whole_file("foo/../.github/workflows/x.yml", "on: push\n"): "refused: bad-path - `foo/../.github/workflows/x.yml`",
    whole_file(".GIT/config", "[core]\n"): "refused: denied - `.GIT/config`",
    block("cfg", "", "[core]\n"): "refused: special - `cfg`",
    whole_file(".env", "A=1\n"): "refused: denied - `.env`",
    whole_file("poetry.lock", "[[package]]\n"): "refused: denied - `poetry.lock`",
    whole_file("SECURITY.md", "much " * 600_000): "no answer: the model's answer was stopped",
    whole_file("CONTRIBUTING.md", "# How\n\nbe\u202esafe\n"): "refused: hidden - `CONTRIBUTING.md`",
    whole_file("pyproject.toml", "[project]\n"): "refused: scope - `pyproject.toml` is a build manifest that the task",
    whole_file("SECURITY\u200b.md", "# Security\n"): r"refused: bad-path - `SECURITY\u200b.md`",
    whole_file("CHANGELOG.md", f"# Changelog\n\n{TOKEN}\n"): "refused: secret - `CHANGELOG.md`",
    "DELETE: README.md\n": "refused: denied - `README.md` may not be deleted",
    whole_file("src/widget.py", "x = 1\n"): "refused: scope - `src/widget.py`",
}
"""What a model may try, and what is said of it. Three attempts are a task's, so these are for four tasks."""


def test_whatever_a_hostile_model_tries_is_refused_and_the_other_tasks_go_on(world: World) -> None:
    files = {**FILES, "cfg": Link(".git/config")}
    repo = world.repo(files)
    tasks = [
        *(("Security-Policy", "SECURITY.md"), ("Readme", "README.md"), ("Contributing", "CONTRIBUTING.md")),
        *(("Changelog", "CHANGELOG.md"), ("Repo-Hygiene", ".gitignore")),
    ]
    hostile_tasks = [task("Tests", ".github/workflows/ci.yml"), task("Binary-Artifacts", "src/widget.py"), 7]
    model = world.model(
        {
            "planner": [plan(*(task(*each) for each in tasks), *hostile_tasks)],  # type: ignore[arg-type]
            "worker": [*HOSTILE, whole_file(".gitignore", "*.pyc\n")],
        }
    )

    done = world.gitoma("run", URL, "--yes")

    assert done.code == 0
    said = [line.strip() for line in done.lines if line.startswith(("  refused: ", "  no answer: "))]
    assert len(said) == len(HOSTILE)
    for line, expected in zip(said, HOSTILE.values(), strict=True):
        assert line.startswith(expected)
    assert sum(line.startswith("  dropped: ") for line in done.lines) == 3
    assert world.tasks() == {**dict.fromkeys(("T1", "T2", "T3", "T4"), "failed"), "T5": "done"}
    assert repo.files(done.result["branch"]).keys() == files.keys() | {".gitignore"}
    unchanged = {path: repo.files(done.result["branch"])[path] for path in files}
    assert unchanged == repo.files("main")
    assert repo.branches().keys() == {"main", done.result["branch"]}
    assert model.missed == []


def sloppy(text: str) -> str:
    """As small models put it: thoughts, a fence, the line ends of another system, a word before and after."""
    return f"<think>\nWhat is {{wanted}}?\n</think>\nSure!\n```json\n{text}\n```\nDone.".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("planned", "refuses_schema"),
    [
        (sloppy(THREE_TASKS), False),
        (Reply("", reasoning=THREE_TASKS), False),
        (sloppy(THREE_TASKS), True),
    ],
    ids=["wrapped", "trapped-in-reasoning", "schema-refused"],
)
def test_a_sloppy_planner_is_understood(world: World, planned: Reply | str, refuses_schema: bool) -> None:
    world.repo()
    model = world.model({"planner": [planned], "worker": [POLICY]}, refuses_schema=refuses_schema)

    done = world.gitoma("run", URL, "--yes", GITOMA_AGENT_MAX_CALLS="2")

    assert done.result["pr"] == 1
    assert "[PLANNING] model proposed 3 tasks, kept 3" in done.lines
    assert ("  the model server takes no response_format: going on without" in done.lines) == refuses_schema
    assert len(model.calls("planner")) == 1


SOURCE = """\
class Sizes:
    def first(self, names: list[str]) -> int:
        if not names:
            return 0
        return len(names[0])

    def last(self, names: list[str]) -> int:
        if not names:
            return 0
        return len(names[-1]
"""
AMBIGUOUS = block("src/widget.py", "            return 0\n", "            return -1\n")
ELIDED = whole_file("src/widget.py", "class Sizes:\n    # ... rest of the code unchanged ...\n")
SHIFTED = block(
    "src/widget.py",
    "if not names:   \n    return 0\nreturn len(names[-1]  \n",
    "if not names:\n    return -1\nreturn len(names[-1])\n",
)


def test_a_sloppy_worker_is_taught_and_its_edit_is_put_where_it_belongs(world: World) -> None:
    repo = world.repo({**FILES, "src/widget.py": SOURCE})
    planned = plan(task("Valid-Syntax", "src/widget.py"))
    last = f"<think>\nagain\n</think>\n```\n{SHIFTED}```\n".replace("\n", "\r\n")
    model = world.model({"planner": [planned], "worker": [AMBIGUOUS, ELIDED, last]})

    done = world.gitoma("run", URL, "--yes")

    assert (done.code, done.result["pr"]) == (0, 1)
    asked = [call.user for call in model.calls("worker")]
    assert "LESSONS" not in asked[0]
    assert "1. ambiguous - SEARCH matches 2 places in `src/widget.py`." in asked[1]
    assert "2. elision - " in asked[2]
    changed = repo.files(done.result["branch"])["src/widget.py"].decode()
    assert changed == SOURCE.replace(
        "return 0\n        return len(names[-1]", "return -1\n        return len(names[-1])"
    )


def test_without_a_plan_of_use_the_agents_own_is_taken_and_that_is_said(world: World) -> None:
    repo = world.repo()

    def script(call: Call) -> str:
        if call.role == "planner":
            return "I would start with the tests, and then see."
        return POLICY if "only: SECURITY.md" in call.user else f"I cannot do that. ({call.number})"

    model = world.model(script)

    done = world.gitoma("run", URL, "--yes")

    assert done.code == 0
    assert len(model.calls("planner")) == 2
    assert "no-json" in model.calls("planner")[1].user
    assert "[PLANNING] the model gave no usable plan; going on with our own, of 3 tasks" in done.lines
    (pull,) = world.github.pulls(SLUG)
    assert "The model proposed no usable plan" in pull.body
    assert [commit.subject for commit in repo.log(pull.head, since="main")] == SUBJECTS[:1]


def test_a_worker_of_no_use_ends_it_with_nothing_pushed(world: World) -> None:
    repo = world.repo()
    model = world.model(lambda call: THREE_TASKS if call.role == "planner" else f"Let me think. ({call.number})")

    done = world.gitoma("run", URL, "--yes")

    assert (done.code, done.result["error"]) == (1, "no_fix")
    assert "none of 3 tasks succeeded; nothing was pushed" in done.err
    assert (done.result["branch"], done.result["pr"]) == (None, None)
    assert list(repo.branches()) == ["main"]
    assert world.github.requests("POST") == []
    assert done.result["calls"] == len(model.calls()) <= 1 + 3 * 3
    state = world.state() or {}
    assert state["phase"] == "DONE"
    assert len(state["errors"]) == 4


def test_a_plan_that_was_cut_off_is_never_taken_for_one(world: World) -> None:
    repo = world.repo()
    cut = Reply(THREE_TASKS, finish="length")  # though it reads as a whole one
    model = world.model({"planner": [cut] * 4, "worker": ["no"] * 9})

    done = world.gitoma("run", URL, "--yes", GITOMA_AGENT_MAX_CALLS="4")

    assert (done.code, done.result["error"]) == (1, "budget")
    assert not any("model proposed" in line for line in done.lines)
    assert "[PLANNING] the model gave no usable plan; going on with our own, of 3 tasks" in done.lines
    room = [call.document["max_tokens"] for call in model.calls("planner")]
    assert room == [room[0], 2 * room[0]] * 2
    assert "truncated - " in model.calls("planner")[2].user
    assert list(repo.branches()) == ["main"]
