import json

import pytest

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, AgentWorld
from gitoma.adapters.testing.checkouts import MemoryCheckout
from gitoma.adapters.testing.code_hosts import ACME
from gitoma.adapters.testing.language_models import Saying, Script, ScriptedModel
from gitoma.domain.agents.budget import Limits
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import Finish, ModelFacts, Role
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.plan import Subtask
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.task import Made, Worker
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.state import Phase, RepoState

TREE = Tree(
    MemoryCheckout(
        {
            "README.md": f"# Widget\n\nThe key is {CREDENTIAL}.\n".encode(),
            "one.py": b"def one():\n    return 1\n",
            "pyproject.toml": b"[project]\nname = 'widget'\n",
        }
    )
)
POLICY = Subtask("T1", "Security-Policy", "Say how to report", "Write to whom.", ("SECURITY.md",))
TESTS = Subtask("T2", "Tests", "Test one", "Call it.", ("tests/test_one.py", "one.py"))
UPDATES = Subtask("T3", "Dependency-Update-Tool", "Watch", "", (".github/dependabot.yml",), recipe=True)
APPROVED = json.dumps({"verdict": "approve", "reason": "right", "must_change": []})
REVISE = json.dumps({"verdict": "revise", "reason": "wrong", "must_change": [f"Name {CREDENTIAL}."]})


def new(path: str, text: str = "# Security\n\nWrite to us.") -> str:
    return f"FILE: {path}\n<<<<<<< SEARCH\n=======\n{text}\n>>>>>>> REPLACE\n"


class Workshop:
    """A worker, its model, and what it says."""

    def __init__(self, script: Script = (), *, critic: bool = False, limits: Limits | None = None) -> None:
        world = AgentWorld({"main": {}})
        self.model = ScriptedModel(script)
        tools = world.process(self.model, limits=limits)
        self.session = Session(None, RepoState(slug=ACME, phase=Phase.WORKING), tools)
        metered = MeteredModel(tools.model, tools.budget, tools.mask)
        self.worker = Worker(metered, ModelFacts("m", ("m",), 8192), tools, self.session, critic)
        self.progress = world.progress

    def make(self, task: Subtask) -> Made:
        return self.worker.make(task, TREE)


def test_what_has_a_recipe_is_made_without_asking_anybody() -> None:
    shop = Workshop()
    made = shop.make(UPDATES)

    assert made.change is not None
    assert made.change.paths == UPDATES.files
    assert (made.attempts, made.error) == (0, "")
    assert shop.model.requests == []
    assert shop.progress.lines == ["[WORKING] T3 Watch -> .github/dependabot.yml (a fixed text)"]


def test_a_recipe_whose_file_is_there_already_has_nothing_to_add() -> None:
    made = Workshop().worker.make(UPDATES, Tree(MemoryCheckout({".github/dependabot.yml": b"version: 2\n"})))

    assert made == Made(None, 0, "there is nothing left to add")


def test_a_task_is_what_the_model_makes_of_it() -> None:
    shop = Workshop([new("SECURITY.md")])
    made = shop.make(POLICY)

    assert made.change is not None
    assert [(file.path, file.old, file.new) for file in made.change.files] == [
        ("SECURITY.md", None, "# Security\n\nWrite to us.\n")
    ]
    assert (made.attempts, made.error) == (1, "")
    assert [request.role for request in shop.model.requests] == [Role.WORKER]
    assert "Say how to report. Write to whom." in shop.model.requests[0].user


def test_each_attempt_is_told_and_is_what_is_done_now() -> None:
    shop = Workshop([AgentError(Code.MODEL_EMPTY, "nothing"), "prose", new("SECURITY.md")])
    shop.make(POLICY)

    steps = [line for line in shop.progress.lines if line.startswith("[WORKING]")]
    assert steps == [f"[WORKING] T1 Say how to report -> SECURITY.md (attempt {number}/3)" for number in (1, 2)]
    assert shop.session.state.current_operation == "T1 Say how to report -> SECURITY.md (attempt 2/3)"


def test_a_file_that_the_task_does_not_list_is_not_touched() -> None:
    for path in ("README.md", "one.py", "pyproject.toml", "../x", ".github/workflows/x.yml"):
        made = Workshop([new(path), new(path, "other")]).make(POLICY)

        assert made.change is None
        assert made.error.startswith("stuck after 2 attempts: ")


def test_an_answer_without_a_path_is_about_the_only_file() -> None:
    nameless = new("").partition("\n")[2]

    assert Workshop([nameless]).make(POLICY).change is not None
    assert Workshop(lambda _: nameless).make(TESTS).change is None


def test_the_files_that_help_are_shown_without_our_credentials() -> None:
    shop = Workshop(lambda _: "prose")
    shop.make(POLICY)
    shop.make(TESTS)

    policy, tests = shop.model.requests[0].user, shop.model.requests[-1].user
    assert "The key is REDACTED." in policy
    assert "name = 'widget'" in policy
    assert "def one():" in tests


def test_without_a_critic_what_passes_the_gates_is_taken() -> None:
    shop = Workshop([new("SECURITY.md"), REVISE], critic=False)

    assert shop.make(POLICY).change is not None
    assert len(shop.model.requests) == 1


def test_a_critic_judges_what_passed_by_what_was_asked() -> None:
    shop = Workshop(["prose", new("SECURITY.md"), APPROVED], critic=True)

    assert shop.make(POLICY).change is not None
    assert [request.role.value for request in shop.model.requests] == ["worker", "worker", "critic"]
    assert "Say how to report. Write to whom." in shop.model.requests[-1].user
    assert "+Write to us." in shop.model.requests[-1].user


def test_why_a_task_failed_is_one_line_without_our_credentials() -> None:
    script = [new("SECURITY.md"), REVISE, new("SECURITY.md", "# Other\n\nNobody."), REVISE]
    made = Workshop(script, critic=True).make(POLICY)

    assert made == Made(None, 2, "stuck after 2 attempts: revise - Name REDACTED.")


def test_what_was_cut_off_is_not_taken() -> None:
    made = Workshop([Saying(new("SECURITY.md"), finish=Finish.LENGTH)] * 3).make(POLICY)

    assert made.change is None
    assert "truncated" in made.error or "repeated" in made.error


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_budget_that_is_spent_in_the_middle_ends_more_than_the_task(calls: int) -> None:
    shop = Workshop(["prose", new("SECURITY.md"), APPROVED], critic=True, limits=Limits(100.0, calls, 1000))

    with pytest.raises(AgentError) as raised:
        shop.make(POLICY)

    assert raised.value.code is Code.BUDGET
    assert len(shop.model.requests) == calls


def test_a_model_that_cannot_be_reached_ends_more_than_the_task() -> None:
    with pytest.raises(AgentError) as raised:
        Workshop([AgentError(Code.MODEL_UNAVAILABLE, "no server")]).make(POLICY)

    assert raised.value.code is Code.MODEL_UNAVAILABLE
