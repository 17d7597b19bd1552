"""An HTTP server on loopback that keeps a journal: what the stand-ins are made of.

Nothing in here knows a test framework. A server is a context manager; when it ends, every connection is closed and
every thread is gone, whatever its clients do.
"""

from __future__ import annotations

import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

LIMIT_S = 60.0
"""How long is waited for a client before it counts as hanging: far longer than anything takes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came.

    Attributes:
        method: `GET`, …
        path: Without the query, escapes as they were sent.
        query: The query's fields; of one that comes twice the last.
        headers: By their names in lower case.
        body: The bytes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)

    def holds(self, secret: str) -> bool:
        """Whether a text is anywhere in it."""
        everywhere = [self.path, *self.query.values(), *self.headers.values(), self.body.decode("utf-8", "replace")]
        return any(secret in text for text in everywhere)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. A `body` of several pieces is sent as a stream, piece by piece."""

    status: int = 200
    body: bytes | Iterable[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def document(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    body = json.dumps(value).encode()
    return Answer(status, body, {"content-type": "application/json; charset=utf-8", **(headers or {})})


class Server(ABC):
    """A server on a free port of 127.0.0.1.

    Attributes:
        journal: Every request so far, in the order in which they came.
    """

    def __init__(self) -> None:
        self.journal: list[Request] = []
        self._news = Condition()
        self._stopping = Event()
        self._http = _Http(self._take)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self._thread.join()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What to answer; called in a thread of the request's own, after it is in the journal."""

    def wait_until(self, condition: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
        """Wait until `condition` holds; it is looked at after every request.

        Raises:
            TimeoutError: It does not within the limit.
        """
        with self._news:
            if not self._news.wait_for(condition, limit_s):
                raise TimeoutError(f"what was waited for did not come within {limit_s:g} s")

    def hold(self, gate: Event) -> bool:
        """Wait for `gate`; false if the server ends before it opens."""
        while not gate.wait(0.02):
            if self._stopping.is_set():
                return False
        return True

    @property
    def stopping(self) -> bool:
        """Whether it is about to end, so that answers without end must end too."""
        return self._stopping.is_set()

    def _take(self, request: Request) -> Answer:
        with self._news:
            self.journal.append(request)
            self._news.notify_all()
        return self.answer(request)


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for all of them

    def __init__(self, take: Callable[[Request], Answer]) -> None:
        self.take = take
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        try:
            super().finish_request(request, client_address)
        except ConnectionError:
            pass  # the client is gone: a killed one, or one that has read enough
        finally:
            self._connections.discard(request)

    def hang_up(self) -> None:
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # closed meanwhile


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, parts.path, query, headers, self.rfile.read(length))
        self._send(self.server.take(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, answer: Answer) -> None:
        body = answer.body
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if isinstance(body, bytes):
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in body:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the journal has it."""
