"""Complete answers, as small ASGI applications.

Handlers return these instead of values that the framework would serialise: the bytes are ours to the letter, and a
reply costs half of what a response object does.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec

from gitoma.adapters.http import compression
from gitoma.adapters.http.asgi import Headers, Receive, Scope, Send

NO_CONTENT = 204
"""The one status whose answer has no body and says nothing of one (RFC 9110, 8.6)."""

_encoder = msgspec.json.Encoder()


class Reply:
    """A whole body and its headers; may be sent any number of times.

    Args:
        body: The bytes.
        status: The HTTP status.
        content_type: Of the body.
        headers: Further headers, names in lower case.

    Attributes:
        all_headers: Those, and what says how the body is to be read.
    """

    __slots__ = ("all_headers", "body", "headers", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        content_type: bytes = b"application/json",
        headers: Headers | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers: Headers = headers or []
        about_body = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
        self.all_headers: Headers = [*(about_body if status != NO_CONTENT else ()), *self.headers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.all_headers})
        await send({"type": "http.response.body", "body": self.body})


def json_reply(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """`content`, encoded as JSON."""
    extra = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return Reply(_encoder.encode(content), status=status, headers=extra)


def error_reply(status: int, detail: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """The one shape of an error: `{"detail": …}`."""
    return json_reply({"detail": detail}, status, headers)


class Page:
    """A file for browsers: compressed once, and with the headers that keep a page from being misused.

    Args:
        body: The bytes.
        content_type: Of the body.
        script: The page's inline script, allowed by its hash; "" if it has none.
        more_policy: Further directives of the Content-Security-Policy.
        cache_control: How long a browser may keep it.
    """

    def __init__(
        self,
        body: bytes,
        *,
        content_type: bytes = b"text/html; charset=utf-8",
        script: str = "",
        more_policy: str = "",
        cache_control: bytes = b"no-cache",
    ) -> None:
        headers = [
            (b"cache-control", cache_control),
            (b"content-security-policy", _policy(script, more_policy)),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
        ]
        self._plain = self._gzipped = Reply(body, content_type=content_type, headers=headers)
        if len(body) >= compression.MINIMUM_SIZE:
            gzipped = [*headers, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
            self._gzipped = Reply(compression.compress(body), content_type=content_type, headers=gzipped)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, compressed if the client takes that."""
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept-encoding")
        await (self._gzipped if compression.accepts_gzip(accepted) else self._plain)(scope, receive, send)


def _policy(script: str, more: str) -> bytes:
    """The Content-Security-Policy: nothing from elsewhere, and no script but ours.

    Browsers that know hashes ignore `'unsafe-inline'` beside one; it stays for those that do not, and because the REST
    page promises it.
    """
    digest = f" 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" if script else ""
    rest = "; ".join(filter(None, (more, "frame-ancestors 'none'; base-uri 'none'; form-action 'none'")))
    return f"default-src 'self'; script-src 'self' 'unsafe-inline'{digest}; {rest}".encode()
