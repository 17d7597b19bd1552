"""The state of a repository: what an agent writes down while it works, and what a reader makes of it.

One JSON document for each repository. The rules of reading:

* `owner`, `name` and `phase` are needed. A document without them, or with bad ones, is unreadable as a whole.
* Every other field may be missing, null or empty. One whose value has the wrong type is read as missing.
* Nothing is lost by reading and writing: unknown fields, and values that were read as missing, are kept.
* Times are ISO 8601; one without an offset is UTC.
* NaN, infinite numbers, deep nesting and documents above `MAX_BYTES` are unreadable, because whoever they are handed to
  (a JSON encoder, a browser) would fail on them. Half a surrogate pair is no text either: it becomes `?`.

Where the document is kept, and that a reader sees the old or the new one, is the business of `ports.RepoStates`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from math import isfinite
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

from gitoma.domain.errors import InvalidName, OperatorError
from gitoma.domain.repos.names import Slug

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

MAX_BYTES = 8 * 1024 * 1024  # real documents are some tens of kB; memory is what this bounds
MAX_DEPTH = 100  # Python's own JSON reader and encoders give up at about ten times that
HEARTBEAT_LIMIT_S = 90.0  # the REST contract; an agent's heartbeat comes every 15 s

_MAX_PID = 2**31 - 1  # `pid_t` is a signed 32-bit number wherever Python runs
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class UnreadableState(OperatorError):
    """A document that no reader can take; `reason` says why and quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no readable state: {reason}")
        self.reason = reason


class StorageRefused(OperatorError):
    """The place where states are kept did not do what was asked: full, read-only, no permission; see `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the storage of repository states refused: {reason}")
        self.reason = reason


class Phase(StrEnum):
    """How far an agent has come with a repository, in this order. The values are those in the document."""

    IDLE = "IDLE"
    ANALYZING = "ANALYZING"
    PLANNING = "PLANNING"
    WORKING = "WORKING"
    PR_OPEN = "PR_OPEN"
    REVIEWING = "REVIEWING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoState:
    """What is known of one repository. The attributes after `phase` are named as in the document.

    Attributes:
        slug: Which repository; `owner` and `name` in the document.
        phase: How far the agent has come.
        pid: The process that works, or worked, on it.
        last_heartbeat: When that process last said that it is there.
        exit_clean: Whether that process ended in the way it meant to.
        kept: What the document holds beyond that: unknown fields, and known ones whose value has the wrong type.
    """

    slug: Slug
    phase: Phase
    repo_url: str | None = None
    branch: str | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    metric_report: Mapping[str, Json] | None = None
    task_plan: Mapping[str, Json] | None = None
    pr_number: int | None = None
    pr_url: str | None = None
    current_task_id: str | None = None
    current_subtask_id: str | None = None
    current_operation: str | None = None
    errors: tuple[str, ...] = ()
    pid: int | None = None
    last_heartbeat: datetime | None = None
    exit_clean: bool = False
    kept: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether somebody still works on a repository.

    Attributes:
        is_alive: The process named in the state exists.
        is_orphaned: Work was begun, did not end, and nobody seems to go on with it.
        heartbeat_age_s: Seconds since the last heartbeat; never below 0, though clocks are set back; None without one.
    """

    is_alive: bool
    is_orphaned: bool
    heartbeat_age_s: float | None


def liveness(state: RepoState, now: datetime, *, process_is_alive: bool) -> Liveness:
    """Judge a state: orphaned is one before DONE, without a clean exit, whose process is gone or has gone silent.

    A process that is there and never had a heartbeat is not silent: it may have just begun.

    Args:
        state: What was written down.
        now: The present moment, aware.
        process_is_alive: Whether the process `state.pid` exists and is no zombie.
    """
    beat = state.last_heartbeat
    age = None if beat is None else max(0.0, (now - beat).total_seconds())
    silent = age is not None and age > HEARTBEAT_LIMIT_S
    unfinished = state.phase is not Phase.DONE and not state.exit_clean
    return Liveness(process_is_alive, unfinished and (silent or not process_is_alive), age)


def newest_first(states: Iterable[RepoState]) -> list[RepoState]:
    """Sort by `updated_at`, the newest first and those without one last; equals by name."""
    named = sorted(states, key=lambda state: state.slug)
    dated = [(state.updated_at, state) for state in named if state.updated_at]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    return [state for _, state in dated] + [state for state in named if not state.updated_at]


def snapshot(state: RepoState, judged: Liveness) -> dict[str, Json]:
    """The state as clients are shown it: every known field, the unknown ones, and the judgement.

    Plain values only, which any JSON encoder takes. A known field never has the wrong type here: it is null, or empty.
    """
    unknown = {name: value for name, value in state.kept.items() if name not in _KNOWN}
    seen: dict[str, Json] = {
        "is_alive": judged.is_alive,
        "is_orphaned": judged.is_orphaned,
        "heartbeat_age_s": judged.heartbeat_age_s,
    }
    return unknown | _known(state) | seen


def snapshots(states: Iterable[RepoState], now: datetime, is_alive: Callable[[int], bool]) -> list[dict[str, Json]]:
    """A snapshot of each state, newest first.

    Args:
        states: In any order.
        now: The present moment, aware.
        is_alive: Whether a process exists and is no zombie (`ProcessTable.is_alive`).
    """
    return [
        snapshot(state, liveness(state, now, process_is_alive=state.pid is not None and is_alive(state.pid)))
        for state in newest_first(states)
    ]


