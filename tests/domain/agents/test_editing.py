import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL
from gitoma.adapters.testing.checkouts import MemoryCheckout
from gitoma.adapters.testing.language_models import Saying, Script, ScriptedModel, question
from gitoma.adapters.yaml_documents import PyYamlReader
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.editing import ATTEMPTS, Assignment, Edited, Editor
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.gates import Scope
from gitoma.domain.agents.language_model import ChatRequest, Finish, Role
from gitoma.domain.agents.prompt_layout import Attempt
from gitoma.domain.agents.reflexion import LOST, Outcome
from gitoma.domain.agents.tree import Tree

OLD = "def one():\n    return 1\n"
TREE = Tree(MemoryCheckout({"one.py": OLD.encode(), "two.py": b"x = 2\n"}))
EMPTY, RUNAWAY = (AgentError(code, "lost", hint="mend it") for code in (Code.MODEL_EMPTY, Code.MODEL_RUNAWAY))
TOO_LONG = AgentError(Code.CONTEXT_EXCEEDED, "too long")
SPENT = AgentError(Code.BUDGET, "nothing is left")
APPROVED = json.dumps({"verdict": "approve", "reason": "right", "must_change": []})
PROSE = "I have changed it."


def answer(number: int = 10, path: str = "one.py") -> str:
    return f"FILE: {path}\n<<<<<<< SEARCH\n    return 1\n=======\n    return {number}\n>>>>>>> REPLACE\n"


def change(number: int = 10) -> ChangeSet:
    return ChangeSet((FileChange("one.py", OLD, OLD.replace("return 1", f"return {number}")),))


def cut(text: str) -> Saying:
    return Saying(text, finish=Finish.LENGTH)


def revise(*demands: str) -> str:
    return json.dumps({"verdict": "revise", "reason": "wrong", "must_change": demands})


def declined(text: str) -> str | None:
    return text.removeprefix("NO: ") if text.startswith("NO: ") else None


class Trial:
    """An assignment, a model, and what they come to."""

    def __init__(self, script: Script, *, critic: bool = False) -> None:
        self.attempts: list[Attempt] = []
        self.judged: list[ChangeSet] = []
        self.told: list[str] = []
        self.model = ScriptedModel(script)
        self._critique = self._judge if critic else None

    def edit(self) -> Edited:
        editor = Editor(self.model, PyYamlReader(), lambda line: CREDENTIAL in line, self.told.append)
        return editor.edit(
            Assignment(self._ask, Scope(frozenset({"one.py"})), self._critique, "one.py", declined=declined), TREE
        )

    def _ask(self, attempt: Attempt) -> ChatRequest:
        self.attempts.append(attempt)
        return question()

    def _judge(self, change: ChangeSet) -> ChatRequest:
        self.judged.append(change)
        return question(Role.CRITIC, schema=True)

    @property
    def roles(self) -> list[str]:
        return [request.role.value for request in self.model.requests]

    @property
    def lessons(self) -> list[str]:
        """What the last question was told."""
        return [str(lesson) for lesson in self.attempts[-1].lessons]


def test_an_answer_that_passes_is_the_change() -> None:
    trial = Trial([answer()])

    assert trial.edit() == Edited(Outcome.FIXED, change(), 1, ())
    assert trial.attempts == [Attempt(1, (), "", halved=False)]
    assert trial.told == []


def test_an_answer_that_names_no_file_is_about_the_only_one() -> None:
    assert Trial([answer().partition("\n")[2]]).edit().change == change()


def test_why_an_answer_was_refused_is_told_and_is_in_the_next_question() -> None:
    trial = Trial([answer(path="two.py"), answer()])

    assert trial.edit().attempts == 2
    assert trial.attempts[1].previous == answer(path="two.py").strip()
    assert len(trial.lessons) == len(trial.told) == 1
    assert "`two.py`" in trial.lessons[0]
    assert trial.told[0].startswith("refused: ")


def test_what_is_told_of_a_refusal_is_one_line() -> None:
    trial = Trial([answer().replace("    return 1\n", "def one():\n    return 7\n"), answer()])
    trial.edit()

    assert "\n" in trial.lessons[0]  # the model is shown the lines as they are
    assert "\n" not in trial.told[0]


@pytest.mark.parametrize("error", [EMPTY, TOO_LONG])
def test_what_may_have_been_too_long_is_asked_again_with_half_the_files_and_is_no_attempt(error: AgentError) -> None:
    trial = Trial([error, answer()])

    assert trial.edit().attempts == 1
    assert trial.attempts == [Attempt(1), Attempt(1, halved=True)]
    assert trial.told == [f"{error}: asking again with less of the files"]


@pytest.mark.parametrize("before", [TOO_LONG, EMPTY])
def test_half_the_files_that_are_too_long_are_the_end_of_more_than_this(before: AgentError) -> None:
    trial = Trial([before, TOO_LONG, answer()])

    with pytest.raises(AgentError) as raised:
        trial.edit()

    assert raised.value is TOO_LONG
    assert len(trial.model.requests) == 2


def test_a_second_empty_answer_is_a_lesson() -> None:
    trial = Trial([EMPTY, EMPTY, answer()])

    assert trial.edit().attempts == 2
    assert [attempt.halved for attempt in trial.attempts] == [False, True, False]
    assert "empty" in trial.lessons[0]
    assert trial.told[-1] == "no answer: lost (mend it)"


def test_an_answer_without_end_is_a_lesson_at_once() -> None:
    trial = Trial([RUNAWAY, answer()])

    assert trial.edit().attempts == 2
    assert "runaway" in trial.lessons[0]


