"""Each adapter of language models keeps the promises of the port."""

import json
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from gitoma.adapters.chat_completions.model import ChatCompletionsModel
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.testing.language_models import LANGUAGE_MODEL_CHECKS, Make, Saying, ScriptedModel
from gitoma.domain.agents.language_model import LanguageModel

FINISHES = {"stop": "stop", "length": "length", "other": "content_filter"}


def document(said: Saying) -> bytes:
    message = {"role": "assistant", "content": said.text, "reasoning_content": said.reasoning}
    choice = {"index": 0, "message": message, "finish_reason": FINISHES[said.finish.value]}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def stream(said: Saying) -> bytes:
    def event(delta: dict[str, str], finish: str | None = None) -> str:
        return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n"

    events = [": a comment\n\n", event({"role": "assistant", "content": ""})]
    for name, text in (("reasoning_content", said.reasoning), ("content", said.text)):
        events += [event({name: text[at : at + 1000]}) for at in range(0, len(text), 1000)]
    return "".join([*events, event({}, FINISHES[said.finish.value]), "data: [DONE]\n\n"]).encode()


FORMS: dict[str, Callable[[Saying], bytes]] = {"text/event-stream": stream, "application/json": document}


@pytest.fixture(params=FORMS)
def chat_completions(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes the adapter with a real server behind it, on loopback, which answers in one of the two forms."""
    servers: list[ThreadingHTTPServer] = []
    media_type: str = request.param

    def make(models: Sequence[str] | None, sayings: Sequence[Saying]) -> LanguageModel:
        answers = iter(sayings)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/v1/models":
                    self.answer(
                        200, "application/json", json.dumps({"data": [{"id": id} for id in models or ()]}).encode()
                    )
                else:
                    self.answer(404, "text/plain", b"")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(200, f"{media_type}; charset=utf-8", FORMS[media_type](next(answers)))

            def answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    """An answer without end is not read to its end."""

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if models is None:
            server.server_close()
        else:
            servers.append(server)
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return ChatCompletionsModel(
            base_url=f"http://127.0.0.1:{server.server_port}/v1",
            api_key="key",
            model=None,
            critic=None,
            context_tokens=8192,
            max_tokens=None,
            no_think=True,
            allow_http=False,
            clock=SystemClock(),
            sleep=lambda _: None,
            notice=lambda _: None,
            redact=str,
        )

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("check", LANGUAGE_MODEL_CHECKS, ids=lambda check: check.__name__)
def test_the_scripted_model_keeps_its_promise(check: Callable[[Make], None]) -> None:
    check(lambda models, sayings: ScriptedModel(sayings, models))


@pytest.mark.parametrize("check", LANGUAGE_MODEL_CHECKS, ids=lambda check: check.__name__)
def test_chat_completions_keeps_its_promise(check: Callable[[Make], None], chat_completions: Make) -> None:
    check(chat_completions)
