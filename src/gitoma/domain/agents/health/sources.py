"""Which files are a project's source, and which test it: by name and place, as each language's tools find them."""

from __future__ import annotations

import re

from gitoma.domain.agents.health.snapshot import Snapshot, folders
from gitoma.domain.agents.health.words import words

_SOURCE = words(
    "py js mjs cjs jsx ts mts cts tsx go rs java kt kts scala groovy rb php c cc cpp cxx m mm cs fs swift dart "
    "ex exs erl hs ml clj cljs lua jl r pl pm zig nim vue svelte"
)
_TEST_FOLDERS = words("test tests __tests__ spec specs e2e testing integration-tests unittests")
_NOT_SOURCE_FOLDERS = words("docs doc examples example samples demo dist build scripts tools bench benchmarks")
_TEST_NAME = re.compile(
    r"test_.*|.*_(?:test|tests|spec)|.*\.(?:test|spec|e2e|cy)|.*[A-Za-z0-9](?:Test|Tests|TestCase|Spec|IT)|tests?"
)
_NOT_CODE = re.compile(
    r"(?:__init__|__main__|setup|conf|conftest|noxfile|tasks|manage|build|fabfile)\.py|.*\.d\.ts|.*\.config\.\w+"
    r"|\.?\w+rc\.\w+|gulpfile\.\w+|gruntfile\.\w+|rakefile|build\.rs",
    re.I,
)
_RUST_TEST = re.compile(r"#\[(?:\w+::)*test\b|#\[cfg\(test\)\]|#\[rstest\b")


def split(snapshot: Snapshot) -> tuple[list[str], list[str]]:
    """The paths of the sources, and the paths of the tests; a Rust file with tests inside is both."""
    sources: list[str] = []
    tests: list[str] = []
    for entry in snapshot.own_files:
        if not entry.size or not is_code(entry.path):
            continue
        if is_test(entry.path):
            tests.append(entry.path)
        elif is_source(entry.path):
            sources.append(entry.path)
            if entry.path.endswith(".rs") and _RUST_TEST.search(snapshot.text(entry.path) or ""):
                tests.append(entry.path)
    return sources, tests


def is_code(path: str) -> bool:
    """Whether a file is written in a programming language, and is neither glue nor configuration."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].casefold() in _SOURCE and not _NOT_CODE.fullmatch(name)


def is_source(path: str) -> bool:
    """Whether a file of code is the project's own product: no test, no example, no script around it."""
    return is_code(path) and not is_test(path) and not _NOT_SOURCE_FOLDERS.intersection(folders(path))


def is_test(path: str) -> bool:
    """Whether a file of code is a test, or belongs to the tests, by its name or its folders."""
    stem = path.rpartition("/")[2].rpartition(".")[0]
    return bool(_TEST_NAME.fullmatch(stem) or _TEST_FOLDERS.intersection(folders(path)))
