"""The world that an agent works in: a git host, GitHub, a model server and a home, and the command line in the midst.

    def test_…(world: World) -> None:
        repo = world.repo()
        model = world.model({"planner": [plan(…)], "worker": [whole_file(…)]})
        done = world.gitoma("run", URL, "--yes")
        assert (done.code, done.result["pr"]) == (0, 1)

A command is a process of its own, with nothing in its environment that a user would not have put there.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rest.service import Service
from tests.rest.service import start as start_service
from tests.stand_ins.git_host import BareRepo, Content, GitHost
from tests.stand_ins.github import TOKEN, GitHub
from tests.stand_ins.model import ModelServer, Script

SLUG = "acme/widget"
URL = f"https://github.com/{SLUG}"
LIMIT_S = 60.0  # how long anything is waited for: far more than it takes on a machine that is very busy
NOBODY = "http://127.0.0.1:9"  # the port of `discard`, where nobody listens

FILES: Mapping[str, Content] = {
    "README.md": "# widget\n",
    "src/widget.py": 'def size(name: str) -> int:\n    """How long it is."""\n    return len(name)\n',
}
"""A small repository with much amiss: no tests, no policy, no changelog, a readme of one line."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended, and all that it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on standard output, line by line."""
        return self.out.splitlines()

    @property
    def result(self) -> dict[str, Any]:
        """Its outcome for programs: the last line, of which there is one."""
        found = [line for line in self.lines if line.startswith("RESULT ")]
        assert found == self.lines[-1:], self.out + self.err
        document: dict[str, Any] = json.loads(found[0].removeprefix("RESULT "))
        assert document["exit"] == self.code
        return document

    @property
    def phases(self) -> list[str]:
        """The phases that its lines begin with, each once for as long as it stays."""
        return phases_of(self.lines)


def phases_of(lines: list[str]) -> list[str]:
    """The phases of `[PHASE] …` lines, in order, without those that only say again what the line before said."""
    said = [line[1:].partition("]")[0] for line in lines if line.startswith("[")]
    return [phase for at, phase in enumerate(said) if at == 0 or phase != said[at - 1]]


