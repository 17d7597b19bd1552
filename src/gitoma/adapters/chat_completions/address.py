"""Where the model server is, and whether the way there may go without TLS.

A question holds the files of a repository. In plain text it may cross this machine and a private network, not more.
"""

from __future__ import annotations

import base64
import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

from gitoma.adapters.chat_completions import failures
from gitoma.domain.agents.errors import AgentError, Code

_PORTS = {"http": 80, "https": 443}
_V1 = "/v1"

Resolve = Callable[[str], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Address:
    """A base URL, taken apart.

    Attributes:
        scheme: `http` or `https`.
        host: A name or an address.
        port: The one to connect to.
        path: What stands before `/chat/completions`, without a slash at its end.
        authorization: The header that lets us in.
    """

    scheme: str
    host: str
    port: int
    path: str
    authorization: str = field(repr=False)

    @classmethod
    def parse(cls, base_url: str, api_key: str) -> Self:
        """Read a URL that the settings have accepted. Credentials in it are for a proxy, and go before the key."""
        parts = urlsplit(base_url)
        authorization = f"Bearer {api_key}"
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
            authorization = f"Basic {base64.b64encode(pair).decode()}"
        port = parts.port or _PORTS[parts.scheme]
        return cls(parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"), authorization)

    @property
    def shown(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def native_path(self) -> str:
        """Where LM Studio's own API begins."""
        return f"{self.path.removesuffix(_V1)}/api/v0"


def addresses_of(host: str) -> list[str]:
    """What the system's resolver says; empty where it knows no such host."""
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def require_private(address: Address, resolve: Resolve = addresses_of) -> None:
    """Let plain http go no farther than this machine or a private network.

    Raises:
        AgentError: It would (`config`), or nobody knows where (`model_unavailable`).
    """
    if address.scheme != "http":
        return
    found = list(resolve(address.host))
    if not found:
        raise failures.unreachable(address.shown)
    if not all(_is_private(each) for each in found):
        raise AgentError(
            Code.CONFIG,
            f"LM_STUDIO_BASE_URL leads over plain http to {address.host}, which is not on a private network",
            hint="use https, or set GITOMA_LLM_ALLOW_HTTP=1 if everybody on the way may read the questions",
        )


def _is_private(text: str) -> bool:
    """Not reachable from the Internet: loopback, link-local, private, or shared between a provider's customers."""
    ip = ipaddress.ip_address(text)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    ip = mapped or ip
    return not ip.is_global and not ip.is_multicast
