"""Errors are opaque: a client learns an `error_id`, and the log has the rest under it. In process, with broken parts.

And that all parts can be built at all: a wrong argument in the container is seen by no type checker.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from dependency_injector import providers
from litestar.exceptions import LitestarException

from gitoma.adapters.http.asgi import App, Message
from gitoma.app import asgi, settings
from gitoma.app.container import Container
from gitoma.app.logs import LineFormatter
from gitoma.domain.jobs.output import Delivery
from gitoma.domain.jobs.ports import Follower

SECRET = "the phrase that nobody may see"
TOKEN = "token-of-the-broken-server"
DISPATCH = b'{"repo_url": "https://github.com/acme/widget", "branch": "main"}'


class OurOwn(Exception):
    """Something that nobody thought of."""


class Broken:
    """Whatever is asked of it, it raises."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        async def fail(*_: Any, **__: Any) -> Any:
            raise self._error()

        return fail


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged, as the server writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter(lambda text: text))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return asgi.build(settings.load({"GITOMA_HOME": str(tmp_path), "GITOMA_API_TOKEN": TOKEN}))


async def ask(app: App, method: str, path: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)  # it raises what escapes from the application
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        sent = {"Authorization": f"Bearer {TOKEN}", "x-request-id": "trace-of-a-defect", **headers}
        return await client.request(method, path, headers=sent, content=DISPATCH if method == "POST" else None)


CALLS = [
    ("job_service", "POST", "/api/v1/run"),
    ("job_service", "POST", "/api/v1/analyze"),
    ("job_service", "POST", "/api/v1/review"),
    ("job_service", "POST", "/api/v1/fix-ci"),
    ("job_service", "GET", "/api/v1/status/x"),
    ("job_service", "GET", "/api/v1/jobs"),
    ("job_service", "POST", "/api/v1/jobs/x/cancel"),
    ("job_service", "GET", "/api/v1/stream/x"),
    ("repo_states", "DELETE", "/api/v1/state/acme/widget"),
    ("repo_overview", "GET", "/api/v1/state"),
    ("health_check", "GET", "/api/v1/health"),
]
ERRORS: list[Callable[[], BaseException]] = [
    lambda: RuntimeError(SECRET),
    lambda: OurOwn(SECRET),
    lambda: KeyError(SECRET),
    lambda: OSError(5, SECRET),
    lambda: ExceptionGroup(SECRET, [ValueError(SECRET)]),
    lambda: TimeoutError(SECRET),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, SECRET),
]


def look_at(answer: httpx.Response, log: io.StringIO) -> None:
    assert answer.status_code == 500
    body = answer.json()
    assert body == {"detail": "Internal server error.", "error_id": body["error_id"]}
    assert int(body["error_id"], 16) >= 0
    assert SECRET not in answer.text
    assert SECRET not in str(answer.headers)
    assert answer.headers["x-request-id"] == "trace-of-a-defect"
    (line,) = [line for line in log.getvalue().splitlines() if f"error_id={body['error_id']}" in line]
    assert "ERROR" in line
    assert "request_id=trace-of-a-defect" in line
    assert "Traceback (most recent call last)" in log.getvalue()
    assert SECRET in log.getvalue()


@pytest.mark.parametrize(("provider", "method", "path"), CALLS)
async def test_no_client_ever_sees_the_text_of_an_exception(
    container: Container, log: io.StringIO, provider: str, method: str, path: str
) -> None:
    broken = providers.Object(Broken(lambda: RuntimeError(SECRET)))
    with container.override_providers(**{provider: broken}):
        answer = await ask(asgi.application(container), method, path)

    look_at(answer, log)


@pytest.mark.parametrize("error", ERRORS)
async def test_whatever_kind_of_exception_it_is(
    container: Container, log: io.StringIO, error: Callable[[], BaseException]
) -> None:
    with container.override_providers(job_service=providers.Object(Broken(error))):
        answer = await ask(asgi.application(container), "GET", "/api/v1/jobs")

    look_at(answer, log)


@pytest.mark.parametrize(("provider", "method", "path"), CALLS)
async def test_a_part_that_cannot_even_be_built_is_as_opaque(
    container: Container, log: io.StringIO, provider: str, method: str, path: str
) -> None:
    def fail() -> Any:
        raise RuntimeError(SECRET)

    with container.override_providers(**{provider: providers.Callable(fail)}):
        answer = await ask(asgi.application(container), method, path)

    look_at(answer, log)


async def test_a_result_that_cannot_be_encoded_is_as_opaque(container: Container, log: io.StringIO) -> None:
    class Odd:
        async def snapshots(self) -> Any:
            return [{"x": Secretive()}]

    class Secretive:
        def __repr__(self) -> str:
            return SECRET

    with container.override_providers(repo_overview=providers.Object(Odd())):
        answer = await ask(asgi.application(container), "GET", "/api/v1/state")

    assert answer.status_code == 500
    assert answer.json().keys() == {"detail", "error_id"}
    assert answer.json()["error_id"] in log.getvalue()


