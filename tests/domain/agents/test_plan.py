import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.checkouts import Files, MemoryCheckout, trees
from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents import paths
from gitoma.domain.agents.analyze import examine
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.health.score import Report
from gitoma.domain.agents.plan import (
    FALLBACK_MAX,
    TASKS_MAX,
    Plan,
    PlanReading,
    Source,
    Status,
    Subtask,
    fallback_plan,
    for_people,
    from_json,
    plan_of,
    plan_schema,
    to_json,
)
from gitoma.domain.agents.proposals import INSTRUCTION_MAX, TITLE_MAX
from gitoma.domain.agents.targets import TARGETS_MAX, is_target, mendable
from gitoma.domain.agents.tree import Tree

FILES: Files = {
    "src/a.py": b"x = 1\n",
    "src/b.py": b"x = 1\n",
    "pyproject.toml": b"[project]\nname = 'x'\n",
    "README.md": b"# x\n" + b"word " * 200 + b"\n## Install\n\n    pip\n\n## Usage\n\nLicence: MIT\n",
    ".github/workflows/ci.yml": b"on: push\njobs: {}\n",
}
SECURITY = {"check": "Security-Policy", "title": "Add a policy", "instruction": "Write it.", "files": ["SECURITY.md"]}
TESTS = {"check": "Tests", "title": "Test a", "instruction": "Test it.", "files": ["tests/test_a.py"]}


def judged(files: Files = FILES) -> tuple[Report, Tree]:
    checkout = MemoryCheckout(files)
    return examine(checkout, PyYamlReader(), VirtualClock()), Tree(checkout)


REPORT, TREE = judged()


def read(*tasks: object) -> PlanReading | Refusal:
    return plan_of(json.dumps({"tasks": tasks}), REPORT, TREE, "m")


def taken(*tasks: object) -> PlanReading:
    reading = read(*tasks)
    assert isinstance(reading, PlanReading), reading
    return reading


def dropped(task: Mapping[str, object]) -> str:
    """Why this one task is not taken."""
    reading = taken(SECURITY, task)
    assert [each.check for each in reading.plan.tasks] == ["Security-Policy"]
    (reason,) = reading.dropped
    return reason


def test_what_holds_is_taken_and_what_costs_most_comes_first() -> None:
    reading = taken(SECURITY, TESTS)

    assert reading.dropped == ()
    assert reading.plan == Plan(
        Source.MODEL,
        "m",
        (
            Subtask("T1", "Tests", "Test a", "Test it.", ("tests/test_a.py",)),
            Subtask("T2", "Security-Policy", "Add a policy", "Write it.", ("SECURITY.md",)),
        ),
    )


@pytest.mark.parametrize("name", ["security-policy", "Security Policy", "SECURITY_POLICY", "Security-Policy (0/10)"])
def test_a_check_is_known_by_what_models_make_of_its_name(name: str) -> None:
    (task,) = taken({**SECURITY, "check": name, "files": "./SECURITY.md"}).plan.tasks

    assert (task.check, task.files) == ("Security-Policy", ("SECURITY.md",))


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("src/a.py", "`src/a.py` does not mend it"),
        ("pyproject.toml", "does not mend it"),
        ("tests/conftest.py", "does not mend it"),
        ("Makefile", "does not mend it"),
        (".github/workflows/ci.yml", "which is never changed"),
        ("../SECURITY.md", "nothing but dots"),
        ("src/", "an empty name"),
        ("src", "does not mend it"),
        ("docs/more.md", "does not mend it"),
    ],
)
def test_no_file_is_the_models_to_choose_beside_those_that_mend_the_check(path: str, why: str) -> None:
    reading = taken({**SECURITY, "files": [path, "SECURITY.md"]})

    assert [task.files for task in reading.plan.tasks] == [("SECURITY.md",)]
    assert reading.dropped == ()
    assert [why in line for line in reading.left_out] == [True]


