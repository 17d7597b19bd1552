"""The reference's conventions: who may call, ids that correlate, answers to dispatches."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest

from .conftest import Start
from .service import TOKEN, Service, poll, repo

NOBODYS = "5f0c1f3e-6f0e-4c56-9d0b-2f8f6f3f8a11"  # an id of no job; always the same, so that a test's name is

ENDPOINTS = [
    ("GET", "/api/v1/health"),
    ("POST", "/api/v1/run"),
    ("POST", "/api/v1/analyze"),
    ("POST", "/api/v1/review"),
    ("POST", "/api/v1/fix-ci"),
    ("GET", f"/api/v1/status/{NOBODYS}"),
    ("POST", f"/api/v1/jobs/{NOBODYS}/cancel"),
    ("GET", "/api/v1/jobs"),
    ("GET", f"/api/v1/stream/{NOBODYS}"),
    ("DELETE", "/api/v1/state/acme/widget"),
    ("GET", "/api/v1/state"),
]
DISPATCHES = ["run", "review", "analyze", "fix-ci"]

each_endpoint = pytest.mark.parametrize(("method", "path"), ENDPOINTS)

MISSING = {"detail": "Missing or malformed Authorization header."}
WRONG = {"detail": "Invalid authentication token."}
UNCONFIGURED = {"detail": "GITOMA_API_TOKEN is not configured on the server."}


@each_endpoint
def test_a_missing_header_is_401_with_www_authenticate_bearer(service: Service, method: str, path: str) -> None:
    answer = service.anonymous.request(method, path)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == MISSING


@each_endpoint
def test_a_wrong_token_is_403(service: Service, method: str, path: str) -> None:
    answer = service.anonymous.request(method, path, headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 403
    assert answer.json() == WRONG
    assert "www-authenticate" not in answer.headers


@each_endpoint
def test_a_server_without_token_is_503(closed_service: Service, method: str, path: str) -> None:
    for headers in ({}, {"Authorization": "Bearer anything"}, {"Authorization": "nonsense"}):
        answer = closed_service.anonymous.request(method, path, headers=headers)

        assert answer.status_code == 503
        assert answer.json() == UNCONFIGURED


def test_a_server_without_token_says_so_plainly_at_its_start(closed_service: Service) -> None:
    assert "GITOMA_API_TOKEN" in closed_service.log
    assert "503" in closed_service.log
    assert closed_service.anonymous.get("/").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN}", f"bearer {TOKEN}", f"BEARER    {TOKEN}", f"bEaReR {TOKEN}   ", f"Bearer {TOKEN}\t"],
)
def test_the_scheme_has_no_case_and_blanks_around_the_token_do_not_count(service: Service, authorization: str) -> None:
    request = (
        f"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {authorization}\r\n\r\n"
    )

    assert service.raw(request.encode()).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        f"Authorization: Bearer\t{TOKEN}",
        f"Authorization: Bearer \t{TOKEN}",
        f"Authorization: Bearer{TOKEN}",
        f"Authorization: Basic {TOKEN}",
        f"Authorization: {TOKEN}",
        "Authorization: Bearer",
        "Authorization: Bearer ",
        "Authorization:",
        f"Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}",
        f"Authorization: Bearer {TOKEN}\r\nauthorization: Bearer wrong",
    ],
)
def test_a_malformed_header_is_401(service: Service, headers: str) -> None:
    request = f"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n\r\n"

    answer = service.raw(request.encode())

    assert (answer.status, answer.json) == (401, MISSING)
    assert answer.header("www-authenticate") == "Bearer"


@pytest.mark.parametrize("token", [TOKEN + "x", TOKEN[:-1], TOKEN.upper(), f"{TOKEN} {TOKEN}", "tökén", "\x80\xff"])
def test_a_token_that_is_nearly_right_or_not_ascii_is_403(service: Service, token: str) -> None:
    request = (
        f"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    )

    answer = service.raw(request.encode("latin-1"))

    assert (answer.status, answer.json) == (403, WRONG)


def test_a_token_that_is_not_ascii_opens_the_server_that_has_it(start_service: Start) -> None:
    service = start_service(GITOMA_API_TOKEN="schlüssel")
    head = b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "

    assert service.raw(head + "schlüssel".encode() + b"\r\n\r\n").status == 200
    assert service.raw(head + "schlüssel".encode("latin-1") + b"\r\n\r\n").status == 403


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs",
        "//api/v1/jobs",
        "/api//v1/jobs",
        "/api/v1//jobs/",
        "/%61pi/v1/jobs",
        "/api/%76%31/jobs",
        "/%2Fapi/v1/jobs",
        "/api%2Fv1%2Fjobs",
        "/api/v1/nothing/here",
        "/api/v1",
        "/api/v1/",
        "/x/../api/v1/jobs",
        "/docs/%2e%2e/api/v1/jobs",
    ],
)
def test_no_spelling_of_a_path_gets_past_the_token(service: Service, path: str) -> None:
    answer = service.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert answer.status in (401, 404)
    assert answer.json["detail"] in (MISSING["detail"], "Not Found")


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/", "/api/v1/state/acme"])
def test_auth_comes_before_everything_else_on_the_api(service: Service, path: str) -> None:
    assert service.anonymous.get(path).status_code == 401
    assert service.anonymous.post(path, content=b"x" * 100_000).status_code == 401
    assert service.anonymous.request("PATCH", path).status_code == 401
    assert service.http.get(path).status_code in (404, 405)


@pytest.mark.parametrize("command", DISPATCHES)
def test_a_dispatch_returns_202_with_a_job_response(service: Service, command: str) -> None:
    answer = service.http.post(f"/api/v1/{command}", json={"repo_url": repo("says-hello"), "branch": "main"})

    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"job_id", "status", "message"}
    assert body["status"] == "started"
    assert body["message"]
    assert str(uuid.UUID(body["job_id"], version=4)) == body["job_id"]


@pytest.mark.parametrize("command", DISPATCHES)
def test_the_work_continues_in_the_background(service: Service, command: str) -> None:
    job_id = service.dispatch("says-hello", command, branch="main")

    assert service.ended(job_id)["status"] == "completed"
    assert f"hello from {command}" in service.lines(job_id)


def test_a_dispatch_does_not_wait_for_the_work(service: Service) -> None:
    job_id = service.dispatch("waits-in-the-background")

    poll(lambda: service.status(job_id)["status"], until=lambda status: status == "running")
    (service.home / "waits-in-the-background").touch()
    assert service.ended(job_id)["status"] == "completed"


# --- correlation ids


def answers_of_every_kind(service: Service, **headers: str) -> Iterator[tuple[int, httpx.Response]]:
    """One answer of every kind that there is, and its status."""
    job_id = service.dispatch("says-hello")
    service.ended(job_id)
    client, anonymous = service.http, service.anonymous
    yield 200, client.get("/", headers=headers)
    yield 200, client.get("/docs", headers=headers)
    yield 200, client.get("/openapi.json", headers=headers)
    yield 200, client.get("/api/v1/jobs", headers=headers)
    yield 200, client.head("/api/v1/jobs", headers=headers)
    yield 200, client.get(f"/api/v1/stream/{job_id}", headers=headers)
    yield 202, client.post("/api/v1/analyze", json={"repo_url": repo("says-hello")}, headers=headers)
    yield 204, client.options("/", headers=headers)
    yield 400, client.get("/", headers={"Host": "evil.example", **headers})
    yield 400, client.post("/api/v1/fix-ci", json={"repo_url": repo("says-hello")}, headers=headers)
    yield 401, anonymous.get("/api/v1/jobs", headers=headers)
    yield 403, anonymous.get("/api/v1/jobs", headers={"Authorization": "Bearer wrong", **headers})
    yield 404, client.get("/nothing", headers=headers)
    yield 404, client.get("/api/v1/nothing", headers=headers)
    yield 404, client.get("/docs/nothing", headers=headers)
    yield 404, client.get(f"/api/v1/status/{uuid.uuid4()}", headers=headers)
    yield 405, client.get("/api/v1/run", headers=headers)
    yield 405, client.delete("/", headers=headers)
    yield 409, client.post(f"/api/v1/jobs/{job_id}/cancel", headers=headers)
    yield 413, client.post("/api/v1/run", content=b" " * 70_000, headers=headers)
    yield 422, client.post("/api/v1/run", content=b"{", headers=headers)
    yield 431, client.get("/api/v1/jobs", headers={"x-filler": "x" * 40_000, **headers})


def test_every_response_includes_a_correlation_id(service: Service) -> None:
    seen = set()
    for status, answer in answers_of_every_kind(service):
        assert answer.status_code == status, (answer.request.method, answer.request.url)
        assert len(answer.headers.get_list("x-request-id")) == 1
        seen.add(answer.headers["x-request-id"])

    assert len(seen) == sum(1 for _ in answers_of_every_kind(service))
    assert all(re.fullmatch(r"[\x21-\x7e]{1,128}", each) for each in seen)


def test_a_clients_own_correlation_id_is_echoed_by_every_response(service: Service) -> None:
    for status, answer in answers_of_every_kind(service, **{"x-request-id": "trace-1/a"}):
        assert answer.status_code == status
        assert answer.headers.get_list("x-request-id") == ["trace-1/a"]


@pytest.mark.parametrize("fit", ["a", "!", "~" * 128, '{"x":1}', "a,b;c=d"])
def test_1_to_128_visible_ascii_characters_are_echoed(service: Service, fit: str) -> None:
    assert service.http.get("/nothing", headers={"x-request-id": fit}).headers["x-request-id"] == fit


@pytest.mark.parametrize("unfit", [b"", b"a b", b"~" * 129, b"\xff", b"a\tb", "ä".encode()])
def test_any_other_id_is_replaced_by_one_of_ours(service: Service, unfit: bytes) -> None:
    answer = service.get("/nothing", b"X-Request-Id: " + unfit)

    assert answer.status == 404
    assert re.fullmatch("[0-9a-f]{32}", answer.header("x-request-id") or "")


def test_the_log_has_a_jobs_error_under_its_error_id_and_the_dispatchs_request_id(service: Service) -> None:
    answer = service.http.post(
        "/api/v1/analyze", json={"repo_url": repo("exits-9")}, headers={"x-request-id": "trace-of-a-failure"}
    )
    ended = service.ended(answer.json()["job_id"])

    (line,) = [line for line in service.log.splitlines() if f"error_id={ended['error_id']}" in line]
    assert "ERROR" in line
    assert "request_id=trace-of-a-failure" in line


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/docs/nothing", "/openapi.json/x", "/favicon.ico"])
def test_what_is_not_there_is_the_same_404_everywhere(service: Service, path: str) -> None:
    answer = service.http.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"detail": "Not Found"}


def test_a_wrong_method_is_405_with_the_methods_that_are_allowed(service: Service) -> None:
    answer = service.http.put("/api/v1/run", json={})

    assert answer.status_code == 405
    assert answer.json() == {"detail": "Method Not Allowed"}
    assert "POST" in answer.headers["allow"]


def test_times_are_iso_8601_with_the_offset_written_out(service: Service) -> None:
    ended = service.ended(service.dispatch("says-hello"))

    for moment in (ended["created_at"], ended["finished_at"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", moment)
