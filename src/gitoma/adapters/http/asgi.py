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


def keep_body(scope: Scope, body: bytes) -> None:
    """Let `body_of` find the body of this request."""
    scope[_BODY] = body


def body_of(scope: Any) -> bytes:
    """The body of a request; empty where there is none. The outermost application has read it, within its limit."""
    body: bytes = scope.get(_BODY, b"")
    return body
