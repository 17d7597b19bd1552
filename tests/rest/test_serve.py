"""`gitoma serve`: how it starts, how it refuses to, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from .conftest import Start
from .service import (
    LIMIT_S,
    TOKEN,
    Frames,
    Service,
    environment,
    is_running,
    poll,
    processes_of,
    refused_start,
)

# --- the start


def test_it_prints_its_address_on_stdout_and_nothing_else(service: Service) -> None:
    assert re.fullmatch(
        r"gitoma listens on http://127\.0\.0\.1:\d+ \(API: http://127\.0\.0\.1:\d+/docs\)\n", service.greeting
    )


def test_the_home_is_the_owners_alone(start_service: Start) -> None:
    service = start_service("--auto-token", GITOMA_API_TOKEN=None)

    assert stat.S_IMODE((service.home / "runtime_token").stat().st_mode) == 0o600
    for path in service.home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_home_that_is_not_there_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    process = subprocess.Popen(
        [sys.executable, "-m", "gitoma", "serve", "--port", "0"],
        env=environment(home, HOME=str(tmp_path)),
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert "listens on" in process.stdout.readline()
        mode = stat.S_IMODE(home.stat().st_mode)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0

    assert mode == 0o700


def test_auto_token_makes_a_token_keeps_it_and_prints_it_once(start_service: Start) -> None:
    service = start_service("--auto-token", GITOMA_API_TOKEN=None)
    token = (service.home / "runtime_token").read_text().strip()

    assert len(token) >= 32
    assert service.greeting.count(token) == 1
    assert token not in service.log
    answer = service.anonymous.get("/api/v1/jobs", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert service.anonymous.get("/api/v1/jobs", headers={"Authorization": "Bearer x"}).status_code == 403


def test_the_kept_token_is_used_again_and_not_printed_again(start_service: Start, tmp_path: Path) -> None:
    first = start_service("--auto-token", GITOMA_API_TOKEN=None)
    token = (first.home / "runtime_token").read_text().strip()
    second = start_service("--auto-token", GITOMA_API_TOKEN=None, GITOMA_HOME=str(first.home))

    assert token not in second.greeting
    answer = second.anonymous.get("/api/v1/jobs", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("left", ["", "\n", "  \n"])
def test_a_token_file_without_a_token_is_written_anew(start_service: Start, tmp_path: Path, left: str) -> None:
    home = tmp_path / "home-0"
    home.mkdir()
    (home / "runtime_token").write_text(left)
    service = start_service("--auto-token", GITOMA_API_TOKEN=None)
    token = (home / "runtime_token").read_text().strip()

    answer = service.anonymous.get("/api/v1/jobs", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200


def test_a_token_file_that_holds_something_else_is_exit_3_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "runtime_token").write_text("two words\n")
    refused = refused_start(tmp_path, "--auto-token", GITOMA_API_TOKEN=None)

    assert refused.returncode == 3
    assert "runtime_token holds no token" in refused.stderr
    assert "two words" not in refused.stderr


def test_no_address_is_not_every_address(tmp_path: Path) -> None:
    refused = refused_start(tmp_path, "--host", "")

    assert refused.returncode == 3
    assert "no address is given" in refused.stderr


def test_auto_token_leaves_a_configured_token_alone(start_service: Start) -> None:
    service = start_service("--auto-token")

    assert not (service.home / "runtime_token").exists()
    assert TOKEN not in service.greeting
    assert service.http.get("/api/v1/jobs").status_code == 200


def test_without_a_token_it_starts_says_so_and_answers_503(start_service: Start) -> None:
    for blank in (None, "", "  "):
        service = start_service(GITOMA_API_TOKEN=blank)

        assert "GITOMA_API_TOKEN" in service.log
        assert service.http.get("/api/v1/jobs").status_code == 503
        assert not (service.home / "runtime_token").exists()


def test_a_token_in_the_config_file_is_used(start_service: Start, tmp_path: Path) -> None:
    home = tmp_path / "home-0"
    home.mkdir()
    (home / "config.toml").write_text(f'GITOMA_API_TOKEN = "{TOKEN}"\n')

    assert start_service(GITOMA_API_TOKEN=None).http.get("/api/v1/jobs").status_code == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITOMA_MAX_RUNNING", "0"),
        ("GITOMA_MAX_JOBS", "many"),
        ("GITOMA_JOB_TIMEOUT_S", "nan"),
        ("GITOMA_CANCEL_GRACE_S", "-1"),
        ("GITOMA_CORS_ORIGINS", "*"),
        ("LM_STUDIO_BASE_URL", "ftp://localhost"),
        ("WEB_CONCURRENCY", "2"),
        ("WEB_CONCURRENCY", "x"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_clear_line(tmp_path: Path, name: str, value: str) -> None:
    refused = refused_start(tmp_path / "home", **{name: value})

    assert refused.returncode == 3
    (line,) = refused.stderr.splitlines()
    assert name in line
    assert value in line
    assert refused.stdout == ""


def test_a_bad_token_is_not_shown(tmp_path: Path) -> None:
    refused = refused_start(tmp_path / "home", GITOMA_API_TOKEN="two\twords secret")

    assert refused.returncode == 3
    assert "secret" not in refused.stderr


def test_one_worker_is_no_reason_to_refuse(start_service: Start) -> None:
    assert start_service(WEB_CONCURRENCY="1").http.get("/api/v1/jobs").status_code == 200


def test_a_port_in_use_is_exit_3_with_the_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "gitoma", "serve", "--port", str(port)]
        found = subprocess.run(
            command, env=environment(tmp_path / "home"), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )

    assert found.returncode == 3
    assert "address already in use" in found.stderr.lower()
    assert "Traceback" not in found.stderr
    assert "listens on" not in found.stdout


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--port", "70000"], ["--nonsense"], ["extra"]])
def test_bad_arguments_are_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    refused = refused_start(tmp_path / "home", *arguments)

    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


# --- uvicorn's own command line


UVICORN = [sys.executable, "-m", "uvicorn", "--factory", "gitoma.app.asgi:create"]


def test_uvicorn_with_several_workers_is_refused_with_the_reason(tmp_path: Path) -> None:
    home, log_file = tmp_path / "home", tmp_path / "log"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*UVICORN, "--port", "0", "--workers", "2"],
            env=environment(home),
            stderr=log,
            stdout=log,
            start_new_session=True,
        )
    try:
        # uvicorn starts workers that end again and again: the reason must be there, and none must ever answer.
        poll(log_file.read_text, until=lambda text: text.count("one process") >= 3)
        assert "Application startup complete" not in log_file.read_text()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        poll(lambda: processes_of(home), until=lambda left: not left)


def test_uvicorn_with_one_process_serves(tmp_path: Path) -> None:
    home, log_file = tmp_path / "home", tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with log_file.open("w") as log:
        process = subprocess.Popen([*UVICORN, "--port", str(port)], env=environment(home), stderr=log, stdout=log)
    try:
        address = f"http://127.0.0.1:{port}/api/v1/jobs"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = poll(lambda: process.poll() is None and answer_from(address, headers), until=bool)
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_S)
    finally:
        process.kill()
        process.wait()

    assert answer == "{}"
    assert "Traceback" not in log_file.read_text()


def answer_from(address: str, headers: dict[str, str]) -> str:
    try:
        return httpx.get(address, headers=headers).text
    except httpx.TransportError:
        return ""


# --- the end


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_cancels_what_runs_ends_each_stream_and_exits_0(start_service: Start, number: int) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="1", GITOMA_MAX_RUNNING="3")
    jobs = [service.dispatch("sleeps"), service.dispatch("ignores-term"), service.dispatch("leaves-the-group")]
    pids = [int(service.first_line(job_id, "ready").split()[1]) for job_id in jobs]
    queued = service.dispatch("says-hello")
    assert service.status(queued)["status"] == "queued"

    with service.follow(jobs[0]) as one, service.follow(jobs[1]) as two, service.follow(queued) as three:
        started = time.monotonic()
        service.process.send_signal(number)
        texts = [stream.read().decode() for stream in (one, two, three)]
        code = service.process.wait(LIMIT_S)
        took = time.monotonic() - started

    assert code == 0
    assert [Frames(text).lines[-1] for text in texts] == ["__END__:cancelled"] * 3
    assert len(Frames(texts[2]).lines) == 2  # its command and its end: it never ran
    assert took < 1 + 5 + 10  # the grace, the promise, and what a busy machine may add
    assert not any(is_running(pid) for pid in pids)
    poll(lambda: processes_of(service.home), until=lambda left: not left)
    assert "Traceback" not in service.log


def test_an_open_request_to_upgrade_does_not_disturb_the_end(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="1")
    job_id = service.dispatch("sleeps")
    pid = int(service.first_line(job_id, "ready").split()[1])
    head = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    )
    with service.connect() as connection, service.follow(job_id) as stream:
        connection.sendall(head + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        service.process.send_signal(signal.SIGTERM)
        text = stream.read().decode()
        code = service.process.wait(LIMIT_S)

    assert code == 0
    assert Frames(text).lines[-1] == "__END__:cancelled"
    assert not is_running(pid)


def test_under_nohup_a_closed_terminal_ends_nothing(start_service: Start) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does, and what its command inherits
    try:
        service = start_service()
    finally:
        signal.signal(signal.SIGHUP, before)
    service.process.send_signal(signal.SIGHUP)

    job_id = service.dispatch("says-hello")
    assert service.ended(job_id)["status"] == "completed"


def test_a_second_signal_hurries(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="300")
    job_id = service.dispatch("ignores-term")
    pid = int(service.first_line(job_id, "ready").split()[1])

    with service.follow(job_id) as stream:
        service.process.send_signal(signal.SIGTERM)
        # The server takes nothing new once it has begun to end.
        poll(lambda: service.process.poll() is None and is_stopping(service), until=bool)
        service.process.send_signal(signal.SIGTERM)
        frames = Frames(stream.read().decode())

    assert service.process.wait(LIMIT_S) == 0
    assert frames.lines[-1] == "__END__:cancelled"
    assert not is_running(pid)


def is_stopping(service: Service) -> bool:
    return "job cancel asked" in service.log


def test_a_server_without_jobs_ends_at_once(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="300")
    assert service.http.get("/api/v1/jobs").status_code == 200

    service.process.send_signal(signal.SIGTERM)

    assert service.process.wait(LIMIT_S) == 0


def test_a_stuck_reader_does_not_hold_up_the_end(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="0.5")
    with socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.settimeout(LIMIT_S)
        stuck.connect(("127.0.0.1", int(service.address.rpartition(":")[2])))
        job_id = service.dispatch("floods")
        head = f"GET /api/v1/stream/{job_id} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        stuck.sendall(head.encode())
        service.first_line(job_id, "flooded")
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(LIMIT_S) == 0


def test_an_unfinished_request_does_not_hold_up_the_end(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="0.5")
    with service.connect() as connection:
        connection.sendall(b"POST /api/v1/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        assert service.http.get("/api/v1/jobs").status_code == 200
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(LIMIT_S) == 0


def test_a_server_that_is_killed_leaves_no_process_of_its_jobs(start_service: Start) -> None:
    service = start_service(GITOMA_CANCEL_GRACE_S="0.5")
    pids = [
        int(service.first_line(service.dispatch(behaviour), "ready").split()[1])
        for behaviour in ("sleeps", "ignores-term")
    ]

    service.process.kill()
    service.process.wait()
    service.process.returncode = 0  # it was killed on purpose: the fixture expects an orderly end

    poll(lambda: [pid for pid in pids if is_running(pid)], until=lambda left: not left)
    poll(lambda: processes_of(service.home), until=lambda left: not left)


# --- what it loads


def test_at_its_start_it_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    home, log_file = tmp_path / "home", tmp_path / "imports"
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "gitoma", "serve", "--port", "0"],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    with process:
        assert process.stdout is not None
        assert "listens on" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_S) == 0
    lines = [line for line in log_file.read_text().splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip() for line in lines}

    assert {"gitoma.adapters.http.app", "litestar", "uvicorn"} <= loaded
    # Not `yaml`: the framework loads it by itself.
    unneeded = {"httpx", "hypothesis", "schemathesis", "jinja2", "pytest", "faker", "gitoma.adapters.testing"}
    assert loaded & unneeded == set()
    assert not [module for module in loaded if module.startswith(("gitoma.adapters.git", "gitoma.domain.agents"))]
