"""One connection to the model server for each question: what is sent, and bytes as they come back.

The client library below httpx is used by itself, because of what it lets us put in: a stream that wakes up while it
waits. So one thread is enough to say that we still wait, and to stop at the very moment when the time is over.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpcore

from gitoma import __version__
from gitoma.adapters.chat_completions import failures
from gitoma.adapters.chat_completions.address import Address
from gitoma.adapters.chat_completions.patience import Patience

SocketOptions = Iterable[httpcore.SOCKET_OPTION]


class PatientStream(httpcore.NetworkStream):
    """A stream whose reads last as long as patience does.

    Args:
        stream: The stream.
        patience: Says for how long to wait each time, and raises when it is enough.
    """

    def __init__(self, stream: httpcore.NetworkStream, patience: Patience) -> None:
        self._stream = stream
        self._patience = patience

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes. The timeout of the library is not used: it counts from the last bytes only."""
        while True:
            try:
                data = self._stream.read(max_bytes, self._patience.wait_s())
            except httpcore.ReadTimeout:
                continue  # nothing has come, and nothing is lost: to wait on is to read again
            self._patience.heard()
            return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """As the stream does."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """As the stream does."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """As the stream does, as patient as before."""
        return PatientStream(self._stream.start_tls(ssl_context, server_hostname, timeout), self._patience)

    def get_extra_info(self, info: str) -> object:
        """As the stream does."""
        return self._stream.get_extra_info(info)


class _PatientNetwork(httpcore.SyncBackend):
    def __init__(self, patience: Patience) -> None:
        self._patience = patience

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        stream = super().connect_tcp(host, port, timeout, local_address, socket_options)
        return PatientStream(stream, self._patience)


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes back, as it comes.

    Attributes:
        status: The status.
        headers: By their names in small letters; of several of one name, the last.
        chunks: The body. Ends with `AgentError` where the connection breaks or patience is over.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


@contextmanager
def asked(address: Address, method: str, path: str, body: bytes, patience: Patience) -> Iterator[Answer]:
    """Send one question and have its answer, until the context ends; then the connection is closed.

    Args:
        address: Whom to ask.
        method: `GET` or `POST`.
        path: From the root.
        body: JSON, or nothing.
        patience: How long we wait.

    Raises:
        AgentError: Patience is over.
        Unreached: No answer began.
    """
    url = httpcore.URL(
        scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=path.encode()
    )
    with ExitStack() as stack:
        pool = stack.enter_context(httpcore.ConnectionPool(network_backend=_PatientNetwork(patience)))
        try:
            response = stack.enter_context(
                pool.stream(method, url, headers=_headers(address), content=body, extensions=_timeouts(patience))
            )
        except _FAILURES:
            raise failures.Unreached from None
        yield Answer(response.status, _decoded(response.headers), _chunks(response))


_FAILURES = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


def _headers(address: Address) -> dict[bytes | str, bytes | str]:
    return {
        "Host": address.shown,
        "Authorization": address.authorization,
        "Accept": "text/event-stream, application/json",
        "Accept-Encoding": "identity",  # what is compressed cannot be counted while it comes
        "Content-Type": "application/json",
        "User-Agent": f"gitoma/{__version__}",
    }


def _timeouts(patience: Patience) -> dict[str, object]:
    limit = patience.connect_s()
    return {"timeout": {"connect": limit, "write": limit, "pool": limit}}


def _decoded(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}


def _chunks(response: httpcore.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_stream()
    except _FAILURES:
        raise failures.broken_off() from None
