"""What the pages show of a shell is what a shell shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from .pages import ROOT, Block, blocks
from .session import Command, Session, commands, differs


@pytest.mark.usefixtures("needs_curl")
@pytest.mark.parametrize("page", ["README.md", "docs/rest.md"])
def test_a_page_shows_what_a_real_server_answers(page: str, tmp_path: Path, remote: Path) -> None:
    wrong = Session(tmp_path, remote).play(commands(blocks(ROOT / page, "console")))

    assert not wrong, "\n".join(wrong)


def test_another_output_than_the_shown_one_is_noticed() -> None:
    command = Command("page:1", "it", ['{"status":"…"}', "…", "12 lines, 2026-04-21T10:00:00+00:00"])

    assert differs(command, '{"status":"ok"}\none\ntwo\n12 lines, 2027-01-01T00:00:00.5+00:00\n') == ""
    assert differs(command, '{"status":"ok"}\n13 lines, 2027-01-01T00:00:00+00:00\n')
    assert differs(command, '{"state":"ok"}\none\n12 lines, 2027-01-01T00:00:00+00:00\n')
    assert differs(command, "")


def test_commands_are_told_from_what_they_print() -> None:
    text = "$ cat > x <<'EOF'\n$ not a command\nEOF\n$ curl \\\n  y\nprinted\n$ A=1 B=\"2 3\" make serve\n"

    first, second, third = commands([Block(Path("page"), 1, "console", text)])

    assert first.text == "cat > x <<'EOF'\n$ not a command\nEOF"
    assert (second.text, second.shown) == ("curl \\\n  y", ["printed"])
    assert third.settings == {"A": "1", "B": "2 3"}
    assert second.settings is None
