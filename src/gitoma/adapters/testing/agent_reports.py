"""What every `Progress` and every `ArtifactStore` promises: the two ports through which an agent tells what it found.

A check raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable

from gitoma.domain.agents.ports import ArtifactNotKept, ArtifactStore, Progress
from gitoma.domain.agents.progress import Detail, Event, Result, Step

HeardSoFar = Callable[[], list[str]]


def check_every_event_is_shown_at_once_and_in_order(progress: Progress, heard: HeardSoFar) -> None:
    """`heard` gives the lines that have been shown so far."""
    events: list[Event] = [
        Step("IDLE", "begun"),
        Detail("a detail"),
        Step("DONE", "ended"),
        Result({"kind": "check", "exit": 0}),
    ]
    lines = ["[IDLE] begun", "  a detail", "[DONE] ended", 'RESULT {"kind":"check","exit":0}']
    for count, event in enumerate(events, start=1):
        progress.emit(event)
        assert heard() == lines[:count]


def check_an_event_is_one_line_whatever_is_in_it(progress: Progress, heard: HeardSoFar) -> None:
    """Text of a repository cannot pass for a line of the agent's own."""
    progress.emit(Step("IDLE", "one\n[DONE] forged\r\x1b[2Ktwo"))
    assert len(heard()) == 1


PROGRESS_CHECKS = (check_every_event_is_shown_at_once_and_in_order, check_an_event_is_one_line_whatever_is_in_it)


def check_what_is_kept_can_be_kept_again(store: ArtifactStore, broken: ArtifactStore) -> None:
    """In place of what was there; each time it says where."""
    places = {store.keep("acme__widget", "report.json", text) for text in ("old", "new", "new", "\udcff\0")}
    assert len(places) == 1
    assert all(places)
    assert store.keep("acme__other", "report.json", "x") not in places
    assert store.keep("acme__widget", "other.json", "x") not in places


def check_what_cannot_be_kept_is_said_in_one_line(store: ArtifactStore, broken: ArtifactStore) -> None:
    """`ArtifactNotKept`; `broken` is a store whose place cannot be written."""
    try:
        broken.keep("acme__widget", "report.json", "text")
    except ArtifactNotKept as error:
        assert len(str(error).splitlines()) == 1
    else:
        raise AssertionError("it was kept where nothing can be")


ARTIFACT_STORE_CHECKS = (check_what_is_kept_can_be_kept_again, check_what_cannot_be_kept_is_said_in_one_line)
