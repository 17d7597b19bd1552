"""The bearer token: read from the header, judged by the domain, refused in the words of the contract."""

from __future__ import annotations

import re

from gitoma.adapters.http.replies import Reply, error_reply
from gitoma.domain.access import Access, judge

# The scheme in any case, one or more spaces (no tab), the token, and blanks behind it that are cut (RFC 7235, 6750).
_BEARER = re.compile(rb"bearer +([^ \t].*?)[ \t]*", re.IGNORECASE | re.DOTALL)

REFUSALS: dict[Access, Reply] = {
    Access.MISSING: error_reply(401, "Missing or malformed Authorization header.", {"WWW-Authenticate": "Bearer"}),
    Access.DENIED: error_reply(403, "Invalid authentication token."),
    Access.UNCONFIGURED: error_reply(503, "GITOMA_API_TOKEN is not configured on the server."),
}


class Gate:
    """Lets a request to the API through, or says how it is refused.

    Args:
        token: The server's token, as the bytes that a client sends; None where none is configured.
    """

    def __init__(self, token: bytes | None) -> None:
        self._token = token

    def refusal(self, authorization: bytes | None, headers_seen: int) -> Reply | None:
        """The answer to a request that may not pass; None to one that may.

        Args:
            authorization: The header's value, or None where there is none.
            headers_seen: How many `Authorization` headers the request has; more than one is malformed.
        """
        match = _BEARER.fullmatch(authorization) if authorization and headers_seen == 1 else None
        return REFUSALS.get(judge(match[1] if match else None, self._token))


def is_protected(path: str) -> bool:
    """Whether this path belongs to the API, however it is spelled: the router passes over empty segments."""
    if path.startswith("/api/v1/"):
        return True
    return [segment for segment in path.split("/") if segment][:2] == ["api", "v1"]
