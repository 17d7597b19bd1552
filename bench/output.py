"""Lines per second from a job that prints as fast as it can, beside a bare loop that reads the same pipe.

What is counted: the time from the child's first write to the moment when

* without a reader, the job is `completed` (its `finished_at`): all is read, redacted and numbered, the process gone;
* with readers, the last of them has the end of its stream;
* bare, the end of the pipe has been read, and the process has been waited for.

All three are moments of the same system clock. The child waits for a word before it begins, so neither its start nor
that of the readers counts.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from results import milliseconds, ratio_of, show
from servers import HERE, TOKEN, Gitoma, agent_command, gitoma

LINES = 200_000
LONG_LINES = 1_000_000
POLL_S = 0.002
"""Between two polls of the status while a job floods: as many as 500 clients that poll once a second."""

BARE_READ_BYTES = 64 * 1024
PIPE_BYTES = 256 * 1024


@dataclass
class Flood:
    """One job that has printed its lines."""

    lines: int
    seconds: float
    readers: list[dict[str, Any]]
    polls: list[float]
    growth_kib: int
    cpu_s: float

    @property
    def rate(self) -> float:
        """Lines per second."""
        return self.lines / self.seconds

    @property
    def delivered(self) -> float:
        """The share of the lines that the readers got, the job's first line not counted."""
        return sum(reader["lines"] - 1 for reader in self.readers) / (self.lines * len(self.readers))

    def check(self) -> None:
        """Whoever was told of no loss has every line, in order, and all of them have the end."""
        for reader in self.readers:
            seen = reader["lines"] + reader["dropped"]
            if (
                seen != self.lines + 1
                or reader["status"] != "completed"
                or reader["gapless"] != (not reader["dropped"])
            ):
                raise SystemExit(f"a reader was lied to: {reader}")


def flood(server: Gitoma, readers: int = 0, lines: int = LINES, *, what: str = "flood", poll: bool = False) -> Flood:
    """Run one job, with so many readers, and perhaps with somebody who polls its status."""
    job_id = server.dispatch(f"{what}-{lines}")
    with reading(server, job_id, readers) as streams:
        server.forget_peak()
        before, cpu_s = server.peak_kib(), server.cpu_s()
        (server.folder / f"go-{job_id}").touch()
        polls = polled(server, job_id) if poll else []
        reports = [json.loads(line) for line in streams.stdout or ()] if streams else []
    status = server.finished(job_id)
    finished = datetime.fromisoformat(status["finished_at"]).timestamp()
    began = float((server.folder / f"began-{job_id}").read_text(encoding="utf-8"))
    ended = max((report["ended"] for report in reports), default=finished)
    done = Flood(lines, ended - began, reports, polls, server.peak_kib() - before, server.cpu_s() - cpu_s)
    done.check()
    return done


@contextmanager
def reading(server: Gitoma, job_id: str, count: int) -> Iterator[subprocess.Popen[str] | None]:
    """So many readers, in their places."""
    if not count:
        yield None
        return
    command = [sys.executable, str(HERE / "readers.py"), str(server.port), TOKEN, job_id, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        if not process.stdout or process.stdout.readline() != "ready\n":
            raise SystemExit("the readers have no stream")
        yield process


def polled(server: Gitoma, job_id: str) -> list[float]:
    """How long each poll took until the job was over, in seconds; of those that began after its first write."""
    began = server.folder / f"began-{job_id}"
    while not began.exists():
        time.sleep(0.001)
    took: list[float] = []
    while True:
        asked = time.perf_counter()
        status = server.json("GET", f"/api/v1/status/{job_id}")
        took.append(time.perf_counter() - asked)
        if status["status"] != "running":
            return took[:-1]
        time.sleep(POLL_S)


def bare(server: Gitoma, turn: int, what: str = "flood") -> float:
    """Lines per second of a loop that reads the pipe of the same child, and does nothing else."""
    job_id = f"bare-{what}-{turn}"
    (server.folder / f"go-{job_id}").touch()
    output, job_output = os.pipe()
    fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    command = [*agent_command(server.folder).split(), "run", f"https://github.com/bench/{what}-{LINES}", "--yes"]
    child = subprocess.Popen(command, stdout=job_output, env={**os.environ, "GITOMA_JOB_ID": job_id})
    os.close(job_output)
    while os.read(output, BARE_READ_BYTES):
        pass
    child.wait()
    ended = time.time()
    os.close(output)
    return LINES / (ended - float((server.folder / f"began-{job_id}").read_text(encoding="utf-8")))


def run(rounds: int) -> None:
    """Measure and print."""
    with gitoma() as server:
        bares: list[float] = []
        floods: dict[int, list[Flood]] = {0: [], 1: [], 16: []}
        slow_bares: list[float] = []
        slow: list[Flood] = []
        flood(server)  # the first of anything is slower
        for turn in range(rounds):
            for readers in (0, 1, 16) if turn % 2 else (16, 1, 0):
                floods[readers].append(flood(server, readers))
            bares.append(bare(server, turn))
            slow.append(flood(server, what="yes"))
            slow_bares.append(bare(server, turn, "yes"))
        for readers, at_least in ((0, 0.25), (1, 0.08), (16, None)):
            _show_rate(readers, floods[readers], bares, at_least)
        _show_rate(0, slow, slow_bares, 0.25, " of `yes | head`")
        _show_memory(server)
        _show_polls(server, rounds)


def _show_rate(readers: int, floods: list[Flood], bares: list[float], at_least: float | None, kind: str = "") -> None:
    rates = [done.rate for done in floods]
    name = f"{LINES:,} lines{kind}, {readers} reader{'' if readers == 1 else 's'}"
    cpu_ns = median(done.cpu_s / done.lines for done in floods) * 1e9
    absolute = f"{median(rates):,.0f} of {median(bares):,.0f} lines/s, {cpu_ns:.0f} ns of processor a line"
    if readers:
        absolute += f", {min(done.delivered for done in floods):.2%} delivered in the worst round"
    show(name, ratio_of(rates, bares), absolute, at_least)


def _show_memory(server: Gitoma) -> None:
    """Twice, because an allocator keeps what it was once given: what grows each time would be a leak."""
    growths = [f"{flood(server, 16, LONG_LINES).growth_kib / 1024:.1f} MiB" for _ in range(2)]
    show(f"peak growth, {LONG_LINES:,} lines, 16 readers", None, f"{growths[0]}, then {growths[1]} more")


def _show_polls(server: Gitoma, rounds: int) -> None:
    for readers in (0, 1, 16):
        # A longer flood, for enough polls.
        polls = [
            took for _ in range(max(2, rounds // 2)) for took in flood(server, readers, LONG_LINES, poll=True).polls
        ]
        absolute = (
            f"p50 {milliseconds(polls)}, p95 {sorted(polls)[len(polls) * 95 // 100] * 1000:.2f} ms ({len(polls)})"
        )
        show(f"GET /status meanwhile, {readers} readers", None, absolute)
