"""Sockets to anywhere on which no request takes longer than it may: name, connection, TLS, headers and body together.

The client library counts its limits anew with each byte that comes: a server that sends one now and then would hold us
for as long as it likes. So the library below it is used by itself, because of what it lets us put in: a stream that
waits no longer than until one moment. What a resolver takes to answer is its own affair, and the one thing left out.
"""

from __future__ import annotations

import socket
import ssl
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.clock import Clock

SILENCE_MAX_S = 30.0
"""How long any single wait may take: a connection, or the next bytes."""

_IDLE_MAX_S = 5.0  # then a connection is not used again: servers close those, some at the very moment of a request
_TIMEOUTS = {"connect": SILENCE_MAX_S, "read": SILENCE_MAX_S, "write": SILENCE_MAX_S, "pool": SILENCE_MAX_S}

SocketOptions = Iterable[httpcore.SOCKET_OPTION]


class Deadline:
    """The moment at which the request that is made must be over; each one begins with setting it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.now().monotonic

    def set_in(self, seconds: float) -> None:
        """It is so far away."""
        self._end = self._clock.now().monotonic + seconds

    def within(self, timeout: float | None, over: type[httpcore.TimeoutException]) -> float:
        """For how long one wait may go on: `timeout`, or less if less is left; where nothing is, `over` is raised."""
        left_s = self._end - self._clock.now().monotonic
        if left_s <= 0:
            raise over
        return left_s if timeout is None else min(timeout, left_s)


class TimedStream(httpcore.NetworkStream):
    """A stream that waits until the deadline at most."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """As the stream does."""
        return self._stream.read(max_bytes, self._deadline.within(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the stream does."""
        self._stream.write(buffer, self._deadline.within(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """As the stream does."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """As the stream does, with the same deadline."""
        within_s = self._deadline.within(timeout, httpcore.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, within_s), self._deadline)

    def get_extra_info(self, info: str) -> object:
        """As the stream does."""
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.SyncBackend):
    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(host)
        for address in _addresses_of(host):  # one by one: the library would give each of them the whole time
            within_s = self._deadline.within(timeout, httpcore.ConnectTimeout)
            try:
                stream = super().connect_tcp(address, port, within_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._deadline)
        raise failure


def _addresses_of(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:  # the latter for a name that none can be, as `a..b`
        raise httpcore.ConnectError(host) from error


class Network:
    """The way to anywhere, through the environment's proxies; one request at a time.

    Args:
        clock: Tells the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._deadline = Deadline(clock)
        self._backend = _TimedBackend(self._deadline)
        self._trusted = httpx.create_ssl_context()  # one for all: to read the certificates takes 0.1 s
        self._pools: dict[str, httpcore.ConnectionPool] = {}
        self._open = ExitStack()
        weakref.finalize(self, self._open.close)

    @contextmanager
    def stream(
        self, method: str, url: httpx.URL, *, headers: Mapping[str, str], body: bytes, within_s: float
    ) -> Iterator[httpcore.Response]:
        """Send a request and have its answer, until the context ends.

        Args:
            method: `GET` or `POST`.
            url: Where to. Credentials in it are not sent.
            headers: All but those that every request has.
            body: May be nothing.
            within_s: How long it may take until the last byte of the answer is read.

        Raises:
            httpcore.TimeoutException: It takes longer.
            httpcore.NetworkError: No answer came, or not all of it; also `httpcore.ProtocolError` and others.
            AgentError: A proxy that the environment names cannot be used (`config`).
        """
        self._deadline.set_in(within_s)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        extensions = {"timeout": _TIMEOUTS}
        pool = self._pool(_proxy_for(url))
        listed = list(headers.items())
        with pool.stream(method, target, headers=listed, content=body or None, extensions=extensions) as response:
            yield response

    def _pool(self, proxy: str) -> httpcore.ConnectionPool:
        if proxy not in self._pools:
            made = self._made_proxy(proxy) if proxy else self._made()
            self._pools[proxy] = self._open.enter_context(made)
        return self._pools[proxy]

    def _made(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._trusted, keepalive_expiry=_IDLE_MAX_S, network_backend=self._backend
        )

    def _made_proxy(self, proxy: str) -> httpcore.ConnectionPool:
        try:
            url = httpx.URL(proxy)
        except httpx.InvalidURL:
            raise _no_proxy() from None
        if url.scheme not in ("http", "https") or not url.host:
            raise _no_proxy()
        return httpcore.HTTPProxy(
            httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
            proxy_auth=(url.username.encode(), url.password.encode()) if url.userinfo else None,
            ssl_context=self._trusted,
            proxy_ssl_context=self._trusted if url.scheme == "https" else None,
            keepalive_expiry=_IDLE_MAX_S,
            network_backend=self._backend,
        )


def _proxy_for(url: httpx.URL) -> str:
    """The proxy on the way to a URL, as the environment says; "" where there is none."""
    named = getproxies()
    proxy = named.get(url.scheme) or named.get("all") or ""
    if not proxy or proxy_bypass(url.host):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _no_proxy() -> AgentError:
    return AgentError(
        Code.CONFIG, "the proxy that the environment names cannot be used", hint="use an http or https proxy"
    )
