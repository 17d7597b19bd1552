"""DELETE /state/{owner}/{name} and GET /state, on the files of a home."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Start
from .service import Service


@pytest.fixture
def folder(service: Service) -> Iterator[Path]:
    """Where the state files are; empty again after the test."""
    path = service.home / "state"
    path.mkdir(exist_ok=True, mode=0o700)
    yield path
    for left in path.iterdir():
        if left.is_dir() and not left.is_symlink():
            left.rmdir()
        else:
            left.unlink()


def write(folder: Path, owner: str = "acme", name: str = "widget", **fields: Any) -> Path:
    path = folder / f"{owner}__{name}.json"
    path.write_text(json.dumps({"owner": owner, "name": name, "phase": "WORKING", **fields}))
    return path


def delete(service: Service, path: str) -> tuple[int, Any]:
    answer = service.get(f"/api/v1/state/{path}", method="DELETE")
    return answer.status, answer.json


def test_it_returns_deleted_if_state_existed_and_not_found_otherwise(service: Service, folder: Path) -> None:
    state = write(folder)

    assert delete(service, "acme/widget") == (200, {"result": "deleted"})
    assert not state.exists()
    assert delete(service, "acme/widget") == (200, {"result": "not_found"})


def test_it_deletes_no_other_state(service: Service, folder: Path) -> None:
    write(folder)
    others = [write(folder, "acme", "widget2"), write(folder, "acme2", "widget"), write(folder, "acme", "widget.git")]

    delete(service, "acme/widget")

    assert all(other.exists() for other in others)


def test_in_a_state_name_no_git_suffix_is_cut(service: Service, folder: Path) -> None:
    state = write(folder)

    assert delete(service, "acme/widget.git") == (200, {"result": "not_found"})
    assert state.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe", b"[]", b'{"owner": "x"}', b"[" * 100_000])
def test_a_damaged_state_hides_no_other_is_logged_and_can_be_deleted(
    service: Service, folder: Path, damage: bytes
) -> None:
    write(folder, "acme", "healthy")
    (folder / "acme__damaged.json").write_bytes(damage)

    states = service.http.get("/api/v1/state").json()

    assert [state["name"] for state in states] == ["healthy"]
    assert "acme__damaged.json" in service.log
    assert delete(service, "acme/damaged") == (200, {"result": "deleted"})


@pytest.mark.parametrize(
    "path",
    [
        "acme/..",
        "acme/.",
        "acme/%2e%2e",
        "%2e%2e/%2e%2e",
        "../widget",
        "acme/-widget",
        "-acme/widget",
        "_acme/widget",
        "acme_/widget",
        "a__b/widget",
        "acme/wid%20get",
        "acme/widget%00",
        "acme/%0a",
        "acme/widget%0a",
        "acme/%FF",
        "acm%C3%A9/widget",
        "acme/w%C3%ADdget",
        f"{'a' * 40}/widget",
        f"acme/{'b' * 101}",
        "acme/wid%5Cget",
        "acme/wid:get",
        "*/*",
    ],
)
def test_a_name_that_is_no_github_name_is_422_with_its_place(service: Service, folder: Path, path: str) -> None:
    status, body = delete(service, path)

    assert status == 422
    for problem in body["detail"]:
        assert problem["loc"] in (["path", "owner"], ["path", "name"])
        assert problem["type"] == "value_error"
        assert problem.keys() == {"loc", "msg", "type"}


def test_both_bad_names_are_listed_at_once(service: Service) -> None:
    status, body = delete(service, "-x/-y")

    assert status == 422
    assert [problem["loc"] for problem in body["detail"]] == [["path", "owner"], ["path", "name"]]


@pytest.mark.parametrize(
    "path",
    [
        "..%2Fsecrets/x",
        "acme/..%2F..%2Fsecret",
        "..%2F..%2Fsecret",
        "acme/%2e%2e%2f%2e%2e%2fsecret",
        "acme%2F..%2F..%2Fsecret",
        "acme/..\\..\\secret",
        "acme/%252e%252e%252fsecret",
        "/etc/passwd",
        "%2Fetc/passwd",
    ],
)
def test_it_never_touches_anything_outside_the_folder(service: Service, folder: Path, path: str) -> None:
    secret = service.home / "secret.json"
    secret.write_text("{}")

    status, _ = delete(service, path)

    assert status in (200, 404, 422)
    assert secret.exists()
    assert (service.home / "state").is_dir()
    secret.unlink()


def test_it_follows_no_link(service: Service, folder: Path) -> None:
    target = service.home / "target.json"
    target.write_text('{"owner": "acme", "name": "linked", "phase": "IDLE"}')
    (folder / "acme__linked.json").symlink_to(target)

    assert service.http.get("/api/v1/state").json() == []
    assert delete(service, "acme/linked") == (200, {"result": "deleted"})
    assert target.exists()
    assert not (folder / "acme__linked.json").is_symlink()
    target.unlink()


def test_the_list_has_every_snapshot_newest_first_with_whether_it_lives(service: Service, folder: Path) -> None:
    write(folder, "acme", "old", updated_at="2026-04-21T10:00:00+00:00", pid=os.getpid(), custom={"kept": 1})
    write(folder, "acme", "undated")
    write(folder, "acme", "new", updated_at="2026-04-22T10:00:00+00:00", phase="DONE", pid=2**22 + 1)

    states = service.http.get("/api/v1/state").json()

    assert [state["name"] for state in states] == ["new", "old", "undated"]
    assert [state["is_alive"] for state in states] == [False, True, False]
    assert [state["is_orphaned"] for state in states] == [False, False, True]
    assert states[0]["heartbeat_age_s"] is None
    assert states[1]["custom"] == {"kept": 1}


def test_a_heartbeat_that_is_too_old_makes_an_orphan(service: Service, folder: Path) -> None:
    write(folder, pid=os.getpid(), last_heartbeat="2026-01-01T00:00:00Z")

    (state,) = service.http.get("/api/v1/state").json()

    assert (state["is_alive"], state["is_orphaned"]) == (True, True)
    assert state["heartbeat_age_s"] > 90


def test_no_state_is_an_empty_list(service: Service, folder: Path) -> None:
    assert service.http.get("/api/v1/state").json() == []


def test_large_snapshots_compress_about_5_times(service: Service, folder: Path) -> None:
    for number in range(30):
        write(folder, "acme", f"widget-{number}", branch="main", pid=number + 1, errors=[f"error {number}"])

    plain = service.get("/api/v1/state")
    gzipped = service.get("/api/v1/state", b"Accept-Encoding: gzip")

    assert gzipped.header("content-encoding") == "gzip"
    assert len(gzipped.body) * 5 < len(plain.body)


def test_what_is_no_file_hides_no_other_and_can_be_deleted(service: Service, folder: Path) -> None:
    write(folder)
    (folder / "acme__folder.json").mkdir()
    os.mkfifo(folder / "acme__fifo.json")

    assert [state["name"] for state in service.http.get("/api/v1/state").json()] == ["widget"]
    assert delete(service, "acme/folder") == (200, {"result": "deleted"})
    assert delete(service, "acme/fifo") == (200, {"result": "deleted"})


def test_storage_that_refuses_is_an_opaque_500(start_service: Start) -> None:
    service = start_service()
    loop = service.home / "state"
    loop.symlink_to(loop)

    for method, path in (("DELETE", "/api/v1/state/acme/widget"), ("GET", "/api/v1/state")):
        answer = service.http.request(method, path)

        assert answer.status_code == 500
        assert answer.json() == {"detail": "Internal server error.", "error_id": answer.json()["error_id"]}
        (line,) = [line for line in service.log.splitlines() if answer.json()["error_id"] in line]
        assert f"request_id={answer.headers['x-request-id']}" in line
    assert "StorageRefused" in service.log
