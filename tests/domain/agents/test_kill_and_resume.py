"""A process that dies, or loses its connection, at any moment, and the same command again, until it succeeds.

Every call of a port is a moment before and one after. Deaths at each of them are tried one by one; what several in a
row come to, hypothesis looks for. What must hold is checked after each process, and when the model is asked.
"""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitoma.adapters.testing.deaths import Fate
from gitoma.domain.agents.errors import AgentError
from tests.domain.agents.resumable import SCENARIOS, Scenario

each_scenario = pytest.mark.parametrize("make", SCENARIOS.values(), ids=SCENARIOS)


def survives(scenario: Scenario, fates: Sequence[Fate]) -> None:
    """Go through these fates, then live."""
    scenario.check()
    for fate in (*fates, Fate()):
        succeeded = scenario.process(fate)
        scenario.check()
        if succeeded or scenario.is_over:
            break
    scenario.check_end()


def survives_every_single(make: Callable[[], Scenario], *, loses_connection: bool) -> int:
    """At each moment of an undisturbed process, in turn; how many there are."""
    at = 0
    while True:
        fate = Fate(at, loses_connection=loses_connection)
        try:
            survives(make(), [fate])
        except (AssertionError, AgentError) as error:
            raise AssertionError(f"moment {at}, {fate.moments[at : at + 1]}: {error}") from error
        if len(fate.moments) <= at:
            return at
        at += 1


@each_scenario
def test_undisturbed_it_succeeds_at_once(make: Callable[[], Scenario]) -> None:
    survives(make(), [])


@each_scenario
def test_a_death_at_any_moment_loses_nothing_and_doubles_nothing(make: Callable[[], Scenario]) -> None:
    assert survives_every_single(make, loses_connection=False) > 40


@each_scenario
def test_a_connection_lost_at_any_moment_loses_nothing_and_doubles_nothing(make: Callable[[], Scenario]) -> None:
    assert survives_every_single(make, loses_connection=True) > 40


@each_scenario
@settings(max_examples=40)
@given(fates=st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=2, max_size=6))
def test_several_deaths_in_a_row_lose_nothing_and_double_nothing(
    make: Callable[[], Scenario], fates: list[tuple[int, bool]]
) -> None:
    survives(make(), [Fate(at, loses_connection=loses_connection) for at, loses_connection in fates])