def test_tests_that_are_missing_may_be_several_but_none_that_is_there() -> None:
    sources = {f"src/more{n}.py": b"x = 1\n" for n in range(20)}
    report, tree = judged({**FILES, **sources, "tests/test_old.py": b"def test_old():\n    assert True\n"})
    files = ["tests/test_a.py", "tests/test_ways.py", "tests/test_old.py"]
    reading = plan_of(json.dumps({"tasks": [{**TESTS, "files": files}]}), report, tree, "m")

    assert isinstance(reading, PlanReading), reading
    assert reading.plan.tasks[0].files == ("tests/test_a.py", "tests/test_ways.py")
    assert len(reading.left_out) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"check": "License", "files": ["LICENSE"]}, "no check that an agent could mend"),
        ({"check": "Readme", "files": ["README.md"]}, "no check that an agent could mend"),  # it passes
        ({"check": 7}, "a task without a check"),
        ({"files": ["README.md"]}, "none of its files mends it; list SECURITY.md"),
        ({"files": ["../SECURITY.md"]}, "none of its files mends it"),
        ({"files": ["SECURITY.md", "src/a.py", "src/b.py", "README.md"]}, "more than 3 files"),
        ({"files": []}, "no files"),
        ({"files": [1]}, "no files"),
        ({"files": None}, "no files"),
        (SECURITY, "another task has it"),
        ({**TESTS, "files": ["tests/"]}, "none of its files mends it"),
    ],
)
def test_what_does_not_hold_is_dropped_with_a_reason(change: Mapping[str, object], reason: str) -> None:
    assert reason in dropped({**SECURITY, **change})


def test_a_manifest_may_be_listed_where_the_check_is_about_it() -> None:
    (task,) = taken({"check": "Manifest", "files": ["pyproject.toml"]}).plan.tasks

    assert task.files == ("pyproject.toml",)
    assert "expected entries are missing" in task.instruction  # in the check's words, where the model has none


def test_what_a_recipe_mends_is_not_the_models_to_describe() -> None:
    (task,) = taken({"check": "Dependency-Update-Tool", "title": "x", "files": ["src/a.py"]}).plan.tasks

    assert task.recipe
    assert task.files == (".github/dependabot.yml",)
    assert task.title == "Let Dependabot propose updates."


def test_there_are_only_so_many_tasks_and_the_rest_is_named() -> None:
    more = [{**TESTS, "title": f"Test {name}", "files": [f"tests/test_{name}.py"]} for name in "abcdef"]
    reading = taken(SECURITY, *more)

    assert [task.id for task in reading.plan.tasks] == ["T1", "T2", "T3", "T4", "T5"]
    assert all(task.check == "Tests" for task in reading.plan.tasks)
    assert reading.dropped == (
        "Test f: there are 5 tasks of more weight",
        "Add a policy: there are 5 tasks of more weight",
    )


def test_texts_are_one_line_and_not_longer_than_people_read() -> None:
    (task,) = taken({**SECURITY, "title": "a\nb\x1b[31m" + "c" * 500, "instruction": "\u202e" + "d " * 999}).plan.tasks

    assert task.title.startswith("a b\\x1b[31mccc")
    assert len(task.title) <= TITLE_MAX
    assert len(task.instruction) <= INSTRUCTION_MAX
    assert task.title.isprintable()
    assert task.instruction.isprintable()


def test_a_plan_of_nothing_useful_says_why_to_the_model() -> None:
    refusal = read({**SECURITY, "files": ["README.md"]}, "x")

    assert isinstance(refusal, Refusal)
    assert refusal.code == "no-task"
    assert "list SECURITY.md" in refusal.message
    assert "no object" in refusal.message


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("I would start with the tests.", "no-json"),
        (json.dumps({"tasks": [SECURITY]})[:-5], "truncated"),
        ("[]", "not-an-object"),
        (json.dumps([SECURITY])[:-5], "not-an-object"),
        ('["Tests"]', "not-an-object"),
        ("{}", "no-task"),
        ('{"tasks": []}', "no-task"),
        ('{"tasks": {"check": "Tests"}}', "no-task"),
    ],
)
def test_an_answer_that_is_no_plan_is_refused(reply: str, code: str) -> None:
    refusal = plan_of(reply, REPORT, TREE, "m")

    assert isinstance(refusal, Refusal)
    assert refusal.code == code


