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
        _, limit = _parser(entry.path)
        if not entry.size or entry.size > limit or _excepted(entry.path):
            continue
        content = snapshot.content(entry.path, limit)
        if content is not None:
            looked_at += 1
            broken += [entry.path] if problem(entry.path, content, snapshot.check_yaml) else []
    if not looked_at:
        return Finding(None, "no files that could be parsed")
    reason = f"{len(broken)} of {looked_at} files do not parse" if broken else f"all {looked_at} files parse"
    return Finding(max(0, 10 - POINTS_PER_FILE * len(broken)), reason, tuple(broken))


def _excepted(path: str) -> bool:
    # `{` is in the names of folders that a template tool has yet to fill in.
    return has_comments_by_name(path) or any("{" in name or _EXCEPTED_FOLDERS.fullmatch(name) for name in folders(path))


def has_comments_by_name(path: str) -> bool:
    """Whether a file is JSON only by its name: what reads it takes comments, too."""
    return bool(_JSONC.fullmatch(path))


CheckYaml = Callable[[str], None]
"""`YamlReader.check`."""


def problem(path: str, content: bytes, check_yaml: CheckYaml) -> str | None:
    """Why a file does not parse as what its name says, in one line; None if it does, or if its kind is not parsed."""
    parse, limit = _parser(path)
    if parse is None:
        return None
    if len(content) > limit:
        return f"larger than {limit // 1024} KiB"
    try:
        parse(content, check_yaml)
    except SyntaxError as error:
        return f"{error.msg} (line {error.lineno})" if error.lineno else error.msg
    except (RecursionError, MemoryError):
        # MemoryError is how Python's parser says that brackets are nested too deeply.
        return "nested too deeply"
    except (ValueError, UnreadableDocument) as error:
        return str(error).partition("\n")[0] or "no valid content"
    return None


_Parse = Callable[[bytes, CheckYaml], object]


def _parser(path: str) -> tuple[_Parse | None, int]:
    """What parses a file of this name, and the largest that it takes, in bytes."""
    return _PARSERS.get(path.rpartition(".")[2].casefold(), (None, 0))


def _python(content: bytes, _: CheckYaml) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape in their string is no business of our output
        # Parses and resolves names, without making an object of every node: half the time of `ast.parse`.
        symtable.symtable(content, "<file>", "exec")  # type: ignore[arg-type]  # it takes bytes, and their coding line


def _json(content: bytes, _: CheckYaml) -> None:
    json.loads(content.decode(json.detect_encoding(content), "surrogatepass"))


def _toml(content: bytes, _: CheckYaml) -> None:
    toml(content.decode("utf-8"))


def _yaml(content: bytes, check_yaml: CheckYaml) -> None:
    if is_binary(content):
        raise UnreadableDocument("binary")
    check_yaml(content.decode("utf-8-sig"))


_PARSERS: dict[str, tuple[_Parse, int]] = {
    "py": (_python, READ_LIMIT),
    "json": (_json, READ_LIMIT),
    "toml": (_toml, TOML_LIMIT),
    "yml": (_yaml, YAML_LIMIT),
    "yaml": (_yaml, YAML_LIMIT),
}
