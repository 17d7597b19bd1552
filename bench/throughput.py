"""Requests per second, beside those of a bare ASGI function that gives the same answers on the same server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from results import ratio_of, show
from servers import HERE, TOKEN, Answer, Gitoma, Served, bare, gitoma, stopping

KNOWN_JOBS = 50
SLICE_S = 0.8
"""Short, so that the two of a pair meet the same noise; their answers are counted in thousands all the same."""


@dataclass(frozen=True)
class Question:
    """One kind of request."""

    name: str
    method: str
    path: str
    status: int
    at_least: float | None = None
    body: str = ""
    headers: tuple[str, ...] = (f"Authorization: Bearer {TOKEN}",)

    def raw(self, path: str) -> str:
        """The request as it is sent, to another path."""
        lines = [f"{self.method} {path} HTTP/1.1", "Host: localhost", *self.headers]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return "\r\n".join([*lines, "", self.body])


def questions(job_id: str) -> list[Question]:
    """What is asked, and how much of the bare function's speed is good enough."""
    bad = json.dumps({"repo_url": "http://example.org/x", "branch": "a..b", "dry_run": "yes"})
    return [
        Question("GET /api/v1/status/{job_id}", "GET", f"/api/v1/status/{job_id}", 200, 0.30),
        Question("POST /api/v1/run, 422 with three bad fields", "POST", "/api/v1/run", 422, 0.30, bad),
        Question(f"GET /api/v1/jobs, {KNOWN_JOBS} known", "GET", "/api/v1/jobs", 200, 0.25),
        Question("GET /api/v1/jobs without a token, 401", "GET", "/api/v1/jobs", 401, 0.70, headers=()),
        Question("GET / gzipped", "GET", "/", 200, headers=("Accept-Encoding: gzip",)),
    ]


def answer(server: Gitoma, question: Question) -> Answer:
    """What the server answers, for the bare function to repeat; uvicorn adds the date by itself."""
    headers = dict(header.split(": ", 1) for header in question.headers)
    response = server.ask(question.method, question.path, question.body or None, **{"Authorization": "", **headers})
    body = response.read()
    if response.status != question.status:
        raise SystemExit(f"{question.name}: {response.status} {body!r}")
    return response.status, [pair for pair in response.getheaders() if pair[0] != "date"], body.decode("latin-1")


@dataclass(frozen=True)
class Rate:
    """How fast a server answered in one slice, and the seconds of processor that each answer took it.

    The second is nearly untouched by whatever else the machine does: where the two ratios differ, there was noise, or
    the client was the bottleneck.
    """

    per_second: float
    cpu_s: float


class Load:
    """The client, in its process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def rate(self, server: Served, request: str, status: int) -> Rate:
        """How fast the server answers."""
        order = {"port": server.port, "request": request, "status": status, "seconds": SLICE_S}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        before = server.cpu_s()
        print(json.dumps(order), file=self._process.stdin, flush=True)
        per_second, answers = self._process.stdout.readline().split()
        return Rate(float(per_second), (server.cpu_s() - before) / int(answers))


@contextmanager
def load() -> Iterator[Load]:
    """The client."""
    command = [sys.executable, str(HERE / "load.py")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process, stopping(process):
        yield Load(process)


def know_jobs(server: Gitoma) -> str:
    """Let the server know as many jobs as it keeps, all finished; the id of one."""
    ids = [server.dispatch("flood-10") for _ in range(KNOWN_JOBS)]
    for job_id in ids:
        (server.folder / f"go-{job_id}").touch()
    for job_id in ids:
        server.finished(job_id)
    return ids[0]


def run(rounds: int) -> None:
    """Measure and print."""
    with gitoma() as ours, load() as client:
        asked = questions(know_jobs(ours))
        with bare({f"/{number}": answer(ours, question) for number, question in enumerate(asked)}) as theirs:
            for number, question in enumerate(asked):
                mine: list[Rate] = []
                bares: list[Rate] = []
                for turn in range(rounds):
                    pair = [(ours, question.path, mine), (theirs, f"/{number}", bares)]
                    for server, path, found in pair if turn % 2 else reversed(pair):
                        found.append(client.rate(server, question.raw(path), question.status))
                _show(question, mine, bares)


def _show(question: Question, mine: list[Rate], bares: list[Rate]) -> None:
    ratio = ratio_of([rate.per_second for rate in mine], [rate.per_second for rate in bares])
    cpu = ratio_of([rate.cpu_s for rate in bares], [rate.cpu_s for rate in mine])
    absolute = (
        f"{median(rate.per_second for rate in mine):,.0f}/s of {median(rate.per_second for rate in bares):,.0f}/s bare;"
        f" by processor time {cpu:.1%}, {median(rate.cpu_s for rate in mine) * 1e6:.0f} µs an answer"
    )
    show(question.name, ratio, absolute, question.at_least)