@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```", "Here it is:\n```\n{}\n```\nDone."])
def test_a_bare_list_is_a_list_of_tasks(form: str) -> None:
    reading = plan_of(form.format(json.dumps([SECURITY, TESTS], indent=1)), REPORT, TREE, "m")

    assert reading == read(SECURITY, TESTS)


VALUES = st.recursive(
    st.none()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["Tests", "SECURITY.md", "tests/test_a.py", ".."]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["check", "files", "title"]), inner),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=8) | VALUES)
def test_whatever_is_proposed_a_plan_holds_only_what_may_be_done(tasks: object) -> None:
    reading = plan_of(json.dumps({"tasks": tasks}), REPORT, TREE, "m")
    if isinstance(reading, Refusal):
        return

    results = {result.name: result for result in mendable(REPORT, TREE)}
    assert 0 < len(reading.plan.tasks) <= TASKS_MAX
    for task in reading.plan.tasks:
        assert 0 < len(task.files) <= TARGETS_MAX
        assert any(is_target(path, results[task.check], TREE) for path in task.files)
        assert all(paths.check(path, TREE.special) == path for path in task.files)


def test_the_schema_allows_the_answers_that_are_read() -> None:
    name, schema = plan_schema(["Tests"])

    assert name == "plan"
    assert '"enum": ["Tests"]' in json.dumps(schema)
    assert not {"$ref", "anyOf"} & set(json.dumps(schema).split('"'))  # what small servers do not know


def test_without_a_model_the_plan_is_what_weighs_most_in_the_checks_own_words() -> None:
    plan = fallback_plan(REPORT, TREE)

    assert (plan.source, plan.model) == (Source.FALLBACK, "")
    assert [(task.id, task.check, task.files) for task in plan.tasks] == [
        ("T1", "Tests", ("tests/test_a.py",)),
        ("T2", "Security-Policy", ("SECURITY.md",)),
        ("T3", "Manifest", ("pyproject.toml",)),
    ]
    assert not any(task.recipe for task in plan.tasks)


def test_recipes_fill_up_a_plan_without_a_model() -> None:
    report = Report(tuple(each for each in REPORT.results if each.name in ("Dependency-Update-Tool", "Changelog")))

    tasks = fallback_plan(report, TREE).tasks

    assert [(task.check, task.recipe) for task in tasks] == [("Changelog", False), ("Dependency-Update-Tool", True)]
    assert fallback_plan(Report(()), TREE).tasks == ()


@given(trees())
def test_whatever_the_tree_a_plan_without_a_model_would_be_taken_from_one(files: Files) -> None:
    report, tree = judged(files)
    plan = fallback_plan(report, tree)
    assert len(plan.tasks) <= FALLBACK_MAX
    if not plan.tasks:
        return

    proposed = [{"check": task.check, "files": list(task.files)} for task in plan.tasks]
    reading = plan_of(json.dumps({"tasks": proposed}), report, tree, "m")

    assert isinstance(reading, PlanReading)
    assert not reading.dropped
    assert {task.files for task in reading.plan.tasks} == {task.files for task in plan.tasks}


def test_people_are_told_of_what_only_they_can_mend() -> None:
    names = {result.name for result in for_people(REPORT)}

    assert {"License", "Code-Of-Conduct", "SAST", "CI-Tests", "Token-Permissions"} <= names
    assert not names & {"Tests", "Security-Policy", "Dependency-Update-Tool", "Secrets", "Fresh-Commits"}
    report, _ = judged({".flake8": b"x", ".gitignore": b"x", "node_modules/a.js": b"x", ".env": b"x"})
    assert {"Lint-And-Types", "Repo-Hygiene"} <= {result.name for result in for_people(report)}


def test_a_task_takes_the_place_of_the_one_with_its_id() -> None:
    plan = taken(SECURITY, TESTS).plan
    done = Subtask("T2", "Security-Policy", "x", "y", ("SECURITY.md",), Status.DONE, sha="abc")

    assert plan.after(done).tasks == (plan.tasks[0], done)


TEXTS = st.text(max_size=6)
TASKS = st.builds(
    Subtask,
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3).map(tuple),
    st.sampled_from(Status),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.integers(0, 9),
    st.booleans(),
)
PLANS = st.builds(
    Plan,
    st.sampled_from(Source),
    TEXTS,
    st.lists(TASKS, max_size=4, unique_by=lambda task: task.id).map(tuple),
)


@given(PLANS)
def test_a_plan_that_was_written_down_is_read_as_it_was(plan: Plan) -> None:
    assert from_json(json.loads(json.dumps(to_json(plan)))) == plan


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(PLANS.filter(lambda plan: plan.tasks), st.data())
def test_a_plan_that_was_damaged_is_none(plan: Plan, data: st.DataObject) -> None:
    document = json.loads(json.dumps(to_json(plan)))
    place = data.draw(st.sampled_from([document, document["tasks"][0]]))
    del place[data.draw(st.sampled_from(sorted(place)))]

    assert from_json(document) is None


@given(JSON, PLANS, st.data())
def test_whatever_is_in_a_state_is_a_plan_or_none(value: object, plan: Plan, data: st.DataObject) -> None:
    assert from_json(value) is None
    document = json.loads(json.dumps(to_json(plan)))
    place = data.draw(st.sampled_from([document, *document["tasks"]]))
    place[data.draw(st.sampled_from(sorted(place)))] = value

    read_back = from_json(document)

    assert read_back is None or isinstance(to_json(read_back), dict)


def test_a_plan_with_a_task_twice_is_none() -> None:
    document = to_json(taken(SECURITY).plan)
    tasks = document["tasks"]
    assert isinstance(tasks, list)

    assert from_json({**document, "tasks": tasks * 2}) is None
