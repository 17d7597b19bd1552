"""Asks the model server, and asks again where the failure may pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, repeat
from math import ceil
from typing import TYPE_CHECKING

from gitoma.adapters.chat_completions import failures
from gitoma.adapters.chat_completions.address import Address, require_private
from gitoma.adapters.chat_completions.answers import AnswerReader, Said
from gitoma.adapters.chat_completions.patience import Limits, Patience
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import CHARACTERS_PER_TOKEN
from gitoma.domain.clock import Clock

if TYPE_CHECKING:
    from gitoma.adapters.chat_completions.connection import Answer

_PAUSES_S = (1.0, 4.0, 10.0, 20.0)
_LATER_PAUSE_S = 30.0

_WAITS_S = {
    429: 300.0,  # it answers others
    503: 300.0,  # it loads a model: of 20 GB from a slow disk in some minutes
    502: 15.0,
    504: 15.0,
}
"""For how long, in all, one question is asked again where a server answers so."""

_RESTARTS_WITHIN_S = 60.0
"""For how long, in all, one question is asked again where nobody answers."""

_LIST_WITHIN_S = 10.0
_LIST_MAX_BYTES = 4 * 1024 * 1024
_ERROR_MAX_BYTES = 64 * 1024
_RETRY_AFTER_MAX_S = 60.0

Sleep = Callable[[float], None]
Notice = Callable[[str], None]


class _Passing(Exception):
    """A failure that may pass.

    Args:
        error: What to raise when it does not.
        within_s: For how long it is worth waiting, in all.
        wait_s: How long the server wants us to wait now, at least.
    """

    def __init__(self, error: AgentError, within_s: float, wait_s: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.within_s = within_s
        self.wait_s = wait_s


class Client:
    """One model server.

    Args:
        address: Where it is.
        allow_http: Plain http may go anywhere.
        clock: Tells the time.
        sleep: Waits so many seconds.
        notice: Is told, in a line, that and why we wait.
        remaining: How many seconds are left for the work as a whole.
        redact: Takes credentials out of the server's words.
        limits: How long one answer may keep us waiting.
    """

    def __init__(
        self,
        *,
        address: Address,
        allow_http: bool,
        clock: Clock,
        sleep: Sleep,
        notice: Notice,
        remaining: Callable[[], float],
        redact: failures.Redact,
        limits: Limits,
    ) -> None:
        self.address = address
        self._may_go = allow_http
        self._clock = clock
        self._sleep = sleep
        self._notice = notice
        self._remaining = remaining
        self._redact = redact
        self._limits = limits

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of what is at `path`, asked for once and in little time.

        Raises:
            AgentError: `model_unavailable`, `config`, `budget`.
        """
        quick = replace(self._limits, first_word_s=_LIST_WITHIN_S, answer_s=3 * _LIST_WITHIN_S)
        try:
            with self._asked("GET", path, b"", self._patience(quick)) as answer:
                return answer.status, _bounded(answer, _LIST_MAX_BYTES)
        except failures.Unreached:
            raise failures.unreachable(self.address.shown) from None
        except AgentError as error:
            if error.code is Code.MODEL_RUNAWAY:  # a list without end is no model's answer
                raise failures.no_model_server() from None
            raise

    def ask(self, body: bytes) -> Said:
        """One question's whole answer.

        Args:
            body: What `/chat/completions` takes.

        Raises:
            AgentError: `model_unavailable`, `model_runaway`, `config`, `budget`.
            Refused: The server answered with an error that will not pass.
        """
        pauses = chain(_PAUSES_S, repeat(_LATER_PAUSE_S))
        waited_s: dict[float, float] = {}  # for each kind of failure: whoever restarts may load a model then
        while True:
            try:
                return self._answer(body)
            except _Passing as failure:
                waited = waited_s.get(failure.within_s, 0.0)
                left_s = failure.within_s - waited
                if left_s <= 0 or failure.wait_s > left_s:
                    raise failure.error from None
                wait_s = min(max(next(pauses), failure.wait_s), left_s)
                waited_s[failure.within_s] = waited + wait_s
                self._wait(wait_s, failure.error)

    def _answer(self, body: bytes) -> Said:
        patience = self._patience(self._limits)
        try:
            with self._asked("POST", f"{self.address.path}/chat/completions", body, patience) as answer:
                if answer.status != 200:
                    raise self._refusal(answer)
                return _read(answer, patience)
        except failures.Unreached:
            raise _Passing(failures.unreachable(self.address.shown), _RESTARTS_WITHIN_S) from None

    def _refusal(self, answer: Answer) -> Exception:
        text = failures.words(_bounded(answer, _ERROR_MAX_BYTES))
        if answer.status not in _WAITS_S:
            return failures.Refused(answer.status, text)
        wait_s = _seconds(answer.headers.get("retry-after", ""))
        error = failures.of_status(answer.status, text, self._redact)
        return error if wait_s > _RETRY_AFTER_MAX_S else _Passing(error, _WAITS_S[answer.status], wait_s)

    def _wait(self, seconds: float, error: AgentError) -> None:
        if self._remaining() <= seconds:
            raise failures.out_of_time(error)
        self._notice(f"{error}: trying again in {seconds:g} s")
        self._sleep(seconds)

    def _patience(self, limits: Limits) -> Patience:
        return Patience(self._clock, limits, self._remaining(), self._tell)

    def _tell(self, seconds: float, characters: int) -> None:
        if characters:
            self._notice(f"model is generating: {seconds:.0f} s, ~{tokens_of(characters)} tokens")
        else:
            self._notice(f"waiting for the model: {seconds:.0f} s")

    @contextmanager
    def _asked(self, method: str, path: str, body: bytes, patience: Patience) -> Iterator[Answer]:
        # Only now: the import takes 0.1 s, which nobody should wait for who asks no model.
        from gitoma.adapters.chat_completions.connection import asked  # noqa: PLC0415

        if not self._may_go:
            require_private(self.address)
            self._may_go = True
        with asked(self.address, method, path, body, patience) as answer:
            yield answer


def tokens_of(characters: int) -> int:
    """About how many tokens so many characters are."""
    return ceil(characters / CHARACTERS_PER_TOKEN)


def _read(answer: Answer, patience: Patience) -> Said:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    reader = AnswerReader(streamed=media_type == "text/event-stream")
    try:
        return _read_by(reader, answer, patience)
    except AgentError as error:
        error.spent_tokens = tokens_of(reader.characters)
        raise


def _read_by(reader: AnswerReader, answer: Answer, patience: Patience) -> Said:
    try:
        for chunk in answer.chunks:
            reader.feed(chunk)
            patience.said(reader.characters)
            if reader.done:
                break
    except AgentError as error:
        # A server that has said why the model stopped, and then breaks off or falls silent, has said everything.
        if not reader.finished or error.code is not Code.MODEL_UNAVAILABLE:
            raise
    return reader.end()


def _bounded(answer: Answer, limit: int) -> bytes:
    body = bytearray()
    for chunk in answer.chunks:
        body += chunk
        if len(body) > limit:
            raise failures.no_model_server()
    return bytes(body)


def _seconds(text: str) -> float:
    """Of a `retry-after` that is a number, else 0; the other form, a date, is not used by servers of models."""
    text = text.strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
