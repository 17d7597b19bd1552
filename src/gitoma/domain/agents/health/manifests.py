"""The check of what a package says about itself: Manifest.

Each root-level manifest has a list of what a registry and a reader expect in it; the score is the share that is there.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import Snapshot

TOML_LIMIT = 64 * 1024
"""The largest TOML file that is parsed, in bytes: the parser's time grows with the square of a dotted key's length."""

LEGACY_SCORE = 4
_LEGACY = ("setup.py", "setup.cfg", "requirements.txt", "Pipfile")

# What is missing of one manifest, and how many things were expected of it.
Judged = tuple[list[str], int]


class _Unparsable(ValueError):
    """The manifest is not what its name says."""


class _NotApplicable(ValueError):
    """The manifest describes no package."""


def manifest(snapshot: Snapshot) -> Finding:
    """The share of expected metadata; 4 with legacy files only, 0 if one does not parse, n/a without any."""
    missing: list[str] = []
    expected = 0
    for name, judge in _JUDGES.items():
        text = snapshot.text(name)
        if text is None or len(text) > TOML_LIMIT:
            continue
        try:
            lacking, count = judge(text)
        except _Unparsable:
            return Finding(0, f"{name} does not parse", (name,))
        except _NotApplicable:
            continue
        missing += [f"{name}: {key}" for key in lacking]
        expected += count
    if expected:
        score = round(10 * (expected - len(missing)) / expected, 1)
        reason = f"{len(missing)} of {expected} expected entries are missing" if missing else "complete"
        return Finding(score, reason, tuple(missing))
    legacy = snapshot.find(*_LEGACY)
    if legacy:
        return Finding(LEGACY_SCORE, f"only {legacy}; pyproject.toml is the standard", (legacy,))
    return Finding(None, "no manifest of a package")


def toml(text: str) -> dict[str, Any]:
    """Parse TOML of at most `TOML_LIMIT`.

    Raises:
        ValueError: It is no TOML, or too large or nested.
    """
    if len(text) > TOML_LIMIT:
        raise ValueError("too large")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _parsed(parse: Callable[[str], object], text: str) -> Mapping[str, Any]:
    try:
        document = parse(text)
    except (ValueError, RecursionError) as error:
        raise _Unparsable from error
    if not isinstance(document, dict):
        raise _Unparsable
    return document


def _table(holder: Mapping[str, Any], *keys: str) -> Mapping[str, Any] | None:
    for key in keys:
        found = holder.get(key)
        if not isinstance(found, dict):
            return None
        holder = found
    return holder


def _lacking(holder: Mapping[str, Any], expected: tuple[str, ...], given: frozenset[str] = frozenset()) -> Judged:
    """`a|b` expects either; a value that is empty does not count; what is in `given` need not be there."""
    missing = [keys for keys in expected if not any(holder.get(key) or key in given for key in keys.split("|"))]
    return missing, len(expected)


def _pyproject(text: str) -> Judged:
    document = _parsed(toml, text)
    build, count = _lacking(document, ("build-system",))
    project = _table(document, "project")
    if project is not None:
        dynamic = project.get("dynamic")
        given = frozenset(str(name) for name in dynamic) if isinstance(dynamic, list) else frozenset()
        wanted = ("name", "version", "description", "readme", "requires-python", "license", "authors", "urls")
        lacking, more = _lacking(project, wanted, given)
        return build + lacking, count + more
    poetry = _table(document, "tool", "poetry")
    if poetry is None:
        raise _NotApplicable
    wanted = (
        "name",
        "version",
        "description",
        "readme",
        "dependencies",
        "license",
        "authors",
        "homepage|repository|urls",
    )
    lacking, more = _lacking(poetry, wanted)
    return build + lacking, count + more


def _package_json(text: str) -> Judged:
    package = _parsed(json.loads, text)
    if package.get("private") is True:  # it is never published, so a registry expects nothing
        return _lacking(package, ("name", "scripts"))
    wanted = ("name", "version", "description", "license", "repository", "author|contributors|maintainers")
    return _lacking(package, (*wanted, "main|exports|bin|module|types|type"))


def _cargo(text: str) -> Judged:
    document = _parsed(toml, text)
    package = _table(document, "package") or _table(document, "workspace", "package")
    if package is None:
        raise _NotApplicable
    wanted = ("version", "edition", "description", "license|license-file", "repository|homepage")
    return _lacking(package, wanted)


_GO_MODULE = re.compile(r"^module\s+\S+", re.M)
_GO_VERSION = re.compile(r"^go\s+\d", re.M)


def _go_mod(text: str) -> Judged:
    if not _GO_MODULE.search(text):
        raise _Unparsable
    return ([] if _GO_VERSION.search(text) else ["go"]), 2


_JUDGES: dict[str, Callable[[str], Judged]] = {
    "pyproject.toml": _pyproject,
    "package.json": _package_json,
    "Cargo.toml": _cargo,
    "go.mod": _go_mod,
}
