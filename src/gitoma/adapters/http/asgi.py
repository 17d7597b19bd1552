"""The names of ASGI, typed the way plain functions use them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

_BODY = "gitoma.body"
_ABORT = "gitoma.abort"


def keep_body(scope: Scope, body: bytes) -> None:
    """Let `body_of` find the body of this request."""
    scope[_BODY] = body


def body_of(scope: Any) -> bytes:
    """The body of a request; empty where there is none. The outermost application has read it, within its limit."""
    body: bytes = scope.get(_BODY, b"")
    return body


def allow_abort(scope: Any, abort: Callable[[], None]) -> None:
    """Let `abort_connection` end the connection of this request."""
    scope[_ABORT] = abort


def abort_connection(scope: Scope) -> None:
    """End the connection at once, with whatever waits to be sent; nothing where the server offers no way to."""
    abort = scope.get(_ABORT)
    if abort is not None:
        abort()
