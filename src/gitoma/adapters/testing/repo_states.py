"""For `RepoStates`: a store in memory, strategies, and the checks that every adapter must pass.

To run the checks over an adapter, give each of `REPO_STATES_CHECKS` a maker and a way to put bytes in a state's place:

    @pytest.mark.parametrize("check", REPO_STATES_CHECKS)
    async def test_my_states(check):
        await check(MyRepoStates, my_put_raw)
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from hypothesis import strategies as st

from gitoma.domain.repos.names import NAME_PATTERN, OWNER_PATTERN, Slug
from gitoma.domain.repos.ports import RepoStates
from gitoma.domain.repos.state import Json, Phase, RepoState, UnreadableState, decode, encode

_log = logging.getLogger(__name__)

MakeStates: TypeAlias = Callable[[], RepoStates]
PutRaw: TypeAlias = Callable[[RepoStates, Slug, bytes], None]
Check: TypeAlias = Callable[[MakeStates, PutRaw], Awaitable[None]]


class MemoryRepoStates(RepoStates):
    """States in memory, as encoded documents: what a document cannot hold does not survive here either."""

    def __init__(self) -> None:
        self._documents: dict[Slug, bytes] = {}
        self._reported: set[Slug] = set()

    async def all(self) -> Sequence[RepoState]:
        """Every readable state."""
        states = []
        for slug in self._documents:
            try:
                states.append(self._read(slug))
            except UnreadableState as error:
                if slug not in self._reported:
                    _log.warning("The state of %s is passed over: %s", slug, error.reason)
                self._reported.add(slug)
        return states

    async def load(self, slug: Slug) -> RepoState | None:
        """The state of one repository."""
        return self._read(slug) if slug in self._documents else None

    async def save(self, state: RepoState) -> None:
        """Keep a state."""
        self.put_raw(state.slug, encode(state))

    async def delete(self, slug: Slug) -> bool:
        """Delete a state."""
        return self._documents.pop(slug, None) is not None

    def put_raw(self, slug: Slug, data: bytes) -> None:
        """Put any bytes in the place of a state."""
        self._documents[slug] = data
        self._reported.discard(slug)

    def _read(self, slug: Slug) -> RepoState:
        state = decode(self._documents[slug])
        if state.slug != slug:
            raise UnreadableState("it is the state of another repository than its name says")
        return state


def slugs() -> st.SearchStrategy[Slug]:
    """Names of repositories, the odd ones included."""
    return st.builds(Slug, st.from_regex(OWNER_PATTERN, fullmatch=True), st.from_regex(NAME_PATTERN, fullmatch=True))


def texts() -> st.SearchStrategy[str]:
    """Text that UTF-8 can hold."""
    return st.text(st.characters(codec="utf-8"), max_size=20)


def json_values() -> st.SearchStrategy[Json]:
    """Whatever JSON can hold, a few levels deep."""
    numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        st.none() | st.booleans() | numbers | texts(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=8,
    )


def times() -> st.SearchStrategy[datetime]:
    """Moments in UTC."""
    return st.datetimes(timezones=st.just(UTC))


def states(of: st.SearchStrategy[Slug] | None = None) -> st.SearchStrategy[RepoState]:
    """States, complete and bare, with unknown fields (named `x-…`)."""
    objects = st.dictionaries(texts(), json_values(), max_size=2)
    return st.builds(
        RepoState,
        slug=slugs() if of is None else of,
        phase=st.sampled_from(Phase),
        repo_url=st.none() | texts(),
        branch=st.none() | texts(),
        started_at=st.none() | times(),
        updated_at=st.none() | times(),
        metric_report=st.none() | objects,
        task_plan=st.none() | objects,
        pr_number=st.none() | st.integers(1, 2**53),
        pr_url=st.none() | texts(),
        current_task_id=st.none() | texts(),
        current_subtask_id=st.none() | texts(),
        current_operation=st.none() | texts(),
        errors=st.lists(texts(), max_size=3).map(tuple),
        pid=st.none() | st.integers(1, 2**31 - 1),
        last_heartbeat=st.none() | times(),
        exit_clean=st.booleans(),
        kept=st.dictionaries(texts().map("x-{}".format), json_values(), max_size=2),
    )


_WIDGET = Slug("acme", "widget")
_GADGET = Slug("acme", "gadget")
_UNREADABLE = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"\xff\xfe",
    b"{}",
    b'{"owner": "acme", "name": "widget"}',
    b'{"owner": "acme", "name": "widget", "phase": "idle"}',
    b'{"owner": "acme", "name": 1, "phase": "IDLE"}',
    b'{"owner": "..", "name": "..", "phase": "IDLE"}',
    b'{"owner": "acme", "name": "gadget", "phase": "IDLE"}',
    b'{"owner": "acme", "name": "widget", "phase": "IDLE", "x": NaN}',
    b'{"owner": "acme", "name": "widget", "phase": "IDLE", "x": 1e999}',
    b"[" * 100_000,
    b'{"owner": "acme", "name": "widget", "phase": "IDLE", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"owner": "acme", "name": "widget", "phase": "IDLE"}' + b" " * 9_000_000,
)


async def check_that_what_was_saved_is_loaded(make: MakeStates, put_raw: PutRaw) -> None:
    """`save` then `load` gives an equal state."""
    repos = make()
    state = RepoState(slug=_WIDGET, phase=Phase.WORKING, pid=7, errors=("one",), kept={"x": {"y": [1, None]}})

    await repos.save(state)

    assert await repos.load(_WIDGET) == state
    assert list(await repos.all()) == [state]


async def check_that_nothing_is_there_at_first(make: MakeStates, put_raw: PutRaw) -> None:
    """An empty store answers every question."""
    repos = make()

    assert list(await repos.all()) == []
    assert await repos.load(_WIDGET) is None
    assert await repos.delete(_WIDGET) is False


async def check_that_a_second_save_replaces_the_first(make: MakeStates, put_raw: PutRaw) -> None:
    """One repository has one state."""
    repos = make()
    state = RepoState(slug=_WIDGET, phase=Phase.WORKING, current_operation="x" * 10_000)
    await repos.save(state)
    await repos.save(shorter := replace(state, phase=Phase.DONE, current_operation=None))

    assert list(await repos.all()) == [shorter]


async def check_that_a_deleted_state_is_gone(make: MakeStates, put_raw: PutRaw) -> None:
    """Deleting takes one state, once."""
    repos = make()
    await repos.save(RepoState(slug=_WIDGET, phase=Phase.DONE))
    await repos.save(other := RepoState(slug=_GADGET, phase=Phase.DONE))

    assert await repos.delete(_WIDGET) is True
    assert await repos.delete(_WIDGET) is False
    assert await repos.load(_WIDGET) is None
    assert list(await repos.all()) == [other]


async def check_that_an_unreadable_state_hides_no_other(make: MakeStates, put_raw: PutRaw) -> None:
    """Whatever is in the place of one state, the others are shown, and it can be deleted."""
    for data in _UNREADABLE:
        repos = make()
        await repos.save(other := RepoState(slug=_GADGET, phase=Phase.DONE))
        put_raw(repos, _WIDGET, data)

        assert list(await repos.all()) == [other], data[:80]
        assert await _is_unreadable(repos, _WIDGET), data[:80]
        assert await repos.delete(_WIDGET) is True, data[:80]
        assert await repos.load(_WIDGET) is None, data[:80]


async def check_that_an_unreadable_state_can_be_replaced(make: MakeStates, put_raw: PutRaw) -> None:
    """`save` does not look at what is there."""
    repos = make()
    await repos.save(state := RepoState(slug=_WIDGET, phase=Phase.DONE))
    put_raw(repos, _WIDGET, b"{")
    await repos.save(state)

    assert await repos.load(_WIDGET) == state


async def check_that_a_state_no_reader_could_take_is_not_kept(make: MakeStates, put_raw: PutRaw) -> None:
    """`save` raises, and the old state stays."""
    repos = make()
    await repos.save(state := RepoState(slug=_WIDGET, phase=Phase.DONE))
    deep: Json = None
    for _ in range(200):
        deep = [deep]
    for bad in (float("nan"), float("inf"), "x" * 9_000_000, deep):
        try:
            await repos.save(replace(state, kept={"x": bad}))
        except UnreadableState:
            pass
        else:
            raise AssertionError(f"kept, though unreadable: {bad!r:.40}")

    assert await repos.load(_WIDGET) == state


async def check_that_similar_names_are_different_repositories(make: MakeStates, put_raw: PutRaw) -> None:
    """Names that differ in one character, or in where the owner ends, share nothing."""
    repos = make()
    names = [("a", "b__c"), ("a", "_b"), ("a", "b"), ("a-b", "c"), ("a", "b.json"), ("a", "b.c"), ("a_b", "c")]
    kept = [RepoState(slug=Slug(owner, name), phase=Phase.DONE) for owner, name in names]
    for state in kept:
        await repos.save(state)

    assert sorted(await repos.all(), key=lambda state: state.slug) == sorted(kept, key=lambda state: state.slug)
    assert await repos.delete(kept[0].slug) is True
    assert len(await repos.all()) == len(kept) - 1


async def _is_unreadable(repos: RepoStates, slug: Slug) -> bool:
    try:
        await repos.load(slug)
    except UnreadableState:
        return True
    return False


REPO_STATES_CHECKS: tuple[Check, ...] = (
    check_that_nothing_is_there_at_first,
    check_that_what_was_saved_is_loaded,
    check_that_a_second_save_replaces_the_first,
    check_that_a_deleted_state_is_gone,
    check_that_an_unreadable_state_hides_no_other,
    check_that_an_unreadable_state_can_be_replaced,
    check_that_a_state_no_reader_could_take_is_not_kept,
    check_that_similar_names_are_different_repositories,
)
