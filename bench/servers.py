"""What is measured: `gitoma serve`, started as a user would, and the bare server beside it."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GITOMA = Path(sys.executable).with_name("gitoma")
TOKEN = "a-token-for-the-bench"
REPO = "https://github.com/bench/{}"

IDLE_S = 2.0
"""After this long without a request a connection is not used again: the server closes it after five seconds."""


class Served:
    """A server that runs."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def memory_kib(self, kind: str) -> int:
        """`Rss` or `Pss` of the process, in KiB."""
        return _field(Path(f"/proc/{self.process.pid}/smaps_rollup"), kind)

    def forget_peak(self) -> None:
        """Let the peak of the memory begin anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_kib(self) -> int:
        """The largest resident memory since `forget_peak`, in KiB."""
        return _field(Path(f"/proc/{self.process.pid}/status"), "VmHWM")

    def cpu_s(self) -> float:
        """The seconds of processor that the process has used."""
        spent = Path(f"/proc/{self.process.pid}/schedstat").read_text(encoding="utf-8")
        return int(spent.split()[0]) / 1e9


def _field(path: Path, name: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


class Gitoma(Served):
    """`gitoma serve`, and what its clients do."""

    def __init__(self, process: subprocess.Popen[str], port: int, folder: Path) -> None:
        super().__init__(process, port)
        self.folder = folder
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._asked = 0.0

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> http.client.HTTPResponse:
        """One answer, its body still to be read."""
        if time.monotonic() - self._asked > IDLE_S:
            self._connection.close()  # it opens again by itself
        self._asked = time.monotonic()
        every = {"Authorization": f"Bearer {TOKEN}", **headers}
        self._connection.request(method, path, body, {name: value for name, value in every.items() if value})
        return self._connection.getresponse()

    def json(self, method: str, path: str, body: str | None = None) -> Any:
        """The JSON of one answer, which must be no refusal."""
        answer = self.ask(method, path, body)
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {content!r}")
        return json.loads(content)

    def dispatch(self, what: str) -> str:
        """The id of a new job."""
        body = json.dumps({"repo_url": REPO.format(what)})
        job_id: str = self.json("POST", "/api/v1/run", body)["job_id"]
        return job_id

    def finished(self, job_id: str) -> dict[str, Any]:
        """The status of a job, once it has completed."""
        while True:
            status: dict[str, Any] = self.json("GET", f"/api/v1/status/{job_id}")
            if status["status"] == "completed":
                return status
            if status["status"] not in ("queued", "running"):
                raise SystemExit(f"a job did not complete: {status}")
            time.sleep(0.02)


def agent_command(folder: Path) -> str:
    """What makes jobs run `agent.py`."""
    return f"{sys.executable} -S {HERE / 'agent.py'} {folder}"


@contextmanager
def gitoma(agent: str | None = None, **settings: str) -> Iterator[Gitoma]:
    """`gitoma serve` with a home of its own, its log in a file there.

    Args:
        agent: The agent command; `agent.py` if None.
        settings: Further `GITOMA_…` variables, named in full.
    """
    with tempfile.TemporaryDirectory(prefix="gitoma-bench-") as name:
        folder = Path(name)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "GITOMA_HOME": str(folder / "home"),
            "GITOMA_API_TOKEN": TOKEN,
            "GITOMA_AGENT_COMMAND": agent or agent_command(folder),
            "GITOMA_DISPATCH_RATE_LIMIT": "0",
            **settings,
        }
        with (folder / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [str(GITOMA), "serve", "--port", "0"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        with process, stopping(process):
            assert process.stdout is not None
            said = process.stdout.readline()
            if not said:
                raise SystemExit(f"gitoma did not start: {(folder / 'log').read_text(encoding='utf-8')}")
            yield Gitoma(process, int(said.split()[3].rpartition(":")[2]), folder)


Answer = tuple[int, list[tuple[str, str]], str]


@contextmanager
def bare(answers: dict[str, Answer]) -> Iterator[Served]:
    """A server that gives these answers, by path."""
    with tempfile.TemporaryDirectory(prefix="gitoma-bench-") as name:
        file = Path(name, "answers.json")
        file.write_text(json.dumps(answers), encoding="utf-8")
        command = [sys.executable, str(HERE / "bare.py"), str(file)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        with process, stopping(process):
            assert process.stdout is not None
            yield Served(process, int(process.stdout.readline()))


@contextmanager
def stopping(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Whatever happens, the process is told to stop."""
    try:
        yield
    finally:
        process.terminate()
