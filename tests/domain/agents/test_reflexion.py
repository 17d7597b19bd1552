from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.errors import Code
from gitoma.domain.agents.reflexion import (
    LOST,
    MEMORY,
    AskCritic,
    AskFixer,
    BudgetSpent,
    CallFailed,
    Cancelled,
    CheckGates,
    Command,
    Declined,
    Event,
    GatesFailed,
    GatesPassed,
    IllegalEvent,
    Lesson,
    NoVerdict,
    Outcome,
    Replied,
    Started,
    State,
    Stop,
    Verdict,
    Waiting,
    step,
)

CHANGE = ChangeSet((FileChange("a.py", "x = 1\n", "x = 2\n"),))
OTHER = ChangeSet((FileChange("a.py", "x = 1\n", "x = 3\n"),))
NO_MATCH = Refusal("no-match", "SEARCH is not in a.py")
ELISION = Refusal("elision", "write every line")
APPROVED = Verdict(True, "it is right", ())

REASONS = st.lists(st.sampled_from([NO_MATCH, ELISION]), min_size=1, max_size=2, unique=True).map(tuple)
CODES = st.sampled_from([Code.MODEL_EMPTY, Code.MODEL_RUNAWAY, Code.MODEL_UNAVAILABLE])
DEMANDS = st.lists(st.sampled_from(["mend the loop", "keep the test"]), max_size=2).map(tuple)
CHANGES = st.sampled_from([CHANGE, OTHER])
ANY_TIME: list[st.SearchStrategy[Event]] = [st.just(BudgetSpent()), st.just(Cancelled())]
REPLIES = st.sampled_from(["one", "two", "three", "", "<think>a</think>one", "one\n"])
VERDICTS = st.builds(Verdict, st.booleans(), st.just("because"), DEMANDS)

# What may come next; the ends that can come at any time are rare, or every story would be short.
EVENTS: dict[Waiting, st.SearchStrategy[Event]] = {
    Waiting.START: st.one_of(st.just(Started()), st.just(Started()), *ANY_TIME),
    Waiting.FIXER: st.one_of(
        *[st.builds(Replied, REPLIES)] * 6, st.builds(CallFailed, CODES), st.just(Declined()), *ANY_TIME
    ),
    Waiting.GATES: st.one_of(*[st.builds(GatesPassed, CHANGES), st.builds(GatesFailed, REASONS)] * 4, *ANY_TIME),
    Waiting.CRITIC: st.one_of(*[VERDICTS, st.just(NoVerdict())] * 4, st.builds(CallFailed, CODES), *ANY_TIME),
}


@dataclass
class Story:
    """What happened, from the first event to the end."""

    state: State
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def go(self, event: Event) -> Command:
        self.state, command = step(self.state, event)
        self.events.append(event)
        self.commands.append(command)
        self.states.append(self.state)
        return command


def told(*events: Event, attempts: int = 3, critic: bool = False) -> Story:
    story = Story(State(max_attempts=attempts, critic=critic))
    for event in events:
        story.go(event)
    return story


@st.composite
def stories(draw: st.DrawFn) -> Story:
    attempts = draw(st.integers(1, 5))
    story = Story(State(max_attempts=attempts, critic=draw(st.booleans())))
    # Each attempt is an answer, its gates, and two questions to the critic at most; one more event begins it all.
    for _ in range(4 * attempts + 1):
        if isinstance(story.go(draw(EVENTS[story.state.waiting])), Stop):
            return story
    raise AssertionError("it does not end")


@given(stories())
def test_it_ends_and_asks_the_fixer_no_more_often_than_it_may(story: Story) -> None:
    asked = [command for command in story.commands if isinstance(command, AskFixer)]

    assert isinstance(story.commands[-1], Stop)
    assert [command.attempt for command in asked] == list(range(1, len(asked) + 1))
    assert len(asked) == story.state.attempt <= story.state.max_attempts


