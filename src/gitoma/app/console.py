"""Standard output and standard error: the only place of the product that prints.

What is said may be read by a program, line by line and while it is being said: each line leaves at once, in UTF-8. A
reader that goes away early (`gitoma analyze … | head`) is its own business, and ends the program without a word.
"""

from __future__ import annotations

import io
import os
import sys

PIPE_EXIT = 141
"""The exit code after the reader went away: 128 + SIGPIPE, as a shell shows it for any other program."""


def prepare() -> None:
    """Make standard output and error UTF-8 whatever the locale says, and let each line leave at once."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold bytes that are no UTF-8; they are shown escaped rather than ending the program.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def say(line: str) -> None:
    """Print one line on standard output.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    print(line)


def ask(question: str) -> str:
    """Ask on the terminal, and return the answer; "" where there is none."""
    try:
        return input(question)
    except EOFError:
        print()
        return ""


def complain(line: str) -> None:
    """Print one line on standard error.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    print(line, file=sys.stderr)


def flush() -> None:
    """Send what is still held.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    sys.stdout.flush()
    sys.stderr.flush()


def abandon() -> None:
    """Nobody reads any more: let what is still held go nowhere, so that the interpreter's own last flush is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
