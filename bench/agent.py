"""The command that the measured jobs run: `agent.py FOLDER run https://github.com/bench/WHAT --yes`.

WHAT is `flood-N`: N lines of 80 bytes, made before and written as fast as can be; or `yes-N`: the same from
`yes LINE | head -n N`, which has to make them. The job begins only when the file
`FOLDER/go-JOB_ID` is there, so that readers can be in their places, and leaves in `FOLDER/began-JOB_ID` when it began,
in seconds of the system's clock.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

LINE = b"2026-04-21 10:00:00 INFO  build: step 17 of 120, unit-tests/test_output: passed\n"
"""What builds print, with the hyphens, underscores and capitals that make a search for credentials look twice."""

WRITE_BYTES = 4096
"""What C's stdio hands to a pipe at once, and so most programs. A child that writes 64,000 bytes at once is read up to
twice as fast by a bare loop, and no faster by the server."""


def flood(lines: int, began: Path) -> None:
    """Write `lines` lines to standard output."""
    text = LINE * lines
    blocks = [text[start : start + WRITE_BYTES] for start in range(0, len(text), WRITE_BYTES)]
    began.write_text(repr(time.time()))
    for block in blocks:
        os.write(1, block)  # a blocking pipe takes all of it


def yes(lines: str, began: Path) -> NoReturn:
    """Become a program that makes `lines` lines."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and `yes` would complain of a broken pipe
    began.write_text(repr(time.time()))
    os.execvp("sh", ["sh", "-c", 'yes "$1" | head -n "$2"', "sh", LINE.decode().rstrip(), lines])


def main() -> None:
    """Wait for the word, then do what the repository's name says."""
    folder, job = Path(sys.argv[1]), os.environ["GITOMA_JOB_ID"]
    while not (folder / f"go-{job}").exists():
        time.sleep(0.001)
    kind, _, lines = sys.argv[3].rpartition("/")[2].partition("-")
    began = folder / f"began-{job}"
    if kind == "yes":
        yes(lines, began)
    flood(int(lines), began)
    os._exit(0)  # an interpreter's tidying up is no part of what is measured


if __name__ == "__main__":
    main()
