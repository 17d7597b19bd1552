"""Rules that hold for any input whatever: bodies, credentials, correlation ids, names in paths, resume points."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitoma.domain.repos.names import Slug

from .service import TOKEN, Answer, Frames, Service

# The server outlives the examples: nothing of it is made anew for each, and nothing needs to be.
over_http = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)

COMMANDS = st.sampled_from(["run", "analyze", "review", "fix-ci"])
KINDS = {
    *("missing", "string_type", "bool_type", "string_too_long", "value_error", "json_invalid"),
    "model_attributes_type",
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=300)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "repo_url": VALUES | st.text().map("https://github.com/acme/{}".format),
        "branch": VALUES | st.sampled_from(["main", "a/b", "a..b"]),
        "dry_run": VALUES,
        "integrate": VALUES,
    },
)
# What HTTP lets stand in a header's value; of the rest the parser has a word of its own to say.
HEADER = st.binary(max_size=200).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F))


def check_answer(answer: httpx.Response) -> None:
    assert answer.status_code in (202, 400, 413, 422)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    body = answer.json()
    if answer.status_code == 202:
        assert body.keys() == {"job_id", "status", "message"}
        return
    assert body.keys() == {"detail"}
    if answer.status_code == 422:
        assert body["detail"]
        for problem in body["detail"]:
            assert problem.keys() == {"loc", "msg", "type"}
            assert problem["type"] in KINDS
            assert problem["loc"][0] == "body"
            assert set(problem["loc"][1:]) <= {"repo_url", "branch", "dry_run", "integrate"}
        assert len({tuple(problem["loc"]) for problem in body["detail"]}) == len(body["detail"])


@over_http
@given(command=COMMANDS, body=st.binary(max_size=2000))
@example("run", b"\x00" * 70_000)
@example("run", b'{"repo_url": "https://github.com/acme/widget"}\x00')
def test_any_bytes_as_a_body_get_an_answer_of_the_right_shape(quick: Service, command: str, body: bytes) -> None:
    check_answer(quick.http.post(f"/api/v1/{command}", content=body))


@over_http
@given(command=COMMANDS, content=VALUES | FIELDS)
def test_any_json_as_a_body_gets_an_answer_of_the_right_shape(quick: Service, command: str, content: Any) -> None:
    body = json.dumps(content).encode()

    check_answer(quick.http.post(f"/api/v1/{command}", content=body))


@over_http
@given(command=COMMANDS, field=st.sampled_from(["repo_url", "branch", "dry_run", "integrate", "unknown"]), rest=FIELDS)
def test_no_answer_ever_echoes_what_was_sent(quick: Service, command: str, field: str, rest: dict[str, Any]) -> None:
    marked = {**rest, field: "https://user:s3cr3t-m4rk@github.com/acme/widget?s3cr3t-m4rk"}

    answer = quick.http.post(f"/api/v1/{command}", content=json.dumps(marked).encode())

    assert "s3cr3t-m4rk" not in answer.text
    assert "s3cr3t-m4rk" not in str(answer.headers)


def ask(service: Service, *headers: bytes, path: str = "/api/v1/jobs", method: str = "GET") -> Answer:
    head = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: localhost", b"Connection: close", *headers]
    return service.raw(b"\r\n".join(head) + b"\r\n\r\n")


@over_http
@given(
    value=HEADER
    | HEADER.map(lambda token: b"Bearer " + token)
    | st.tuples(st.sampled_from([b"bearer", b"BEARER  ", b"Basic "]), HEADER).map(b"".join)
)
@example(b"Bearer \xff\xfe")
@example(b"Bearer " + TOKEN.encode() + b"\xa0")
@example(b"Bearer\xa0" + TOKEN.encode())
def test_any_authorization_but_the_right_one_is_401_or_403(quick: Service, value: bytes) -> None:
    answer = ask(quick, b"Authorization: " + value)

    assert answer.status in (401, 403)
    assert answer.json.keys() == {"detail"}
    assert (answer.header("www-authenticate") == "Bearer") == (answer.status == 401)


@over_http
@given(value=HEADER | st.text("!~aZ09", min_size=120, max_size=136).map(str.encode))
def test_any_correlation_id_is_echoed_if_it_is_fit_and_replaced_if_not(quick: Service, value: bytes) -> None:
    answered = ask(quick, b"X-Request-Id: " + value).header("x-request-id") or ""

    trimmed = value.strip(b" \t")  # as HTTP itself says
    if re.fullmatch(rb"[\x21-\x7e]{1,128}", trimmed):
        assert answered.encode() == trimmed
    else:
        assert re.fullmatch("[0-9a-f]{32}", answered)


SEGMENT = (
    st.binary(min_size=1, max_size=60)
    | st.text(min_size=1, max_size=20).map(str.encode)
    | st.from_regex(r"[A-Za-z0-9._-]{1,42}", fullmatch=True).map(str.encode)
    | st.sampled_from([b"..", b".", b"../..", b"a/../b", b"%2e", b"a__b", b"-", b"_", b"x" * 40, b"y" * 101])
)


@over_http
@given(owner=SEGMENT, name=SEGMENT)
def test_any_names_in_a_state_path_are_judged_and_touch_nothing_else(quick: Service, owner: bytes, name: bytes) -> None:
    canary = quick.home / "canary.json"
    canary.touch()
    path = f"/api/v1/state/{quote_from_bytes(owner, safe='')}/{quote_from_bytes(name, safe='')}"

    answer = ask(quick, f"Authorization: Bearer {TOKEN}".encode(), path=path, method="DELETE")

    assert canary.exists()
    if b"/" in owner + name:  # an encoded slash divides as any other does
        assert answer.status in (200, 404, 405, 422)
        return
    problems = Slug.problems(owner.decode(errors="replace"), name.decode(errors="replace"))
    assert answer.status == (422 if problems else 200)
    if problems:
        assert [problem["loc"] for problem in answer.json["detail"]] == [["path", field] for field in problems]
    else:
        assert answer.json == {"result": "not_found"}


@over_http
@given(value=HEADER | st.integers().map(lambda number: str(number).encode()))
def test_any_last_event_id_gets_a_whole_stream(service: Service, three_lines: str, value: bytes) -> None:
    answer = service.get(f"/api/v1/stream/{three_lines}", b"Last-Event-ID: " + value)

    frames = Frames(answer.body.decode())
    assert answer.status == 200
    assert frames.ids == list(range(5 - len(frames.ids), 5))
    assert frames.lines[-1] == "__END__:completed"


@over_http
@given(path=st.lists(SEGMENT.map(lambda part: quote_from_bytes(part, safe="/;:@")), max_size=5).map("/".join))
def test_any_path_gets_json_and_never_a_mistake_of_ours(quick: Service, path: str) -> None:
    for prefix in ("/", "/api/v1/", "/docs/"):
        answer = ask(quick, f"Authorization: Bearer {TOKEN}".encode(), path=prefix + path)

        assert answer.status < 500
        assert answer.header("x-request-id")
        if answer.status >= 400:
            assert answer.json.keys() == {"detail"}
