"""The Python on the pages runs, and prints what the pages say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import PAGES, Block, blocks
from .session import Command, differs

LIMIT_S = 300.0


def is_test(block: Block) -> bool:
    """Whether a block is a file of tests, or a program."""
    return "\nimport pytest\n" in f"\n{block.text}"


def examples(of_tests: bool) -> list[Block]:
    return [block for page in PAGES for block in blocks(page, "python") if is_test(block) is of_tests]


def printed_by(program: Block) -> list[str]:
    """What the page says that a program prints: the text block that follows it."""
    around = blocks(program.page, "python", "text", "sh", "console")
    behind = around[around.index(program) + 1 :]
    return behind[0].text.splitlines() if behind and behind[0].language == "text" else []


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "HOME": str(folder), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={name: value for name, value in variables.items() if not name.startswith("GITOMA_")},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("program", examples(of_tests=False), ids=lambda block: block.place)
def test_a_program_prints_what_its_page_says(program: Block, tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(program.text, encoding="utf-8")

    done = run(["example.py"], tmp_path)

    assert done.returncode == 0, done.stderr
    wrong = differs(Command(program.place, "python", printed_by(program)), done.stdout)
    assert not wrong, wrong


def test_the_tests_on_the_pages_pass(tmp_path: Path) -> None:
    shown = examples(of_tests=True)
    for block in shown:
        name = f"test_{block.page.stem}_line_{block.line}.py"
        (tmp_path / name).write_text(block.text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    )

    done = run(["-m", "pytest", "-q", "-p", "no:cacheprovider"], tmp_path)

    assert shown
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout
