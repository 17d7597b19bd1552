"""Which modules a Python project can import without a new dependency: its own, the standard library's, and known ones.

Known is what any of its files imports and what its manifests name. A distribution's name is often the module's; the few
well-known exceptions are listed. The scan is bounded: what it does not reach is not known.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator

from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.tree import Tree

SCANNED_FILES = 1_500
"""How many Python files are searched for imports."""

SCANNED_CHARACTERS = 12 * 1024**2
"""How much of them: a second's work."""

_MANIFESTS_READ = 30
_MANIFEST = re.compile(
    r"pyproject\.toml|setup\.(?:py|cfg)|pipfile|tox\.ini|noxfile\.py|(?:conda-)?environment\.ya?ml"
    r"|(?:.*[-_.])?(?:requirements|constraints).*\.(?:txt|in)",
    re.I,
)
_IMPORT = re.compile(r"^[ \t]{0,40}(?:from[ \t]+(\w+)|import[ \t]+([\w., \t]+))", re.M)
_WORD = re.compile(r"[A-Za-z0-9][\w-]*")
_DISTRIBUTIONS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv_python",
    "dateutil": "python_dateutil",
    "dotenv": "python_dotenv",
    "git": "gitpython",
    "jwt": "pyjwt",
    "PIL": "pillow",
    "sklearn": "scikit_learn",
    "yaml": "pyyaml",
}
_OURS = words("py pyi pyx so")


def unknown_modules(modules: Collection[str], before: Tree, after: Tree) -> frozenset[str]:
    """Those of `modules` that would be a new dependency.

    Args:
        modules: First names of modules: `a` for `a.b`.
        before: The project as it is: what it imports and declares is known. What a change declares is not: it would
            vouch for itself.
        after: The project with the change in it: its own modules are known.
    """
    left = set(modules) - sys.stdlib_module_names
    for names, tree in ((_own, after), (_declared, before), (_imported, before)):
        left = left and _without(left, names(tree))
    return frozenset(left)


def _without(modules: set[str], known: Iterator[str]) -> set[str]:
    """`modules` less the known ones; stops as soon as none is left."""
    left = {module: {module, module.casefold(), _DISTRIBUTIONS.get(module, module)} for module in modules}
    for name in known:
        found = [module for module, names in left.items() if name in names]
        for module in found:
            del left[module]
        if not left:
            break
    return set(left)


def _own(tree: Tree) -> Iterator[str]:
    for path in tree.paths:
        stem, _, ending = path.rpartition(".")
        if ending in _OURS:
            yield from stem.split("/")


def _declared(tree: Tree) -> Iterator[str]:
    manifests = [path for path in tree.paths if _is_manifest(path)]
    for path in manifests[:_MANIFESTS_READ]:
        text = tree.read(path)
        if isinstance(text, str):
            yield from (word.casefold().replace("-", "_") for word in _WORD.findall(text))


def _is_manifest(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return bool(_MANIFEST.fullmatch(name)) or (folder.endswith("requirements") and name.endswith((".txt", ".in")))


def _imported(tree: Tree) -> Iterator[str]:
    budget = SCANNED_CHARACTERS
    for path in [path for path in tree.paths if path.endswith(".py")][:SCANNED_FILES]:
        text = tree.read(path)
        if isinstance(text, str):
            budget -= len(text)
            yield from _imports(text)
        if budget < 0:
            return


def _imports(text: str) -> Iterator[str]:
    for found in _IMPORT.finditer(text):
        if found[1]:
            yield found[1]
        else:
            yield from (part.split()[0].partition(".")[0] for part in found[2].split(",") if part.strip())
