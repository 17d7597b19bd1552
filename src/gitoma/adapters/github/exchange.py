"""One request and its answer, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    Attributes:
        method: `GET` or `POST`.
        url: Where to, whole.
        about: What it is about, in words that can be shown.
        body: JSON, or nothing.
        reads: It changes nothing, so it may be sent again.
    """

    method: str
    url: str
    about: str
    body: bytes = b""
    reads: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: Its status.
        headers: By names in any case.
        body: All of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Unreached(Exception):
    """No whole answer came.

    Args:
        sent: The request may have been done all the same.
    """

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent
