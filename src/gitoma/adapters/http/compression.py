"""gzip, for whole bodies that are worth it. Streams are never compressed: their first event would wait for others."""

from __future__ import annotations

import gzip

MINIMUM_SIZE = 1024
"""Bodies below this are sent as they are: the REST page."""

# A snapshot of 10 KB takes about 0.1 ms at this level; above it, time grows much faster than size shrinks.
_LEVEL = 5


def accepts_gzip(accept_encoding: bytes | None) -> bool:
    """Whether the client takes gzip: named with a weight above 0, or covered by a `*` that is."""
    if not accept_encoding:
        return False
    weights = dict(_weighted(coding) for coding in accept_encoding.lower().split(b","))
    return weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", 0.0))) > 0


def _weighted(coding: bytes) -> tuple[bytes, float]:
    name, _, parameters = coding.partition(b";")
    weight = 1.0
    for parameter in parameters.split(b";"):
        key, _, value = parameter.strip().partition(b"=")
        if key.strip() == b"q":
            try:
                weight = float(value)
            except ValueError:
                weight = 0.0
    return name.strip(), weight


def compress(body: bytes) -> bytes:
    """`body` as gzip; equal bodies give equal bytes."""
    return gzip.compress(body, _LEVEL, mtime=0)