def test_an_answer_that_was_cut_off_is_never_taken_though_its_blocks_are_whole() -> None:
    trial = Trial([cut(answer()), answer(11)])

    assert trial.edit().change == change(11)
    assert "truncated" in trial.lessons[0]


def test_a_reason_for_changing_nothing_ends_it() -> None:
    trial = Trial(["<think>hm</think>NO: it is right as it is", answer()], critic=True)
    edited = trial.edit()

    assert (edited.outcome, edited.change, edited.declined) == (Outcome.DECLINED, None, "it is right as it is")
    assert trial.roles == ["worker"]


def test_a_reason_that_was_cut_off_is_none() -> None:
    edited = Trial([cut("NO: it is"), answer()]).edit()

    assert (edited.change, edited.declined) == (change(), None)


def test_the_critic_is_asked_only_about_what_passed_the_gates() -> None:
    trial = Trial([PROSE, answer(path="../x"), answer(), APPROVED], critic=True)

    assert trial.edit().change == change()
    assert trial.roles == ["worker", "worker", "worker", "critic"]
    assert trial.judged == [change()]


def test_what_the_critic_wants_is_in_the_next_question() -> None:
    trial = Trial([answer(), revise("Return twelve."), answer(12), APPROVED], critic=True)

    assert trial.edit().change == change(12)
    assert "Return twelve." in trial.lessons[0]
    assert trial.told == ["critic: revise - wrong", "critic: approved - right"]


def test_what_nobody_approved_is_not_taken() -> None:
    trial = Trial(lambda asked: PROSE if asked.role is Role.CRITIC else answer(10 + len(trial.attempts)), critic=True)
    edited = trial.edit()

    assert edited.change is None
    assert trial.roles[:3] == ["worker", "critic", "critic"]


def test_a_verdict_that_was_cut_off_is_asked_for_with_twice_the_room() -> None:
    trial = Trial([answer(), cut('{"verdict": "app'), APPROVED], critic=True)

    assert trial.edit().change == change()
    assert trial.model.requests[2].max_tokens == 2 * trial.model.requests[1].max_tokens


@pytest.mark.parametrize(
    "script", [[SPENT], [PROSE, SPENT], [EMPTY, SPENT], [answer(), SPENT], [answer(), revise("x"), SPENT]]
)
def test_a_spent_budget_ends_it_wherever_it_is(script: list[str | AgentError]) -> None:
    edited = Trial([*script, answer(12), APPROVED], critic=True).edit()

    assert (edited.outcome, edited.change, edited.failure) == (Outcome.BUDGET, None, SPENT)
    assert edited.reason == "nothing is left"


@pytest.mark.parametrize("code", [code for code in Code if code not in {*LOST, Code.BUDGET, Code.CONTEXT_EXCEEDED}])
@pytest.mark.parametrize("before", [[], [answer()]])
def test_a_model_that_cannot_be_used_is_the_end_of_more_than_this(code: Code, before: list[str]) -> None:
    error = AgentError(code, "no")

    with pytest.raises(AgentError) as raised:
        Trial([*before, error, answer(), APPROVED], critic=True).edit()

    assert raised.value is error


def test_the_same_mistake_twice_in_a_row_ends_it() -> None:
    edited = Trial([answer(path="../x"), answer(11, path="../x"), answer()]).edit()

    assert (edited.outcome, edited.attempts) == (Outcome.STUCK, 2)
    assert edited.reason.startswith("stuck after 2 attempts: bad-path - `../x`")
    assert "\n" not in edited.reason


def test_the_same_answer_again_is_told_and_the_reason_is_what_was_wrong_with_it() -> None:
    trial = Trial([PROSE, PROSE, PROSE, answer()])
    edited = trial.edit()

    assert (edited.outcome, edited.attempts) == (Outcome.STUCK, 3)
    assert edited.reason.startswith("stuck after 3 attempts: no-edit - ")
    assert trial.told[1:] == ["the same answer again"] * 2
    assert "repeated" in trial.lessons[-1]  # the model is told as well


def test_after_the_last_attempt_it_ends() -> None:
    edited = Trial([PROSE, answer(path="../x"), cut(answer()), answer()]).edit()

    assert (edited.outcome, edited.attempts) == (Outcome.EXHAUSTED, ATTEMPTS)
    assert len(edited.lessons) == ATTEMPTS


SAYINGS = st.builds(
    Saying,
    st.sampled_from(
        [PROSE, "", "NO: x", APPROVED, revise("x"), answer(), answer(11), answer(path="../x"), answer(path="two.py")]
    ),
    finish=st.sampled_from([Finish.STOP, Finish.STOP, Finish.LENGTH, Finish.OTHER]),
)


@given(st.lists(SAYINGS | st.sampled_from([EMPTY, RUNAWAY, SPENT]), max_size=12), st.booleans())
def test_whatever_is_said_only_what_passed_comes_of_it(script: list[Saying | AgentError], critic: bool) -> None:
    trial = Trial([*script, SPENT], critic=critic)
    edited = trial.edit()

    assert edited.change in (None, change(), change(11))
    assert (edited.change is None) or (not critic or edited.change == trial.judged[-1])
    assert (edited.outcome is Outcome.FIXED) == (edited.change is not None)
    assert (edited.outcome is Outcome.DECLINED) == (edited.declined is not None)
    assert edited.attempts <= ATTEMPTS
    assert (edited.failure is not None) == (edited.outcome is Outcome.BUDGET)
    assert all("\n" not in line for line in trial.told)
