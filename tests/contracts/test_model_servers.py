"""Each adapter of model servers keeps the promises of the port."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gitoma.adapters.chat_completions.health import ChatCompletionsServer
from gitoma.adapters.testing.model_servers import MODEL_SERVER_CHECKS, FixedModelServer, Make
from gitoma.domain.health import ModelServer


@pytest.fixture
def chat_completions() -> Iterator[Make]:
    """Makes the adapter with a real server behind it, on loopback."""
    servers: list[ThreadingHTTPServer] = []

    def make(models: Sequence[str] | None) -> ModelServer:
        body = b"no JSON" if models is None else json.dumps({"data": [{"id": model} for model in models]}).encode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return ChatCompletionsServer(base_url=f"http://127.0.0.1:{servers[-1].server_port}/v1", api_key="key")

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("check", MODEL_SERVER_CHECKS, ids=lambda check: check.__name__)
async def test_chat_completions_keeps_its_promise(check: Callable[[Make], Awaitable[None]], chat_completions: Make):
    await check(chat_completions)


@pytest.mark.parametrize("check", MODEL_SERVER_CHECKS, ids=lambda check: check.__name__)
async def test_the_fixed_model_server_keeps_its_promise(check: Callable[[Make], Awaitable[None]]):
    await check(FixedModelServer)
