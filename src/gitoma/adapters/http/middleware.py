"""Everything that holds for every request, in one function around the application.

One function, and outside the framework, because the framework answers 404 and 405 before its own middleware runs, and
because four layers cost more than the request itself. The order is the contract's: request id, Host, CORS preflight,
auth, size; what they refuse never reaches a handler. On the way out: the request id, CORS, `Vary`, gzip, and no body
for `HEAD`. Nothing that a handler raises gets past here with its text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gitoma.adapters.http import compression, request_id
from gitoma.adapters.http.asgi import App, Headers, Message, Receive, Scope, Send, keep_body
from gitoma.adapters.http.auth import Gate, is_protected
from gitoma.adapters.http.cors import CorsPolicy
from gitoma.adapters.http.errors import internal_error
from gitoma.adapters.http.hosts import HostAllowList
from gitoma.adapters.http.replies import Reply, error_reply

MAX_BODY_BYTES = 64 * 1024
MAX_HEAD_BYTES = 32 * 1024
"""What a request may be at most: the contract's conventions."""

BAD_HOST = error_reply(400, "Invalid host header")
BODY_TOO_LARGE = error_reply(413, f"The request body is larger than {MAX_BODY_BYTES // 1024} KiB.")
UPGRADE_REFUSED = error_reply(403, "This connection is refused.")
HEAD_TOO_LARGE = error_reply(431, f"The request headers are larger than {MAX_HEAD_BYTES // 1024} KiB.")

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Head:
    """What the rules below need of a request's headers, found in one pass."""

    size: int = 0
    hosts: int = 0
    host: bytes = b""
    authorizations: int = 0
    authorization: bytes | None = None
    request_id: bytes | None = None
    origin: bytes | None = None
    accept_encoding: bytes | None = None
    preflight_method: bytes | None = None
    content_length: bytes | None = None
    is_chunked: bool = False


def _read_head(headers: Headers) -> _Head:
    head = _Head()
    for name, value in headers:
        head.size += len(name) + len(value)
        if name == b"host":
            head.hosts += 1
            head.host = value
        elif name == b"authorization":
            head.authorizations += 1
            head.authorization = value
        elif name == request_id.HEADER:
            head.request_id = value
        elif name == b"accept-encoding":
            head.accept_encoding = value if head.accept_encoding is None else head.accept_encoding + b"," + value
        elif name == b"content-length":
            head.content_length = value
        elif name == b"transfer-encoding":
            head.is_chunked = True
        elif name == b"origin":
            head.origin = value
        elif name == b"access-control-request-method":
            head.preflight_method = value
    return head


