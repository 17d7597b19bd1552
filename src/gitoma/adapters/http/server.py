"""uvicorn, with what it leaves open: an end that ends streams, and limits on how slowly a request may come."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gitoma.adapters.http import request_id
from gitoma.adapters.http.asgi import App, allow_abort
from gitoma.adapters.http.middleware import HEAD_TOO_LARGE, MAX_HEAD_BYTES
from gitoma.domain.errors import OperatorError

REQUEST_WITHIN_S = 20.0
"""A request that is not complete this long after its first byte is closed: the contract's conventions."""

_BACKLOG = 2048  # connections that wait to be accepted: uvicorn's own default

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class BoundedProtocol(HttpToolsProtocol):
    """Closes requests that take too long to come, and refuses heads that never end.

    The application refuses a head above the limit by itself; here only one that is twice as long and still not
    complete is cut off, so that it cannot fill the memory.
    """

    _coming = False
    _head_coming = False
    _head_bytes = 0
    _timer: TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser, then see whether a request is on its way."""
        super().data_received(data)
        if self._head_coming:
            self._head_bytes += len(data)
            if self._head_bytes > 2 * MAX_HEAD_BYTES:
                self._refuse_head()
                return
        if self._coming and self._timer is None:
            self._timer = self.loop.call_later(REQUEST_WITHIN_S, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._coming = self._head_coming = True
        self._head_bytes = 0
        super().on_message_begin()
        allow_abort(self.scope, self.transport.abort)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: an upgrade is answered like the plain request that it also is, and anybody can ask for one."""

    def on_headers_complete(self) -> None:
        """The whole head is there."""
        self._head_coming = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there; the next one, should it be in the same data, has a time of its own."""
        self._coming = False
        self._stop_timer()
        super().on_message_complete()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        self.transport.close()

    def _refuse_head(self) -> None:
        reply = HEAD_TOO_LARGE
        head = (
            b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: application/json\r\n"
        )
        correlation = request_id.HEADER + b": " + request_id.mint() + b"\r\n"
        self.transport.write(head + correlation + b"content-length: %d\r\n\r\n" % len(reply.body) + reply.body)
        self.transport.close()


class Server(uvicorn.Server):
    """A server whose first signal ends its jobs and streams, and whose second kills them.

    Args:
        config: uvicorn's.
        on_listening: Called when requests can come, with the address, as a URL.
        on_stop: Called once, at the first signal: ends what goes on, so that open streams come to their end while
            uvicorn waits for them.
        on_hurry: Called at every further signal.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_listening: Callable[[str], None],
        on_stop: Callable[[], Awaitable[None]],
        on_hurry: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_stop = on_stop
        self._on_hurry = on_hurry
        self._stopping: asyncio.Future[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell where."""
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        self._on_listening(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals ourselves: uvicorn would wait for streams that nobody ends, then die of the signal."""
        loop = asyncio.get_running_loop()
        # A terminal that closes sends SIGHUP; under `nohup` it is ignored, which must stay so.
        hangup_is_ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        handled = [number for number in _SIGNALS if number != signal.SIGHUP or not hangup_is_ignored]
        for number in handled:
            loop.add_signal_handler(number, self._stop)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    def _stop(self) -> None:
        self.should_exit = True
        if self._stopping is None:
            self._stopping = asyncio.ensure_future(self._on_stop())
        else:
            self._on_hurry()


class CannotListen(OperatorError):
    """The address cannot be had; the message says which, and why."""


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address that `host` stands for; on the first one only where `port` is 0, which takes any.

    Opened before anything else is, so that a port that is taken costs one line and nothing has to be undone.

    Raises:
        CannotListen: The host is unknown, or the port is taken or not ours to take.
    """
    sockets: list[socket.socket] = []
    try:
        if not host:
            raise OSError(None, "no address is given")  # which would stand for every one of this machine's
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = list(dict.fromkeys((family, address[:2]) for family, _, _, _, address in found))
        for family, address in addresses[: 1 if port == 0 else None]:
            sockets.append(socket.create_server(address, family=family, backlog=_BACKLOG))
    except OSError as error:
        for opened in sockets:
            opened.close()
        # A resolver's errors have negative numbers, and words of their own.
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)
        raise CannotListen(f"cannot listen on {host}, port {port}: {why}") from error
    return sockets


def create_server(
    app: App,
    *,
    streams_end_within_s: float,
    on_listening: Callable[[str], None],
    on_stop: Callable[[], Awaitable[None]],
    on_hurry: Callable[[], None],
) -> Server:
    """A server for `app`.

    Args:
        app: What answers.
        streams_end_within_s: How long after the first signal a connection may still be open.
        on_listening: See `Server`.
        on_stop: See `Server`.
        on_hurry: See `Server`.
    """
    options: dict[str, Any] = {"timeout_graceful_shutdown": streams_end_within_s}
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",  # there is nothing to upgrade to, and an upgrade's own protocol knows none of the limits above
        lifespan="on",
        access_log=False,  # it would double the cost of a request
        log_config=None,
        server_header=False,
        workers=1,
        **options,
    )
    return Server(config, on_listening=on_listening, on_stop=on_stop, on_hurry=on_hurry)