@given(stories())
def test_the_critic_sees_only_what_passed_the_gates_and_twice_at_most(story: Story) -> None:
    for number, command in enumerate(story.commands):
        if isinstance(command, AskCritic):
            event = story.events[number]
            assert story.state.critic
            if isinstance(event, GatesPassed):
                assert command.change == event.change
            else:
                assert isinstance(event, NoVerdict | CallFailed)
                assert isinstance(story.events[number - 1], GatesPassed)
                assert story.commands[number - 1] == command


@given(stories())
def test_fixed_is_only_what_passed_and_was_approved(story: Story) -> None:
    stop = story.commands[-1]
    assert isinstance(stop, Stop)

    assert (stop.outcome is Outcome.FIXED) == (stop.change is not None)
    if stop.outcome is Outcome.FIXED:
        passed = [event for event in story.events if isinstance(event, GatesPassed)]
        assert stop.change == passed[-1].change
        last = story.events[-1]
        assert (isinstance(last, Verdict) and last.approve) if story.state.critic else isinstance(last, GatesPassed)


@given(stories())
def test_the_next_attempt_is_told_what_the_one_before_taught(story: Story) -> None:
    for number, command in enumerate(story.commands):
        if not isinstance(command, AskFixer):
            continue
        assert len(command.lessons) == min(command.attempt - 1, MEMORY)
        match story.events[number]:
            case Started():
                assert command.previous == ""
            case GatesFailed(reasons):
                assert command.lessons[-1] == Lesson(reasons)
            case Verdict(must_change=demands, reason=reason):
                words = [refusal.message for refusal in command.lessons[-1].reasons]
                assert words == list(demands or (reason,))


@given(stories())
def test_the_same_lesson_twice_in_a_row_is_the_end(story: Story) -> None:
    stop = story.commands[-1]
    assert isinstance(stop, Stop)
    stuck = [state for state in story.states if len(state.memory) > 1 and state.memory[-1] == state.memory[-2]]

    assert stuck in ([], [story.state])
    assert (stop.outcome is Outcome.STUCK) == bool(stuck) or stop.outcome in (Outcome.BUDGET, Outcome.CANCELLED)


@given(
    stories(),
    st.sampled_from([Started(), Replied("x"), CallFailed(Code.NETWORK), NoVerdict(), GatesPassed(CHANGE)]),
)
def test_nothing_leaves_the_end(story: Story, event: Event) -> None:
    with pytest.raises(IllegalEvent):
        step(story.state, event)


LEGAL: dict[Waiting, set[type]] = {
    Waiting.START: {Started},
    Waiting.FIXER: {Replied, CallFailed},
    Waiting.GATES: {GatesPassed, GatesFailed},
    Waiting.CRITIC: {Verdict, NoVerdict, CallFailed},
}
EVERY: list[Event] = [
    Started(),
    Replied("x"),
    CallFailed(Code.NETWORK),
    GatesFailed((NO_MATCH,)),
    GatesPassed(CHANGE),
    APPROVED,
    NoVerdict(),
]
REACHED: dict[Waiting, list[Event]] = {
    Waiting.START: [],
    Waiting.FIXER: [Started()],
    Waiting.GATES: [Started(), Replied("x")],
    Waiting.CRITIC: [Started(), Replied("x"), GatesPassed(CHANGE)],
}


@pytest.mark.parametrize("waiting", LEGAL)
@pytest.mark.parametrize("event", EVERY, ids=lambda event: type(event).__name__)
def test_only_what_is_waited_for_can_happen(waiting: Waiting, event: Event) -> None:
    state = told(*REACHED[waiting], critic=True).state
    assert state.waiting is waiting

    if type(event) in LEGAL[waiting]:
        assert step(state, event)
    else:
        with pytest.raises(IllegalEvent, match=type(event).__name__):
            step(state, event)


@pytest.mark.parametrize("waiting", LEGAL)
@pytest.mark.parametrize(("event", "outcome"), [(BudgetSpent(), Outcome.BUDGET), (Cancelled(), Outcome.CANCELLED)])
def test_a_spent_budget_and_a_cancel_end_it_anywhere(waiting: Waiting, event: Event, outcome: Outcome) -> None:
    assert told(*REACHED[waiting], event, critic=True).commands[-1] == Stop(outcome)


