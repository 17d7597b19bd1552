"""`/docs`, `/openapi.json`, and that the description is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitoma.domain.errors import InvalidName
from gitoma.domain.repos.names import Branch, RepoUrl

from .service import TOKEN, Service, start

ROUTES = {
    "/api/v1/health": {"get"},
    "/api/v1/run": {"post"},
    "/api/v1/analyze": {"post"},
    "/api/v1/review": {"post"},
    "/api/v1/fix-ci": {"post"},
    "/api/v1/status/{job_id}": {"get"},
    "/api/v1/jobs": {"get"},
    "/api/v1/jobs/{job_id}/cancel": {"post"},
    "/api/v1/stream/{job_id}": {"get"},
    "/api/v1/state": {"get"},
    "/api/v1/state/{owner}/{name}": {"delete"},
}
ALWAYS = {"400", "401", "403", "413", "431", "500", "503"}
DISPATCH = {"202", "422", "429"}
SPECIFIC = {
    "/api/v1/run": DISPATCH,
    "/api/v1/analyze": DISPATCH,
    "/api/v1/review": DISPATCH,
    "/api/v1/fix-ci": DISPATCH,
    "/api/v1/status/{job_id}": {"200", "404"},
    "/api/v1/jobs/{job_id}/cancel": {"200", "404", "409"},
    "/api/v1/stream/{job_id}": {"200", "404", "429"},
    "/api/v1/state/{owner}/{name}": {"200", "422"},
}


@pytest.fixture(scope="module")
def description(quick: Service) -> dict[str, Any]:
    answer = quick.anonymous.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method in ("get", "post", "delete"):
            if method in item:
                yield path, item[method]


def test_docs_is_swagger_ui_from_files_that_we_serve_ourselves(quick: Service) -> None:
    page = quick.anonymous.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert any(address.endswith("swagger-ui-bundle.js") for address in addresses)
    assert "/openapi.json" in page
    assert "//" not in page
    for address in addresses:
        answer = quick.anonymous.get(address)
        assert answer.status_code == 200
        assert len(answer.content) > 100


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui-standalone-preset.js", "text/javascript"),
        ("favicon-32x32.png", "image/png"),
    ],
)
def test_an_asset_has_its_media_type_and_may_be_kept(quick: Service, name: str, media_type: str) -> None:
    answer = quick.anonymous.get(f"/docs/assets/{name}")

    assert answer.headers["content-type"].startswith(media_type)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing",
        "/docs/assets",
        "/docs/assets/",
        "/docs/assets/nothing.js",
        "/docs/assets/..",
        "/docs/assets/%2e%2e/%2e%2e/setup.py",
        "/docs/assets/..%2f__init__.py",
        "/docs/assets/%00",
        "/docs/openapi.json",
        "/docs/swagger",
        "/schema",
        "/schema/openapi.json",
    ],
)
def test_what_is_not_there_under_docs_is_the_same_json_404_as_everywhere(quick: Service, path: str) -> None:
    answer = quick.get(path)

    assert (answer.status, answer.json) == (404, {"detail": "Not Found"})


def test_the_docs_page_runs_no_script_but_its_own(quick: Service) -> None:
    policy = quick.anonymous.get("/docs").headers["content-security-policy"]

    assert policy.startswith("default-src 'self'; script-src 'self' 'unsafe-inline' 'sha256-")


def test_every_route_is_described(description: dict[str, Any]) -> None:
    methods = {"get", "post", "put", "patch", "delete", "head", "options"}

    assert {path: methods & item.keys() for path, item in description["paths"].items()} == ROUTES


def test_the_bearer_scheme_is_there_and_required_everywhere(description: dict[str, Any]) -> None:
    assert description["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    assert all(operation["security"] == [{"bearer": []}] for _, operation in operations(description))


def test_every_status_that_can_come_is_described(description: dict[str, Any]) -> None:
    for path, operation in operations(description):
        assert operation["responses"].keys() == ALWAYS | SPECIFIC.get(path, {"200"}), path


def test_every_error_has_the_shape_that_is_described(description: dict[str, Any]) -> None:
    for _, operation in operations(description):
        for status, response in operation["responses"].items():
            assert response["description"]
            if int(status) >= 400:
                schema = response["content"]["application/json"]["schema"]
                name = schema["$ref"].rpartition("/")[2]
                fields = description["components"]["schemas"][name]["properties"].keys()
                assert fields == ({"detail", "error_id"} if status == "500" else {"detail"})


def test_operation_ids_are_unique(description: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(description)]

    assert len(ids) == len(set(ids)) == len(ROUTES)


def pattern_of(description: dict[str, Any], body: str, field: str) -> re.Pattern[str]:
    schema = description["components"]["schemas"][body]["properties"][field]
    return re.compile(schema["pattern"].replace("$", r"\Z"))  # in JSON Schema, `$` is the end and nothing else


def is_url(text: str) -> bool:
    try:
        return bool(RepoUrl.parse(text))
    except InvalidName:
        return False


def is_branch(text: str) -> bool:
    try:
        return bool(Branch(text))
    except InvalidName:
        return False


PARTS = st.sampled_from(
    ["a", "B", "0", ".", "..", "_", "__", "-", "/", ".git", ".lock", "HEAD", "x" * 37, "y" * 96, "ä", "\n"]
)


@given(rest=st.lists(PARTS, max_size=8).map("".join), owner=st.sampled_from(["", "acme/", "a_b/"]))
@example(owner="acme/", rest="y" * 100 + ".git")
@example(owner="acme/", rest="a__b")
@example(owner="", rest="a__b/c")
@example(owner="acme/", rest="...git")
def test_the_description_of_repo_url_says_what_is_taken(description: dict[str, Any], owner: str, rest: str) -> None:
    url = f"https://github.com/{owner}{rest}"

    for body in ("RunRequest", "AnalyzeRequest", "ReviewRequest", "FixCiRequest"):
        assert bool(pattern_of(description, body, "repo_url").match(url)) == is_url(url)


@given(branch=st.lists(PARTS, max_size=8).map("".join))
@example("x" * 256)
@example("a/HEAD")
@example("a.lock.b")
def test_the_description_of_branch_says_what_is_taken(description: dict[str, Any], branch: str) -> None:
    assert bool(pattern_of(description, "FixCiRequest", "branch").match(branch)) == is_branch(branch)


def test_schemathesis_finds_nothing_with_all_its_checks(tmp_path_factory: pytest.TempPathFactory) -> None:
    service = start(
        tmp_path_factory.mktemp("schemathesis"),
        GITOMA_AGENT_COMMAND="true",
        GITOMA_DISPATCH_RATE_LIMIT="0",
        GITOMA_MAX_QUEUED="100000",
    )
    try:
        for behaviour in range(3):
            service.dispatch(f"says-hello-{behaviour}")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.address}/openapi.json"),
            *("--checks", "all", "--header", f"Authorization: Bearer {TOKEN}", "--max-examples", "25"),
            *("--seed", "1", "--no-color", "--continue-on-failure", "--generation-database", "none"),
        ]
        home = tmp_path_factory.mktemp("schemathesis-home")
        environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
        found = subprocess.run(
            command, cwd=home, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr
        assert "No issues found" in found.stdout
        assert "Traceback" not in service.log
    finally:
        service.close()
