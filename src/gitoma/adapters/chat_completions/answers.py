"""Reads one answer of a model server, from bytes as they come, to what the model said.

An answer is a stream of events (SSE), each with a few characters, or one JSON document. Reading is total: any bytes,
cut anywhere, give what was said or an error of ours. It ends early where the model does not end by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gitoma.adapters.chat_completions import failures
from gitoma.domain.agents.language_model import Finish

TEXT_MAX_CHARACTERS = 64 * 1024
"""The longest answer, reasoning and all: some 18,000 tokens, six times what is ever asked for."""

REPEATS = 8
"""So many times the same in a row is no answer any more."""

_BLOCK = 200  # characters that are compared; what repeats in less (a line, a blank) fills a block, too
_PERIOD_MAX = 2000  # a paragraph that comes again and again
_BYTES_MAX = 32 * 1024 * 1024  # an event has some 300 bytes around each token
_LINE_MAX = 1024 * 1024

# By the protocol only an event's last line break ends it, but servers put each one on a line, and some forget the rest.
_DATA = b"data:"
_DONE = b"[DONE]"


class _Part(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None  # LM Studio, vLLM, llama.cpp
    reasoning: str | None = None  # Ollama, later vLLM


class _Choice(msgspec.Struct):
    delta: _Part | None = None  # in a stream
    message: _Part | None = None  # in one document
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: object = None  # an object, or text


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said.

    Attributes:
        text: The answer itself.
        reasoning: What came before it, where the server tells them apart.
        finish: Why it stopped.
        tokens: How many it took; None if the server did not say.
    """

    text: str
    reasoning: str
    finish: Finish
    tokens: int | None


class AnswerReader:
    """Reads one answer.

    Args:
        streamed: It is a stream of events, and no document.
    """

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._bytes = 0
        self._held: list[bytes] = []  # of a line, or of the document, so far
        self._held_bytes = 0
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish: Finish | None = None
        self._tokens: int | None = None
        self._looked_at = 0
        self.characters = 0
        self.done = False

    def feed(self, chunk: bytes) -> None:
        """Read on. Behind the end (`done`) nothing is read.

        Raises:
            AgentError: `model_runaway`, or `model_unavailable` where this is no answer.
            Refused: It is an error.
        """
        self._bytes += len(chunk)
        if self._bytes > _BYTES_MAX:
            raise failures.runaway("it sends more than any answer takes")
        if not self._streamed or b"\n" not in chunk:
            self._hold(chunk)
            return
        first, *lines = chunk.split(b"\n")
        lines.insert(0, self._taken() + first)
        self._hold(lines.pop())
        for line in lines:
            self._line(line)

    def end(self) -> Said:
        """What was said, now that nothing more comes.

        Raises:
            AgentError: `model_runaway`, or `model_unavailable` where this was no answer, or not all of it.
            Refused: It is an error.
        """
        if self._streamed:
            self._line(self._taken())
        else:
            self._event(self._taken())
        if self._streamed and not self.finished:
            raise failures.broken_off()
        self._look()
        return Said("".join(self._text), "".join(self._reasoning), self._finish or Finish.OTHER, self._tokens)

    @property
    def finished(self) -> bool:
        """The model has said that this is all, though the server may have more to say."""
        return self.done or self._finish is not None

    def _hold(self, chunk: bytes) -> None:
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._streamed and self._held_bytes > _LINE_MAX:
            raise failures.no_model_server()

    def _taken(self) -> bytes:
        taken = b"".join(self._held)
        self._held, self._held_bytes = [], 0
        return taken

    def _line(self, line: bytes) -> None:
        line = line.strip()
        if self.done or not line.startswith(_DATA):
            return  # an event's name, its number, or a comment that keeps the connection open
        data = line[len(_DATA) :].strip()
        if data == _DONE:
            self.done = True
        elif data:
            self._event(data)

    def _event(self, data: bytes) -> None:
        event = _decoded(data)
        if event.error is not None:
            raise failures.Refused(200, failures.words(data))
        if event.usage is not None and event.usage.completion_tokens is not None:
            self._tokens = event.usage.completion_tokens
        if event.choices:
            self._choice(event.choices[0])
        elif not self._streamed:
            raise failures.no_model_server()

    def _choice(self, choice: _Choice) -> None:
        part = choice.delta or choice.message or _Part()
        for piece, pieces in ((part.content, self._text), (part.reasoning_content or part.reasoning, self._reasoning)):
            if piece:
                pieces.append(piece)
                self.characters += len(piece)
        if choice.finish_reason:
            self._finish = _FINISHES.get(choice.finish_reason, Finish.OTHER)
        if self.characters - self._looked_at >= _BLOCK:
            self._look()

    def _look(self) -> None:
        """Whether this still looks like something that will end."""
        self._looked_at = self.characters
        if self.characters > TEXT_MAX_CHARACTERS:
            raise failures.runaway(f"it is longer than {TEXT_MAX_CHARACTERS} characters")
        for pieces in (self._text, self._reasoning):
            if repeats(_tail(pieces)):
                raise failures.runaway("it says the same again and again")


_FINISHES = {"stop": Finish.STOP, "length": Finish.LENGTH}


def _decoded(data: bytes) -> _Event:
    try:
        return msgspec.json.decode(data, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise failures.no_model_server() from None


def _tail(pieces: list[str]) -> str:
    """The end of a text in pieces, long enough to find what repeats in it."""
    wanted = REPEATS * _PERIOD_MAX
    first = len(pieces)
    while first and wanted > 0:
        first -= 1
        wanted -= len(pieces[first])
    return "".join(pieces[first:])


def repeats(text: str) -> bool:
    """Whether `text` ends with the same block `REPEATS` times: of 200 characters, or of a longer one up to 2,000."""
    block = text[-_BLOCK:]
    before = text[-_BLOCK - _PERIOD_MAX : -1]
    found = before.rfind(block)
    if len(block) < _BLOCK or found < 0:
        return False
    period = len(before) + 1 - _BLOCK - found
    run = REPEATS * max(_BLOCK, period)
    return len(text) >= run and text[-run + period :] == text[-run:-period]
