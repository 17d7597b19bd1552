"""Servers written for Node, as processes of ours: on loopback only, ended by their own process id."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

START_LIMIT_S = 120.0
"""How long a server may take until it listens: the slowest takes 3 s where nothing else runs."""

_STOP_LIMIT_S = 10.0
_POLL_S = 0.05
_LOOPBACK_ONLY = Path(__file__).parent / "node" / "loopback_only.cjs"
_HEADERS_MAX = 1024 * 1024  # of one message: a proxy says in a header what is wrong with a long document

_open = build_opener(ProxyHandler({})).open  # whatever proxy the machine has, it does not lead here


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, as JSON."""
        return json.loads(self.body)


def ask(method: str, url: str, document: object = None, headers: Mapping[str, str] | None = None) -> Answered:
    """Ask a server of ours, whatever status comes back.

    Raises:
        OSError: It does not answer.
    """
    body = None if document is None else json.dumps(document).encode()
    request = Request(url, body, {"content-type": "application/json", **(headers or {})}, method=method)
    try:
        with _open(request, timeout=START_LIMIT_S) as response:
            return Answered(response.status, dict(response.headers.items()), response.read())
    except HTTPError as error:
        with error:
            return Answered(error.code, dict(error.headers.items()), error.read())


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


class NodeProcess:
    """A program for Node that is a server.

    Args:
        node: The interpreter.
        arguments: The program and what it is given.
        folder: Where it runs, and where what it prints is kept.
        name: How that file is called.
        ready_at: An address that answers, whatever, once it is ready.
    """

    def __init__(self, node: str, arguments: Sequence[str], *, folder: Path, name: str, ready_at: str) -> None:
        self._command = [node, *arguments]
        self._folder = folder
        self._log = folder / f"{name}.log"
        self._ready_at = ready_at
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        options = f'--require "{_LOOPBACK_ONLY}" --max-http-header-size={_HEADERS_MAX}'
        variables = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "NODE_OPTIONS": options, "NO_COLOR": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def wait_until_ready(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: It has ended, or does not within the limit; with what it printed.
        """
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(self._command)} does not serve:\n{self.printed()}")
            time.sleep(_POLL_S)

    def printed(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _answers(self) -> bool:
        try:
            ask("GET", self._ready_at)
        except (URLError, ConnectionError):
            return False
        return True
