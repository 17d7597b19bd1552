import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gitoma.adapters.files.state_folder import StateFolder
from gitoma.app.cli import main
from gitoma.app.settings import VARIABLES
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.state import Phase, RepoState

TOKEN = "the-token-of-somebody"
STATE = RepoState(slug=Slug("acme", "widget"), phase=Phase.WORKING, updated_at=datetime.now(UTC))


class Handler(BaseHTTPRequestHandler):
    """Both a code host and a model server, as far as a doctor asks."""

    def do_GET(self) -> None:
        known = {"/user": {"login": "the-bot", "id": 1, "type": "User"}, "/v1/models": {"data": [{"id": "qwen"}]}}
        if self.path == "/user" and TOKEN not in (self.headers["Authorization"] or ""):
            self.answer(401, {"message": "Bad credentials"})
        elif self.path in known:
            self.answer(200, known[self.path])
        else:
            self.answer(404, {"message": "Not Found"})

    def answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False  # so that all of them have ended when the server has
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


Doctor = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def doctor(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Has everything that the agents need; a test takes something away."""

    def ask(**changes: str) -> tuple[int, list[str]]:
        for variable in VARIABLES:
            monkeypatch.delenv(variable.name, raising=False)
        chosen = {
            "GITOMA_HOME": str(tmp_path / "home"),
            "GITOMA_API_TOKEN": "a-token-of-the-api-0123456789",
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": address,
            "LM_STUDIO_BASE_URL": f"{address}/v1",
            **changes,
        }
        for name, value in chosen.items():
            monkeypatch.setenv(name, value)
        code = main(["doctor"])
        return code, capsys.readouterr().out.splitlines()

    return ask


def of(subject: str, lines: list[str]) -> list[str]:
    return [line for line in lines if line.split()[1:2] == [subject]]


def test_where_everything_is_there_nothing_is_to_do(doctor: Doctor) -> None:
    code, lines = doctor()

    assert code == 0
    assert {line.split()[0] for line in lines} == {"ok"}
    assert {line.split()[1] for line in lines} == {"settings", "home", "git", "api", "github", "model", "runs"}
    assert "the-bot" in of("github", lines)[0]
    assert "qwen answers" in of("model", lines)[0]


def test_settings_are_told_with_their_sources_and_secrets_only_as_set(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "config.toml").write_text('GITOMA_MAX_JOBS = 7\nLM_STUDIO_API_KEY = "the-key-of-the-model"\n')
    code, lines = doctor(GITOMA_AGENT_COMMAND="agent --password hidden-in-a-command")

    said = "\n".join(lines)
    assert code == 0
    assert "GITOMA_MAX_JOBS = 7 (from config.toml)" in said
    assert "GITHUB_TOKEN is set (from environment)" in said
    assert "GITOMA_AGENT_COMMAND is set" in said
    for secret in (TOKEN, "the-key-of-the-model", "a-token-of-the-api", "hidden-in-a-command"):
        assert secret not in said


def test_a_setting_that_makes_no_sense_is_all_that_is_told(doctor: Doctor) -> None:
    code, lines = doctor(GITOMA_MAX_JOBS="many")

    assert code == 3
    assert lines[0].startswith("error    settings   GITOMA_MAX_JOBS='many' is not valid")


def test_what_only_some_commands_need_is_a_warning(doctor: Doctor) -> None:
    code, lines = doctor(GITHUB_TOKEN="", GITOMA_API_TOKEN="")

    assert code == 0
    assert [of(subject, lines)[0].split()[0] for subject in ("github", "api")] == ["warning", "warning"]


def test_an_api_token_that_is_a_word_is_a_warning_that_does_not_show_it(doctor: Doctor) -> None:
    code, lines = doctor(GITOMA_API_TOKEN="swordfish")

    assert code == 0
    assert of("api", lines)[0].startswith("warning")
    assert "swordfish" not in "\n".join(lines)


def test_a_token_that_is_refused_is_an_error(doctor: Doctor) -> None:
    code, lines = doctor(GITHUB_TOKEN="another-token-than-that")

    assert code == 3
    assert of("github", lines)[0].startswith("error")


def test_servers_that_cannot_be_reached_are_errors_and_are_told_soon(doctor: Doctor) -> None:
    code, lines = doctor(GITHUB_API_URL="http://127.0.0.1:9", LM_STUDIO_BASE_URL="http://127.0.0.1:9/v1")

    assert code == 3
    assert [of(subject, lines)[0].split()[0] for subject in ("github", "model")] == ["error", "error"]


def test_a_model_that_is_not_listed_is_an_error_that_names_those_that_are(doctor: Doctor) -> None:
    code, lines = doctor(LM_STUDIO_MODEL="absent")

    assert code == 3
    assert "qwen" in "\n".join(lines)


def test_without_git_nothing_works(doctor: Doctor, tmp_path: Path) -> None:
    code, lines = doctor(PATH=str(tmp_path))

    assert code == 3
    assert of("git", lines)[0].startswith("error")


@pytest.mark.parametrize(
    ("said", "level"), [("git version 2.30.9", "error"), ("git version 2.31.0", "ok"), ("?", "error")]
)
def test_a_git_that_is_too_old_is_an_error(said: str, level: str, doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "git").write_text(f"#!/bin/sh\necho '{said}'\n")
    (tmp_path / "git").chmod(0o755)
    _, lines = doctor(PATH=f"{tmp_path}:{os.environ['PATH']}")

    assert of("git", lines)[0].startswith(level)


def test_a_home_that_cannot_be_written_is_an_error(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    code, lines = doctor()

    assert code == 3
    assert of("home", lines)[0].startswith("error")


def test_a_home_that_others_can_read_is_a_warning(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o755)
    code, lines = doctor()

    assert code == 0
    assert of("home", lines)[0].startswith("warning")
    assert list((tmp_path / "home").iterdir()) == []


def test_work_that_was_left_behind_is_a_warning_with_the_way_to_go_on(doctor: Doctor, tmp_path: Path) -> None:
    folder = StateFolder(tmp_path / "home" / "state")
    folder.save(STATE)
    folder.save(replace(STATE, slug=Slug("acme", "done"), phase=Phase.DONE))
    code, lines = doctor()

    assert code == 0
    assert len(of("runs", lines)) == 1
    assert "acme/widget died in WORKING" in of("runs", lines)[0]
    assert lines[-1].strip() == "gitoma run https://github.com/acme/widget"
