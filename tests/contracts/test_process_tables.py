"""Each process table keeps the promises of the port."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gitoma.adapters.posix.process_table import PosixProcessTable
from gitoma.adapters.testing.process_tables import PROCESS_TABLE_CHECKS, FixedProcessTable
from gitoma.domain.repos.ports import ProcessTable


@pytest.mark.parametrize("kind", ["posix", "posix without /proc", "fixed"])
@pytest.mark.parametrize("check", PROCESS_TABLE_CHECKS, ids=lambda check: check.__name__)
def test_a_process_table_keeps_its_promise(check: Callable[..., None], kind: str, tmp_path: Path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    tables: dict[str, ProcessTable] = {
        "posix": PosixProcessTable(),
        "posix without /proc": PosixProcessTable(tmp_path),
        "fixed": FixedProcessTable(os.getpid()),
    }

    check(tables[kind], alive=os.getpid(), ended=ended.pid)
