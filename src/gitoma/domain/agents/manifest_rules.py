"""What of a build manifest an agent may change: what it says about the project, not what it brings or runs.

A dependency, a build backend, a script or a hook is code of somebody's choice on the machines of all who build the
project. So of the kinds that can be read, only entries that are known to describe may change; of the others, no line
that looks like a declaration. Where people ask for a change (a review), what they name themselves may change, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from gitoma.domain.agents.changes import FileChange, Refusal
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.manifest_parts import Part, parts
from gitoma.domain.agents.paths import folded, shown

_NAMED = 3  # entries in one message
_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[\w.\[\], <>=!~^*|+-]*")  # versions; nothing that leads to another place
_NO_MARKS = str.maketrans(dict.fromkeys("<>=!~^*[],|", " "))
_GROUPS = words("optional-dependencies dependency-groups")
_DEPENDS = re.compile(r"depend|require", re.I)

_ABOUT = words(
    "name version description readme license license-files license-file authors author maintainers contributors"
    " keywords classifiers categories urls homepage repository documentation bugs funding private"
)
_PYTHON = _ABOUT | words("requires-python dynamic")
_CARGO = _ABOUT | words("edition rust-version")
_NODE = _ABOUT | words("main module types typings type exports engines")
_TOOLS = words("ruff mypy black isort pyright basedpyright pydocstyle codespell")
_TOOL_SECTIONS = words("flake8 mypy isort pycodestyle pydocstyle")
_RUNS = words("plugins plugin local-plugins hooks scripts commands command extension extensions extend")

_BACKENDS = MappingProxyType(
    {
        "setuptools.build_meta": words("setuptools wheel"),
        "hatchling.build": words("hatchling"),
        "flit_core.buildapi": words("flit_core flit-core"),
        "poetry.core.masonry.api": words("poetry-core"),
    }
)
_REQUIREMENT = re.compile(r"([a-z_-]+)(?:[<>=!~]=?[\d.*]+,?)*")

_DECLARATION = re.compile(
    r"depend|requir|extras|entry_point|cmdclass|\bscript|plugin|repositor|implementation|\bapi\b|classpath|package"
    r"|fetch|external|\bdeps?\b|import|extend|tasks|exec|system|popen|eval|command|include|target|hook|://|git\+"
    r"|^[\"'][^\"']*[\"'],?$|^<",
    re.I,
)


def unasked(file: FileChange, asked: str | None) -> Iterator[Refusal]:
    """Code `manifest`, for entries of a build manifest that change and may not.

    Args:
        file: The manifest's part of the change; one that goes is none of these rules' business.
        asked: What people asked for: what it names may change. None if nobody did.
    """
    if file.new is None:
        return
    path = folded(file.path)
    before = Counter[Part]() if file.old is None else parts(path, file.old)
    after = parts(path, file.new)
    if after is None:
        yield Refusal("manifest", f"{shown(file.path)} could not be read afterwards. Write it plainly, and whole.")
        return
    changed = _changed(path, before, after) if before is not None else _unheard(path, file.old or "", after)
    named = None if asked is None else _words(asked)
    found = sorted({_title(part) for part in changed if named is None or not _is_named(part, named)})
    if found:
        some = ", ".join(map(shown, found[:_NAMED]))
        message = f"{shown(file.path)} would change {some}: what a project needs, or runs, is for people to decide"
        yield Refusal("manifest", f"{message}. Leave those entries as they are.")


def _changed(path: str, before: Counter[Part], after: Counter[Part]) -> list[Part]:
    may_change = _rule(path)
    plain = _plain_build_system(after) if not any(_is_build(part) for part in before) else False
    found = [*(after - before), *(before - after)]
    return [part for part in found if not may_change(part) and not (plain and _is_build(part))]


def _unheard(path: str, old: str, after: Counter[Part]) -> list[Part]:
    """Where the old text could not be read: the entries with a word that it did not hold."""
    may_change, known = _rule(path), _words(old)
    return [part for part in after if not may_change(part) and not _words(" ".join((*part[0], part[1]))) <= known]


def _rule(path: str) -> Callable[[Part], bool]:
    name = path.rpartition("/")[2]
    return _RULES.get(name, _in_tsconfig if name.startswith("tsconfig") else _is_no_declaration)


def _in_pyproject(part: Part) -> bool:
    match part[0]:
        case ("project", key, *_):
            return key in _PYTHON
        case ("tool", "poetry", key, *_):
            return key in _ABOUT
        case ("tool", "pytest", "ini_options", key):
            return key in ("markers", "asyncio_mode")
        case ("tool", tool, *keys):
            return tool in _TOOLS and _RUNS.isdisjoint(keys)
        case _:
            return False


def _in_cargo(part: Part) -> bool:
    match part[0]:
        case ("package", key, *_) | ("workspace", "package", key, *_):
            return key in _CARGO
        case ("lints", *_) | ("workspace", "lints", *_):
            return True
        case _:
            return False


def _in_package_json(part: Part) -> bool:
    return bool(part[0]) and part[0][0] in _NODE


def _in_setup_cfg(part: Part) -> bool:
    section, key = part[0]
    return (section == "metadata" and key.replace("_", "-") in _ABOUT | words("long-description url")) or (
        section.partition("-")[0] in _TOOL_SECTIONS and _RUNS.isdisjoint({key})
    )


def _in_tsconfig(part: Part) -> bool:
    """It says how to check, and has comments; what it may bring is another file of settings, or a plugin."""
    return not re.search(r"plugins|extends|transform", part[1])


def _in_go_mod(part: Part) -> bool:
    return part[0] == ("go",) and re.fullmatch(r"\d+(?:\.\d+){1,2}", part[1]) is not None


def _nothing(_: Part) -> bool:
    return False


def _is_no_declaration(part: Part) -> bool:
    """Of kinds that are programs: whether a line declares nothing. What is in `dependencies` is a declaration."""
    return not part[0] and not _DECLARATION.search(part[1])


_RULES: Mapping[str, Callable[[Part], bool]] = MappingProxyType(
    {
        "pyproject.toml": _in_pyproject,
        "cargo.toml": _in_cargo,
        "package.json": _in_package_json,
        "composer.json": _in_package_json,
        "setup.cfg": _in_setup_cfg,
        "go.mod": _in_go_mod,
        "go.work": _in_go_mod,
        "pipfile": _nothing,
    }
)


def _is_build(part: Part) -> bool:
    return part[0][:1] == ("build-system",)


def _plain_build_system(after: Counter[Part]) -> bool:
    """Whether the build system is a well-known one, with nothing but itself."""
    build = [part for part in after if _is_build(part)]
    backend = [value for keys, value in build if keys == ("build-system", "build-backend")]
    required = [
        _REQUIREMENT.fullmatch(value.replace(" ", "")) for keys, value in build if keys == ("build-system", "requires")
    ]
    if len(backend) != 1 or len(build) != len(required) + 1:
        return False
    known = _BACKENDS.get(backend[0], frozenset())
    return all(found is not None and found[1] in known for found in required)


def _is_named(part: Part, named: frozenset[str]) -> bool:
    """Whether people named an entry: a dependency from the usual place by its name, all else in full."""
    keys, value = part
    name = _dependency(keys, value) if _PLAIN.fullmatch(value) else None
    wanted = _words(" ".join((*keys[-1:], value)) if name is None else name)
    return bool(wanted) and wanted <= named


def _dependency(keys: tuple[str, ...], value: str) -> str | None:
    """The name of the dependency that an entry is about: a key, or where a list holds them, the value's beginning."""
    place = next((place for place, key in enumerate(keys) if _DEPENDS.search(key)), None)
    if place is None:
        return None
    if keys[place + 1 :] and keys[place].casefold() not in _GROUPS:
        return keys[place + 1]
    return value.translate(_NO_MARKS).split(" ", 1)[0]


def _words(text: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in _WORD.findall(text))


def _title(part: Part) -> str:
    return ".".join(filter(None, part[0])) or part[1]
