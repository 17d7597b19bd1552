"""Asks the API: as often as it may help, as fast as it may be, and not beyond its origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gitoma.adapters.github import failures
from gitoma.adapters.github.exchange import Answer, Ask, Unreached
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.clock import Clock

if TYPE_CHECKING:
    from gitoma.adapters.github.connection import Connection, Download

T = TypeVar("T")

RETRY_PAUSES_S = (1.0, 2.0, 4.0)
"""Before each further try of what only reads."""

REQUEST_WITHIN_S = 30.0
"""How long a request may take, the answer included."""

DOWNLOAD_WITHIN_S = 120.0
"""How long a log may take: 20 MiB over 1.5 Mbit/s."""

BETWEEN_WRITES_S = 1.0
"""GitHub asks for this much between requests that change something."""

RATE_LIMIT_WAIT_MAX_S = 60.0
"""For a limit that is over by then we wait; nobody should wait for longer without having been asked."""

REQUESTS_MAX = 200
PAGES_MAX = 10
HOPS_MAX = 3

_RATE_LIMIT_WAITS = 3  # of one request: a host that says "in a second" for ever means no
_UNSAID_WAIT_S = 60.0  # where the host does not say how long, it asks for a minute
_LONGEST_WAIT_S = 10**8
_PASSING = (502, 503, 504)
_NEXT = re.compile(r'<([^<>]{1,4096})>[^<>]{0,100}?\brel="?next(?![\w-])')
_WHOLE = re.compile(r"[0-9]{1,12}")


class Client:
    """One API.

    Args:
        api_url: Where it begins, without a slash at its end.
        token: For it; None: without.
        clock: Tells the time.
        sleep: Waits so many seconds.
        notice: Is told, in a line, that and why we wait, or that not all is looked at.
        remaining: How many seconds are left for the work as a whole: nothing takes longer.
        redact: Takes credentials out of the host's words.
    """

    def __init__(
        self,
        *,
        api_url: str,
        token: str | None,
        clock: Clock,
        sleep: Callable[[float], None],
        notice: Callable[[str], None],
        remaining: Callable[[], float],
        redact: failures.Redact,
    ) -> None:
        self.api_url = api_url
        self._token = token
        self._clock = clock
        self._sleep = sleep
        self.notice = notice
        self._remaining = remaining
        self._redact = redact
        self._made: Connection | None = None
        self._asked = 0
        self._next_write = clock.now().monotonic

    @property
    def has_token(self) -> bool:
        """Whether we are somebody."""
        return self._token is not None

    def document(self, ask: Ask, kind: type[T]) -> T:
        """The answer to a request, as the part of it that we need.

        Raises:
            AgentError: See `ask`; `network` where it is something else.
        """
        return _decoded(ask, self.ask(ask), kind)

    def pages(self, ask: Ask, kind: type[T]) -> Iterator[T]:
        """The answer to a request, page by page, at most `PAGES_MAX` of them.

        Raises:
            AgentError: As `document`.
        """
        for _ in range(PAGES_MAX):
            answer = self.ask(ask)
            yield _decoded(ask, answer, kind)
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            target = self._connection().on_origin(ask.url, following[1])
            if target is None:
                self.notice(f"the code host has more elsewhere, which is not followed: {ask.about}")
                return
            ask = replace(ask, url=target)
        self.notice(f"only the first {PAGES_MAX} pages are looked at: {ask.about}")

    def ask(self, ask: Ask) -> Answer:
        """The answer to a request: a success, or a "found elsewhere" (302), which is for the caller to judge.

        Raises:
            AgentError: `auth`, `forbidden`, `not_found`, `rate_limited`, `network`, `budget`.
        """
        for _ in range(HOPS_MAX + 1):
            answer = self._patiently(ask)
            if not _has_moved(ask, answer):
                return self._fine(ask, answer)
            target = self._connection().on_origin(ask.url, answer.headers.get("location", ""))
            if target is None:
                break
            ask = replace(ask, url=target)
        raise failures.elsewhere(ask.about)

    def limited(self, answer: Answer) -> AgentError:
        """The error for an answer that says in its own words that the rate limit is used up."""
        now = self._clock.now().wall
        return failures.rate_limited(now + timedelta(seconds=_bounded(_until_reset_s(answer, now))))

    def download(self, url: str) -> AbstractContextManager[Download]:
        """A file from anywhere, without the token. Raises `Unreached`, and `AgentError` (`budget`, `config`)."""
        self._count()
        return self._connection().download(url, self._within(DOWNLOAD_WITHIN_S))

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises:
            AgentError: The time for the work would be over by then (`budget`).
        """
        if self._remaining() <= seconds:
            raise failures.out_of_time()
        self._sleep(seconds)

    def may_download(self, base: str, target: str) -> str | None:
        """Where a log is that is said to be at `target`; None if nothing is fetched from there."""
        return self._connection().may_download(base, target)

    def _connection(self) -> Connection:
        if self._made is None:
            # Only now: the import takes 0.2 s, which nobody should wait for who asks GitHub nothing.
            from gitoma.adapters.github.connection import Connection  # noqa: PLC0415

            self._made = Connection(api_url=self.api_url, token=self._token, clock=self._clock)
        return self._made

    def _fine(self, ask: Ask, answer: Answer) -> Answer:
        if answer.status >= 400:
            raise failures.of_status(ask, answer, has_token=self.has_token, redact=self._redact)
        if answer.status >= 300 and answer.status != 302:
            raise failures.elsewhere(ask.about)
        return answer

    def _patiently(self, ask: Ask) -> Answer:
        pauses = list(RETRY_PAUSES_S)
        for waits in range(_RATE_LIMIT_WAITS + 1):
            answer = self._again_and_again(ask, pauses)
            wait_s = limited_for_s(answer, self._clock.now().wall)
            if wait_s is None:
                return answer
            until = self._clock.now().wall + timedelta(seconds=wait_s)
            if waits == _RATE_LIMIT_WAITS or wait_s > RATE_LIMIT_WAIT_MAX_S or wait_s >= self._remaining():
                break
            self.notice(f"the code host asks us to wait for {wait_s:.0f} s")
            self.pause(wait_s)
        raise failures.rate_limited(until)

    def _again_and_again(self, ask: Ask, pauses: list[float]) -> Answer:
        """An answer that says more than that the host is not there at the moment; or the last of those."""
        while True:
            try:
                answer = self._once(ask)
                if answer.status not in _PASSING or not ask.reads or not pauses:
                    return answer
            except Unreached as failure:
                if not pauses or (failure.sent and not ask.reads):
                    raise failures.unreached(ask.about, sent=failure.sent and not ask.reads) from None
            self.pause(pauses.pop(0))

    def _once(self, ask: Ask) -> Answer:
        self._count()
        if not ask.reads:
            early_s = self._next_write - self._clock.now().monotonic
            if early_s > 0:
                self.pause(early_s)
        within_s = self._within(REQUEST_WITHIN_S)
        try:
            return self._connection().send(ask, within_s)
        finally:
            if not ask.reads:
                self._next_write = self._clock.now().monotonic + BETWEEN_WRITES_S

    def _within(self, limit_s: float) -> float:
        left_s = self._remaining()
        if left_s <= 0:
            raise failures.out_of_time()
        return min(limit_s, left_s)

    def _count(self) -> None:
        if self._asked >= REQUESTS_MAX:
            raise failures.asked_enough(REQUESTS_MAX)
        self._asked += 1


