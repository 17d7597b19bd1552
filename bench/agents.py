"""The agents' own costs: the start of their process, and an analysis of many files.

A start is compared with that of an interpreter that does nothing: what is above is what gitoma imports and does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import milliseconds, ratio_of, show

FILES = 5000
LINES = 150
STARTS = 15

_SOURCE = "".join(f"def f{number}(x):\n    return x + {number}\n\n\n" for number in range(LINES // 4))


def run(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="gitoma-bench-") as name:
        folder = Path(name)
        home = folder / "home"
        small = _repository(folder / "small", files=1)
        _show_help(max(STARTS, rounds))
        _show_first_line(max(STARTS, rounds), home, small)
        _show_analysis(min(rounds, 5), home, _repository(folder / "large", FILES))


def _show_help(times: int) -> None:
    ours, bare = [], []
    for _ in range(times):
        bare.append(_seconds([sys.executable, "-c", "pass"]))
        ours.append(_seconds([sys.executable, "-m", "gitoma", "--help"]))
    show("gitoma --help", ratio_of(ours, bare), f"p50 {milliseconds(ours)}, an idle interpreter {milliseconds(bare)}")


def _show_first_line(times: int, home: Path, repository: Path) -> None:
    """From the start of a job's process to its first line, which comes when everything that it needs is imported."""
    variables = {
        **os.environ,
        "GITOMA_HOME": str(home),
        "GITHUB_TOKEN": "none",
        "LM_STUDIO_BASE_URL": "http://127.0.0.1:9",
    }
    url = "https://github.com/acme/widget"
    kinds = {
        "analyze": ("analyze", str(repository)),
        "run": ("run", url, "--yes", "--dry-run"),
        "review": ("review", url),
        "fix-ci": ("fix-ci", url, "--branch", "main"),
    }
    for kind, arguments in kinds.items():
        ours, bare = [], []
        for _ in range(times):
            bare.append(_seconds([sys.executable, "-c", "pass"]))
            ours.append(_first_line([sys.executable, "-m", "gitoma", *arguments], variables))
        absolute = f"p50 {milliseconds(ours)}, an idle interpreter {milliseconds(bare)}"
        show(f"{kind}: start to the first line", ratio_of(ours, bare), absolute)


def _show_analysis(times: int, home: Path, repository: Path) -> None:
    variables = {**os.environ, "GITOMA_HOME": str(home)}
    took, peaks = [], []
    for _ in range(times):
        began = time.perf_counter()
        command = [sys.executable, "-m", "gitoma", "analyze", str(repository)]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        took.append(time.perf_counter() - began)
        peaks.append(used.ru_maxrss / 1024)
    size = sum(path.stat().st_size for path in repository.rglob("*.py")) / 1e6
    absolute = f"p50 {milliseconds(took)}, at most {max(peaks):.0f} MiB"
    show(f"analyze of {FILES:,} files, {size:.0f} MB", None, absolute)


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _first_line(command: list[str], variables: dict[str, str]) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.perf_counter() - began
        process.terminate()
        process.stdout.read()
    assert line.startswith(b"[IDLE]"), line
    return took


def _repository(folder: Path, files: int) -> Path:
    for number in range(files):
        path = folder / f"package{number // 100}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_SOURCE, encoding="utf-8")
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.org")
    for arguments in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "-m", "files")):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder
