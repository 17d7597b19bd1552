"""Files that need no model: fixed texts of ours, and a Dependabot configuration for what the tree holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from gitoma.domain.agents import paths
from gitoma.domain.agents.changes import ChangeSet, FileChange
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.tree import Tree

FOLDERS_MAX = 5
"""How many folders of one ecosystem are watched: more are examples or fixtures, and each is a stream of updates."""


def recipe(check: str, tree: Tree) -> ChangeSet | None:
    """The change that makes a check pass; None where there is no recipe, or nothing to apply it to.

    Args:
        check: The check's name, as in the catalogue.
        tree: The files as they are.
    """
    if check not in _RECIPES:
        return None
    path, write = _RECIPES[check]
    text = write(tree)
    if text is None or path in tree or tree.clash(path) or paths.check(path, tree.special) != path:
        return None
    return ChangeSet((FileChange(path, None, text),))


# Ecosystem of Dependabot to the names of files that show it, in the order in which they are listed.
_ECOSYSTEMS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "bun": re.compile(r"bun\.lockb?"),
        "bundler": re.compile(r"Gemfile|.+\.gemspec"),
        "cargo": re.compile(r"Cargo\.toml"),
        "composer": re.compile(r"composer\.json"),
        "docker": re.compile(r"Dockerfile(?:\..+)?|.+\.[Dd]ockerfile"),
        "gomod": re.compile(r"go\.mod"),
        "gradle": re.compile(r"build\.gradle(?:\.kts)?"),
        "maven": re.compile(r"pom\.xml"),
        "mix": re.compile(r"mix\.exs"),
        "npm": re.compile(r"package\.json"),
        "nuget": re.compile(r".+\.(?:cs|fs|vb)proj|packages\.config"),
        "pip": re.compile(r"requirements.*\.txt|pyproject\.toml|setup\.(?:py|cfg)|Pipfile"),
        "pub": re.compile(r"pubspec\.yaml"),
        "swift": re.compile(r"Package\.swift"),
        "terraform": re.compile(r".+\.tf"),
        "uv": re.compile(r"uv\.lock"),
    }
)
_INSTEAD = {"bun": "npm", "uv": "pip"}  # the first reads the same manifests as the second, and its lock file
_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml")
_NOT_OURS = words(
    "node_modules vendor vendored third_party .venv venv test tests testdata fixtures __fixtures__ example examples "
    "sample samples template templates"
)
_PLAIN_FOLDER = re.compile(r"[\w./@-]+", re.ASCII)  # no name that YAML, or Dependabot's patterns, could read otherwise

_UPDATE = """\
  - package-ecosystem: {ecosystem}
    directory: {folder}
    schedule:
      interval: weekly
"""


def _dependabot(tree: Tree) -> str | None:
    updates = [
        _UPDATE.format(ecosystem=ecosystem, folder=json.dumps(f"/{folder}"))
        for ecosystem, folders in _found(tree).items()
        for folder in folders
    ]
    return "version: 2\nupdates:\n" + "".join(updates) if updates else None


def _found(tree: Tree) -> Mapping[str, list[str]]:
    """The ecosystems, and the folders to watch: the outermost ones, because tools look after those inside."""
    folders: dict[str, set[str]] = {}
    for path in tree.paths:
        if _WORKFLOW.fullmatch(path):
            folders.setdefault("github-actions", set()).add("")
            continue
        folder, _, name = path.rpartition("/")
        if _NOT_OURS.isdisjoint(folder.split("/")) and (not folder or _PLAIN_FOLDER.fullmatch(folder)):
            for ecosystem, pattern in _ECOSYSTEMS.items():
                if pattern.fullmatch(name):
                    folders.setdefault(ecosystem, set()).add(folder)
    for ecosystem, instead in _INSTEAD.items():
        folders[instead] = folders.get(instead, set()) - folders.get(ecosystem, set())
    return {ecosystem: watched for ecosystem in sorted(folders) if (watched := _outermost(folders[ecosystem]))}


def _outermost(folders: set[str]) -> list[str]:
    if "" in folders:
        return [""]
    return sorted(folders, key=lambda folder: (folder.count("/"), folder))[:FOLDERS_MAX]


_ISSUE = """\
---
name: Bug report
about: Something does not work as it should
labels: bug
---

**What happened**


**What you expected instead**


**How to see it happen**

1.
2.

**Version and platform**

"""

_PULL_REQUEST = """\
## What changes, and why


## How it was tested


## Before it is merged

- [ ] Tests cover the change, or it needs none
- [ ] The documentation says what is new
"""

_RECIPES: Mapping[str, tuple[str, Callable[[Tree], str | None]]] = MappingProxyType(
    {
        "Dependency-Update-Tool": (".github/dependabot.yml", _dependabot),
        "Issue-Template": (".github/ISSUE_TEMPLATE/bug_report.md", lambda _: _ISSUE),
        "Pull-Request-Template": (".github/PULL_REQUEST_TEMPLATE.md", lambda _: _PULL_REQUEST),
    }
)
