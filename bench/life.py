"""Start-up, idle memory, and how long it takes from a request to a process, and from a cancel to none.

The start and the memory are compared with those of the bare server, the start of a job with `subprocess.Popen` of the
same program: what is above is what gitoma adds.
"""

from __future__ import annotations

import os
import re
import select
import socket
import subprocess
import sys
import time
from statistics import median

from results import milliseconds, ratio_of, show
from servers import TOKEN, Gitoma, Served, bare, gitoma

JOBS = 200
STARTS = 30
TELL_TIME = "date +%s.%N"
SLEEP = "sleep 1000"

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| ( *)(\S+)")


def run(rounds: int) -> None:
    """Measure and print."""
    _show_start(rounds)
    _show_jobs()
    _show_dispatch(rounds)
    _show_cancel()
    _show_imports()


def _show_start(rounds: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    memory: list[tuple[int, int]] = []
    bares: list[tuple[int, int]] = []
    answer = (200, [("content-type", "application/json"), ("content-length", "2")], "{}")
    for _ in range(rounds):
        began = time.perf_counter()
        with gitoma() as server:
            server.json("GET", "/api/v1/jobs")
            ours.append(time.perf_counter() - began)
            memory.append(_memory(server))
        began = time.perf_counter()
        with bare({"/": answer}) as other:
            _ask_bare(other)
            theirs.append(time.perf_counter() - began)
            bares.append(_memory(other))
    show("start to first answer", ratio_of(ours, theirs), f"{milliseconds(ours)} of {milliseconds(theirs)} bare")
    for place, kind in enumerate(("RSS", "PSS")):
        mine, other_s = [found[place] for found in memory], [found[place] for found in bares]
        absolute = f"{median(mine) / 1024:.1f} MiB of {median(other_s) / 1024:.1f} MiB bare"
        show(f"idle memory, {kind}", ratio_of(mine, other_s), absolute)


def _memory(server: Served) -> tuple[int, int]:
    return server.memory_kib("Rss"), server.memory_kib("Pss")


def _ask_bare(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(4096)


def _show_jobs() -> None:
    with gitoma("true") as server:
        server.json("GET", "/api/v1/jobs")
        before = _memory(server)
        began = time.perf_counter()
        for job_id in [server.dispatch("x") for _ in range(JOBS)]:
            _known_end(server, job_id)
        took = time.perf_counter() - began
        after = _memory(server)
    show(f"{JOBS} jobs of `true`, to their ends", None, f"{JOBS / took:,.0f} jobs/s")
    growth = ", ".join(
        f"{kind} {(new - old) / 1024:+.1f} MiB" for kind, old, new in zip(("RSS", "PSS"), before, after, strict=True)
    )
    show(f"memory after {JOBS} jobs", None, f"RSS {after[0] / 1024:.1f} MiB, PSS {after[1] / 1024:.1f} MiB ({growth})")


def _known_end(server: Gitoma, job_id: str) -> None:
    """Until the job has ended; one that was forgotten has."""
    while True:
        answer = server.ask("GET", f"/api/v1/status/{job_id}")
        body = answer.read()
        if answer.status == 404 or b'"completed"' in body:
            return
        time.sleep(0.005)


def _show_dispatch(rounds: int) -> None:
    """The main process tells the time first thing; `date` itself takes a millisecond of it, alone as in a job."""
    took: list[float] = []
    alone: list[float] = []
    with gitoma(f"sh -c 'exec {TELL_TIME}' sh") as server:
        for _ in range(max(STARTS, rounds)):
            asked = time.time()
            job_id = server.dispatch("x")
            server.finished(job_id)
            took.append(float(_lines(server, job_id)[1]) - asked)
            asked = time.time()
            told = subprocess.run(["sh", "-c", f"exec {TELL_TIME}"], stdout=subprocess.PIPE, check=True).stdout
            alone.append(float(told) - asked)
    absolute = f"p50 {milliseconds(took)}, of {milliseconds(alone)} alone"
    show("POST to the job's main process running", ratio_of(took, alone), absolute)


def _lines(server: Gitoma, job_id: str) -> list[str]:
    """What a job that has ended has printed."""
    stream = server.ask("GET", f"/api/v1/stream/{job_id}").read().decode()
    return re.findall(r'^data: \{"line": "(.*)"\}$', stream, re.MULTILINE)


def _show_cancel() -> None:
    took: list[float] = []
    told: list[float] = []
    with gitoma(f"sh -c 'echo $$; exec {SLEEP}' sh") as server:
        for _ in range(STARTS):
            job_id = server.dispatch("x")
            process = os.pidfd_open(_pid(server, job_id))
            ended = select.poll()
            ended.register(process, select.POLLIN)
            asked = time.perf_counter()
            server.json("POST", f"/api/v1/jobs/{job_id}/cancel")
            ended.poll()
            took.append(time.perf_counter() - asked)
            while server.json("GET", f"/api/v1/status/{job_id}")["status"] == "running":
                time.sleep(0.0002)
            told.append(time.perf_counter() - asked)
            os.close(process)
    show("cancel to the process gone", None, f"p50 {milliseconds(took)}; to status `cancelled` {milliseconds(told)}")


def _pid(server: Gitoma, job_id: str) -> int:
    """The main process of a job that prints it first."""
    with socket.create_connection(("127.0.0.1", server.port)) as stream:
        head = f"GET /api/v1/stream/{job_id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        stream.sendall(head.encode())
        text = b""
        while not (found := re.search(rb'id: 2\nevent: line\ndata: \{"line": "(\d+)"\}\n\n', text)):
            text += stream.recv(4096)
    return int(found[1])


def _show_imports() -> None:
    """What `gitoma serve` imports before it starts, by the package that each microsecond was spent in."""
    command = [sys.executable, "-X", "importtime", "-c", "import gitoma.app.commands.serve, uvloop"]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    spent: dict[str, int] = {}
    for own, _, _, name in _IMPORT.findall(said):
        package = name.partition(".")[0]
        spent[package] = spent.get(package, 0) + int(own)
    largest = sorted(spent.items(), key=lambda item: item[1], reverse=True)[:12]
    total = sum(spent.values()) / 1000
    show("imports", None, f"{total:.0f} ms: " + ", ".join(f"{name} {own / 1000:.0f}" for name, own in largest))
