"""Which files help a model with a task although it may not change them.

For a test: the code that it is to be about, and a test in the project's own style. For words about the project: what
says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gitoma.domain.agents.health.sources import is_code, is_test
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.named_files import NamedFiles
from gitoma.domain.agents.plan import Subtask
from gitoma.domain.agents.tested_module import module_under_test
from gitoma.domain.agents.tree import Tree

FILES_MAX = 2
"""How many such files are shown: they share the room with those that are to be changed."""

_MANIFESTS = ("pyproject.toml", "package.json", "Cargo.toml", "go.mod", "composer.json", "setup.cfg", "setup.py")
_ABOUT_THE_PROJECT = words("Security-Policy Readme Contributing Changelog Manifest")


def background(task: Subtask, tree: Tree) -> tuple[str, ...]:
    """The paths of files to show beside those that a task lists, at most `FILES_MAX`, the most helpful first.

    Args:
        task: The task.
        tree: The files.
    """
    found = dict.fromkeys(path for path in _candidates(task, tree) if path in tree and path not in task.files)
    return tuple(islice(found, FILES_MAX))


def _candidates(task: Subtask, tree: Tree) -> Iterator[str]:
    if task.check == "Tests":
        names = NamedFiles(tree.paths)
        for test in task.files:
            text = tree.read(test)
            yield module_under_test(test, text if isinstance(text, str) else "", names) or ""
        yield from islice((path for path in tree.paths if _is_alike(path, task.files)), 1)
    elif task.check in _ABOUT_THE_PROJECT:
        yield from islice((path for path in _MANIFESTS if path in tree), 1)
        yield "README.md"


def _is_alike(path: str, tests: tuple[str, ...]) -> bool:
    """A test in the language of these."""
    endings = {test.rpartition(".")[2] for test in tests}
    return path not in tests and path.rpartition(".")[2] in endings and is_test(path) and is_code(path)
