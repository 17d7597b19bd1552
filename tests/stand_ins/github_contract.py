"""GitHub's own description of its REST API, cut down to the operations that agents use.

The whole of it takes a proxy twelve seconds and 290 MB to read; what is left of it here, two seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

OPERATIONS = {
    "/user": ("get",),
    "/repos/{owner}/{repo}": ("get",),
    "/repos/{owner}/{repo}/pulls": ("get", "post"),
    "/repos/{owner}/{repo}/pulls/{pull_number}": ("get", "patch"),
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies": ("post",),
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews": ("get",),
    "/repos/{owner}/{repo}/issues/{issue_number}/comments": ("get", "post"),
    "/repos/{owner}/{repo}/actions/runs": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}": ("get",),
    "/repos/{owner}/{repo}/actions/runs/{run_id}/jobs": ("get",),
    "/repos/{owner}/{repo}/actions/jobs/{job_id}/logs": ("get",),
}
"""Path to methods, as the description spells them."""

_REFERENCE = "#/components/"


def trimmed(whole: Path) -> dict[str, Any]:
    """The description with these operations, and everything that they refer to.

    Args:
        whole: The file with all of it (`@octokit/openapi`, `api.github.com.json`).
    """
    description = json.loads(whole.read_text(encoding="utf-8"))
    paths = {
        path: {key: value for key, value in description["paths"][path].items() if key in (*methods, "parameters")}
        for path, methods in OPERATIONS.items()
    }
    kept: dict[str, Any] = {"openapi": description["openapi"], "info": description["info"], "paths": paths}
    kept["components"] = _components(paths, description["components"])
    return kept


def _components(paths: Mapping[str, Any], components: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    waiting = list(_references(paths))
    while waiting:
        kind, name = waiting.pop().removeprefix(_REFERENCE).split("/", 1)
        if name not in found.setdefault(kind, {}):
            found[kind][name] = components[kind][name]
            waiting += _references(found[kind][name])
    return found


def _references(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_REFERENCE):
            yield reference
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