def encode(state: RepoState) -> bytes:
    """The document of a state, in UTF-8; `decode` makes an equal state of it.

    Raises:
        UnreadableState: `decode` would refuse it: too long, too deep, or numbers that are not finite.
    """
    document = _known(state)
    for name, value in state.kept.items():
        if document.get(name) in (None, [], False):
            document[name] = value
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    except (ValueError, RecursionError) as error:
        raise UnreadableState(_REASON_NUMBER if isinstance(error, ValueError) else _REASON_DEPTH) from None
    data = text.encode("utf-8", "replace") + b"\n"
    _check_size(len(data))
    _check_depth(document)
    return data


def decode(data: bytes) -> RepoState:
    """Read a document by the rules at the top of this file.

    Raises:
        UnreadableState: It breaks one of them.
    """
    _check_size(len(data))
    document = _document(data)
    slug, phase = _slug(document), _phase(document)
    values: dict[str, Any] = {}
    kept: dict[str, Json] = {}
    for name, value in document.items():
        if name in _NEEDED:
            continue
        fit = _READERS[name](value) if name in _READERS else None
        if fit is not None:
            values[name] = fit
        elif value is not None or name not in _READERS:
            kept[name] = value
    return RepoState(slug=slug, phase=phase, kept=kept, **values)


_REASON_NUMBER = "it holds a number that is not finite, or has too many digits"
_REASON_DEPTH = f"it is nested more than {MAX_DEPTH} deep"


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise UnreadableState(f"it is longer than {MAX_BYTES} bytes")


def _check_depth(document: Json) -> None:
    level: list[Any] = [document]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _values(outer) if isinstance(inner, (dict, list, tuple))]
        if not level:
            return
    raise UnreadableState(_REASON_DEPTH)


def _values(container: Any) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _document(data: bytes) -> dict[str, Json]:
    try:
        text = data.decode()
        document: Any = json.loads(text, parse_float=_finite, parse_constant=_not_finite)
    except UnicodeDecodeError:
        raise UnreadableState("it is not UTF-8") from None
    except json.JSONDecodeError:
        raise UnreadableState("it is not JSON" if data.strip() else "it is empty") from None
    except RecursionError:
        raise UnreadableState(_REASON_DEPTH) from None
    except ValueError:  # an integer of thousands of digits
        raise UnreadableState(_REASON_NUMBER) from None
    if not isinstance(document, dict):
        raise UnreadableState("it is no JSON object")
    _check_depth(document)
    if _HALF_PAIR.search(text):  # finds whole pairs, too, but those come through unchanged
        return dict(json.loads(json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")))
    return document


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _not_finite(text)


def _not_finite(_: str) -> NoReturn:
    raise UnreadableState(_REASON_NUMBER)


def _slug(document: Mapping[str, Json]) -> Slug:
    owner, name = document.get("owner"), document.get("name")
    if not isinstance(owner, str) or not isinstance(name, str):
        raise UnreadableState("owner and name are needed")
    try:
        return Slug(owner, name)
    except InvalidName as error:
        raise UnreadableState(f"owner or name: {error}") from None


def _phase(document: Mapping[str, Json]) -> Phase:
    phase = document.get("phase")
    for known in Phase:
        if phase == known.value:
            return known
    raise UnreadableState(f"phase must be one of {', '.join(Phase)}")


def _known(state: RepoState) -> dict[str, Json]:
    """The known fields as plain values, in the order of the contract."""
    document: dict[str, Json] = {}
    for name in _FIELDS:
        document[name] = _plain(getattr(state, name))
        if name == "repo_url":
            document |= {"owner": state.slug.owner, "name": state.slug.name}
        if name == "branch":
            document["phase"] = state.phase.value
    return document


def _plain(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, tuple):
        return list(value)
    return dict(value) if isinstance(value, Mapping) else value


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: Json) -> datetime | None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time and (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC))
    except (ValueError, OverflowError):  # no time, or one that only its offset takes out of the calendar
        return None


def _number(limit: int) -> Callable[[Json], int | None]:
    def read(value: Json) -> int | None:
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= limit else None

    return read


def _flag(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _object(value: Json) -> Mapping[str, Json] | None:
    return value if isinstance(value, dict) else None


def _texts(value: Json) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    texts = tuple(text for text in value if isinstance(text, str))
    return texts if len(texts) == len(value) else None


_READERS: Mapping[str, Callable[[Json], object | None]] = MappingProxyType(
    {
        "repo_url": _text,
        "branch": _text,
        "started_at": _time,
        "updated_at": _time,
        "metric_report": _object,
        "task_plan": _object,
        "pr_number": _number(2**53),  # beyond that a browser's numbers are not exact
        "pr_url": _text,
        "current_task_id": _text,
        "current_subtask_id": _text,
        "current_operation": _text,
        "errors": _texts,
        "pid": _number(_MAX_PID),
        "last_heartbeat": _time,
        "exit_clean": _flag,
    }
)
_NEEDED = frozenset({"owner", "name", "phase"})
_FIELDS = tuple(f.name for f in fields(RepoState) if f.name in _READERS)
_KNOWN = frozenset(_FIELDS) | _NEEDED