def test_without_a_critic_what_passes_the_gates_is_fixed() -> None:
    assert told(Started(), Replied("x"), GatesPassed(CHANGE)).commands == [
        AskFixer(1, (), ""),
        CheckGates("x"),
        Stop(Outcome.FIXED, CHANGE),
    ]


def test_gates_then_the_critic_then_approval() -> None:
    demand = Verdict(False, "wrong", ("end at n + 1",))
    story = told(
        *(Started(), Replied("one"), GatesFailed((NO_MATCH,))),
        *(Replied("<think>hm</think>two"), GatesPassed(CHANGE), demand),
        *(Replied("three"), GatesPassed(OTHER), APPROVED),
        critic=True,
    )

    asked = [command for command in story.commands if isinstance(command, AskFixer)]
    lessons = (Lesson((NO_MATCH,)), Lesson((Refusal("revise", "end at n + 1"),)))
    assert asked == [AskFixer(1, (), ""), AskFixer(2, lessons[:1], "one"), AskFixer(3, lessons, "two")]
    assert story.commands[-1] == Stop(Outcome.FIXED, OTHER)


def test_an_answer_that_was_given_before_is_a_lesson_and_costs_an_attempt() -> None:
    story = told(Started(), Replied("one"), GatesFailed((NO_MATCH,)), Replied("<think>again</think>\none\n"))

    again = story.commands[-1]
    assert isinstance(again, AskFixer)
    assert again.attempt == 3
    assert [lesson.reasons[0].code for lesson in again.lessons] == ["no-match", "repeated"]
    assert story.go(Replied("one")) == Stop(Outcome.STUCK)


def test_an_empty_first_answer_repeats_nothing() -> None:
    assert told(Started(), Replied("")).commands[-1] == CheckGates("")
    assert told(Started(), CallFailed(Code.MODEL_EMPTY), Replied("")).commands[-1] == CheckGates("")


def test_attempts_are_spent_on_different_mistakes() -> None:
    story = told(
        Started(), Replied("one"), GatesFailed((NO_MATCH,)), Replied("two"), GatesFailed((ELISION,)), attempts=2
    )

    assert story.commands[-1] == Stop(Outcome.EXHAUSTED)


def test_whoever_gives_no_verdict_is_asked_again_and_then_has_not_approved() -> None:
    story = told(Started(), Replied("one"), GatesPassed(CHANGE), NoVerdict(), critic=True)
    assert story.commands[-1] == AskCritic(CHANGE)

    taught = story.go(CallFailed(Code.MODEL_RUNAWAY))

    assert isinstance(taught, AskFixer)
    assert taught.lessons[-1].reasons[0].code == "no-verdict"
    story.go(Replied("two"))
    assert story.go(GatesPassed(OTHER)) == AskCritic(OTHER)
    assert story.go(NoVerdict()) == AskCritic(OTHER)  # the next change has its own second question


@pytest.mark.parametrize("code", list(Code))
def test_a_model_that_lost_its_way_may_try_again_and_one_that_is_gone_may_not(code: Code) -> None:
    fixer = told(Started(), CallFailed(code)).commands[-1]
    critic = told(Started(), Replied("x"), GatesPassed(CHANGE), CallFailed(code), critic=True).commands[-1]

    if code in LOST:
        assert isinstance(fixer, AskFixer)
        assert critic == AskCritic(CHANGE)
    else:
        assert fixer == critic == Stop(Outcome.MODEL_FAILED)


def test_there_is_at_least_one_attempt() -> None:
    with pytest.raises(ValueError, match="at least one"):
        State(max_attempts=0, critic=False)


def test_a_lesson_reads_as_its_reasons() -> None:
    assert str(Lesson((NO_MATCH, ELISION))) == "no-match - SEARCH is not in a.py; elision - write every line"
