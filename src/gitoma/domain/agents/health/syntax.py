"""The check that what is there parses: Valid-Syntax. Nothing is compiled, imported or run."""

from __future__ import annotations

import json
import re
import symtable
import warnings
from collections.abc import Callable

from gitoma.domain.agents.health.manifests import TOML_LIMIT, toml
from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import READ_LIMIT, YAML_LIMIT, Snapshot, folders, is_binary
from gitoma.domain.agents.ports import UnreadableDocument

POINTS_PER_FILE = 3

# Folders whose files may be broken on purpose, or are filled in before they are read.
_EXCEPTED_FOLDERS = re.compile(
    r"tests?|testing|testdata|test[_-]data|__tests__|specs?|fixtures?|templates?|snapshots|__snapshots__|cassettes"
    r"|corpus",
    re.I,
)
# JSON that its own reader takes with comments in it.
_JSONC = re.compile(
    r"(?:.*/)?(?:[tj]sconfig[\w.-]*\.json|\.eslintrc\.json|\.swcrc|api-extractor[\w.-]*\.json|turbo\.json)"
    r"|(?:.*/)?\.(?:vscode|devcontainer|zed)/.*|(?:.*/)?devcontainer\.json|(?:.*/)?renovate\.json",
    re.I,
)


def valid_syntax(snapshot: Snapshot) -> Finding:
    """10 less 3 for each .py, .json, .toml or .yml file that does not parse; n/a without such files."""
    looked_at = 0
    broken: list[str] = []
    for entry in snapshot.own_files:
        parse, limit = _PARSERS.get(entry.path.rpartition(".")[2].casefold(), (None, 0))
        if parse is None or not entry.size or entry.size > limit or _excepted(entry.path):
            continue
        content = snapshot.content(entry.path, limit)
        if content is not None:
            looked_at += 1
            broken += [] if _parses(parse, snapshot, content) else [entry.path]
    if not looked_at:
        return Finding(None, "no files that could be parsed")
    reason = f"{len(broken)} of {looked_at} files do not parse" if broken else f"all {looked_at} files parse"
    return Finding(max(0, 10 - POINTS_PER_FILE * len(broken)), reason, tuple(broken))


def _excepted(path: str) -> bool:
    # `{` is in the names of folders that a template tool has yet to fill in.
    return bool(_JSONC.fullmatch(path)) or any(
        "{" in name or _EXCEPTED_FOLDERS.fullmatch(name) for name in folders(path)
    )


_Parse = Callable[[Snapshot, bytes], object]


def _parses(parse: _Parse, snapshot: Snapshot, content: bytes) -> bool:
    try:
        parse(snapshot, content)
    except (ValueError, SyntaxError, RecursionError, MemoryError, UnreadableDocument):
        # MemoryError is how Python's parser says that brackets are nested too deeply.
        return False
    return True


def _python(_: Snapshot, content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in their string is no business of our output
        # Parses and resolves names, without making an object of every node: half the time of `ast.parse`.
        symtable.symtable(content, "<file>", "exec")  # type: ignore[arg-type]  # it takes bytes, and their coding line


def _json(_: Snapshot, content: bytes) -> None:
    json.loads(content.decode(json.detect_encoding(content), "surrogatepass"))


def _toml(_: Snapshot, content: bytes) -> None:
    toml(content.decode("utf-8"))


def _yaml(snapshot: Snapshot, content: bytes) -> None:
    if is_binary(content):
        raise UnreadableDocument("binary")
    snapshot.check_yaml(content.decode("utf-8-sig"))


_PARSERS: dict[str, tuple[_Parse, int]] = {
    "py": (_python, READ_LIMIT),
    "json": (_json, READ_LIMIT),
    "toml": (_toml, TOML_LIMIT),
    "yml": (_yaml, YAML_LIMIT),
    "yaml": (_yaml, YAML_LIMIT),
}
