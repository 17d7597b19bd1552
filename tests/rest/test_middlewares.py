"""What holds for every request: gzip, trusted hosts, CORS; and how large and slow a request may be."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gitoma.adapters.http import server
from gitoma.adapters.http.asgi import App, Receive, Scope, Send
from gitoma.adapters.http.stream import EventStream
from gitoma.adapters.memory import MemoryOutputLog

from .conftest import Start
from .service import LIMIT_S, TOKEN, Answer, Service, parse_answer, read_all, refused_start, repo, start

APP = b"https://your.app"
GZIP = b"Accept-Encoding: gzip, deflate, br"


# --- gzip


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/docs/assets/swagger-ui.css"])
def test_responses_of_1_kb_and_more_are_gzipped(service: Service, path: str) -> None:
    plain, gzipped = service.get(path), service.get(path, GZIP)

    assert plain.status == gzipped.status == 200
    assert len(plain.body) >= 1024
    assert plain.header("content-encoding") is None
    assert gzipped.header("content-encoding") == "gzip"
    assert gzip.decompress(gzipped.body) == plain.body
    assert gzipped.header("content-length") == str(len(gzipped.body))
    assert plain.header("vary") == gzipped.header("vary") == "Accept-Encoding"


@pytest.mark.parametrize("path", ["/nothing", "/docs", "/api/v1/health", "/docs/assets/favicon-32x32.png"])
def test_smaller_ones_are_not(service: Service, path: str) -> None:
    answer = service.get(path, GZIP)

    assert 0 < len(answer.body) < 1024
    assert answer.header("content-encoding") is None


def test_errors_of_1_kb_and_more_are_gzipped_too(start_service: Start) -> None:
    service = start_service()
    for _ in range(20):
        service.dispatch("says-hello")

    answer = service.get("/api/v1/jobs", GZIP)

    assert answer.header("content-encoding") == "gzip"
    assert len(json.loads(gzip.decompress(answer.body))) == 20


@pytest.mark.parametrize("accepts", ["gzip;q=0", "identity", "br", "*;q=0", "gzip;q=0, *", "gzip; q=0.0", ""])
def test_nobody_gets_gzip_who_does_not_take_it(service: Service, accepts: str) -> None:
    answer = service.get("/openapi.json", f"Accept-Encoding: {accepts}".encode())

    assert answer.header("content-encoding") is None
    assert answer.json["openapi"]


@pytest.mark.parametrize("accepts", ["gzip", "GZIP", "gzip;q=0.1", "*", "br, gzip ;q=1.0", "identity;q=0, x-gzip"])
def test_everybody_gets_gzip_who_takes_it(service: Service, accepts: str) -> None:
    answer = service.get("/openapi.json", f"Accept-Encoding: {accepts}".encode())

    assert answer.header("content-encoding") == "gzip"


# --- hosts


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST",
        "localhost:8000",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:8000",
        "a.local",
        "a.b.LOCAL:1",
        "testserver",
        "localhost:",
    ],
)
def test_allowed_hosts_default_to_localhost_loopback_local_and_testserver(service: Service, host: str) -> None:
    assert service.get("/", host=host.encode()).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "local",
            ".local",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.2",
            "0.0.0.0",
        ),
        *("localhost@evil.example", "evil.example/localhost", "localhost, evil.example", "localhost:80:80"),
        *("localhost:x", "localhost evil", "[::1].evil.example", "[::1", "::1", "evillocal", "*", "", " "),
        *("localhost.", "127.1", "\xff.local"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/v1/jobs", "/nothing", "/docs"])
def test_a_forged_host_is_rejected(service: Service, host: str, path: str) -> None:
    answer = service.get(path, host=host.encode("latin-1"))

    assert (answer.status, answer.json) == (400, {"detail": "Invalid host header"})
    assert answer.header("x-request-id")


@pytest.mark.parametrize("hosts", ["", "Host: localhost\r\nHost: localhost\r\n", "Host: localhost\r\nHost: evil\r\n"])
def test_no_host_or_more_than_one_is_400(service: Service, hosts: str) -> None:
    answer = service.raw(f"GET / HTTP/1.1\r\nConnection: close\r\n{hosts}\r\n".encode())

    assert (answer.status, answer.json) == (400, {"detail": "Invalid host header"})
    assert answer.header("x-request-id")


def test_http_1_0_without_a_host_is_400(service: Service) -> None:
    assert service.raw(b"GET / HTTP/1.0\r\n\r\n").status == 400


def test_the_host_is_checked_before_the_token(closed_service_or_open: Service) -> None:
    request = b"GET /api/v1/jobs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"

    assert closed_service_or_open.raw(request).status == 400


@pytest.fixture(params=["service", "closed_service"])
def closed_service_or_open(request: pytest.FixtureRequest) -> Service:
    found: Service = request.getfixturevalue(request.param)
    return found


def test_a_target_that_names_another_host_does_not_count(service: Service) -> None:
    assert service.get("http://evil.example/", host=b"localhost").status in (200, 400, 404)
    assert service.get("http://localhost/", host=b"evil.example").status == 400


def test_the_allowed_hosts_can_be_overridden(start_service: Start) -> None:
    service = start_service(GITOMA_ALLOWED_HOSTS=" Gitoma.Example , ,*.deep.example:443")
    expected = {
        "gitoma.example": 200,
        "GITOMA.example:8000": 200,
        "a.deep.example": 200,
        "a.b.deep.example:1": 200,
        "deep.example": 400,
        "localhost": 400,
        "127.0.0.1": 400,
    }

    assert {host: service.get("/", host=host.encode()).status for host in expected} == expected


def test_a_star_allows_every_host(start_service: Start) -> None:
    service = start_service(GITOMA_ALLOWED_HOSTS="*")

    assert service.get("/", host=b"anything.example").status == 200
    assert service.raw(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").status == 400


# --- CORS


@pytest.fixture(scope="module")
def cors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    running = start(tmp_path_factory.mktemp("cors"), GITOMA_CORS_ORIGINS=f"{APP.decode()}, http://localhost:5173")
    yield running
    running.close()


def test_cors_is_off_by_default(service: Service) -> None:
    preflight = b"Access-Control-Request-Method: POST"
    for answer in (
        service.get("/api/v1/jobs", b"Origin: " + APP),
        service.get("/", b"Origin: " + APP, preflight, method="OPTIONS"),
        service.get("/api/v1/run", b"Origin: " + APP, preflight, method="OPTIONS"),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("access-control-")]
        assert "Origin" not in (answer.header("vary") or "")


@pytest.mark.parametrize("origin", [APP, b"http://localhost:5173"])
def test_a_listed_origin_is_allowed_on_every_answer(cors: Service, origin: bytes) -> None:
    job_id = cors.dispatch("says-hello")
    cors.ended(job_id)
    header = b"Origin: " + origin
    for answer in (
        cors.get("/", header),
        cors.get("/api/v1/jobs", header),
        cors.get("/api/v1/nothing", header),
        cors.get("/api/v1/run", header),
        cors.get("/api/v1/run", header, b"Content-Length: 0", method="POST"),
        cors.get("/api/v1/run", header, b"Content-Length: 100000", method="POST"),
        cors.get(f"/api/v1/stream/{job_id}", header),
        cors.get("/", header, host=b"evil.example"),
        cors.raw(b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n\r\n"),
    ):
        assert answer.header("access-control-allow-origin") == origin.decode()
        assert "Origin" in (answer.header("vary") or "")
        assert answer.header("access-control-allow-credentials") is None
        assert "x-request-id" in (answer.header("access-control-expose-headers") or "").lower()


@pytest.mark.parametrize(
    "origin",
    [
        b"https://your.app.evil.example",
        b"http://your.app",
        b"https://your.app:8443",
        b"null",
        b"https://Your.App",
        b"\xff",
    ],
)
def test_any_other_origin_is_not(cors: Service, origin: bytes) -> None:
    answer = cors.get("/api/v1/jobs", b"Origin: " + origin)
    preflight = cors.get("/api/v1/run", b"Origin: " + origin, b"Access-Control-Request-Method: POST", method="OPTIONS")

    assert answer.status == 200
    assert answer.header("vary") is not None
    for each in (answer, preflight):
        assert not [name for name, _ in each.headers if name.startswith("access-control-")]
    assert preflight.status == 400


def test_a_preflight_carries_no_token_and_allows_what_the_api_needs(cors: Service) -> None:
    request = (
        b"OPTIONS /api/v1/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: " + APP + b"\r\n"
        b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, content-type\r\n\r\n"
    )
    answer = cors.raw(request)

    assert answer.status in (200, 204)
    assert answer.body == b""
    assert answer.header("access-control-allow-origin") == APP.decode()
    assert {word.strip() for word in (answer.header("access-control-allow-methods") or "").split(",")} == {
        *("GET", "POST", "DELETE"),
    }
    allowed = {word.strip().lower() for word in (answer.header("access-control-allow-headers") or "").split(",")}
    assert allowed == {"authorization", "content-type", "x-request-id", "last-event-id", "idempotency-key"}
    assert "Origin" in (answer.header("vary") or "")
    assert answer.header("x-request-id")


def test_the_host_is_checked_before_a_preflight(cors: Service) -> None:
    headers = (b"Origin: " + APP, b"Access-Control-Request-Method: POST")

    assert cors.get("/api/v1/run", *headers, method="OPTIONS", host=b"evil.example").status == 400


def test_a_star_is_refused_at_start_with_the_reason(tmp_path: Path) -> None:
    refused = refused_start(tmp_path / "home", GITOMA_CORS_ORIGINS="*")

    assert refused.returncode == 3
    (line,) = refused.stderr.splitlines()
    assert "GITOMA_CORS_ORIGINS" in line
    assert "*" in line


# --- how large and slow a request may be


def test_a_body_of_64_kib_is_read_and_one_over_is_413(quick: Service) -> None:
    body = json.dumps({"repo_url": repo("x")}).encode()
    fits = body + b" " * (64 * 1024 - len(body))

    assert quick.http.post("/api/v1/analyze", content=fits).status_code == 202
    refused = quick.http.post("/api/v1/analyze", content=fits + b" ")
    assert refused.status_code == 413
    assert refused.json().keys() == {"detail"}


def test_a_chunked_body_over_64_kib_is_413_too(quick: Service) -> None:
    head = (
        f"POST /api/v1/analyze HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    ).encode()
    body = json.dumps({"repo_url": repo("x")}).encode()
    chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
    own = b"%x\r\n%s\r\n" % (len(body), body)

    assert quick.raw(head + own + chunk * 63 + b"0\r\n\r\n").status == 202
    refused = quick.raw(head + own + chunk * 64 + b"0\r\n\r\n")
    assert refused.status == 413
    assert refused.json.keys() == {"detail"}
    assert refused.header("x-request-id")


def test_a_chunked_body_that_never_ends_is_413_before_its_end(quick: Service) -> None:
    with quick.connect() as connection:
        head = f"POST /api/v1/run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        connection.sendall(
            f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + (b"1000\r\n" + b" " * 4096 + b"\r\n") * 20
        )

        assert connection.recv(65536).startswith(b"HTTP/1.1 413")


def test_a_10_mb_body_is_413(quick: Service) -> None:
    head = f"POST /api/v1/run HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n"
    answer = quick.raw(f"{head}Content-Length: 10000000\r\n\r\n".encode())

    assert answer.status == 413


@pytest.mark.parametrize("path", ["/api/v1/status/x", "/", "/nothing", f"/api/v1/jobs/{'x'}/cancel"])
def test_a_large_body_is_413_wherever_it_is_sent(quick: Service, path: str) -> None:
    assert quick.get(path, b"Content-Length: 70000", method="POST").status == 413


def test_more_than_32_kib_of_headers_is_431(service: Service) -> None:
    assert service.get("/api/v1/jobs", b"X-Filler: " + b"x" * (31 * 1024)).status == 200
    for filler in (b"X-Filler: " + b"x" * (33 * 1024), b"\r\n".join(b"X-%d: y" % n for n in range(6000))):
        answer = service.get("/api/v1/jobs", filler)

        assert answer.status == 431
        assert answer.json.keys() == {"detail"}
        assert answer.header("x-request-id")


def test_headers_that_never_end_are_cut_off(service: Service) -> None:
    with service.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Filler: ")
        with pytest.raises(ConnectionError):
            send_for_ever(connection, b"x" * 65536)


def send_for_ever(connection: socket.socket, filler: bytes) -> None:
    for _ in range(1000):  # 64 MB: more than any buffer on the way holds
        connection.sendall(filler)


def test_headers_that_never_end_are_answered_with_431(service: Service) -> None:
    answer = service.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Filler: " + b"x" * 70_000)

    assert answer.status == 431
    assert answer.json.keys() == {"detail"}
    assert answer.header("x-request-id")


def test_a_path_that_is_too_long_is_refused(service: Service) -> None:
    answer = service.get("/" + "x" * 200_000)

    assert answer.status in (414, 431)


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/api/v1/jobs", "/api/v1/health", "/api/v1/state"])
def test_head_works_where_get_does(service: Service, path: str) -> None:
    get, head = service.get(path), service.get(path, method="HEAD")

    assert (head.status, head.body) == (200, b"")
    changing = ("date", "x-request-id", "content-length")
    assert {name: value for name, value in head.headers if name not in changing} == {
        name: value for name, value in get.headers if name not in changing
    }


@pytest.mark.parametrize(("path", "status"), [("/nothing", 404), ("/api/v1/run", 405), ("/api/v1/status/x", 404)])
def test_head_is_refused_as_get_is(service: Service, path: str, status: int) -> None:
    answer = service.get(path, method="HEAD")

    assert (answer.status, answer.body) == (status, b"")


def test_head_needs_the_token_too(service: Service) -> None:
    assert service.anonymous.head("/api/v1/jobs").status_code == 401


def test_after_head_the_connection_can_be_used_again(service: Service) -> None:
    one = f" /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    with service.connect() as connection:
        connection.sendall(f"HEAD{one}\r\nGET{one}Connection: close\r\n\r\n".encode())
        first, _, second = read_all(connection).partition(b"\r\n\r\n")

    assert first.startswith(b"HTTP/1.1 200")
    assert parse_answer(second).json == service.http.get("/api/v1/jobs").json()


@pytest.mark.parametrize(
    "nonsense", [b"\r\n\r\n\x16\x03\x01", b"BREW / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n", b"\x00" * 100]
)
def test_what_the_parser_refuses_is_400_and_hurts_nobody(service: Service, nonsense: bytes) -> None:
    with service.connect() as connection:
        connection.sendall(nonsense)
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)

    assert received == b"" or received.startswith(b"HTTP/1.1 400")
    assert service.http.get("/api/v1/jobs").status_code == 200


# --- a request that is not complete in time


async def answer_ok(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@contextlib.asynccontextmanager
async def served(app: App) -> AsyncIterator[tuple[int, server.Server]]:
    """A server in this process, and its port."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def nothing() -> None:
        return

    running = server.create_server(
        app,
        streams_end_within_s=1,
        on_listening=address.set_result,
        on_stop=nothing,
        on_hurry=lambda: None,
    )
    serving = asyncio.ensure_future(running.serve(server.listen("127.0.0.1", 0)))
    yield int((await address).rpartition(":")[2]), running
    running.should_exit = True
    await serving