class Edge:
    """The outermost application.

    Args:
        app: What answers the requests that may pass.
        hosts: The hosts that may be named.
        gate: Who may call the API.
        cors: The policy for browsers on other origins; None switches CORS off.
        new_error_id: Makes a fresh error id, in hex.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: HostAllowList,
        gate: Gate,
        cors: CorsPolicy | None,
        new_error_id: Callable[[], str],
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._gate = gate
        self._cors = cors
        self._new_error_id = new_error_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what is none."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _read_head(scope["headers"])
        correlation = request_id.choose(head.request_id)
        request_id.current_request_id.set(correlation.decode())
        cors = self._cors.headers(head.origin) if self._cors else []
        out = _Outgoing(send, correlation, cors, varies_by_origin=self._cors is not None)
        out.without_body = scope["method"] == "HEAD"
        out.gzip = head.accept_encoding
        if out.without_body:
            scope = {**scope, "method": "GET"}
        try:
            refusal = self._refusal(scope, head)
            if refusal is None and (head.is_chunked or head.content_length not in (None, b"0")):
                refusal = await _read_body(scope, receive)
            if refusal is None:
                await self._app(scope, receive, out)
            else:
                await out.refuse(refusal)
        except _ClientLeft:
            return  # nobody is there to be answered, and what it asked for is not known to its end
        except Exception as error:
            # The framework answers what its handlers raise; this is what went wrong in answering.
            error_id = self._new_error_id()
            log.error("request failed", exc_info=error, extra={"error_id": error_id, "path": scope["path"]})
            if out.started:
                raise  # too late for an answer: the server cuts the connection, and the client sees that it was cut
            await internal_error(error_id)(scope, receive, out)

    def _refusal(self, scope: Scope, head: _Head) -> Reply | None:
        """The answer to a request that goes no further; None for one that does."""
        if head.hosts != 1 or not self._hosts.allows(head.host):
            return BAD_HOST
        if self._cors and scope["method"] == "OPTIONS" and head.origin and head.preflight_method:
            return self._cors.preflight(head.origin)
        if is_protected(scope["path"]):
            refusal = self._gate.refusal(head.authorization, head.authorizations)
            if refusal:
                return refusal
        if head.size > MAX_HEAD_BYTES:
            return HEAD_TOO_LARGE
        if head.content_length and int(head.content_length) > MAX_BODY_BYTES:
            return BODY_TOO_LARGE
        return None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _read_head(scope["headers"])
        correlation = request_id.choose(head.request_id)
        request_id.current_request_id.set(correlation.decode())

        accepted = False

        async def send_with_id(message: Message) -> None:
            nonlocal accepted
            if message["type"] == "websocket.close" and not accepted:
                await UPGRADE_REFUSED(scope, receive, _as_websocket_answer(send_with_id))
                return
            if message["type"] in ("websocket.accept", "websocket.http.response.start"):
                accepted = True
                message = {**message, "headers": [*message.get("headers", ()), (request_id.HEADER, correlation)]}
            await send(message)

        if head.hosts != 1 or not self._hosts.allows(head.host):
            await BAD_HOST(scope, receive, _as_websocket_answer(send_with_id))
        else:
            await self._app(scope, receive, send_with_id)


class _Outgoing:
    """The way out of one request: what every answer gets, whoever gives it."""

    __slots__ = ("_correlation", "_cors", "_held", "_send", "_varies_by_origin", "gzip", "started", "without_body")

    def __init__(self, send: Send, correlation: bytes, cors: Headers, *, varies_by_origin: bool) -> None:
        self._send = send
        self._correlation = correlation
        self._cors = cors
        self._varies_by_origin = varies_by_origin
        self._held: Message | None = None  # the start of an answer whose body may be worth compressing
        self.gzip: bytes | None = None
        self.without_body = False
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            if _is_compressible(message["headers"]):
                self._held = message
            else:
                await self._start(message, message["headers"], vary_encoding=False)
        elif self._held is not None:
            start, self._held = self._held, None
            await self._start_held(start, message)
        elif not self.without_body:
            await self._send(message)

    async def refuse(self, reply: Reply) -> None:
        """Send a refusal of our own.

        None is long enough to be compressed, so what is asked of other answers is not asked here: a flood of requests
        that may not pass must cost as little as it can.
        """
        self.started = True
        await self._start({"status": reply.status}, reply.all_headers, vary_encoding=False)
        if not self.without_body:
            await self._send({"type": "http.response.body", "body": reply.body})

    async def _start_held(self, start: Message, body: Message) -> None:
        headers = start["headers"]
        if not body.get("more_body") and compression.accepts_gzip(self.gzip):
            body = {**body, "body": compression.compress(body["body"])}
            headers = [pair for pair in headers if pair[0] != b"content-length"]
            headers.append((b"content-length", str(len(body["body"])).encode()))
            headers.append((b"content-encoding", b"gzip"))
        await self._start(start, headers, vary_encoding=True)
        if not self.without_body:
            await self._send(body)

    async def _start(self, start: Message, headers: Headers, *, vary_encoding: bool) -> None:
        vary = [b"Origin"] if self._varies_by_origin else []
        if vary_encoding:
            vary.append(b"Accept-Encoding")
        headers = [*headers, (request_id.HEADER, self._correlation)]
        if self._cors:
            headers += self._cors
        if vary:
            headers.append((b"vary", b", ".join(vary)))
        await self._send({"type": "http.response.start", "status": start["status"], "headers": headers})
        if self.without_body:
            await self._send({"type": "http.response.body", "body": b""})


def _is_compressible(headers: Headers) -> bool:
    """A whole body of known size that is large enough, and not compressed already."""
    size = 0
    for name, value in headers:
        if name == b"content-length":
            size = int(value)
        elif name == b"content-encoding":
            return False
    return size >= compression.MINIMUM_SIZE


class _ClientLeft(Exception):
    """A client has left before its request was complete."""


async def _read_body(scope: Scope, receive: Receive) -> Reply | None:
    """Read the body, chunked or not, and keep it in the scope; the refusal if it is larger than may be.

    It is read here, and whole, so that the limit holds for every route, also for those that look at no body.

    Raises:
        _ClientLeft: It never came to its end. Part of a body can look like a whole one, and must start nothing.
    """
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeft
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return BODY_TOO_LARGE
        if not message.get("more_body"):
            keep_body(scope, body)
            return None


def _as_websocket_answer(send: Send) -> Send:
    """Lets an HTTP reply answer a handshake that is refused."""

    async def send_answer(message: Message) -> None:
        await send({**message, "type": message["type"].replace("http.", "websocket.http.")})

    return send_answer
