"""Plays a page's `console` blocks against a real server, and compares what comes with what the page shows.

A line that begins with `$ ` is a command; it goes on behind a backslash, or up to the end of its here-document. What
follows is what it prints. `make serve`, with the variables before it, is where a server is started (instead of the one
that ran before). `…` stands for anything, on a line of its own for any number of lines; ids, times and durations may
differ, and so may whatever belongs to the machine.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .pages import Block

LIMIT_S = 120.0
ADDRESS = "127.0.0.1:8000"
MARK = "@@@ done @@@"

_SERVE = re.compile(r"^(?P<settings>(?:\w+=(?:\"[^\"]*\"|\S*) +)*)make serve$")
_VARYING = {
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}": "UUID",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)": "TIME",
    r"\b[0-9a-f]{32}\b": "REQUEST-ID",
    r"\b[0-9a-f]{16}\b": "ERROR-ID",
}


@dataclass
class Command:
    """A command of a page, and what the page says that it prints."""

    place: str
    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str] | None:
        """The variables that a server is started with, if this starts one."""
        match = _SERVE.match(self.text)
        if match is None:
            return None
        return dict(word.split("=", 1) for word in shlex.split(match["settings"]))


def commands(blocks: Sequence[Block]) -> list[Command]:
    """The commands of these blocks."""
    found: list[Command] = []
    for block in blocks:
        lines = iter(enumerate(block.text.splitlines(), block.line))
        for number, line in lines:
            if line.startswith("$ "):
                text = line[2:]
                while text.endswith("\\") or ("<<'EOF'" in text and not text.endswith("\nEOF")):
                    text += f"\n{next(lines)[1]}"
                found.append(Command(f"{block.page.name}:{number}", text))
            else:
                assert found, f"{block.place} begins with no command"
                found[-1].shown.append(line)
    return found


def differs(command: Command, printed: str) -> str:
    """What is wrong with what was printed; empty if nothing is."""
    printed = "\n".join(line.rstrip() for line in _same(printed).strip("\n").splitlines())
    shown = _same("\n".join(line.rstrip() for line in command.shown).strip("\n"))
    pattern = re.escape(shown)
    pattern = re.sub(r"(?<=\n)…(?=\\\n|\n)|^…(?=\\\n|\n)|(?<=\n)…$", "(?s:.*)", pattern)
    pattern = pattern.replace("…", ".*")
    if re.fullmatch(pattern, printed):
        return ""
    return f"{command.place}: $ {command.text}\n--- the page shows\n{shown}\n--- it printed\n{printed}\n"


def _same(text: str) -> str:
    for pattern, word in _VARYING.items():
        text = re.sub(pattern, word, text)
    return text


class Session:
    """A user's shell, in a folder and a home of its own.

    Args:
        folder: Where it all is.
        remote: A folder with bare repositories, which git finds in place of GitHub's.
    """

    def __init__(self, folder: Path, remote: Path) -> None:
        self._folder = folder
        self._home = folder / "home"
        self._home.mkdir()
        kept = ("PATH", "LANG", "LC_ALL", "TMPDIR")
        self._environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(self._home),
            "LM_STUDIO_BASE_URL": "http://127.0.0.1:9/v1",  # where nobody listens
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.file://{remote}/.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://github.com/",
        }
        self._address = ADDRESS
        self._kept = ""  # the shell's variables and functions, as a script

    def play(self, wanted: Sequence[Command]) -> list[str]:
        """Run the commands in order; what differs from the page."""
        wrong: list[str] = []
        rest = list(wanted)
        first = next(place for place, command in enumerate(rest) if command.settings is not None)
        wrong += [differs(command, text) for command, text in zip(rest[:first], self._shell(rest[:first]), strict=True)]
        rest = rest[first:]
        while rest:
            start = rest.pop(0)
            until = next((place for place, command in enumerate(rest) if command.settings is not None), len(rest))
            with self._server(start.settings or {}) as greeting:
                wrong.append(differs(start, greeting))
                printed = self._shell(rest[:until])
                wrong += [differs(command, text) for command, text in zip(rest[:until], printed, strict=True)]
            rest = rest[until:]
        return [problem for problem in wrong if problem]

    @contextmanager
    def _server(self, settings: dict[str, str]) -> Iterator[str]:
        log = (self._folder / "server.log").open("a")
        expanded = {name: value.replace("$PWD", str(self._folder)) for name, value in settings.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "gitoma", "serve", "--auto-token", "--port", "0"],
            env={**self._environment, **expanded},
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            greeting = ""
            while "listens on" not in greeting:
                line = process.stdout.readline()
                assert line, (self._folder / "server.log").read_text()
                greeting += line
            self._address = greeting.partition("listens on http://")[2].split()[0]
            yield greeting.replace(self._address, ADDRESS)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                assert process.wait(LIMIT_S) == 0
            finally:
                process.kill()
                process.wait()
                process.stdout.close()
                log.close()

    def _shell(self, wanted: Sequence[Command]) -> list[str]:
        script = [self._kept]
        for command in wanted:
            script += [command.text, f"printf '\\n{MARK}\\n'"]
        script.append("declare -p TOKEN API 2>/dev/null; declare -f")
        done = subprocess.run(
            ["bash", "-c", "\n".join(script).replace(ADDRESS, self._address)],
            env=self._environment,
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        parts = done.stdout.replace(self._address, ADDRESS).split(f"\n{MARK}\n")
        assert len(parts) == len(wanted) + 1, done.stdout
        self._kept = parts.pop()
        return parts
