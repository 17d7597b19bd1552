"""What mountebank remembers of the requests and answers that pass it, read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that a server of the stack got."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Violation:
    """What GitHub's description says against a request. `place` is as `query.per_page`; `message` is prism's."""

    method: str
    path: str
    place: str
    message: str


def sent(request: Mapping[str, Any]) -> Sent:
    """A request, as mountebank shows it."""
    headers = {name.lower(): value for name, value in request["headers"].items()}
    return Sent(request["method"], request["path"], request["query"], headers, request.get("body") or "")


def violations(stub: Mapping[str, Any]) -> Iterator[Violation]:
    """Those of the answers that mountebank remembers, each in a stub that says to which request it belongs."""
    asked: dict[str, Any] = {}
    for predicate in stub.get("predicates", ()):
        asked |= predicate.get("deepEquals", predicate.get("equals", {}))
    for response in stub["responses"]:
        headers = {name.lower(): value for name, value in response.get("is", {}).get("headers", {}).items()}
        for one in _whole(headers.get("sl-violations", "")):
            place, *rest = one.get("location") or [""]
            if place == "request":
                query = f"?{urlencode(asked['query'])}" if asked.get("query") else ""
                yield Violation(asked["method"], f"{asked['path']}{query}", ".".join(map(str, rest)), one["message"])


_CUT = "Too many violations! "


def _whole(text: str) -> Iterator[Mapping[str, Any]]:
    """The violations in a header. Prism cuts a long list in the middle of one; those of the request come first."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            one, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            if not text.startswith(_CUT):
                raise
            return
        yield one
        at = text.find("{", end)
