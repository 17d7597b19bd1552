from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, AgentWorld
from gitoma.adapters.testing.code_hosts import ACME, MemoryRepo, hosted
from gitoma.adapters.testing.language_models import ScriptedModel
from gitoma.adapters.testing.run_states import MemoryHeldState
from gitoma.domain.agents.code_host import HostedRepo
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.run_state import IllegalMove
from gitoma.domain.agents.session import ERRORS_KEPT, Session, need_token, writable
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.state import Phase, RepoState

BEGUN = RepoState(slug=ACME, phase=Phase.WORKING, kept={"run_id": "r", "ours": 1})


@pytest.fixture
def world() -> AgentWorld:
    return AgentWorld({"main": {}})


def tools_of(world: AgentWorld) -> Toolbox:
    return world.process(ScriptedModel())


def session_of(world: AgentWorld, state: RepoState = BEGUN, label: str = "") -> Session:
    tools = tools_of(world)
    return Session(MemoryHeldState(world.home, ACME, tools.progress, tools.clock), state, tools, label)


def written(world: AgentWorld) -> RepoState:
    assert world.state is not None
    return world.state


def test_what_is_changed_is_kept_at_once_and_the_rest_stays(world: AgentWorld) -> None:
    session = session_of(world)

    session.write(branch="b")

    assert session.state == replace(BEGUN, branch="b")
    assert (written(world).branch, written(world).kept) == ("b", BEGUN.kept)


def test_nothing_is_kept_before_something_changes(world: AgentWorld) -> None:
    session_of(world)

    assert world.state is None


def test_fields_of_ours_come_and_go(world: AgentWorld) -> None:
    session = session_of(world)

    session.keep(ours=None, threads={"1": "x"}, unknown=None)

    assert written(world).kept == {"run_id": "r", "threads": {"1": "x"}}


def test_a_phase_follows_another_or_stays(world: AgentWorld) -> None:
    session = session_of(world)

    session.enter(Phase.WORKING)
    assert world.state is None  # nothing has changed
    session.enter(Phase.PR_OPEN)

    assert written(world).phase is Phase.PR_OPEN


def test_a_phase_that_may_not_follow_is_not_entered(world: AgentWorld) -> None:
    session = session_of(world)

    with pytest.raises(IllegalMove):
        session.enter(Phase.ANALYZING)

    assert session.state == BEGUN
    assert world.state is None


def test_what_is_done_now_is_said_and_written_down(world: AgentWorld) -> None:
    session = session_of(world)

    session.step("planning")
    session.say("planned")
    session.detail("three tasks")
    session.say("so far", Phase.IDLE)

    assert world.progress.lines == ["[WORKING] planning", "[WORKING] planned", "  three tasks", "[IDLE] so far"]
    assert written(world).current_operation == "planning"


def test_work_that_is_no_phase_has_a_label_instead(world: AgentWorld) -> None:
    session = session_of(world, label="FIX-CI")

    session.say("looking")
    session.say("looking", Phase.IDLE)

    assert world.progress.lines == ["[FIX-CI] looking"] * 2


def test_without_a_place_for_the_state_it_is_told_and_not_kept(world: AgentWorld) -> None:
    session = Session(None, BEGUN, tools_of(world))

    session.step("planning")
    session.enter(Phase.DONE)

    assert session.state.phase is Phase.DONE
    assert world.progress.lines == ["[WORKING] planning"]
    assert world.home.history == []


def test_credentials_are_not_written_down(world: AgentWorld) -> None:
    session = session_of(world)

    session.step(f"asking with {CREDENTIAL}")
    session.error(f"git said {CREDENTIAL}")

    assert written(world).current_operation == "asking with REDACTED"
    assert written(world).errors == ("git said REDACTED",)


@given(st.lists(st.text(max_size=5), max_size=3 * ERRORS_KEPT))
def test_the_last_errors_are_kept_and_no_more(texts: list[str]) -> None:
    session = session_of(AgentWorld({"main": {}}))

    for text in texts:
        session.error(text)

    assert session.state.errors == tuple(texts[-ERRORS_KEPT:])


def test_while_the_work_goes_on_its_end_is_not_clean(world: AgentWorld) -> None:
    session = session_of(world, replace(BEGUN, exit_clean=True))

    with session.recorded():
        assert not written(world).exit_clean


def test_after_success_nobody_works_any_more(world: AgentWorld) -> None:
    session = session_of(world)

    with session.recorded():
        session.step("working")
        session.write(current_task_id="T1", current_subtask_id="1")

    state = written(world)
    assert (state.current_operation, state.current_task_id, state.current_subtask_id) == (None, None, None)
    assert state.exit_clean
    assert state.errors == ()


def test_a_failure_that_is_told_is_written_down_and_a_clean_end(world: AgentWorld) -> None:
    error = AgentError(Code.NETWORK, f"no answer to {CREDENTIAL}")

    with pytest.raises(AgentError) as raised, session_of(world).recorded():
        raise error

    assert raised.value is error
    assert written(world).exit_clean
    assert written(world).errors == ("no answer to REDACTED",)


class Cancelled(BaseException):
    """As a signal raises it."""


@pytest.mark.parametrize("end", [Cancelled, KeyboardInterrupt, SystemExit])
def test_a_cancel_is_a_clean_end_without_an_error(world: AgentWorld, end: type[BaseException]) -> None:
    with pytest.raises(end), session_of(world).recorded():
        raise end

    assert written(world).exit_clean
    assert written(world).errors == ()
    assert written(world).phase is Phase.WORKING  # to be gone on with


def test_a_defect_is_no_clean_end_and_quotes_nothing(world: AgentWorld) -> None:
    with pytest.raises(KeyError), session_of(world).recorded():
        raise KeyError(CREDENTIAL)

    assert not written(world).exit_clean
    assert written(world).errors == ("internal error; its trace is in the log of the agents",)


def test_nobody_who_reads_is_no_defect(world: AgentWorld) -> None:
    with pytest.raises(BrokenPipeError), session_of(world).recorded():
        raise BrokenPipeError

    assert written(world).exit_clean
    assert len(written(world).errors) == 1


class Cancelled(BaseException):
    """As what ends an agent from outside."""


@pytest.mark.parametrize("end", [Cancelled(), KeyError(), AgentError(Code.NETWORK, "x"), BrokenPipeError()])
def test_what_was_reached_is_known_however_the_work_ends(world: AgentWorld, end: BaseException) -> None:
    tools = tools_of(world)
    session = Session(None, BEGUN, tools)
    session.facts = lambda: {"branch": session.state.branch}
    session.write(branch="b")

    with pytest.raises(type(end)), session.recorded():
        raise end

    assert tools.reached == {"branch": "b"}


def test_of_a_flow_that_says_nothing_of_itself_the_repository_is_known(world: AgentWorld) -> None:
    tools = tools_of(world)

    with Session(None, BEGUN, tools).recorded():
        assert tools.reached == {}

    assert tools.reached == {"repo": str(ACME)}


def test_a_repository_that_may_be_pushed_to_is_handed_on(world: AgentWorld) -> None:
    assert writable(tools_of(world), ACME) == hosted()


@pytest.mark.parametrize(
    ("info", "code"),
    [(hosted(archived=True, can_push=False), Code.ARCHIVED), (hosted(can_push=False), Code.FORBIDDEN)],
)
def test_one_that_may_not_be_pushed_to_is_refused_with_what_to_do(info: HostedRepo, code: Code) -> None:
    world = AgentWorld({"main": {}}, MemoryRepo(info))

    with pytest.raises(AgentError) as raised:
        writable(tools_of(world), ACME)

    assert raised.value.code is code
    assert raised.value.hint


def test_without_a_token_the_host_is_not_even_asked(world: AgentWorld) -> None:
    tools = replace(tools_of(world), has_token=False)
    world.host.failures["repo"] = AgentError(Code.NETWORK, "it was asked")

    for ask in (lambda: need_token(tools), lambda: writable(tools, ACME)):
        with pytest.raises(AgentError, match="GITHUB_TOKEN") as raised:
            ask()
        assert raised.value.code is Code.CONFIG


def test_work_that_is_no_run_leaves_a_run_that_died_as_one_that_died(world: AgentWorld) -> None:
    for label, left in (("FIX-CI", False), ("", True)):
        with session_of(world, replace(BEGUN, exit_clean=False), label).recorded():
            pass
        assert written(world).exit_clean is left

    with session_of(world, replace(BEGUN, exit_clean=True), "FIX-CI").recorded():
        pass
    assert written(world).exit_clean is True
