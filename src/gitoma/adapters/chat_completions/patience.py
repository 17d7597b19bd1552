"""How long one answer may keep us waiting: for its first word, between its words, and in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitoma.adapters.chat_completions import failures
from gitoma.domain.agents.errors import AgentError
from gitoma.domain.clock import Clock

_SHORTEST_S = 0.001  # 0 would mean "do not wait" to a socket


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds.

    Attributes:
        connect_s: Until the connection stands, and for sending the question.
        first_word_s: Until the model says something: it may have to be loaded, and has to read the question.
        between_s: Between two of its words.
        answer_s: The whole answer. The slowest machines that are of use write 3,000 tokens in this time.
        notice_every_s: After so long, and again and again, we say that we still wait.
    """

    connect_s: float = 10.0
    first_word_s: float = 300.0
    between_s: float = 60.0
    answer_s: float = 900.0
    notice_every_s: float = 20.0


class Patience:
    """Begins with the question.

    Args:
        clock: Tells the time.
        limits: How long.
        left_s: Seconds that are left for the whole work, of which this is a part.
        tell: Is called whenever it is time to say that we wait: seconds since the question, characters of the answer.

    Raises:
        AgentError: Nothing is left (`budget`).
    """

    def __init__(self, clock: Clock, limits: Limits, left_s: float, tell: Callable[[float, int], None]) -> None:
        if left_s <= 0:
            raise failures.out_of_time()
        self._clock = clock
        self._limits = limits
        self._tell = tell
        self._start = clock.now().monotonic
        self._heard = self._start
        self._next_notice = self._start + limits.notice_every_s
        self._characters = 0
        self._end = self._start + min(limits.answer_s, left_s)
        self._is_last = left_s < limits.answer_s

    def heard(self) -> None:
        """Something came from the server."""
        self._heard = self._clock.now().monotonic

    def said(self, characters: int) -> None:
        """The model has said so much by now. Once it has begun, it may not be silent for long."""
        self._characters = characters

    def connect_s(self) -> float:
        """How long the connection, or a part of sending, may take."""
        return min(self._limits.connect_s, self.wait_s())

    def wait_s(self) -> float:
        """How long to wait for the next bytes before this is asked again.

        Raises:
            AgentError: Too long already: `model_unavailable`, `model_runaway`, `budget`.
        """
        now = self._clock.now().monotonic
        if now >= self._next_notice:
            self._next_notice = now + self._limits.notice_every_s
            self._tell(now - self._start, self._characters)
        silence_s = self._limits.between_s if self._characters else self._limits.first_word_s
        if now >= self._end:
            raise self._over()
        if now >= self._heard + silence_s:
            raise failures.silent(silence_s)
        return max(_SHORTEST_S, min(self._end, self._heard + silence_s, self._next_notice) - now)

    def _over(self) -> AgentError:
        if self._is_last:
            return failures.out_of_time()
        return failures.runaway(f"it had no end after {self._limits.answer_s:g} s")