async def test_a_server_that_is_shutting_down_is_503_with_its_own_detail(container: Container) -> None:
    app = asgi.application(container)
    await container.job_service().close()

    answer = await ask(app, "POST", "/api/v1/run")

    assert answer.status_code == 503
    assert answer.json() == {"detail": "The server is shutting down."}
    assert int(answer.headers["retry-after"]) >= 1
    assert (await ask(app, "GET", "/api/v1/jobs")).json() == {}


async def test_each_error_has_an_id_of_its_own(container: Container) -> None:
    with container.override_providers(job_service=providers.Object(Broken(lambda: RuntimeError(SECRET)))):
        app = asgi.application(container)
        ids = {(await ask(app, "GET", "/api/v1/jobs")).json()["error_id"] for _ in range(20)}

    assert len(ids) == 20


async def test_an_opaque_error_has_cors_headers_so_that_a_browser_can_read_its_id(tmp_path: Path) -> None:
    configured = settings.load(
        {"GITOMA_HOME": str(tmp_path), "GITOMA_API_TOKEN": TOKEN, "GITOMA_CORS_ORIGINS": "https://your.app"}
    )
    container = asgi.build(configured)
    with container.override_providers(job_service=providers.Object(Broken(lambda: RuntimeError(SECRET)))):
        answer = await ask(asgi.application(container), "GET", "/api/v1/jobs", Origin="https://your.app")

    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == "https://your.app"
    assert "Origin" in answer.headers["vary"]


class BreaksLater(Follower):
    """Delivers nothing, and then breaks."""

    def __init__(self) -> None:
        self.closed = False

    async def take(self, timeout: float) -> Sequence[Delivery]:
        raise RuntimeError(SECRET)

    def close(self) -> None:
        self.closed = True


async def test_an_exception_after_a_streams_start_is_logged_and_cuts_the_connection(
    container: Container, log: io.StringIO
) -> None:
    follower = BreaksLater()

    class Follows:
        async def follow(self, job_id: str, after: int) -> Follower:
            return follower

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    headers = [
        (b"host", b"localhost"),
        (b"authorization", f"Bearer {TOKEN}".encode()),
        (b"x-request-id", b"trace-of-a-defect"),
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/stream/x",
        "raw_path": b"/api/v1/stream/x",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    with (
        container.override_providers(job_service=providers.Object(Follows())),
        pytest.raises(LitestarException),  # whatever escapes: uvicorn then cuts the connection
    ):
        await asgi.application(container)(scope, receive, send)

    assert [message["type"] for message in sent] == ["http.response.start"]
    assert not any(SECRET.encode() in message.get("body", b"") for message in sent)
    assert follower.closed
    assert log.getvalue().count("error_id=") == 1
    assert "request_id=trace-of-a-defect" in log.getvalue()
    assert "Traceback" in log.getvalue()
    assert SECRET in log.getvalue()


async def test_a_sweep_that_breaks_is_logged_and_sweeps_again(
    monkeypatch: pytest.MonkeyPatch, container: Container, log: io.StringIO
) -> None:
    monkeypatch.setattr(asgi, "SWEEP_S", 0.001)
    swept = asyncio.Event()

    class Jobs:
        sweeps = 0

        async def evict(self) -> None:
            self.sweeps += 1
            if self.sweeps == 3:
                swept.set()
            raise RuntimeError(SECRET)

        async def close(self) -> None:
            """Nothing runs."""

    with container.override_providers(job_service=providers.Object(Jobs())):
        async with Lifespan(asgi.application(container)), asyncio.timeout(60):
            await swept.wait()

    assert log.getvalue().count("sweep failed") >= 2
    assert "error_id=" in log.getvalue()


class Lifespan:
    """The time between an application's start and its end."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asked: asyncio.Queue[Message] = asyncio.Queue()
        self._told: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self._task = asyncio.ensure_future(self._app(scope, self._asked.get, self._told.put))
        await self._asked.put({"type": "lifespan.startup"})
        assert (await self._told.get())["type"] == "lifespan.startup.complete"

    async def __aexit__(self, *_: object) -> None:
        await self._asked.put({"type": "lifespan.shutdown"})
        assert (await self._told.get())["type"] == "lifespan.shutdown.complete"
        await self._task


def test_every_object_of_the_container_can_be_built(container: Container) -> None:
    built = {type(provider()).__name__ for provider in container.traverse(types=[providers.Singleton])}

    assert {"JobService", "Supervisor", "HealthCheck", "FileRepoStates", "RepoOverview", "ProcessGroupRunner"} <= built
    assert len(built) == len(list(container.traverse(types=[providers.Singleton])))
