"""POST /run, /analyze, /review, /fix-ci: what they take, what they refuse, and the command line that comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Start
from .service import TOKEN, Service, repo

GOOD = {"repo_url": "https://github.com/acme/says-hello"}
DISPATCHES = ["run", "analyze", "review", "fix-ci"]

each_dispatch = pytest.mark.parametrize("command", DISPATCHES)


def refusal(quick: Service, command: str, body: Any) -> list[dict[str, Any]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = quick.http.post(f"/api/v1/{command}", content=content)
    assert answer.status_code == 422, answer.text
    assert answer.json().keys() == {"detail"}
    detail: list[dict[str, Any]] = answer.json()["detail"]
    for problem in detail:
        assert problem.keys() == {"loc", "msg", "type"}
        assert problem["msg"]
    return detail


def kinds(detail: list[dict[str, Any]]) -> dict[str, str]:
    return {"/".join(problem["loc"]): problem["type"] for problem in detail}


def accepts(quick: Service, command: str, **fields: Any) -> bool:
    answer = quick.http.post(f"/api/v1/{command}", json={**GOOD, **fields})
    assert answer.status_code in (202, 422), answer.text
    return answer.status_code == 202


# --- repo_url


@each_dispatch
@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/widget",
        "https://github.com/acme/widget/",
        "https://github.com/acme/widget.git",
        "https://github.com/acme/widget.git/",
        "https://github.com/a/b",
        "https://github.com/A-1_x/.github",
        "https://github.com/acme/widget.git.git",
        f"https://github.com/{'a' * 39}/{'b' * 100}",
        f"https://github.com/{'a' * 39}/{'b' * 100}.git",
    ],
)
def test_repo_url_takes_github_repositories(quick: Service, command: str, url: str) -> None:
    assert accepts(quick, command, repo_url=url, branch="main")


@each_dispatch
@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://github.com/acme/widget",
        "HTTPS://github.com/acme/widget",
        "https://GitHub.com/acme/widget",
        "https://gitlab.com/acme/widget",
        "https://github.com.evil.example/acme/widget",
        "https://github.com/acme",
        "https://github.com/acme/",
        "https://github.com/acme/widget/tree",
        "https://github.com//widget",
        "https://github.com/acme/widget//",
        "https://github.com/acme/widget\n",
        "https://github.com/acme/widget\r\n",
        " https://github.com/acme/widget",
        "https://github.com/acme/wid get",
        "https://github.com/acme/widget?x=1",
        "https://github.com/acme/widget#x",
        "https://github.com/-acme/widget",
        "https://github.com/_acme/widget",
        "https://github.com/acme_/widget",
        "https://github.com/ac__me/widget",
        "https://github.com/acme/-widget",
        "https://github.com/acme/.",
        "https://github.com/acme/..",
        "https://github.com/acme/.git",
        "https://github.com/acme/..git",
        "https://github.com/acme/...git",
        "https://github.com/../etc",
        "https://github.com/acmé/widget",
        "https://github.com/acme/widgét",
        "https://github.com/acme/widget\u0000",
        "https://github.com:443/acme/widget",
        "ssh://git@github.com/acme/widget",
        "git@github.com:acme/widget",
        "--upload-pack=x",
        f"https://github.com/{'a' * 40}/widget",
        f"https://github.com/acme/{'b' * 101}",
    ],
)
def test_repo_url_refuses_everything_else(quick: Service, command: str, url: str) -> None:
    detail = refusal(quick, command, {"repo_url": url, "branch": "main"})

    assert kinds(detail) == {"body/repo_url": "value_error"}


@each_dispatch
def test_embedded_credentials_are_refused_and_never_bounce_back(quick: Service, command: str) -> None:
    url = "https://someone:s3cr3t-t0ken@github.com/acme/widget"
    answer = quick.http.post(f"/api/v1/{command}", json={"repo_url": url, "branch": "s3cr3t t0ken"})

    assert answer.status_code == 422
    assert "s3cr3t" not in answer.text
    assert "someone" not in answer.text
    assert "input" not in answer.text
    assert "s3cr3t" not in quick.log


@each_dispatch
def test_detail_is_a_structured_list(quick: Service, command: str) -> None:
    (problem,) = refusal(quick, command, {"repo_url": "nonsense", "branch": "main"})

    assert problem["loc"] == ["body", "repo_url"]
    assert problem["type"] == "value_error"
    assert isinstance(problem["msg"], str)


@each_dispatch
@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["https://github.com/acme/widget"]])
def test_a_repo_url_that_is_no_string_is_string_type(quick: Service, command: str, value: object) -> None:
    assert kinds(refusal(quick, command, {"repo_url": value, "branch": "main"})) == {"body/repo_url": "string_type"}


@each_dispatch
def test_a_missing_repo_url_is_missing(quick: Service, command: str) -> None:
    assert kinds(refusal(quick, command, {"branch": "main"})) == {"body/repo_url": "missing"}


# --- the body as a whole


@each_dispatch
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b'{"repo_url": NaN}',
        b'{"repo_url": "https://github.com/acme/widget",}',
        b'\xef\xbb\xbf{"repo_url": "https://github.com/acme/widget"}',
        '{"repo_url": "https://github.com/acme/widget"}'.encode("utf-16"),
        b'{"repo_url": "\xff"}',
        b'{"repo_url": "\\ud800"}',
        b'{"x": ' + b"9" * 5000 + b"}",
        b"[" * 30_000 + b"]" * 30_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"repo_url": "a"} {}',
    ],
    ids=range(14),
)
def test_what_is_no_json_is_json_invalid(quick: Service, command: str, body: bytes) -> None:
    (problem,) = refusal(quick, command, body)

    assert (problem["loc"], problem["type"]) == (["body"], "json_invalid")


@each_dispatch
@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"true", b'[{"repo_url": "x"}]'])
def test_a_body_that_is_no_object_is_model_attributes_type(quick: Service, command: str, body: bytes) -> None:
    (problem,) = refusal(quick, command, body)

    assert (problem["loc"], problem["type"]) == (["body"], "model_attributes_type")


@pytest.mark.parametrize(
    ("command", "body", "expected"),
    [
        (
            "run",
            {"repo_url": 1, "branch": "a..b", "dry_run": "true"},
            {"body/repo_url": "string_type", "body/branch": "value_error", "body/dry_run": "bool_type"},
        ),
        (
            "run",
            {"branch": "", "dry_run": 1},
            {"body/repo_url": "missing", "body/branch": "value_error", "body/dry_run": "bool_type"},
        ),
        ("review", {"integrate": 0}, {"body/repo_url": "missing", "body/integrate": "bool_type"}),
        (
            "fix-ci",
            {"repo_url": "x", "branch": "x" * 256, "dry_run": None},
            {"body/repo_url": "value_error", "body/branch": "string_too_long", "body/dry_run": "bool_type"},
        ),
        ("fix-ci", {"repo_url": "x"}, {"body/repo_url": "value_error"}),
    ],
)
def test_all_bad_fields_are_listed_at_once(
    quick: Service, command: str, body: dict[str, Any], expected: dict[str, str]
) -> None:
    assert kinds(refusal(quick, command, body)) == expected


@each_dispatch
def test_unknown_fields_are_ignored(quick: Service, command: str) -> None:
    assert accepts(quick, command, branch="main", unknown=[1], job_id="x")


@each_dispatch
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_the_content_type_does_not_count(quick: Service, command: str, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    body = json.dumps({**GOOD, "branch": "main"}).encode()

    assert quick.http.post(f"/api/v1/{command}", content=body, headers=headers).status_code == 202


# --- branch


@pytest.mark.parametrize("branch", ["main", "a", "feature/x_1.2-y", "x" * 255, "a/b/c", "0", "_", "release-1.0"])
def test_branch_takes_names_that_git_takes(quick: Service, branch: str) -> None:
    assert accepts(quick, "run", branch=branch)
    assert accepts(quick, "fix-ci", branch=branch)


@pytest.mark.parametrize(
    "branch",
    [
        "",
        "-x",
        "--force",
        "a b",
        "a..b",
        "a//b",
        "/a",
        "a/",
        "a.",
        "a.lock",
        "a.lock/b",
        ".a",
        "a/.b",
        "ä",
        "a\n",
        "a~1",
        *("a:b", "a^", "a?", "a*", "a[", "a\\b", "a@{b", "\u0000", "HEAD"),
    ],
)
def test_branch_refuses_what_git_would_refuse(quick: Service, branch: str) -> None:
    for command in ("run", "fix-ci"):
        assert kinds(refusal(quick, command, {**GOOD, "branch": branch})) == {"body/branch": "value_error"}


def test_a_branch_of_over_255_characters_is_string_too_long(quick: Service) -> None:
    for branch in ("x" * 256, "ä" * 256, "x" * 10_000):
        assert kinds(refusal(quick, "run", {**GOOD, "branch": branch})) == {"body/branch": "string_too_long"}


@pytest.mark.parametrize("branch", [1, True, [], {}])
def test_a_branch_that_is_no_string_is_string_type(quick: Service, branch: object) -> None:
    assert kinds(refusal(quick, "run", {**GOOD, "branch": branch})) == {"body/branch": "string_type"}


def test_branch_is_optional_for_run_and_may_be_null(quick: Service) -> None:
    assert accepts(quick, "run")
    assert accepts(quick, "run", branch=None)


@pytest.mark.parametrize("fields", [{}, {"branch": None}])
def test_fix_ci_without_a_branch_is_400(quick: Service, fields: dict[str, Any]) -> None:
    answer = quick.http.post("/api/v1/fix-ci", json={**GOOD, **fields})

    assert answer.status_code == 400
    assert answer.json() == {"detail": "branch is required for fix-ci"}


# --- flags


@pytest.mark.parametrize(("command", "flag"), [("run", "dry_run"), ("review", "integrate"), ("fix-ci", "dry_run")])
@pytest.mark.parametrize("value", ["true", "false", 1, 0, None, [], {}, 1.0, "on"])
def test_only_json_booleans_are_booleans(quick: Service, command: str, flag: str, value: object) -> None:
    body = {**GOOD, "branch": "main", flag: value}

    assert kinds(refusal(quick, command, body)) == {f"body/{flag}": "bool_type"}


# --- what becomes of it


def arguments(service: Service, command: str, **fields: Any) -> list[str]:
    job_id = service.dispatch("shows-arguments", command, **fields)
    found: list[str] = json.loads(service.lines(job_id)[1])
    return found


URL = repo("shows-arguments")


@pytest.mark.parametrize(
    ("command", "fields", "expected"),
    [
        ("run", {}, ["run", URL, "--yes"]),
        ("run", {"dry_run": False, "branch": None}, ["run", URL, "--yes"]),
        ("run", {"branch": "fix/x", "dry_run": True}, ["run", URL, "--yes", "--branch", "fix/x", "--dry-run"]),
        ("analyze", {}, ["analyze", URL]),
        ("review", {}, ["review", URL]),
        ("review", {"integrate": True}, ["review", URL, "--integrate"]),
        ("fix-ci", {"branch": "main"}, ["fix-ci", URL, "--branch", "main"]),
        ("fix-ci", {"branch": "main", "dry_run": True}, ["fix-ci", URL, "--branch", "main", "--dry-run"]),
    ],
)
def test_the_command_line_is_the_agents_the_subcommand_the_url_and_flags(
    service: Service, command: str, fields: dict[str, Any], expected: list[str]
) -> None:
    assert arguments(service, command, **fields) == expected


@pytest.mark.parametrize("command", DISPATCHES)
def test_the_label_is_the_endpoints_name(service: Service, command: str) -> None:
    assert service.status(service.dispatch("says-hello", command, branch="main"))["label"] == command


def test_the_first_line_of_a_job_is_its_command(service: Service) -> None:
    first = service.lines(service.dispatch("says-hello", "run", branch="main"))[0]

    assert first.startswith("$ ")
    assert first.endswith("agent.py run https://github.com/acme/says-hello --yes --branch main")


def test_a_job_finds_its_id_and_an_allow_list_of_the_environment(start_service: Start) -> None:
    service = start_service(
        GITOMA_JOB_ENV="EXTRA, GITOMA_API_TOKEN",
        EXTRA="wanted",
        DATABASE_URL="postgres://secret",
        AWS_SECRET_ACCESS_KEY="secret",
        LC_ALL="C.UTF-8",
        HTTPS_PROXY="http://proxy.example",
        GIT_AUTHOR_NAME="Ada",
        GITHUB_TOKEN="github-token-of-a-test",
        BOT_NAME="bot",
    )
    job_id = service.dispatch("shows-environment")
    found = json.loads(service.lines(job_id)[1])

    assert found["GITOMA_JOB_ID"] == job_id
    assert (found["EXTRA"], found["LC_ALL"], found["BOT_NAME"], found["GIT_AUTHOR_NAME"]) == (
        "wanted",
        "C.UTF-8",
        "bot",
        "Ada",
    )
    assert {"PATH", "HOME", "GITOMA_HOME", "GITHUB_TOKEN", "LM_STUDIO_BASE_URL", "HTTPS_PROXY"} <= found.keys()
    assert not {"GITOMA_API_TOKEN", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY"} & found.keys()
    assert TOKEN not in json.dumps(found)
    assert "github-token-of-a-test" not in json.dumps(found)  # it is there, and shown as REDACTED


def test_a_job_has_no_input_and_leads_a_session_of_its_own(service: Service) -> None:
    assert json.loads(service.lines(service.dispatch("shows-stdin"))[1]) == ["", True, True]


# --- limits


def test_past_the_rate_limit_a_dispatch_is_429_with_retry_after(start_service: Start) -> None:
    service = start_service(GITOMA_DISPATCH_RATE_LIMIT="2")
    post = lambda body: service.http.post("/api/v1/analyze", json=body)  # noqa: E731 - three words, four uses

    assert [post(GOOD).status_code, post({}).status_code, post(GOOD).status_code] == [202, 422, 202]
    refused = post(GOOD)
    assert refused.status_code == 429
    assert refused.json().keys() == {"detail"}
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert len(service.http.get("/api/v1/jobs").json()) == 2


def test_jobs_past_max_running_wait_and_past_max_queued_a_dispatch_is_429(start_service: Start) -> None:
    service = start_service(GITOMA_MAX_RUNNING="1", GITOMA_MAX_QUEUED="1")
    first, second = service.dispatch("waits-first"), service.dispatch("says-hello")

    refused = service.http.post("/api/v1/analyze", json=GOOD)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert service.status(second)["status"] == "queued"
    assert service.http.get("/api/v1/jobs").json().keys() == {first, second}

    (service.home / "waits-first").touch()
    assert service.ended(second)["status"] == "completed"
    assert service.status(first)["status"] == "completed"


def test_a_command_that_cannot_be_started_is_a_failed_job_that_says_why(start_service: Start) -> None:
    service = start_service(GITOMA_AGENT_COMMAND="/no/such/agent")
    job_id = service.dispatch("says-hello")
    ended = service.ended(job_id)

    assert ended["status"] == "failed"
    assert f"(error_id={ended['error_id']})" in service.lines(job_id)[-1]
    assert service.lines(job_id)[-1].startswith("[error] ")


def test_a_client_that_leaves_before_the_end_of_its_body_starts_nothing(start_service: Start) -> None:
    service = start_service()
    whole_by_itself = b'{"repo_url": "https://github.com/acme/says-hello"}'
    lines = [b"POST /api/v1/analyze HTTP/1.1", b"Host: localhost", f"Authorization: Bearer {TOKEN}".encode()]
    with service.connect() as connection:
        connection.sendall(b"\r\n".join([*lines, b"Content-Length: 60000"]) + b"\r\n\r\n" + whole_by_itself)
    with service.connect() as connection:
        size = f"{len(whole_by_itself):x}".encode()
        head = b"\r\n".join([*lines, b"Transfer-Encoding: chunked"]) + b"\r\n\r\n"
        connection.sendall(head + size + b"\r\n" + whole_by_itself + b"\r\n")

    service.ended(service.dispatch("says-hello"))  # by now the server has seen both leave
    assert len(service.http.get("/api/v1/jobs").json()) == 1
    assert "Traceback" not in service.log
