"""What every `ProcessTable` promises, one check for each promise, and a table without processes for tests.

A check takes a table, a process that exists and one that has ended, and raises `AssertionError` where the promise is
broken.
"""

from __future__ import annotations

from gitoma.domain.repos.ports import ProcessTable


class FixedProcessTable(ProcessTable):
    """A machine on which exactly these processes exist."""

    def __init__(self, *alive: int) -> None:
        self.alive = set(alive)

    def is_alive(self, pid: int) -> bool:
        """Whether it is one of them."""
        return pid in self.alive


def check_a_process_that_exists_is_alive(table: ProcessTable, *, alive: int, ended: int) -> None:
    """`is_alive` of a process that runs."""
    assert table.is_alive(alive)


def check_one_that_has_ended_is_not(table: ProcessTable, *, alive: int, ended: int) -> None:
    """`is_alive` of a process that is gone, or a zombie."""
    assert not table.is_alive(ended)


def check_a_number_that_no_process_can_have_is_not_alive(table: ProcessTable, *, alive: int, ended: int) -> None:
    """It never raises, whatever number a file held."""
    for pid in (0, -1, -alive, 2**31, 2**63, 10**30):
        assert not table.is_alive(pid), pid


PROCESS_TABLE_CHECKS = (
    check_a_process_that_exists_is_alive,
    check_one_that_has_ended_is_not,
    check_a_number_that_no_process_can_have_is_not_alive,
)
