"""How long GitHub may keep us: a server that sends a byte now and then is no reason to wait."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any

import pytest

from gitoma.adapters.clock import SystemClock
from gitoma.adapters.github import client
from gitoma.adapters.github.rest import GitHubRest
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Slug

ACME = Slug("acme", "widget")
REPO = b'{"full_name": "acme/widget", "default_branch": "main", "size": 7}'
STEP_S = 0.03


@dataclass
class Trickle:
    """Answers in bytes that come one by one: those of the headers, those of the body, or neither."""

    slow_headers: bool = False
    slow_body: bool = False
    asked: list[str] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"owner": self})
        self.tcp = ThreadingTCPServer(("127.0.0.1", 0), handler)
        self.tcp.daemon_threads = True
        Thread(target=self.tcp.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.tcp.server_address[1]}"


class _Handler(StreamRequestHandler):
    owner: Trickle

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        self.owner.asked.append(path)
        if path.endswith("/logs"):
            self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /blob\r\nContent-Length: 0\r\n\r\n")
            return
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\nX-A: %s\r\n\r\n" % (len(REPO), b"a" * 50)
        self.send(head, slowly=self.owner.slow_headers)
        self.send(REPO, slowly=self.owner.slow_body)

    def send(self, data: bytes, *, slowly: bool) -> None:
        try:
            for at in range(len(data)) if slowly else ():
                self.wfile.write(data[at : at + 1])
                if self.owner.stopped.wait(STEP_S):
                    return
            self.wfile.write(b"" if slowly else data)
        except ConnectionError:
            """Whoever has waited enough hangs up."""


@pytest.fixture
def server() -> Iterator[Trickle]:
    server = Trickle()
    yield server
    server.stopped.set()
    server.tcp.shutdown()
    server.tcp.server_close()


@pytest.fixture
def slept() -> list[float]:
    return []


Make = Callable[..., GitHubRest]


@pytest.fixture
def make(server: Trickle, slept: list[float]) -> Make:
    def make(**options: Any) -> GitHubRest:
        chosen: dict[str, Any] = {
            "api_url": server.url,
            "token": "a-token",
            "clock": SystemClock(),
            "sleep": slept.append,
            "notice": print,
            "redact": str,
            **options,
        }
        return GitHubRest(**chosen)

    return make


def code_of(ask: Callable[[], object]) -> Code:
    with pytest.raises(AgentError) as raised:
        ask()
    return raised.value.code


SLOW = [{"slow_headers": True}, {"slow_body": True}]


@pytest.mark.parametrize("slow", SLOW)
def test_a_request_takes_no_longer_than_it_may_headers_and_body_together(
    make: Make, server: Trickle, monkeypatch: pytest.MonkeyPatch, slow: dict[str, bool]
) -> None:
    monkeypatch.setattr(client, "REQUEST_WITHIN_S", 10 * STEP_S)
    vars(server).update(slow)

    assert code_of(lambda: make().repo(ACME)) is Code.NETWORK


@pytest.mark.parametrize("slow", SLOW)
def test_a_log_takes_no_longer_than_it_may(
    make: Make, server: Trickle, monkeypatch: pytest.MonkeyPatch, slow: dict[str, bool]
) -> None:
    monkeypatch.setattr(client, "DOWNLOAD_WITHIN_S", 10 * STEP_S)
    vars(server).update(slow)

    assert code_of(lambda: make().job_log(ACME, 7)) is Code.NETWORK


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("ask", [lambda host: host.repo(ACME), lambda host: host.job_log(ACME, 7)])
def test_nothing_takes_longer_than_there_is_time_for_the_work(
    make: Make, server: Trickle, slept: list[float], slow: dict[str, bool], ask: Callable[[GitHubRest], object]
) -> None:
    vars(server).update(slow)

    assert code_of(lambda: ask(make(remaining=lambda: 10 * STEP_S))) is Code.BUDGET
    assert slept == []


def test_where_no_time_is_left_nothing_is_asked(make: Make, server: Trickle) -> None:
    assert code_of(lambda: make(remaining=lambda: 0.0).repo(ACME)) is Code.BUDGET
    assert server.asked == []


def test_what_may_pass_is_not_waited_for_where_no_time_would_be_left(make: Make, slept: list[float]) -> None:
    host = make(api_url="http://127.0.0.1:9", remaining=lambda: 3.0)

    assert code_of(lambda: host.repo(ACME)) is Code.BUDGET
    assert slept == [1, 2]


@pytest.mark.parametrize("host", ["a..b", ".a", "a" * 64, "127.0.0.1:99999"])
def test_a_name_that_no_host_can_have_is_a_host_that_is_not_there(make: Make, host: str) -> None:
    assert code_of(lambda: make(api_url=f"http://{host}").repo(ACME)) is Code.NETWORK
