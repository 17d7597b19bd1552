import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitoma.adapters.testing.process_tables import FixedProcessTable
from gitoma.adapters.testing.repo_states import json_values, slugs, states, texts, times
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import (
    HEARTBEAT_LIMIT_S,
    MAX_BYTES,
    MAX_DEPTH,
    Phase,
    RepoState,
    UnreadableState,
    decode,
    encode,
    liveness,
    newest_first,
    snapshot,
    snapshots,
)

NOW = datetime(2026, 4, 21, 10, 0, tzinfo=UTC)
SLUG = Slug("acme", "widget")
BARE = RepoState(slug=SLUG, phase=Phase.WORKING)
CONTRACT = (
    "repo_url, owner, name, branch, phase, started_at, updated_at, metric_report, task_plan, pr_number, pr_url, "
    "current_task_id, current_subtask_id, current_operation, errors, pid, last_heartbeat, exit_clean"
)
CONTRACT_FIELDS = set(CONTRACT.split(", "))
NEEDED = {"owner": "acme", "name": "widget", "phase": "WORKING"}


def read(**fields: object) -> RepoState:
    return decode(json.dumps(NEEDED | fields).encode())


def reason_against(data: bytes) -> str:
    try:
        decode(data)
    except UnreadableState as error:
        return str(error)
    return ""


@given(states())
def test_a_state_survives_being_written_and_read(state: RepoState) -> None:
    assert decode(encode(state)) == state


def test_the_phases_are_those_of_the_contract_in_order() -> None:
    assert " ".join(Phase) == "IDLE ANALYZING PLANNING WORKING PR_OPEN REVIEWING DONE"


def test_a_document_has_every_field_of_the_contract() -> None:
    assert ", ".join(json.loads(encode(BARE))) == CONTRACT


def test_owner_name_and_phase_are_all_a_reader_needs() -> None:
    assert read() == BARE


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_without_owner_name_or_phase_a_document_is_unreadable(missing: str) -> None:
    rest = {name: value for name, value in NEEDED.items() if name != missing}

    with pytest.raises(UnreadableState):
        decode(json.dumps(rest).encode())


@given(st.sampled_from(sorted(CONTRACT_FIELDS - NEEDED.keys())), json_values())
@example("pid", True)
@example("pid", 0)
@example("pid", 2**31)
@example("pr_number", -1)
@example("errors", [1])
@example("exit_clean", "yes")
@example("started_at", "0001-01-01T00:00:00+10:00")
@example("started_at", "")
def test_a_field_of_the_wrong_type_hides_nothing_and_is_kept(name: str, value: object) -> None:
    state = read(**{name: value}, x="unknown")
    again = json.loads(encode(state))

    assert (state.slug, state.phase) == (SLUG, Phase.WORKING)
    assert again["x"] == "unknown"
    if name in state.kept:
        assert again[name] == value
        assert snapshot(state, liveness(state, NOW, process_is_alive=False))[name] in (None, [], False)


@pytest.mark.parametrize("value", [None, "", [], {}])
@pytest.mark.parametrize("name", sorted(CONTRACT_FIELDS - NEEDED.keys()))
def test_any_other_field_may_be_null_or_empty(name: str, value: object) -> None:
    assert read(**{name: value}).slug == SLUG


def test_a_value_that_was_written_since_replaces_one_of_the_wrong_type() -> None:
    state = replace(read(pid="seven", errors="none"), pid=7, errors=("one",))

    assert json.loads(encode(state))["pid"] == 7
    assert json.loads(encode(state))["errors"] == ["one"]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-04-21T10:00:00", NOW),
        ("2026-04-21T10:00:00Z", NOW),
        ("2026-04-21T12:00:00+02:00", NOW),
        ("yesterday", None),
        (1776765600, None),
    ],
)
def test_times_are_iso_8601_and_utc_where_they_do_not_say(text: object, moment: datetime | None) -> None:
    assert read(updated_at=text).updated_at == moment


def test_half_a_surrogate_pair_becomes_a_question_mark_and_a_whole_one_is_kept() -> None:
    state = decode(b'{"owner": "acme", "name": "widget", "phase": "IDLE", "branch": "\\ud800 \\ud83d\\ude00"}')

    assert state.branch == "? \N{GRINNING FACE}"


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1_000, 100_000])
def test_a_deep_document_is_unreadable(depth: int) -> None:
    data = json.dumps(NEEDED)[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}"

    with pytest.raises(UnreadableState, match="deep"):
        decode(data.encode())


def test_a_document_as_deep_as_allowed_is_readable() -> None:
    depth = MAX_DEPTH - 1
    state = decode((json.dumps(NEEDED)[:-1] + ', "x": ' + "[" * depth + "]" * depth + "}").encode())

    assert decode(encode(state)) == state


def test_a_document_that_is_too_long_is_unreadable() -> None:
    data = encode(BARE)

    assert decode(data.ljust(MAX_BYTES)) == BARE
    with pytest.raises(UnreadableState, match="longer"):
        decode(data.ljust(MAX_BYTES + 1))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_a_number_that_no_encoder_takes_makes_a_document_unreadable(number: str) -> None:
    with pytest.raises(UnreadableState, match="number"):
        decode(json.dumps(NEEDED)[:-1].encode() + f', "x": [{number}]}}'.encode())


