import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.virtual_clock import VirtualClock
from gitoma.domain.agents.budget import LIMITS, RUN_WITH_CRITIC, Budget, Limits
from gitoma.domain.agents.errors import AgentError, Code


def test_the_call_after_the_last_one_is_refused_and_not_counted() -> None:
    budget = Budget(Limits(seconds=100, calls=2, completion_tokens=100), VirtualClock())
    budget.before_call()
    budget.before_call()

    with pytest.raises(AgentError, match="2 questions") as refused:
        budget.before_call()

    assert refused.value.code is Code.BUDGET
    assert refused.value.hint == "GITOMA_AGENT_MAX_CALLS sets another one"
    assert budget.spent["calls"] == 2
    budget.check()  # there is time left to say so


def test_what_the_model_wrote_is_known_only_afterwards_so_the_next_call_is_refused() -> None:
    budget = Budget(Limits(seconds=100, calls=9, completion_tokens=100), VirtualClock())
    budget.before_call()
    budget.charge(99)
    budget.before_call()
    budget.charge(99)

    with pytest.raises(AgentError, match="100 tokens"):
        budget.before_call()


async def test_time_counts_from_the_beginning() -> None:
    clock = VirtualClock()
    await clock.advance(1000)
    budget = Budget(Limits(seconds=90, calls=9, completion_tokens=100), clock)

    await clock.advance(89)
    budget.check()
    await clock.advance(1)

    with pytest.raises(AgentError, match=r"1\.5 minutes"):
        budget.check()
    with pytest.raises(AgentError, match=r"1\.5 minutes"):
        budget.before_call()
    assert budget.spent == {"calls": 0, "tokens": 0, "seconds": 90}


@given(st.lists(st.integers(0, 50)), st.integers(1, 20), st.integers(1, 200))
def test_no_more_calls_are_let_through_than_there_may_be(tokens: list[int], calls: int, most: int) -> None:
    budget = Budget(Limits(seconds=100, calls=calls, completion_tokens=most), VirtualClock())
    made = 0
    try:
        for count in tokens:
            budget.before_call()
            made += 1
            budget.charge(count)
    except AgentError as error:
        assert error.code is Code.BUDGET  # noqa: PT017  # that none is raised is as good

    assert budget.spent["calls"] == made <= calls
    assert budget.spent["tokens"] == sum(tokens[:made])
    assert sum(tokens[: made - 1]) < most or made == 0


def test_every_agent_ends_by_itself_before_the_hour_that_the_server_gives_it() -> None:
    assert LIMITS["run"].calls == 17
    assert RUN_WITH_CRITIC.calls == 34
    assert all(limits.seconds < 3600 for limits in (*LIMITS.values(), RUN_WITH_CRITIC))
