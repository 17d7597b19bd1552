"""A stand-in of a model server: speaks as OpenAI's chat completions do, and answers what it was told to.

Who is asked is read from the first line of the instructions, `ROLE: worker`. A script gives the replies of each role,
call by call, or a function that makes them:

    with ModelServer({"planner": [plan], "worker": ["no edit", Reply(edit, finish="length")]}) as model:
        ...
        assert "no edit" in model.calls("worker")[1].user
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from .server import LIMIT_S, Answer, Request, Server, document

_ROLE = re.compile(r"\s*ROLE: *([\w-]+)")
_PIECE = 40  # characters of a chunk: several in an ordinary answer


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        text: What the model says; "" is an answer without content.
        finish: `stop`, `length`, …
        reasoning: What it thought before, in `reasoning_content`.
        status: Another one than 200 makes it a failure, with `text` as its message.
        headers: Sent with it.
        held_until: Nothing is sent before this is set: a gate for tests that stop a client meanwhile.
        endless: `text` is said again and again until the client hangs up.
        plain: In one piece of JSON, even to whom asked for a stream.
        cut_off: The connection ends in the middle of the stream.
        body: Sent as it is in place of all that.
    """

    text: str = ""
    finish: str = "stop"
    reasoning: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    held_until: Event | None = None
    endless: bool = False
    plain: bool = False
    cut_off: bool = False
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One question to the model.

    Attributes:
        role: Who was asked, in lower case; "" where the instructions do not say.
        number: Of this role's calls, from 0.
        document: The request's JSON.
        request: The request, with all its headers.
    """

    role: str
    number: int
    document: Mapping[str, Any]
    request: Request

    @property
    def system(self) -> str:
        """The instructions."""
        return self._said_by("system")

    @property
    def user(self) -> str:
        """The task and its data."""
        return self._said_by("user")

    def _said_by(self, role: str) -> str:
        return "\n".join(one["content"] for one in self.document.get("messages", ()) if one["role"] == role)


Script = Mapping[str, Sequence[Reply | str]] | Callable[[Call], Reply | str | None]
"""Role to its replies in order, or a function. A call that it has no reply for gets a 400 and is in `missed`."""


class ModelServer(Server):
    """The stand-in. Its base for clients is `base_url`.

    Args:
        script: What it answers.
        models: The ids that it lists.
        refuses_schema: A request with `response_format` gets a 400 that says so, and no reply of the script is spent.
        native: What `/api/v0/models` lists; None: there is no such page, as with most servers.
    """

    def __init__(
        self,
        script: Script,
        *,
        models: Sequence[str] = ("qwen3-8b",),
        refuses_schema: bool = False,
        native: Sequence[Mapping[str, object]] | None = None,
    ) -> None:
        super().__init__()
        self._script = script
        self._models = tuple(models)
        self._refuses_schema = refuses_schema
        self._native = native
        self._calls: list[Call] = []
        self.missed: list[Call] = []

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return f"{self.url}/v1"

    def calls(self, role: str | None = None) -> list[Call]:
        """The questions that got a reply of the script, in order; with `role`, those to it."""
        return [call for call in tuple(self._calls) if role in (None, call.role)]

    def wait_for_call(self, role: str, number: int = 0, limit_s: float = LIMIT_S) -> Call:
        """Wait until this role is asked for the time `number`, from 0; the call.

        Raises:
            TimeoutError: It is not within the limit.
        """
        self.wait_until(lambda: len(self.calls(role)) > number, limit_s)
        return self.calls(role)[number]

    def answer(self, request: Request) -> Answer:
        """The pages of a model server."""
        match request.method, request.path:
            case "GET", "/v1/models":
                return document(
                    {"object": "list", "data": [{"id": model, "object": "model"} for model in self._models]}
                )
            case "GET", "/api/v0/models" if self._native is not None:
                return document({"object": "list", "data": list(self._native)})
            case "POST", "/v1/chat/completions":
                return self._complete(request)
        return _failure(404, f"Unexpected endpoint or method. ({request.method} {request.path})")

    def _complete(self, request: Request) -> Answer:
        try:
            asked = request.json()
        except ValueError:
            return _failure(400, "the body is no JSON")
        if self._refuses_schema and "response_format" in asked:
            return _failure(400, "'response_format.type' must be 'text'")
        call = self._note(asked, request)
        reply = self._reply_to(call)
        if reply is None:
            self.missed.append(call)
            return _failure(400, f"no reply is scripted for call {call.number} of {call.role!r}")
        if reply.held_until is not None and not self.hold(reply.held_until):
            return _failure(503, "the server ends")
        return self._said(reply, asked)

    def _note(self, asked: Mapping[str, Any], request: Request) -> Call:
        with self._news:
            system = next((one["content"] for one in asked.get("messages", ()) if one["role"] == "system"), "")
            role = _ROLE.match(system)
            name = role[1].lower() if role else ""
            call = Call(name, sum(one.role == name for one in self._calls), asked, request)
            self._calls.append(call)
            self._news.notify_all()
        return call

    def _reply_to(self, call: Call) -> Reply | None:
        if callable(self._script):
            reply = self._script(call)
        else:
            replies = self._script.get(call.role, ())
            reply = replies[call.number] if call.number < len(replies) else None
        return Reply(reply) if isinstance(reply, str) else reply

    def _said(self, reply: Reply, asked: Mapping[str, Any]) -> Answer:
        if reply.body is not None:
            return Answer(reply.status, reply.body, {"content-type": "application/json", **reply.headers})
        if reply.status != 200:
            return _failure(reply.status, reply.text, reply.headers)
        model = str(asked.get("model", ""))
        if asked.get("stream") and not reply.plain:
            return Answer(200, self._stream(reply, model), {"content-type": "text/event-stream", **reply.headers})
        return document(_whole(reply, model), headers=reply.headers)

    def _stream(self, reply: Reply, model: str) -> Iterator[bytes]:
        yield _event(model, {"role": "assistant"})
        for piece in _pieces(reply.reasoning):
            yield _event(model, {"reasoning_content": piece})
        for piece in _pieces(reply.text):
            yield _event(model, {"content": piece})
        while reply.endless and not self.stopping:
            yield _event(model, {"content": reply.text})
        if reply.cut_off:
            raise ConnectionResetError("as the script wants it")
        yield _event(model, {}, reply.finish)
        yield b"data: [DONE]\n\n"


def _failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return document({"error": {"message": message, "type": "invalid_request_error"}}, status, headers)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(0, len(text), _PIECE))


def _event(model: str, delta: Mapping[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _whole(reply: Reply, model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    tokens = max(1, len(reply.text) // 4)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish}],
        "usage": {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": tokens + 1},
    }