@pytest.fixture
async def impatient(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server, in this process, that gives a request a tenth of a second."""
    assert server.REQUEST_WITHIN_S == 20.0
    monkeypatch.setattr(server, "REQUEST_WITHIN_S", 0.1)
    async with served(answer_ok) as (port, _):
        yield port


@pytest.mark.parametrize(
    "part",
    [b"G", b"GET / HTTP/1.1\r\nHost: lo", b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"],
)
async def test_a_request_that_is_not_complete_in_time_is_closed(impatient: int, part: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    writer.write(part)

    async with asyncio.timeout(LIMIT_S):
        received = await reader.read()

    assert b"200" not in received
    writer.close()


async def test_bytes_that_keep_coming_give_a_request_no_more_time(impatient: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Filler: ")
    reading = asyncio.ensure_future(reader.read())

    async with asyncio.timeout(LIMIT_S):
        while not reading.done():
            writer.write(b"x")
            await asyncio.wait([reading], timeout=0.02)

    assert await reading == b""
    writer.close()


async def test_a_connection_may_rest_between_requests_for_longer(impatient: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient)
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with asyncio.timeout(LIMIT_S):
        for _ in range(2):
            writer.write(request)
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\nok")
            await asyncio.sleep(0.3)  # three times as long as a request may take: the time itself is what is tested

    writer.close()
    await writer.wait_closed()


async def print_for_ever(log: MemoryOutputLog) -> None:
    while True:
        await log.append("job", ["x" * 4000] * 50)
        await asyncio.sleep(0.001)


async def test_a_reader_that_takes_nothing_loses_its_connection() -> None:
    log = MemoryOutputLog()
    await log.open("job")

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await answer_ok(scope, receive, send)
            return
        follower = await log.follow("job", 0)
        flood = asyncio.create_task(print_for_ever(log))
        try:
            await EventStream(follower, stuck_s=0.2)(scope, receive, send)
        finally:
            flood.cancel()

    async with served(stream) as (port, running):
        with socket.create_connection(("127.0.0.1", port)) as stuck:
            stuck.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(LIMIT_S):
                while not running.server_state.connections:  # noqa: ASYNC110 - polled, because nobody announces it
                    await asyncio.sleep(0.01)
                while running.server_state.connections:  # noqa: ASYNC110 - likewise
                    await asyncio.sleep(0.01)


# --- requests to switch to another protocol

WEBSOCKET = (
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def upgrade(service: Service, path: str, *headers: bytes, host: bytes = b"localhost") -> Answer:
    lines = [f"GET {path} HTTP/1.1".encode(), b"Host: " + host, b"Connection: Upgrade", *headers]
    with service.connect() as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        return parse_answer(read_all(connection))


def test_a_websocket_with_a_forged_host_is_400_with_a_correlation_id(service: Service) -> None:
    answer = upgrade(service, "/ws/state", *WEBSOCKET, host=b"evil.example")

    assert (answer.status, answer.json) == (400, {"detail": "Invalid host header"})
    assert answer.header("x-request-id")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [("/", "", 200), ("/api/v1/jobs", TOKEN, 200), ("/api/v1/jobs", "", 401), ("/nothing", TOKEN, 404)],
)
def test_a_websocket_where_there_is_none_is_answered_like_the_plain_request_that_it_also_is(
    service: Service, path: str, token: str, status: int
) -> None:
    answer = upgrade(service, path, *WEBSOCKET, *([f"Authorization: Bearer {token}".encode()] if token else []))

    assert answer.status == status
    assert answer.header("x-request-id")


@pytest.mark.parametrize(
    ("request_line", "more", "status"),
    [
        (b"GET / HTTP/1.1", b"X: " + b"a" * 9000, 200),
        (b"GET / HTTP/1.1", b"X: " + b"a" * 40_000, 431),
        (b"GET / HTTP/1.1", b"\r\n".join(b"X%d: y" % number for number in range(140)), 200),
        (b"POST /api/v1/run HTTP/1.1", b"Content-Length: 2", 401),
    ],
)
def test_an_upgrade_escapes_no_limit_and_is_always_answered(
    service: Service, request_line: bytes, more: bytes, status: int
) -> None:
    lines = [request_line, b"Host: localhost", more, b"Connection: Upgrade", *WEBSOCKET]
    with service.connect() as connection:
        connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + (b"{}" if b"POST" in request_line else b""))
        connection.shutdown(socket.SHUT_WR)
        answer = parse_answer(read_all(connection))

    assert answer.status == status
    assert answer.header("x-request-id")


def test_an_upgrade_to_anything_else_is_a_plain_request_with_its_token(service: Service) -> None:
    assert upgrade(service, "/api/v1/jobs", b"Upgrade: h2c").status == 401
