from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, PassingClock
from gitoma.adapters.testing.language_models import MODELS, Saying, ScriptedModel, question
from gitoma.domain.agents.budget import Budget, Limits
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import Finish, Role
from gitoma.domain.agents.metered import MeteredModel, complete_whole
from gitoma.domain.jobs.redaction import Redactor

CUT = Saying('{"half": ', finish=Finish.LENGTH)


def metered(model: ScriptedModel, calls: int = 9, tokens: int = 1000) -> MeteredModel:
    return MeteredModel(model, Budget(Limits(100.0, calls, tokens), PassingClock()), Redactor([CREDENTIAL]).mask)


def test_a_question_is_handed_on_and_its_answer_charged() -> None:
    model = ScriptedModel(["yes" * 40])
    meter = metered(model)

    reply = meter.complete(question())

    assert reply.text == "yes" * 40
    assert model.requests == [question()]
    assert meter.budget.spent["calls"] == 1
    assert meter.budget.spent["tokens"] == reply.completion_tokens


def test_what_is_known_of_the_model_costs_nothing() -> None:
    meter = metered(ScriptedModel(), calls=0)

    assert meter.facts().available == MODELS
    assert meter.budget.spent["calls"] == 0


def test_the_model_is_told_no_credential_of_ours() -> None:
    model = ScriptedModel(["yes"])
    asked = replace(question(user=f"a file holds {CREDENTIAL}"), system=f"ROLE: {CREDENTIAL}")

    metered(model).complete(asked)

    (request,) = model.requests
    assert (request.system, request.user) == ("ROLE: REDACTED", "a file holds REDACTED")
    assert replace(request, system="", user="") == replace(asked, system="", user="")


def test_a_question_that_fails_costs_as_much() -> None:
    meter = metered(ScriptedModel([AgentError(Code.MODEL_EMPTY, "nothing")]))

    with pytest.raises(AgentError, match="nothing"):
        meter.complete(question())

    assert meter.budget.spent == {"calls": 1, "tokens": 0, "seconds": 0}


def test_an_answer_that_is_of_no_use_is_charged() -> None:
    meter = metered(ScriptedModel([AgentError(Code.MODEL_RUNAWAY, "no end", spent_tokens=700)]))

    with pytest.raises(AgentError, match="no end"):
        meter.complete(question())

    assert meter.budget.spent == {"calls": 1, "tokens": 700, "seconds": 0}


@given(st.integers(0, 5), st.integers(0, 9))
def test_no_more_is_asked_than_may_be_spent(calls: int, wanted: int) -> None:
    model = ScriptedModel(lambda _: "yes")
    meter = metered(model, calls=calls)

    refused = 0
    for _ in range(wanted):
        try:
            meter.complete(question())
        except AgentError as error:
            refused += error.code is Code.BUDGET

    assert len(model.requests) == min(calls, wanted)
    assert refused == wanted - len(model.requests)


def test_an_answer_that_fits_is_asked_for_once() -> None:
    model = ScriptedModel(["yes"])

    assert complete_whole(model, question(Role.CRITIC)).text == "yes"
    assert len(model.requests) == 1


def test_an_answer_that_does_not_fit_is_asked_for_once_more_with_twice_the_room() -> None:
    model = ScriptedModel([CUT, '{"whole": 1}'])

    assert complete_whole(model, question(schema=True)).text == '{"whole": 1}'
    assert model.requests == [question(schema=True), replace(question(schema=True), max_tokens=200)]


def test_where_there_is_no_more_room_an_answer_is_handed_on_as_cut() -> None:
    model = ScriptedModel([CUT, AgentError(Code.CONTEXT_EXCEEDED, "question and answer are too long")])

    assert complete_whole(model, question(schema=True)).text == CUT.text


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.CONTEXT_EXCEEDED])
def test_any_other_failure_of_the_second_question_is_one(code: Code) -> None:
    error = AgentError(code, "no")

    with pytest.raises(AgentError) as raised:
        complete_whole(ScriptedModel([CUT, error]), question(schema=True))

    assert raised.value is error


def test_an_answer_that_does_not_fit_twice_is_handed_on_as_cut() -> None:
    model = ScriptedModel([CUT, CUT, "a third"])

    assert complete_whole(model, question(schema=True)).finish is Finish.LENGTH
    assert len(model.requests) == 2
