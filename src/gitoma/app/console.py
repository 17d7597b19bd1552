"""Standard output and standard error: the only place of the product that prints.

What is said may be read by a program, line by line and while it is being said: each line leaves at once, in UTF-8. A
reader that goes away early (`gitoma analyze … | head`) is its own business, and ends the program without a word; a disk
that is full ends it with one. A stream that was closed before we began is one that nobody wants: what it would have
said goes nowhere. Standard error is only for people: that it cannot be written ends nothing.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIPE_EXIT = 141
"""The exit code after the reader went away: 128 + SIGPIPE, as a shell shows it for any other program."""

UNWRITABLE_EXIT = 74
"""The exit code where standard output cannot be written: EX_IOERR of sysexits.h."""


class Unwritable(BrokenPipeError):
    """Standard output takes no more, though its reader is there. It ends the same work as a reader that went away."""


def prepare() -> None:
    """Make standard output and error UTF-8 whatever the locale says, and let each line leave at once."""
    _fill_gaps()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files may hold bytes that are no UTF-8; they are shown escaped rather than ending the program.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _fill_gaps() -> None:
    """Open what was closed before we began (`>&-`) as nothing, lowest number first.

    The next file that is opened would have its number, and get what a library or a child writes to standard error.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - open as long as the process lives


def say(line: str) -> None:
    """Print one line on standard output.

    Raises:
        BrokenPipeError: Nobody reads it any more, or it cannot be written (`Unwritable`).
    """
    with writing():
        print(line)


@contextmanager
def writing() -> Iterator[None]:
    """For what writes to standard output, and does no other input or output.

    Raises:
        Unwritable: It takes no more.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(f"standard output cannot be written: {error.strerror}") from error


def ask(question: str) -> str:
    """Ask on the terminal, and return the answer; "" where there is none."""
    try:
        return input(question)
    except EOFError:
        print()
        return ""


def complain(line: str) -> None:
    """Print one line on standard error, if that can be written: the exit code says it, too."""
    try:
        print(line, file=sys.stderr)
    except OSError:
        _abandon(sys.stderr)


def flush() -> None:
    """Send what is still held.

    Raises:
        BrokenPipeError: Nobody reads it any more, or it cannot be written (`Unwritable`).
    """
    with writing():
        sys.stdout.flush()


def abandon() -> None:
    """Nobody reads any more: let what is still held go nowhere, so that the interpreter's own last flush is silent."""
    _abandon(sys.stdout)
    _abandon(sys.stderr)


def _abandon(stream: object) -> None:
    if not isinstance(stream, io.TextIOWrapper):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
