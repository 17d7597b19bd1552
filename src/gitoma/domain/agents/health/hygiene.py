"""The checks of what is tracked and what is not, and of whether anybody is at home.

Checks: Binary-Artifacts, Dependency-Update-Tool, Repo-Hygiene, Fresh-Commits.
"""

from __future__ import annotations

import re
from datetime import timedelta

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import READ_LIMIT, Snapshot, folders
from gitoma.domain.agents.health.words import words

_BINARY = words(
    "crx deb dex dey elf o a so macho iso class jar bundle dylib lib msi dll drv efi exe ocx pyc pyo par rpm wasm whl"
)  # Scorecard's list
_MAGIC = (b"\x7fELF", b"MZ\x90\x00", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\x00asm")
_WRAPPER = re.compile(r"(?:.*/)?gradle/wrapper/gradle-wrapper\.jar")


def binary_artifacts(snapshot: Snapshot) -> Finding:
    """10 less one for each tracked binary that a build would make."""
    found = tuple(
        entry.path
        for entry in snapshot.files
        if entry.size and not _WRAPPER.fullmatch(entry.path) and _is_artifact(snapshot, entry.path)
    )
    reason = f"{len(found)} generated binaries are tracked" if found else "no generated binaries are tracked"
    return Finding(max(0, 10 - len(found)), reason, found)


def _is_artifact(snapshot: Snapshot, path: str) -> bool:
    name = path.rpartition("/")[2]
    suffix = name.rpartition(".")[2].casefold() if "." in name else ""
    if suffix in _BINARY:
        content = snapshot.content(path, READ_LIMIT)
        # A file of this name that is too large to look at is no text that somebody wrote.
        return content is None or not _is_text(content)
    if suffix:
        return False
    content = snapshot.content(path, READ_LIMIT)
    return content is not None and content.startswith(_MAGIC)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\n\r\f" for character in text)


_UPDATERS = (
    ".github/dependabot.yml",
    ".github/dependabot.yaml",
    "renovate.json",
    "renovate.json5",
    ".github/renovate.json",
    ".github/renovate.json5",
    ".gitlab/renovate.json",
    ".gitlab/renovate.json5",
    ".renovaterc",
    ".renovaterc.json",
    ".renovaterc.json5",
    ".pyup.yml",
)  # Scorecard's list


def dependency_update_tool(snapshot: Snapshot) -> Finding:
    """10 if something proposes updates of dependencies; else 0."""
    found = snapshot.find(*_UPDATERS)
    return Finding(10, f"{found} is there", (found,)) if found else Finding(0, "neither Dependabot nor Renovate")


LARGE_FILE = 5 * 1024 * 1024
"""From which size on a tracked file is a burden to every clone, in bytes."""

_JUNK_FOLDERS = words("node_modules .venv venv __pycache__ .mypy_cache .pytest_cache .tox .idea")
_JUNK_NAMES = re.compile(r"\.DS_Store|Thumbs\.db|\.env|.*\.py[co]|.*\.sw[po]|npm-debug\.log", re.I)


def repo_hygiene(snapshot: Snapshot) -> Finding:
    """.gitignore (4), nothing tracked that should not be (3), no file over 5 MB (3)."""
    ignore = snapshot.find(".gitignore")
    junk = [entry.path for entry in snapshot.entries if _is_junk(entry.path)]
    large = [entry.path for entry in snapshot.files if entry.size > LARGE_FILE]
    problems = [
        *([] if ignore else ["no .gitignore"]),
        *([f"{len(junk)} files that should not be tracked"] if junk else []),
        *([f"{len(large)} files over {LARGE_FILE // 1024**2} MB"] if large else []),
    ]
    score = (4 if ignore else 0) + (0 if junk else 3) + (0 if large else 3)
    return Finding(score, ", ".join(problems) or "only what belongs there is tracked", tuple(junk + large))


def _is_junk(path: str) -> bool:
    return bool(_JUNK_FOLDERS.intersection(folders(path)) or _JUNK_NAMES.fullmatch(path.rpartition("/")[2]))


_AGES = ((90, 10), (180, 7), (365, 4))  # at most so many days: so many points


def fresh_commits(snapshot: Snapshot) -> Finding:
    """How long ago the newest commit is: up to 90 days 10, 180 days 7, 365 days 4, else 0."""
    if snapshot.committed is None:
        return Finding(None, "no commit yet")
    age = max(timedelta(0), snapshot.now - snapshot.committed)
    score = next((points for days, points in _AGES if age <= timedelta(days=days)), 0)
    return Finding(score, f"the newest commit is {age.days} days old")
