"""Which processes exist, asked of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

from gitoma.domain.repos.ports import ProcessTable

_DEAD = (b"Z", b"X")  # zombie; dead and about to go: both have ended and do nothing more
_MAX_PID = 2**31 - 1  # `pid_t` is a signed 32-bit number wherever Python runs


class PosixProcessTable(ProcessTable):
    """`/proc` where there is one, else signal 0, which cannot tell a zombie from a process.

    Args:
        proc: Where the process file system is mounted.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc

    def is_alive(self, pid: int) -> bool:
        """Whether this process exists and is no zombie."""
        if not 0 < pid <= _MAX_PID:  # to `kill`, 0 and below mean whole groups
            return False
        try:
            stat = (self._proc / str(pid) / "stat").read_bytes()
        except OSError:  # no such process, no /proc, or one that shows us only our own
            return _answers(pid)
        # The name, in parentheses, is the process's own choice and may hold more of them; the state follows the last.
        return stat.rpartition(b") ")[2][:1] not in _DEAD


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # somebody else's: it exists
        return True
    except ProcessLookupError:
        return False
    return True
