"""The correlation id of a request: the client's own if it is fit to be one, otherwise ours."""

from __future__ import annotations

import re
from contextvars import ContextVar
from random import getrandbits

HEADER = b"x-request-id"

current_request_id: ContextVar[str | None] = ContextVar("current_request_id", default=None)
"""The id of the request that is being answered, for the log. A job's task inherits that of its dispatch."""

_FIT = re.compile(rb"[\x21-\x7e]{1,128}")


def choose(proposed: bytes | None) -> bytes:
    """The client's id if it is 1 to 128 visible ASCII characters, so that it can be echoed and logged as it is."""
    if proposed is None:
        return mint()
    trimmed = proposed.strip(b" \t")  # blanks around a value are no part of it (RFC 9110, 5.5); the parser leaves some
    return trimmed if _FIT.fullmatch(trimmed) else mint()


def mint() -> bytes:
    """A fresh id: 32 hex digits. Nothing is kept safe by it, so it need not be unguessable."""
    return b"%032x" % getrandbits(128)
