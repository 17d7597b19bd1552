"""A `git` that stands before the real one on PATH, and notes how it is called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NETWORK = ("clone", "push", "ls-remote")

# Beside its own, the arguments of every process, as anybody on the machine sees them, and the clone's configuration.
_SCRIPT = """#!/bin/sh
note=$(mktemp -d '{notes}/XXXXXXXXXX')
printf '%s\\0' "$@" > "$note/arguments"
cat /proc/$$/environ > "$note/environment"
cat /proc/[0-9]*/cmdline > "$note/processes" 2>/dev/null
cat .git/config > "$note/config" 2>/dev/null
exec {git} "$@"
"""


@dataclass(frozen=True)
class Call:
    """One call of git.

    Attributes:
        arguments: Behind `git`.
        environment: The variables, raw.
        processes: The arguments of every process of the machine at that moment, raw.
        config: The configuration of the repository that it was called in, raw; empty where there was none yet.
    """

    arguments: list[str]
    environment: bytes
    processes: bytes
    config: bytes

    @property
    def is_online(self) -> bool:
        """Whether it speaks with the code host."""
        return self.arguments[0] in NETWORK


class GitShim:
    """The shim, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        git = shutil.which("git")
        assert git is not None
        self._notes = folder / "notes"
        self._notes.mkdir(parents=True)
        script = folder / "bin" / "git"
        script.parent.mkdir()
        script.write_text(_SCRIPT.format(notes=self._notes, git=git))
        script.chmod(0o755)
        self.path = f"{script.parent}:{os.environ['PATH']}"

    def calls(self) -> list[Call]:
        """What was noted, in no order."""
        return list(self._read())

    def _read(self) -> Iterator[Call]:
        for note in self._notes.iterdir():
            parts = (note / name for name in ("arguments", "environment", "processes", "config"))
            arguments, *others = (part.read_bytes() for part in parts)
            yield Call(arguments.decode().split("\0")[:-1], *others)
