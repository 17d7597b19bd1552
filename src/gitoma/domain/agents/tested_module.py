"""Which file of a repository a test is about: the one to mend when the test fails, more often than the test is.

By what the test imports (Python; JavaScript and TypeScript by relative paths), and by its name: `test_turning.py` and
`turning_test.go` are about `turning`. A file that both say comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.health.sources import is_test
from gitoma.domain.agents.named_files import NamedFiles

_READ_MAX = 64 * 1024  # characters of a test that are looked at: imports stand at its top
_PYTHON_IMPORT = re.compile(
    r"^[ \t]{0,40}(?:from[ \t]+([\w.]{1,200})[ \t]+import[ \t]+\(?([\w, \t]{0,400})|import[ \t]+([\w., \t]{1,400}))",
    re.M,
)
_PYTHON_ROOTS = ("", "src/", "lib/")
_SCRIPT_IMPORT = re.compile(r"""(?:from|import|require\()[ \t]{0,9}['"](\.{1,2}/[\w./-]{1,200})['"]""")
_SCRIPT_ENDINGS = ("", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte", "/index.ts", "/index.js")
_SCRIPTS = frozenset({"js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte"})
_TEST_WORD = re.compile(r"^tests?_|_(?:tests?|spec)$|\.(?:test|spec|e2e|cy)$|(?:Tests?|TestCase|Spec|IT)$")


def module_under_test(test: str, text: str, names: NamedFiles) -> str | None:
    """The tracked file that a test is about; None where neither its text nor its name tells.

    Args:
        test: The test's path.
        text: What is in it; "" if that is not known.
        names: The files of the commit.
    """
    imported = [path for path in dict.fromkeys(_imported(test, text[:_READ_MAX], names)) if not is_test(path)]
    subject, ending = _subject(test)
    for path in imported:
        if path.rpartition("/")[2].rpartition(".")[0] == subject:
            return path
    if imported:
        return imported[0]
    alike = names.ending_in(f"{subject}.{ending}")
    return None if alike is None or is_test(alike) else alike


def _subject(test: str) -> tuple[str, str]:
    """What a test's name says that it is about, and the ending of that name."""
    stem, _, ending = test.rpartition("/")[2].rpartition(".")
    return _TEST_WORD.sub("", stem), ending


def _imported(test: str, text: str, names: NamedFiles) -> Iterator[str]:
    folder, _, name = test.rpartition("/")
    ending = name.rpartition(".")[2]
    if ending == "py":
        return _python_files(text, names)
    return _script_files(folder, text, names) if ending in _SCRIPTS else iter(())


def _python_files(text: str, names: NamedFiles) -> Iterator[str]:
    for match in _PYTHON_IMPORT.finditer(text):
        for module in _dotted(*match.groups()):
            path = module.strip(".").replace(".", "/")
            for file in (f"{path}.py", f"{path}/__init__.py"):
                if (found := _python_file(file, names, alone="/" not in path)) is not None:
                    yield found


def _python_file(file: str, names: NamedFiles, *, alone: bool) -> str | None:
    # `import json` is the standard library's, though some folder of the repository may have a json.py.
    if alone:
        return next((f"{root}{file}" for root in _PYTHON_ROOTS if f"{root}{file}" in names), None)
    return names.ending_in(file)


def _dotted(module: str | None, members: str | None, modules: str | None) -> list[str]:
    """The modules that an import may mean: `from a import b, c` is a.b, a.c or a."""
    if module is None:
        return _names(modules)
    return [*(f"{module}.{member}" for member in _names(members)), module]


def _names(listed: str | None) -> list[str]:
    """`a, b as c` is a and b."""
    return [name.split()[0] for name in (listed or "").split(",") if name.strip()]


def _script_files(folder: str, text: str, names: NamedFiles) -> Iterator[str]:
    for match in _SCRIPT_IMPORT.finditer(text):
        path = _joined(folder, match[1])
        found = next((f"{path}{ending}" for ending in _SCRIPT_ENDINGS if f"{path}{ending}" in names), None)
        if found is not None:
            yield found


def _joined(folder: str, relative: str) -> str:
    """A path relative to a folder of the tree; parts that would leave the tree are dropped."""
    parts = folder.split("/") if folder else []
    for part in relative.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
