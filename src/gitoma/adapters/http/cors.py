"""Cross-origin requests: off unless origins are listed, and then exactly those."""

from __future__ import annotations

from collections.abc import Iterable

from gitoma.adapters.http.asgi import Headers
from gitoma.adapters.http.replies import NO_CONTENT, Reply, error_reply

_METHODS = b"GET, POST, DELETE"
_REQUEST_HEADERS = b"Authorization, Content-Type, X-Request-Id, Last-Event-ID, Idempotency-Key"
_EXPOSED = b"X-Request-Id, Retry-After, Idempotency-Replayed"

_FOREIGN = error_reply(400, "This origin is not allowed.")


class CorsPolicy:
    """What browsers on other origins may do.

    Args:
        origins: The listed ones, exact: scheme, host and port.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers(self, origin: bytes | None) -> Headers:
        """What every answer carries in addition, whether it is an error, a stream, or neither; `Vary` is not in it."""
        if origin not in self._origins or origin is None:
            return []
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]

    def preflight(self, origin: bytes) -> Reply:
        """The answer to the question that a browser asks before it sends anything with a token."""
        if origin not in self._origins:
            return _FOREIGN
        return Reply(
            b"",
            status=NO_CONTENT,
            headers=[
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _REQUEST_HEADERS),
                (b"access-control-max-age", b"600"),
            ],
        )