class Running:
    """A command that runs, in a session and process group of its own; what it says goes to files, so it never waits."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        folder.mkdir(parents=True)
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process, and its group."""
        return self.process.pid

    @property
    def out(self) -> str:
        """What it has said on standard output until now."""
        return self._out.read_text(errors="replace")

    @property
    def err(self) -> str:
        """What it has said on standard error until now."""
        return self._err.read_text(errors="replace")

    def wait_for_line(self, part: str, limit_s: float = LIMIT_S) -> str:
        """The first whole line of standard output with this in it, as soon as it is there."""

        def found() -> str | None:
            whole = self.out.rpartition("\n")[0].splitlines()
            return next((line for line in whole if part in line), None)

        until(lambda: found() or self.process.poll() is not None, limit_s)
        line = found()
        assert line is not None, f"it ended without {part!r}:\n{self.out}{self.err}"
        return line

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as the server does that cancels a job."""
        os.killpg(self.pid, number)

    def ended(self, limit_s: float = LIMIT_S) -> Ended:
        """Wait until it has ended. The code after a signal is 128 and more, as in a shell."""
        code = self.process.wait(limit_s)
        return Ended(code if code >= 0 else 128 - code, self.out, self.err)

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait()


class World:
    """See the top of this file.

    Attributes:
        git: Holds the bare repositories.
        github: Answers for https://api.github.com.
        home: `GITOMA_HOME`; made by whoever first needs it.
        settings: Variables for every command of this world, beyond those of `environment`.
    """

    def __init__(self, folder: Path, git: GitHost, github: GitHub) -> None:
        self.git = git
        self.github = github
        self.home = folder / "home"
        self.settings: dict[str, str] = {}
        self._folder = folder
        self._stack = ExitStack()
        self._models: list[ModelServer] = []
        self._running: list[Running] = []

    def repo(self, files: Mapping[str, Content] | None = FILES, *, slug: str = SLUG, **hosting: Any) -> BareRepo:
        """A new repository, bare and on GitHub; `hosting` is of `GitHub.add_repo`. None: without a commit."""
        self.github.add_repo(slug, **hosting)
        return self.git.create(slug, files)

    def model(self, script: Script, **options: Any) -> ModelServer:
        """The model server from now on; `options` are of `ModelServer`. Until there is one, nobody listens."""
        self._models.append(self._stack.enter_context(ModelServer(script, **options)))
        return self._models[-1]

    def environment(self, **variables: str | None) -> dict[str, str]:
        """What a command finds in its environment; None takes a variable away."""
        given: dict[str, str | None] = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self._folder),
            "GITOMA_HOME": str(self.home),
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": self.github.url,
            "LM_STUDIO_BASE_URL": self._models[-1].base_url if self._models else f"{NOBODY}/v1",
            **self.settings,
            **variables,
        }
        return self.git.environment({name: value for name, value in given.items() if value is not None})

    def gitoma(self, *arguments: str, limit_s: float = LIMIT_S, **variables: str | None) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, **variables).ended(limit_s)

    def start(self, *arguments: str, **variables: str | None) -> Running:
        """Start a command; whatever becomes of it, it is gone at the end of the test."""
        command = [sys.executable, "-m", "gitoma", *arguments]
        folder = self._folder / f"command-{len(self._running)}"
        self._running.append(Running(command, self.environment(**variables), folder))
        return self._running[-1]

    def serve(self, **variables: str | None) -> Service:
        """Start `gitoma serve` with this world's home and settings, for jobs that are real agents."""
        self.home.mkdir(parents=True, exist_ok=True)
        settings = {**self.environment(), "GITOMA_AGENT_COMMAND": None, **variables}
        service = start_service(self.home, **settings)
        self._stack.callback(service.close)
        return service

    def state(self, slug: str = SLUG) -> dict[str, Any] | None:
        """The state that is written down of a repository."""
        path = self._state_file(slug, "{}.json")
        found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
        return found

    def tasks(self, slug: str = SLUG) -> dict[str, str]:
        """What the state says has become of each task."""
        state = self.state(slug)
        assert state is not None
        return {task["id"]: task["status"] for task in state["task_plan"]["tasks"]}

    def clones(self) -> list[Path]:
        """The temporary clones that are there now."""
        work = self.home / "work"
        return sorted(work.iterdir()) if work.is_dir() else []

    def is_locked(self, slug: str = SLUG) -> bool:
        """Whether somebody holds the lock of a repository. Looking takes it for a moment."""
        path = self._state_file(slug, ".{}.lock")
        if not path.exists():
            return False
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def artifact(self, name: str, slug: str = SLUG) -> str:
        """What is kept for people under this name."""
        return (self.home / "artifacts" / slug.replace("/", "__") / name).read_text()

    def close(self) -> None:
        """End all that runs, and look that the token went nowhere but to GitHub."""
        for running in self._running:
            running.close()
        self._stack.close()
        assert not any(request.holds(TOKEN) for model in self._models for request in model.journal)
        for path in self._folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert TOKEN.encode() not in path.read_bytes(), path

    def _state_file(self, slug: str, form: str) -> Path:
        return self.home / "state" / form.format(slug.replace("/", "__"))


def plan(*tasks: Mapping[str, object]) -> str:
    """A planner's answer."""
    return json.dumps({"tasks": tasks})


def task(check: str, *files: str, title: str = "", instruction: str = "") -> dict[str, object]:
    """One task of such an answer."""
    return {
        "check": check,
        "title": title or f"Mend {check}",
        "instruction": instruction or f"Write {', '.join(files)}",
        "files": files,
    }


def block(path: str, search: str, replace: str) -> str:
    """An edit of a file, in the form that a fixer or worker answers in."""
    return f"FILE: {path}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n"


def whole_file(path: str, text: str) -> str:
    """The same for a new file, or all of one."""
    return block(path, "", text)


def verdict(approve: bool, reason: str = "it does what was asked", *changes: str) -> str:
    """A critic's answer."""
    return json.dumps({"verdict": "approve" if approve else "revise", "reason": reason, "must_change": changes})


def until(condition: Callable[[], object], limit_s: float = LIMIT_S) -> None:
    """Wait until something holds."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"it did not come within {limit_s:g} s"
        time.sleep(0.01)
