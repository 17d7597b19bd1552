"""Which paths an agent may write at all, whatever it is asked to do.

A path is judged as it is written; nothing is made harmless first, except that segments of one dot are dropped.

* Refused: what is no plain relative path: empty, too long, hidden characters, a backslash, a root, a home, a drive, an
  empty segment, any `..`.
* Then names are compared as the most lenient file system would: Unicode's compatibility forms are one, case does not
  count, nor does what stands behind a colon, nor blanks and dots at the end.
* Denied: what runs when others build, push, check out or open it (CI, actions, hooks, git's own files, editors' tasks),
  what holds credentials, what is written by tools (lock files), who must approve (CODEOWNERS), and every short name
  that Windows may give to those.
* Special: a symbolic link or a submodule, and everything that would be behind one.

Who may change which file for a task is no matter of this module; see `gates`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import pairwise

from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.hidden_text import is_hidden
from gitoma.domain.agents.progress import printable

PATH_MAX_BYTES = 240
"""The longest path: with the folder of a checkout before it, it fits what Windows takes (260 characters)."""

DENIED_FOR_PEOPLE = (
    "CI workflows, git's own files and hooks, lock files, keys and .env files, registry settings (.npmrc, .pypirc, …), "
    "CODEOWNERS, symbolic links and submodules are never changed; build manifests only where the task lists them."
)

_SHOWN = 120  # characters of a path in a message

_FOLDERS = words(
    ".git .ssh .aws .gnupg .docker .kube .githooks .husky .circleci .buildkite .woodpecker .cargo .mvn .yarn .bundle "
    ".devcontainer .vscode .idea"
)
_PAIRS = frozenset((host, what) for host in (".github", ".gitea", ".forgejo") for what in ("workflows", "actions"))
_NAMES = re.compile(
    r"\.gitattributes|\.gitmodules|codeowners"
    r"|\.env|\.env\..*|\.envrc|[._]netrc|\.npmrc|\.pnpmfile\..*|\.pypirc|\.yarnrc.*|.*\.(?:pem|key)"
    r"|\.gitlab-ci\.ya?ml|jenkinsfile|azure-pipelines\.ya?ml|\.travis\.ya?ml|\.drone\.ya?ml|\.?appveyor\.ya?ml"
    r"|bitbucket-pipelines\.ya?ml|\.cirrus\.ya?ml|\.?(?:pre-commit-config|lefthook)(?:-local)?\.(?:ya?ml|toml|json)"
    r"|\.pre-commit-hooks\.yaml|\.devcontainer\.json|action\.ya?ml"
)
_LOCKS = re.compile(
    r".*\.(?:lock|lockb|lockfile)|bun\.lock.*|.*-lock\.(?:json|ya?ml)|packages\.lock\.json|npm-shrinkwrap\.json"
    r"|go\.(?:work\.)?sum|package\.resolved"
)
_SHORT_NAME = re.compile(r"[^~]{1,7}~\d{1,6}(?:\..{0,3})?")
_DRIVE = re.compile(r"[A-Za-z]:")
_MANIFESTS = re.compile(
    r"pyproject\.toml|setup\..*|requirements.*\.(?:txt|in)|constraints.*\.txt|pipfile|package\.json|tsconfig.*\.json"
    r"|deno\.jsonc?|cargo\.toml|go\.(?:mod|work)|pom\.xml|(?:build|settings)\.gradle.*|gemfile|.*\.gemspec|composer\.json"
    r"|mix\.exs|package\.swift|cmakelists\.txt|.*\.(?:cs|fs|vb)proj"
)


def check(path: str, special: Collection[str]) -> str | Refusal:
    """Judge a path.

    Args:
        path: As a model, or anybody, wrote it.
        special: The tree's symbolic links and submodules.

    Returns:
        The path without segments of one dot, or a refusal: `bad-path`, `denied` or `special`.
    """
    problem = next(_problems(path), None)
    if problem:
        return Refusal("bad-path", f"{shown(path)} {problem}. Write a path relative to the repository, like src/a.py.")
    parts = [part for part in path.split("/") if part != "."]
    names = [_folded(part) for part in parts]
    denied = next(_denials(names), None)
    if denied:
        return Refusal("denied", f"{shown(path)} is {denied}, which is never changed. Leave it out.")
    if any(part[-1] in ". " for part in parts):
        return Refusal("bad-path", f"{shown(path)} has a name that ends in a blank or a dot. Take that away.")
    if special and _behind(names, special):
        return Refusal("special", f"{shown(path)} is, or is behind, a symbolic link or a submodule. Leave it out.")
    return "/".join(parts)


def is_manifest(path: str) -> bool:
    """Whether a file says how the project is built or what it needs: only a task that lists it may change it."""
    *folders, name = folded(path).split("/")
    return bool(_MANIFESTS.fullmatch(name)) or (folders[-1:] == ["requirements"] and name.endswith((".txt", ".in")))


def folded(path: str) -> str:
    """A path in the form in which two that some file system takes for one are equal."""
    return "/".join(_folded(part) for part in path.split("/"))


def shown(path: str) -> str:
    """A path in a message: on one line, and not longer than people read."""
    line = printable(path[: _SHOWN + 1])
    return f"`{line}`" if len(line) <= _SHOWN else f"`{line[:_SHOWN]}…`"


def _problems(path: str) -> Iterator[str]:
    if not path:
        yield "is empty"
    if len(path.encode("utf-8", "surrogatepass")) > PATH_MAX_BYTES:
        yield f"is longer than {PATH_MAX_BYTES} bytes"
    if any(map(_unprintable, path)):
        yield "has characters that cannot be seen"
    if "\\" in path:
        yield "has a backslash"
    if path.startswith(("/", "~")) or _DRIVE.match(path):
        yield "does not begin in the repository"
    parts = path.split("/")
    if "" in parts:
        yield "has an empty name"
    if not any(part != "." for part in parts):
        yield "names no file"
    if any(part != "." and _leads_away(part) for part in parts):
        yield "has a name of nothing but dots, or a slash in disguise"
    if parts[-1] == ".":
        yield "names a folder"


def _unprintable(character: str) -> bool:
    return is_hidden(character) or character in "\t\n\r\f" or unicodedata.category(character) in ("Co", "Cn")


def _leads_away(part: str) -> bool:
    """`..`, other names of nothing but dots and blanks, also before a colon, and letters that stand for a slash."""
    plain = unicodedata.normalize("NFKC", part)
    return not plain.partition(":")[0].strip(" .") or "/" in plain or "\\" in plain


def _folded(part: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())
    return plain.partition(":")[0].rstrip(" .")


def _denials(names: list[str]) -> Iterator[str]:
    for name in names:
        if name in _FOLDERS or _NAMES.fullmatch(name):
            yield "CI, credentials or git's own"
        if _LOCKS.fullmatch(name):
            yield "a lock file"
        if _SHORT_NAME.fullmatch(name):
            yield "a short name of Windows, which may stand for another file"
    if not _PAIRS.isdisjoint(pairwise(names)):
        yield "CI"


def _behind(names: list[str], special: Collection[str]) -> bool:
    barred = {folded(path) for path in special}
    return any("/".join(names[:length]) in barred for length in range(1, len(names) + 1))