@given(st.binary(max_size=200) | json_values().map(lambda value: json.dumps(value).encode()))
def test_no_bytes_do_worse_than_being_unreadable(data: bytes) -> None:
    assert "\n" not in reason_against(data)


@given(st.dictionaries(st.sampled_from([*NEEDED, "x"]), json_values()))
def test_a_reason_quotes_nothing_of_the_document(fields: dict[str, object]) -> None:
    data = json.dumps({name: ["hunter2", value] for name, value in fields.items()}).encode()

    assert "hunter2" not in reason_against(data)


@given(states(), times(), st.booleans())
def test_a_state_that_is_done_or_ended_cleanly_is_never_orphaned(state: RepoState, now: datetime, alive: bool) -> None:
    done = replace(state, phase=Phase.DONE)
    clean = replace(state, exit_clean=True)

    assert not liveness(done, now, process_is_alive=alive).is_orphaned
    assert not liveness(clean, now, process_is_alive=alive).is_orphaned


@given(st.sampled_from([phase for phase in Phase if phase is not Phase.DONE]))
def test_unfinished_work_is_orphaned_when_its_process_is_gone(phase: Phase) -> None:
    state = replace(BARE, phase=phase, last_heartbeat=NOW)

    assert liveness(state, NOW, process_is_alive=False).is_orphaned
    assert not liveness(state, NOW, process_is_alive=True).is_orphaned


@pytest.mark.parametrize(("age", "orphaned"), [(HEARTBEAT_LIMIT_S, False), (HEARTBEAT_LIMIT_S + 0.001, True)])
def test_a_process_is_silent_when_its_heartbeat_is_over_90_seconds_old(age: float, orphaned: bool) -> None:
    state = replace(BARE, last_heartbeat=NOW - timedelta(seconds=age))

    judged = liveness(state, NOW, process_is_alive=True)

    assert judged.heartbeat_age_s == age
    assert judged.is_orphaned is orphaned
    assert judged.is_alive


def test_a_heartbeat_is_never_younger_than_now() -> None:
    assert liveness(replace(BARE, last_heartbeat=NOW + timedelta(hours=1)), NOW, process_is_alive=True) == liveness(
        replace(BARE, last_heartbeat=NOW), NOW, process_is_alive=True
    )


def test_without_a_heartbeat_there_is_no_age_and_the_process_decides() -> None:
    assert liveness(BARE, NOW, process_is_alive=True).heartbeat_age_s is None
    assert not liveness(BARE, NOW, process_is_alive=True).is_orphaned
    assert liveness(BARE, NOW, process_is_alive=False).is_orphaned


@given(st.lists(states(), max_size=6))
def test_the_newest_come_first_and_the_undated_last(some: list[RepoState]) -> None:
    ordered = newest_first(some)
    dates = [state.updated_at for state in ordered]
    dated = [date for date in dates if date]

    assert sorted(map(encode, ordered)) == sorted(map(encode, some))
    assert dates == sorted(dated, reverse=True) + [None] * (len(dates) - len(dated))


@given(states(), times())
def test_a_snapshot_is_plain_json_with_every_field_and_the_judgement(state: RepoState, now: datetime) -> None:
    shown = snapshot(state, liveness(state, now, process_is_alive=True))

    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown.keys() == CONTRACT_FIELDS | state.kept.keys() | {"is_alive", "is_orphaned", "heartbeat_age_s"}
    assert (shown["owner"], shown["name"], shown["phase"]) == (state.slug.owner, state.slug.name, state.phase)


def test_times_are_shown_with_their_offset() -> None:
    state = replace(BARE, updated_at=NOW)

    assert snapshot(state, liveness(state, NOW, process_is_alive=True))["updated_at"] == "2026-04-21T10:00:00+00:00"


def test_a_document_cannot_pretend_to_be_alive() -> None:
    state = read(is_alive=True, is_orphaned=False, heartbeat_age_s=0)

    shown = snapshot(state, liveness(state, NOW, process_is_alive=False))

    assert (shown["is_alive"], shown["is_orphaned"], shown["heartbeat_age_s"]) == (False, True, None)


def test_snapshots_ask_for_the_process_of_each_state() -> None:
    running = replace(BARE, pid=7, updated_at=NOW)
    gone = RepoState(slug=Slug("acme", "gadget"), phase=Phase.WORKING, pid=8)
    never = RepoState(slug=Slug("acme", "zebra"), phase=Phase.WORKING)

    shown = snapshots([never, gone, running], NOW, FixedProcessTable(7).is_alive)

    assert [(each["name"], each["is_alive"]) for each in shown] == [
        ("widget", True),
        ("gadget", False),
        ("zebra", False),
    ]


@given(slugs(), texts())
def test_unknown_fields_are_kept(slug: Slug, text: str) -> None:
    document = {"owner": slug.owner, "name": slug.name, "phase": "IDLE", "schema": 1, "y": {"z": [text, None]}}

    assert json.loads(encode(decode(json.dumps(document).encode()))).items() >= document.items()