def limited_for_s(answer: Answer, now: datetime) -> float | None:
    """For how many seconds this answer asks us to wait; None where it is no matter of a rate limit."""
    if answer.status not in (403, 429):
        return None
    wait_s = _whole(answer.headers.get("retry-after", ""))
    if wait_s is None and answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        wait_s = _until_reset_s(answer, now)
    if wait_s is None and (answer.status == 429 or "rate limit" in failures.words(answer.body).lower()):
        wait_s = _UNSAID_WAIT_S
    return None if wait_s is None else _bounded(wait_s)


def _until_reset_s(answer: Answer, now: datetime) -> float:
    reset = _whole(answer.headers.get("x-ratelimit-reset", ""))
    return _UNSAID_WAIT_S if reset is None else reset - now.timestamp() + 1


def _bounded(wait_s: float) -> float:
    return min(max(1.0, wait_s), _LONGEST_WAIT_S)


def _whole(text: str) -> float | None:
    return float(text) if _WHOLE.fullmatch(text.strip()) else None


def _has_moved(ask: Ask, answer: Answer) -> bool:
    """A 301 is what a renamed repository gives to those who read; whoever writes gets a 307 or a 308."""
    return answer.status in (307, 308) or (answer.status == 301 and ask.method == "GET")


def _decoded(ask: Ask, answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise failures.no_code_host(ask.about) from None
