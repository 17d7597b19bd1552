"""What goes wrong with a model server, in words for the operator.

The server's own words are quoted only where they help (a model that cannot be loaded, a prompt that is too long): one
line, cut, printable, and without the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.progress import printable

_WORDS_MAX = 300
_IDS_SHOWN = 10
_ID_MAX = 100
_KEY_HINT = "set LM_STUDIO_API_KEY to the key that it wants"
_ADDRESS_HINT = "LM_STUDIO_BASE_URL is its address, up to and including /v1"
_CONTEXT_HINT = "load the model with a longer context, or set GITOMA_LLM_CONTEXT to what it has"
_EMPTY_HINT = f"the prompt may exceed the context that the model was loaded with: {_CONTEXT_HINT}"
_CONTEXT_WORDS = re.compile(r"context|n_ctx|n_keep|tokens to keep|too long", re.I)
_SCHEMA_WORDS = re.compile(r"response_format|json_schema|schema|grammar", re.I)

Redact = Callable[[str], str]


class Unreached(Exception):
    """No answer began: the question may be asked again."""


class Refused(Exception):
    """The server answered, and not with an answer.

    Args:
        status: Its status; 200 where the error came inside an answer.
        text: Its own words, or "".
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status)
        self.status = status
        self.text = text


def words(body: bytes) -> str:
    """What an error says, as servers put it: `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`, or text."""
    try:
        document: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[: 4 * _WORDS_MAX].decode("utf-8", "replace")
    for _ in range(2):
        if isinstance(document, dict):
            document = next((document[name] for name in ("error", "message", "detail") if document.get(name)), "")
    return document if isinstance(document, str) else ""


def quoted(text: str, redact: Redact) -> str:
    """A server's words, fit for the end of a sentence of ours."""
    line = printable(redact(" ".join(text[: 4 * _WORDS_MAX].split())))
    return f": {line[:_WORDS_MAX]}" if line else ""


def names_schemas(text: str) -> bool:
    """Whether a refusal seems to be about the form that was asked for."""
    return _SCHEMA_WORDS.search(text) is not None


def of_status(status: int, text: str, redact: Redact) -> AgentError:
    """The error for an answer that is none, by its status; 404 is `missing`'s."""
    if status in (401, 403):
        return AgentError(Code.CONFIG, "the model server refused the key", hint=_KEY_HINT)
    if 300 <= status < 400:
        return AgentError(
            Code.MODEL_UNAVAILABLE, "the model server sends us elsewhere, which is not followed", hint=_ADDRESS_HINT
        )
    return complaint(f"the model server answered with status {status}", text, redact)


def complaint(sentence: str, text: str, redact: Redact) -> AgentError:
    """The error for a server that says what is wrong; a prompt that is too long is told from the rest by its words."""
    if _CONTEXT_WORDS.search(text):
        message = f"the model server does not take a prompt of this length{quoted(text, redact)}"
        return AgentError(Code.CONTEXT_EXCEEDED, message, hint=_CONTEXT_HINT)
    return AgentError(Code.MODEL_UNAVAILABLE, f"{sentence}{quoted(text, redact)}")


def missing(wanted: str, variable: str, available: Sequence[str]) -> AgentError:
    """The error for a model that is not listed, with those that are."""
    return AgentError(
        Code.MODEL_MISSING,
        f"the model server does not have {printable(wanted)[:_ID_MAX]!r} ({variable}){_listed(available)}",
        hint=f"load it, or set {variable} to one that is there",
    )


def none_loaded(available: Sequence[str]) -> AgentError:
    """The error for a server that has no model to talk to."""
    return AgentError(
        Code.MODEL_MISSING,
        f"the model server has no model that answers questions{_listed(available)}",
        hint="load one, or name it in LM_STUDIO_MODEL",
    )


def _listed(available: Sequence[str]) -> str:
    if not available:
        return "; it lists none"
    shown = ", ".join(printable(each)[:_ID_MAX] for each in available[:_IDS_SHOWN])
    more = len(available) - _IDS_SHOWN
    return f"; it lists {shown}{f' and {more} more' if more > 0 else ''}"


def unreachable(where: str) -> AgentError:
    """The error for a server that takes no connection."""
    return AgentError(
        Code.MODEL_UNAVAILABLE,
        f"the model server at {where} cannot be reached",
        hint=f"is it running? {_ADDRESS_HINT}",
    )


def broken_off() -> AgentError:
    """The error for an answer whose end never came."""
    return AgentError(Code.MODEL_UNAVAILABLE, "the connection to the model server broke while it answered")


def no_model_server() -> AgentError:
    """The error for bytes that are no answer."""
    return AgentError(Code.MODEL_UNAVAILABLE, "what answers there is no model server", hint=_ADDRESS_HINT)


def silent(seconds: float) -> AgentError:
    """The error for a server that has stopped talking."""
    return AgentError(
        Code.MODEL_UNAVAILABLE,
        f"the model server was silent for {seconds:g} s",
        hint="it may be too slow for this model: choose a smaller one",
    )


def runaway(why: str) -> AgentError:
    """The error for an answer without end."""
    return AgentError(Code.MODEL_RUNAWAY, f"the model's answer was stopped: {why}")


def out_of_time(waited_for: AgentError | None = None) -> AgentError:
    """The error for work whose time is over; `waited_for` is what else is in the way."""
    why = f": {waited_for}" if waited_for else ""
    return AgentError(
        Code.BUDGET,
        f"the time for this work was over while the model was asked{why}",
        hint="GITOMA_AGENT_MAX_S gives it more, a faster model needs less",
    )


def empty(*, reasoned: bool, spent_tokens: int) -> AgentError:
    """The error for an answer without text."""
    if reasoned:
        return AgentError(
            Code.MODEL_EMPTY,
            "the model reasoned and did not come to an answer",
            hint="choose a model that reasons less, or let it answer longer (LM_STUDIO_MAX_TOKENS)",
            spent_tokens=spent_tokens,
        )
    return AgentError(Code.MODEL_EMPTY, "the model answered nothing", hint=_EMPTY_HINT, spent_tokens=spent_tokens)
