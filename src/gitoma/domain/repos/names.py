"""The names of a repository and of a branch: parsed once, at the edge.

Whoever holds a `Slug`, a `RepoUrl` or a `Branch` need not check again. The rules:

* owner: 1 to 39 ASCII letters, digits, `-`, `_`; begins with a letter or digit; no `__` inside and no `_` at the end.
  (GitHub allows no underscore at all except in names of managed users, which hold one. The ban on `__` makes
  `<owner>__<name>` an unambiguous file name: `a__b`/`c` and `a`/`b__c` would share one.)
* name: 1 to 100 ASCII letters, digits, `.`, `_`, `-`; not `.` or `..`; does not begin with `-` (it would be read as an
  option by a command line).
* branch: 1 to 255 of `A-Z a-z 0-9 . _ / -`, not beginning with `-`, and nothing that git itself would refuse.

All patterns match the whole string: a trailing newline does not pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from gitoma.domain.errors import InvalidName

OWNER_PATTERN = r"(?!.*__)[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9-])?"
NAME_PATTERN = r"(?!\.{1,2}$)[A-Za-z0-9._][A-Za-z0-9._-]{0,99}"
BRANCH_PATTERN = r"(?!-)[A-Za-z0-9._/-]{1,255}"
BRANCH_MAX_LENGTH = 255

_OWNER = re.compile(OWNER_PATTERN)
_NAME = re.compile(NAME_PATTERN)
_BRANCH = re.compile(BRANCH_PATTERN)
_REPO_URL = re.compile(r"https://github\.com/([^/]+)/([^/]+)/?")

_URL_RULE = "must be https://github.com/<owner>/<repo>, without credentials"
_OWNER_RULE = (
    "must be a GitHub owner: 1 to 39 letters, digits, '-' or '_', beginning with a letter or digit, "
    "without '__' and without '_' at the end"
)
_NAME_RULE = "must be a GitHub repository name: 1 to 100 letters, digits, '.', '_' or '-', not beginning with '-'"
_BRANCH_RULE = "must be a branch name: 1 to 255 letters, digits, '.', '_', '/' or '-', not beginning with '-'"
_GIT_RULE = "must be a branch name that git accepts"


def _owner(text: str) -> str:
    if not _OWNER.fullmatch(text):
        raise InvalidName(_OWNER_RULE)
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InvalidName(_NAME_RULE)
    return text


@dataclass(frozen=True, slots=True, order=True)
class Slug:
    """`owner/name`: which repository is meant, on whatever host."""

    owner: str
    name: str

    def __post_init__(self) -> None:
        _owner(self.owner)
        _name(self.name)

    @classmethod
    def problems(cls, owner: str, name: str) -> dict[str, str]:
        """What is wrong with each part: field name to message; empty if `Slug(owner, name)` would succeed."""
        found = {}
        for field, rule, text in (("owner", _owner, owner), ("name", _name, name)):
            try:
                rule(text)
            except InvalidName as error:
                found[field] = str(error)
        return found

    @property
    def file_stem(self) -> str:
        """The repository's name as part of a file name; no other repository has the same."""
        return f"{self.owner}__{self.name}"

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class RepoUrl:
    """A repository's address on github.com, as the caller wrote it, and the slug in it."""

    text: str
    slug: Slug

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `https://github.com/<owner>/<repo>`, with an optional `.git` and an optional slash behind it.

        One trailing `.git` is cut before the name is judged.

        Raises:
            InvalidName: It is anything else; credentials in it are refused with the rest.
        """
        match = _REPO_URL.fullmatch(text)
        if match is None:
            raise InvalidName(_URL_RULE)
        return cls(text, Slug(match[1], match[2].removesuffix(".git")))

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch name that both the REST page and git accept."""

    name: str

    def __post_init__(self) -> None:
        if len(self.name) > BRANCH_MAX_LENGTH:
            raise InvalidName(f"must be at most {BRANCH_MAX_LENGTH} characters", kind="string_too_long")
        if not _BRANCH.fullmatch(self.name):
            raise InvalidName(_BRANCH_RULE)
        if not _git_accepts(self.name):
            raise InvalidName(_GIT_RULE)

    def __str__(self) -> str:
        return self.name


def _git_accepts(name: str) -> bool:
    """The rules of `git check-ref-format --branch` that the allowed characters leave open."""
    parts = name.split("/")
    return (
        ".." not in name
        and not name.endswith(".")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
        and name != "HEAD"
    )
