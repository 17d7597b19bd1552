"""Which commands a shell script runs, as far as a reader can tell without running it.

`pip install pytest` installs a test runner and `echo pytest` names one; neither runs one. So a script is cut into
commands, what only wraps a command is taken off (`uv run`, `xvfb-run`, `python -m`), and the head of what is left
decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.health.words import words

SCRIPT_LIMIT = 64 * 1024
"""How much of one script is read, in characters: more than people write."""

_CONTINUED = re.compile(r"\\\r?\n")
_SEPARATOR = re.compile(r"\n|\r|&&|\|\||[;|&(){}]")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_EXPRESSION = re.compile(r"\$\{\{.{0,500}?\}\}", re.S)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=\S*")
_KEYWORDS = words("if then else elif do while until ! time command exec eval sudo env nohup - set -e")

# What a command may stand behind: each is a tuple of words.
_WRAPPERS = tuple(
    tuple(words.split())
    for words in (
        "uv run",
        "uv tool run",
        "uvx",
        "poetry run",
        "pdm run",
        "pipenv run",
        "pipx run",
        "rye run",
        "pixi run",
        "hatch run",
        "hatch -e",
        "bundle exec",
        "npx",
        "bunx",
        "pnpm exec",
        "pnpm dlx",
        "yarn exec",
        "yarn dlx",
        "npm exec",
        "coverage run -m",
        "python -m",
        "python3 -m",
        "py -m",
        "python -m coverage run -m",
        "xvfb-run",
        "timeout",
        "nix develop -c",
        "mise exec",
        "docker compose run",
        "docker-compose run",
    )
)


def commands(script: str) -> Iterator[tuple[str, ...]]:
    """The commands of a script, each as its words, wrappers and assignments taken off, in order."""
    joined = _CONTINUED.sub(" ", script[:SCRIPT_LIMIT])
    plain = _EXPRESSION.sub("EXPRESSION", joined)
    for line in plain.splitlines():
        for part in _SEPARATOR.split(_COMMENT.sub("", line)):
            words = _unwrapped([word.strip("\"'`") for word in part.split()])
            if words:
                yield words


def _unwrapped(words: list[str]) -> tuple[str, ...]:
    """The words without what stands before the command itself."""
    before = -1
    while words and len(words) != before:
        before = len(words)
        if words[0] in _KEYWORDS or _ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
            continue
        for wrapper in _WRAPPERS:
            if tuple(_plain(word) for word in words[: len(wrapper)]) == wrapper:
                words = _without_options(words[len(wrapper) :])
    return tuple(words)


def _plain(word: str) -> str:
    """`python3.12` and `.venv/bin/python` are python."""
    name = word.rpartition("/")[2]
    return "python" if re.fullmatch(r"python[\d.]*", name) else name


_VALUED = words("--with --extra --group --only-group --python -p --from --package -e --directory --project -s")
_NUMBER = re.compile(r"[\d.]+[smh]?")  # what `timeout` takes


def _without_options(words: list[str]) -> list[str]:
    """The words behind a wrapper's own options and their values."""
    while words and (words[0].startswith("-") or _NUMBER.fullmatch(words[0])):
        words = words[2:] if words[0] in _VALUED else words[1:]
    return words
