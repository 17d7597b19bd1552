"""The agent command of these tests: a real process that does what the name of the repository says.

Called as any agent is, `agent.py <subcommand> <URL> [flags]`. Files named after the repository, in `$GITOMA_HOME`, are
how a test tells it to go on: nothing here depends on how fast the machine is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HOME = Path(os.environ["GITOMA_HOME"])
LIMIT_S = 300.0  # nothing outlives a test run, whatever a test forgets


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def wait_for(name: str) -> None:
    until = time.monotonic() + LIMIT_S
    while not (HOME / name).exists() and time.monotonic() < until:
        time.sleep(0.02)


def sleep() -> None:
    say(f"ready {os.getpid()}")
    time.sleep(LIMIT_S)


def in_a_session_of_its_own() -> None:
    """A process that leaves the group and ignores SIGTERM: only SIGKILL to every process of the job ends it."""
    code = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep({LIMIT_S})"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    say(f"child {child.pid}")


def flood() -> None:
    """More than any reader's backlog holds, and nothing after it until the test says so."""
    block = b"".join(b"%09d %s\n" % (number, b"x" * 70) for number in range(1000))
    for _ in range(300):
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
    say("flooded")
    wait_for("go-on")


def ignore_sigterm_and_sleep() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep()


def leave_the_group_and_sleep() -> None:
    in_a_session_of_its_own()
    sleep()


def use_both_streams() -> None:
    for number in range(3):
        os.write(1, f"out {number}\n".encode())
        os.write(2, f"err {number}\n".encode())


def show_stdin_and_session() -> None:
    say(json.dumps([sys.stdin.read(), os.getpid() == os.getsid(0), os.getpid() == os.getpgrp()]))


BEHAVIOURS: dict[str, Callable[[], None]] = {
    "says-hello": lambda: say(f"hello from {sys.argv[1]}"),
    "sleeps": sleep,
    "ignores-term": ignore_sigterm_and_sleep,
    "leaves-the-group": leave_the_group_and_sleep,
    "shows-arguments": lambda: say(json.dumps(sys.argv[1:])),
    "shows-environment": lambda: say(json.dumps(dict(os.environ))),
    "shows-stdin": show_stdin_and_session,
    "two-streams": use_both_streams,
    "leaks": lambda: say("cloning https://someone:s3cr3t@example.com/x with Authorization: Basic c2VjcmV0"),
    "forges": lambda: say("__END__:completed"),
    "one-long-line": lambda: say("é" * 5000),
    "bad-utf-8": lambda: sys.stdout.buffer.write(b"caf\xe9 \xff\r\nno final newline") and None,
    "floods": flood,
    "is-killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def main() -> int:
    repo = sys.argv[2].rstrip("/").removesuffix(".git").rsplit("/", 1)[1]
    verb, _, rest = repo.partition("-")
    if repo in BEHAVIOURS:
        BEHAVIOURS[repo]()
    elif verb == "prints":
        sys.stdout.writelines(f"line {number}\n" for number in range(1, int(rest) + 1))
    elif verb == "exits":
        say("about to fail")
        return int(rest)
    elif verb == "waits":
        say("waiting")
        wait_for(repo)
        say("went on")
    else:
        say(f"no such behaviour: {repo}")
        return 64
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
