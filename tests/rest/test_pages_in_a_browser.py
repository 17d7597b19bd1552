"""The two pages in a real browser: their scripts run under the policy that we send, on nothing but our own files."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Start

CHROMIUM_OPTIONS = [
    "--headless",
    "--no-sandbox",  # the tests may run as root, where Chromium has no sandbox
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
]


@pytest.fixture
def browse(tmp_path: Path, start_service: Start, require_program: Callable[[str], str]):
    """Opens a page of a server, and gives what the page has become and what the browser had to say about it."""
    chromium = require_program("chromium")
    service = start_service()

    def open_page(path: str) -> tuple[str, str]:
        command = [
            chromium,
            *CHROMIUM_OPTIONS,
            f"--user-data-dir={tmp_path}/profile",
            "--dump-dom",
            service.address + path,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return done.stdout, "\n".join(console)

    return open_page


def test_swagger_ui_shows_every_route_from_our_own_files_and_the_policy_allows_it(browse):
    page, console = browse("/docs")

    assert 'data-path="/api/v1/analyze"' in page
    assert 'data-path="/api/v1/stream/{job_id}"' in page
    assert console == ""


def test_the_cockpit_runs_its_script_and_asks_for_the_token(browse):
    page, console = browse("/")

    assert "<title>gitoma</title>" in page
    assert 'id="token"' in page
    assert console == ""
