import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, AgentWorld
from gitoma.adapters.testing.checkouts import MemoryCheckout
from gitoma.adapters.testing.code_hosts import ACME
from gitoma.adapters.testing.language_models import MODELS, Saying, Script, ScriptedModel
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.analyze import examine
from gitoma.domain.agents.budget import Limits
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.score import Report
from gitoma.domain.agents.language_model import Finish, ModelFacts, Role
from gitoma.domain.agents.metered import MeteredModel
from gitoma.domain.agents.plan import TASKS_MAX, Plan, Source, fallback_plan
from gitoma.domain.agents.planning import QUESTIONS, make_plan
from gitoma.domain.agents.session import Session
from gitoma.domain.agents.targets import mendable
from gitoma.domain.agents.tree import Tree
from gitoma.domain.repos.state import Phase, RepoState

CHECKOUT = MemoryCheckout({"README.md": b"# x\n", "one.py": b"def one():\n    return 1\n"})
TREE = Tree(CHECKOUT)
WORLD = AgentWorld({"main": {}})
REPORT = examine(CHECKOUT, PyYamlReader(), WORLD.clock)
PROSE = "I would write more tests, if I were you."


def proposal(check: str = "Security-Policy", path: str = "SECURITY.md", title: str = "Say how to report") -> object:
    return {"check": check, "title": title, "instruction": "Write it.", "files": [path]}


def plan_text(*tasks: object) -> str:
    return json.dumps({"tasks": list(tasks) or [proposal()]})


def cut(text: str) -> Saying:
    return Saying(text, finish=Finish.LENGTH)


def planned(script: Script, report: Report = REPORT, limits: Limits | None = None) -> tuple[Plan, ScriptedModel]:
    model = ScriptedModel(script)
    tools = WORLD.process(model, limits=limits)
    session = Session(None, RepoState(slug=ACME, phase=Phase.PLANNING), tools)
    metered = MeteredModel(tools.model, tools.budget, tools.mask)
    return make_plan(report, TREE, metered, ModelFacts(MODELS[0], MODELS, 8192), session), model


def test_what_the_model_plans_is_the_plan() -> None:
    plan, model = planned([plan_text()])

    assert (plan.source, plan.model) == (Source.MODEL, MODELS[0])
    assert [(task.id, task.check, task.files) for task in plan.tasks] == [("T1", "Security-Policy", ("SECURITY.md",))]
    assert [request.role for request in model.requests] == [Role.PLANNER]
    assert model.requests[0].schema is not None


def test_what_is_left_out_of_it_is_said_with_the_reason() -> None:
    planned([plan_text(proposal(), proposal("CI-Tests", ".github/workflows/ci.yml"))])

    assert WORLD.progress.lines[0] == "[PLANNING] model proposed 2 tasks, kept 1"
    assert WORLD.progress.lines[1].startswith("  dropped: CI-Tests")
    assert len(WORLD.progress.lines) == 2


def test_a_file_that_is_not_the_checks_is_left_out_and_that_is_said() -> None:
    both = {"check": "Security-Policy", "title": "Say how", "instruction": "x", "files": ["SECURITY.md", "Makefile"]}
    plan, _ = planned([plan_text(both)])

    assert plan.tasks[0].files == ("SECURITY.md",)
    assert WORLD.progress.lines[1] == "  left out: Security-Policy: `Makefile` does not mend it, and is not changed"


def test_nobody_is_asked_where_nothing_can_be_mended() -> None:
    plan, model = planned([plan_text()], Report(()))

    assert plan.tasks == ()
    assert model.requests == []


def test_an_answer_that_is_no_plan_is_a_lesson_for_the_second_question() -> None:
    plan, model = planned([PROSE, plan_text()])

    assert plan.source is Source.MODEL
    assert "LESSONS" not in model.requests[0].user
    assert "LESSONS" in model.requests[1].user
    assert "no-json" in model.requests[1].user


def test_after_two_answers_that_are_none_our_own_plan_is_taken_and_that_is_said() -> None:
    plan, model = planned([PROSE, PROSE, plan_text()])

    assert plan == fallback_plan(REPORT, TREE)
    assert plan.tasks
    assert len(model.requests) == QUESTIONS
    assert "our own" in WORLD.progress.lines[-1]


def test_a_plan_that_was_cut_off_is_never_taken_though_it_can_be_read() -> None:
    plan, model = planned([cut(plan_text())] * 5)

    assert plan.source is Source.FALLBACK
    rooms = [request.max_tokens for request in model.requests]
    assert rooms == [rooms[0], 2 * rooms[0]] * QUESTIONS


def test_a_plan_that_fits_at_last_is_taken() -> None:
    plan, model = planned([cut(plan_text()), cut(plan_text()), cut("{"), plan_text()])

    assert plan.source is Source.MODEL
    assert "truncated" in model.requests[2].user


@pytest.mark.parametrize("code", [Code.MODEL_EMPTY, Code.MODEL_RUNAWAY])
def test_a_model_that_lost_its_way_is_asked_again(code: Code) -> None:
    plan, model = planned([AgentError(code, "lost", hint="mend it"), plan_text()])

    assert WORLD.progress.lines[0] == "  no answer: lost (mend it)"
    assert plan.source is Source.MODEL
    assert len(model.requests) == 2


@pytest.mark.parametrize("code", [code for code in Code if code not in (Code.MODEL_EMPTY, Code.MODEL_RUNAWAY)])
def test_any_other_failure_is_the_end(code: Code) -> None:
    error = AgentError(code, "no")

    with pytest.raises(AgentError) as raised:
        planned([error, plan_text()])

    assert raised.value is error


def test_a_spent_budget_is_the_end_also_between_two_questions() -> None:
    with pytest.raises(AgentError) as raised:
        planned([PROSE, plan_text()], limits=Limits(100.0, 1, 1000))

    assert raised.value.code is Code.BUDGET


def test_a_plan_holds_no_credential_of_ours() -> None:
    plan, _ = planned([plan_text(proposal(title=f"Write {CREDENTIAL} down"))])

    assert plan.tasks[0].title == "Write REDACTED down"
    assert CREDENTIAL not in str(plan)


ANSWERS = st.text(max_size=20) | st.builds(
    lambda check, path: plan_text(proposal(check, path)),
    st.sampled_from([result.name for result in REPORT.results]),
    st.sampled_from(["SECURITY.md", "../x", "one.py", "tests/test_one.py", "CHANGELOG.md", ".git/config", ""]),
)


@given(st.lists(st.builds(Saying, ANSWERS, finish=st.sampled_from(Finish)), min_size=4, max_size=4))
def test_whatever_the_model_says_there_is_a_plan_of_what_can_be_mended(script: list[Saying]) -> None:
    plan, model = planned(script)

    assert 1 <= len(plan.tasks) <= TASKS_MAX
    assert {task.check for task in plan.tasks} <= {result.name for result in mendable(REPORT, TREE)}
    assert len(model.requests) <= 2 * QUESTIONS
