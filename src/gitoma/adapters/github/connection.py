"""Two kinds of requests: those that have the token and go to the API only, and those that have none and fetch logs."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore
import httpx

from gitoma import __version__
from gitoma.adapters.github import failures
from gitoma.adapters.github.exchange import Answer, Ask, Unreached
from gitoma.adapters.github.network import Network
from gitoma.domain.clock import Clock

BODY_MAX_BYTES = 8 * 1024 * 1024
"""The largest document: a page of a hundred runs has some 2 MiB."""

_ANYONE = {
    "User-Agent": f"gitoma/{__version__}",
    "Accept-Encoding": "identity",  # what is compressed cannot be counted while it comes
}
_API = {
    **_ANYONE,
    "Accept": "application/vnd.github+json, application/json;q=0.9",
    "Content-Type": "application/json",
    "X-GitHub-Api-Version": "2022-11-28",
}
_NOTHING_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError)
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Download:
    """A file that comes in pieces. Reading them raises `Unreached` where the connection breaks."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Connection:
    """The way to one API. The environment's proxies are used.

    Args:
        api_url: Where the API begins. Credentials in it are sent where there is no token.
        token: For it; None: without.
        clock: Tells the time.
    """

    def __init__(self, *, api_url: str, token: str | None, clock: Clock) -> None:
        self._origin = httpx.URL(api_url)
        self._network = Network(clock)
        self._headers = {**_API, **_authorization(self._origin, token)}

    def on_origin(self, base: str, target: str) -> str | None:
        """Where `target`, seen from `base`, leads to; None if that is not the API's origin.

        Judged by the parser that also connects: two that differ about one address would be a way around this.
        """
        try:
            url = httpx.URL(base).join(target)
        except (httpx.InvalidURL, ValueError):
            return None
        here = self._origin
        is_here = (url.scheme, url.host, url.port) == (here.scheme, here.host, here.port)
        return str(url) if is_here and url.userinfo in (b"", here.userinfo) else None

    def send(self, ask: Ask, within_s: float) -> Answer:
        """Send a request to the API.

        Args:
            ask: The request.
            within_s: How long it may take, the whole answer included.

        Raises:
            AgentError: It is not the API that it goes to, or the answer is too long (`network`); a proxy that the
                environment names cannot be used (`config`).
            Unreached: No whole answer came.
        """
        if self.on_origin(ask.url, ask.url) is None:
            raise failures.elsewhere(ask.about)
        with self._asked(ask.method, ask.url, self._headers, ask.body, within_s) as response:
            return Answer(response.status, httpx.Headers(response.headers), self._whole(response, ask))

    @contextmanager
    def download(self, url: str, within_s: float) -> Iterator[Download]:
        """Fetch a file from anywhere, without the token.

        Args:
            url: Where it is.
            within_s: How long it may take, until its last byte is read.

        Raises:
            AgentError: A proxy that the environment names cannot be used (`config`).
            Unreached: No answer came.
        """
        with self._asked("GET", url, _ANYONE, b"", within_s) as response:
            yield Download(response.status, httpx.Headers(response.headers), _chunks(response))

    def may_download(self, base: str, target: str) -> str | None:
        """Where a log that is said to be at `target` is; None for what is neither https nor as open as the API is."""
        try:
            url = httpx.URL(base).join(target)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(url) if url.host and not url.userinfo and url.scheme in ("https", self._origin.scheme) else None

    @contextmanager
    def _asked(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, within_s: float
    ) -> Iterator[httpcore.Response]:
        with (
            _translated(),
            self._network.stream(method, httpx.URL(url), headers=headers, body=body, within_s=within_s) as response,
        ):
            yield response

    def _whole(self, response: httpcore.Response, ask: Ask) -> bytes:
        body = bytearray()
        for chunk in _chunks(response):
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise failures.no_code_host(ask.about)
        return bytes(body)


def _authorization(origin: httpx.URL, token: str | None) -> dict[str, str]:
    if token:
        return {"Authorization": f"Bearer {token}"}
    if origin.userinfo:
        pair = f"{origin.username}:{origin.password}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _chunks(response: httpcore.Response) -> Iterator[bytes]:
    with _translated():
        yield from response.iter_stream()


@contextmanager
def _translated() -> Iterator[None]:
    """Failures of the client library as ours; theirs hold the request, and with it the token."""
    try:
        yield
    except _NOTHING_SENT:
        raise Unreached(sent=False) from None
    except (*_BROKEN, httpx.InvalidURL):
        raise Unreached(sent=True) from None
