"""The two clients: one that has the token and speaks with the API only, and one that has none and fetches logs."""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from gitoma import __version__
from gitoma.adapters.github import failures
from gitoma.adapters.github.exchange import Answer, Ask, Unreached
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.clock import Clock

REQUEST_WITHIN_S = 30.0
"""How long a request may take, the answer included."""

DOWNLOAD_WITHIN_S = 120.0
"""How long a log may take: 20 MiB over 1.5 Mbit/s."""

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
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Download:
    """A file that comes in pieces. Reading them raises `Unreached` where the connection breaks."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class Connection:
    """The way to one API. The environment's proxies are used.

    Args:
        api_url: Where the API begins.
        token: For it; None: without.
        clock: Tells the time.

    Raises:
        AgentError: A proxy that the environment names cannot be used (`config`).
    """

    def __init__(self, *, api_url: str, token: str | None, clock: Clock) -> None:
        self._origin = httpx.URL(api_url)
        self._clock = clock
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        trusted = httpx.create_ssl_context()  # one for both: to read the certificates takes 0.1 s
        self._api = self._client({**_API, **authorization}, trusted)
        self._anyone = self._client(_ANYONE, trusted)

    def _client(self, headers: Mapping[str, str], trusted: ssl.SSLContext) -> httpx.Client:
        try:
            client = httpx.Client(headers=headers, verify=trusted, timeout=REQUEST_WITHIN_S, follow_redirects=False)
        except (ImportError, ValueError, httpx.InvalidURL):  # SOCKS without its library; a scheme that is none
            raise AgentError(
                Code.CONFIG, "the proxy that the environment names cannot be used", hint="use an http or https proxy"
            ) from None
        weakref.finalize(self, client.close)
        return client

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

    def send(self, ask: Ask) -> Answer:
        """Send a request to the API.

        Raises:
            AgentError: It is not the API that it goes to, or the answer is too long (`network`).
            Unreached: No whole answer came.
        """
        if self.on_origin(ask.url, ask.url) is None:
            raise failures.elsewhere(ask.about)
        with _translated(), self._api.stream(ask.method, ask.url, content=ask.body or None) as response:
            return Answer(response.status_code, response.headers, self._whole(response, ask))

    @contextmanager
    def download(self, url: str) -> Iterator[Download]:
        """Fetch a file from anywhere, without the token.

        Raises:
            Unreached: No answer came.
        """
        with _translated(), self._anyone.stream("GET", url) as response:
            yield Download(response.status_code, response.headers, self._chunks(response, DOWNLOAD_WITHIN_S))

    def may_download(self, base: str, target: str) -> str | None:
        """Where a log that is said to be at `target` is; None for what is neither https nor as open as the API is."""
        try:
            url = httpx.URL(base).join(target)
        except (httpx.InvalidURL, ValueError):
            return None
        return str(url) if url.host and not url.userinfo and url.scheme in ("https", self._origin.scheme) else None

    def _whole(self, response: httpx.Response, ask: Ask) -> bytes:
        body = bytearray()
        for chunk in self._chunks(response, REQUEST_WITHIN_S):
            body += chunk
            if len(body) > BODY_MAX_BYTES:
                raise failures.no_code_host(ask.about)
        return bytes(body)

    def _chunks(self, response: httpx.Response, within_s: float) -> Iterator[bytes]:
        end = self._clock.now().monotonic + within_s
        with _translated():
            for chunk in response.iter_raw():
                yield chunk
                if self._clock.now().monotonic > end:
                    raise Unreached(sent=True)


@contextmanager
def _translated() -> Iterator[None]:
    """Failures of the client library as ours; theirs hold the request, and with it the token."""
    try:
        yield
    except _NOTHING_SENT:
        raise Unreached(sent=False) from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Unreached(sent=True) from None
