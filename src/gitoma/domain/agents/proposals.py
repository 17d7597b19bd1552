"""One task that a model proposes: what of it can be taken, or why it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitoma.domain.agents import paths
from gitoma.domain.agents.changes import Refusal
from gitoma.domain.agents.health.score import CheckResult, Mender
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.targets import TARGETS_MAX, is_target, targets
from gitoma.domain.agents.tree import Tree

TITLE_MAX = 80
"""The longest title of a task, in characters: a line in a list."""

INSTRUCTION_MAX = 600
"""The longest instruction, in characters: a paragraph."""

_SCORE = re.compile(r"[ ]?\([0-9./ ]{1,20}\)$")  # "Changelog (0/10)": as the prompt lists it


@dataclass(frozen=True, slots=True)
class Proposal:
    """A task that can be done.

    Attributes:
        result: The check that it mends.
        title: In the model's words, on one line; "" if it gave none.
        instruction: Likewise.
        files: What it is about: files that mend the check, and no others; at least one.
        left_out: Why other files that it lists are not among them, a line each.
    """

    result: CheckResult
    title: str
    instruction: str
    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def doubles(self, other: Proposal) -> bool:
        """Whether it is about the same check and a file of the other's."""
        return self.result.name == other.result.name and not set(self.files).isdisjoint(other.files)


def read_proposal(value: object, results: Sequence[CheckResult], tree: Tree) -> Proposal | str:
    """Read what a model proposes.

    Args:
        value: What it said, as JSON gave it.
        results: The checks that there may be tasks for.
        tree: The files.

    Returns:
        The proposal, or why it is not taken, in one line that people read and the model, too.
    """
    try:
        return _read(value, results, tree)
    except _Dropped as why:
        return str(why)


class _Dropped(Exception):
    """Why a proposal is not taken."""


def _read(value: object, results: Sequence[CheckResult], tree: Tree) -> Proposal:
    if not isinstance(value, dict):
        raise _Dropped("a task is no object")
    name = _text(value, "check")
    result = next((result for result in results if _key(result.name) == _key(name)), None)
    if result is None:
        raise _Dropped(f"{one_line(name, 40) or 'a task without a check'}: no check that an agent could mend")
    if result.fix.kind is Mender.RECIPE:  # nobody asks the model how
        return Proposal(result, "", "", targets(result, tree))
    title, instruction = (
        one_line(_text(value, "title"), TITLE_MAX),
        one_line(_text(value, "instruction"), INSTRUCTION_MAX),
    )
    files, left_out = _files(value.get("files"), result, tree)
    return Proposal(result, title, instruction, files, left_out)


def _files(value: object, result: CheckResult, tree: Tree) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which of the listed files the check may change, and why not the others: a model does not choose files."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed or not all(isinstance(path, str) for path in listed):
        raise _Dropped(f"{result.name}: it lists no files")
    if len(listed) > TARGETS_MAX:
        raise _Dropped(f"{result.name}: it lists more than {TARGETS_MAX} files")
    judged = {path: paths.check(path.strip(), tree.special) for path in dict.fromkeys(listed)}
    allowed = [path for path in judged.values() if isinstance(path, str) and is_target(path, result, tree)]
    if not allowed:
        wanted = ", ".join(targets(result, tree))
        raise _Dropped(f"{result.name}: none of its files mends it; list {wanted}")
    return tuple(dict.fromkeys(allowed)), tuple(
        _left_out(path, result, why) for path, why in judged.items() if why not in allowed
    )


def _left_out(path: str, result: CheckResult, why: str | Refusal) -> str:
    reason = why.message if isinstance(why, Refusal) else f"{paths.shown(path)} does not mend it, and is not changed"
    return f"{result.name}: {reason}"


def _text(value: Mapping[object, object], name: str) -> str:
    text = value.get(name)
    return text.strip() if isinstance(text, str) else ""


def _key(check: str) -> str:
    """A check's name without what models get wrong about it."""
    return _SCORE.sub("", check[:TITLE_MAX]).casefold().replace("_", "-").replace(" ", "-")


def one_line(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters, hidden ones escaped; a cut shows."""
    line = printable(" ".join(text[: 4 * limit].split()))
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"
