"""A server as a user starts it: its own process, its own home, real jobs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

TOKEN = "the-token-of-the-tests"
AGENT = Path(__file__).with_name("agent.py")
LIMIT_S = 60.0  # how long anything is waited for: far more than it takes on a machine that is very busy
TERMINAL = {"completed", "failed", "cancelled", "timed_out"}

T = TypeVar("T")


def poll(look: Callable[[], T], *, until: Callable[[T], bool] = bool, limit_s: float = LIMIT_S) -> T:
    """What `look` returns, once it is as wanted."""
    deadline = time.monotonic() + limit_s
    while True:
        seen = look()
        if until(seen):
            return seen
        assert time.monotonic() < deadline, f"still {seen!r} after {limit_s:g} s"
        time.sleep(0.02)


def repo(behaviour: str) -> str:
    """The URL of a repository that makes the agent do this."""
    return f"https://github.com/acme/{behaviour}"


def is_running(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes_of(home: Path) -> dict[int, str]:
    """Every process that was given this home, whatever became of its parent."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"GITOMA_HOME={home}\0".encode() in (entry / "environ").read_bytes() and is_running(int(entry.name)):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def environment(home: Path, **settings: str | None) -> dict[str, str]:
    """What a server of these tests finds in its environment; None takes a setting away."""
    given: dict[str, str | None] = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "GITOMA_HOME": str(home),
        "GITOMA_API_TOKEN": TOKEN,
        "GITOMA_AGENT_COMMAND": f"{sys.executable} {AGENT}",
        "LM_STUDIO_BASE_URL": "http://127.0.0.1:9/v1",  # nobody listens on the port of `discard`
        **settings,
    }
    return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """What came back over a plain socket."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one value of this header; None if it is not there."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Service:
    """One running server.

    Args:
        process: The server's own.
        address: Its base URL.
        home: Its home.
        log_file: Where its log goes.
        greeting: What it printed until it listened.
    """

    def __init__(self, process: subprocess.Popen[str], address: str, home: Path, log_file: Path, greeting: str) -> None:
        self.process = process
        self.address = address
        self.home = home
        self.greeting = greeting
        self._log_file = log_file
        self.http = httpx.Client(base_url=address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=LIMIT_S)
        self.anonymous = httpx.Client(base_url=address, timeout=LIMIT_S)

    @property
    def log(self) -> str:
        """What it has logged."""
        return self._log_file.read_text(errors="replace")

    def dispatch(self, behaviour: str, command: str = "analyze", **fields: Any) -> str:
        """Start a job and return its id."""
        answer = self.http.post(f"/api/v1/{command}", json={"repo_url": repo(behaviour), **fields})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def status(self, job_id: str) -> dict[str, Any]:
        """The job as the server describes it."""
        answer = self.http.get(f"/api/v1/status/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job once it is terminal."""
        return poll(lambda: self.status(job_id), until=lambda job: job["status"] in TERMINAL)

    def lines(self, job_id: str) -> list[str]:
        """All that can be replayed of a job, once it has ended, without the last frame."""
        self.ended(job_id)
        frames = Frames(self.http.get(f"/api/v1/stream/{job_id}").text)
        assert frames.lines[-1].startswith("__END__:")
        return frames.lines[:-1]

    def first_line(self, job_id: str, beginning: str) -> str:
        """The first line that begins so, as soon as it is there."""
        with self.follow(job_id) as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    text = str(json.loads(line.removeprefix("data: "))["line"])
                    if text.startswith(beginning):
                        return text
        raise AssertionError(f"the stream ended without {beginning!r}")

    @contextlib.contextmanager
    def follow(self, job_id: str, **headers: str) -> Iterator[httpx.Response]:
        """An open stream."""
        with self.http.stream("GET", f"/api/v1/stream/{job_id}", headers=headers) as stream:
            yield stream

    def connect(self) -> socket.socket:
        """A plain connection."""
        parts = urlsplit(self.address)
        return socket.create_connection((parts.hostname, parts.port), timeout=LIMIT_S)

    def raw(self, request: bytes) -> Answer:
        """Send these bytes on a connection of their own and read all that comes back."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):  # it may be refused before all of it is sent
                connection.sendall(request)
            return parse_answer(read_all(connection))

    def get(self, path: str, *headers: bytes, method: str = "GET", host: bytes = b"localhost") -> Answer:
        """A request whose target and headers are sent to the letter, with the token."""
        lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: " + host, b"Connection: close"]
        lines += [f"Authorization: Bearer {TOKEN}".encode(), *headers]
        return self.raw(b"\r\n".join(lines) + b"\r\n\r\n")

    def close(self) -> None:
        """Stop the server as its operator would, and look that nothing is left of it."""
        self.http.close()
        self.anonymous.close()
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(LIMIT_S) == 0, self.log
            poll(lambda: processes_of(self.home), until=lambda left: not left)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            for pid in processes_of(self.home):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            assert self.process.stdout is not None
            self.process.stdout.close()


def start(home: Path, *arguments: str, **settings: str | None) -> Service:
    """Start `gitoma serve` on a free port and wait until it listens."""
    log_file = home.with_name(f"{home.name}.log")
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gitoma", "serve", "--port", "0", *arguments],
            env=environment(home, **settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    assert process.stdout is not None
    greeting = ""
    while "listens on" not in greeting:
        line = process.stdout.readline()  # empty when it has ended, so this cannot wait for ever
        assert line, f"the server ended: {log_file.read_text()}"
        greeting += line
    address = greeting.partition("listens on ")[2].split()[0]
    return Service(process, address, home, log_file, greeting)


def refused_start(home: Path, *arguments: str, **settings: str | None) -> subprocess.CompletedProcess[str]:
    """Run `gitoma serve` where it is not to come up."""
    command = [sys.executable, "-m", "gitoma", "serve", "--port", "0", *arguments]
    return subprocess.run(
        command, env=environment(home, **settings), capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):  # how a refusal in the middle of a body may end
        while chunk := connection.recv(65536):
            received += chunk
    return received


def parse_answer(received: bytes) -> Answer:
    """An HTTP/1.1 answer, taken apart."""
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    assert first.startswith("HTTP/1.1 "), received
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in rest)]
    if ("transfer-encoding", "chunked") in headers:
        body = dechunked(body)
    return Answer(int(first.split()[1]), headers, body)


def dechunked(body: bytes) -> bytes:
    """A chunked body, put together; one that was cut is returned as far as it came."""
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        whole += body[: int(size, 16)]
        body = body[int(size, 16) + 2 :]
    return whole


class Frames:
    """A stream's text, taken apart by the rules of Server-Sent Events.

    Attributes:
        blocks: Each frame and comment, as field name to value; a comment's name is "".
    """

    def __init__(self, text: str) -> None:
        assert text == "" or text.endswith("\n\n"), "the last frame is not complete"
        self.blocks: list[Mapping[str, str]] = []
        for block in text.split("\n\n")[:-1]:
            fields = [line.partition(": ") for line in block.split("\n")]
            self.blocks.append({name.rstrip(":"): value for name, _, value in fields})

    @property
    def events(self) -> list[Mapping[str, str]]:
        """The frames without the comments."""
        return [block for block in self.blocks if "data" in block]

    @property
    def comments(self) -> list[str]:
        """The comments."""
        return [block[""] for block in self.blocks if "" in block]

    @property
    def lines(self) -> list[str]:
        """The lines that the frames carry."""
        return [json.loads(event["data"])["line"] for event in self.events]

    @property
    def ids(self) -> list[int]:
        """The numbers of the frames that have one."""
        return [int(event["id"]) for event in self.events if "id" in event]
