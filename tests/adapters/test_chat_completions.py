"""The model adapter against a server that answers what a test wants, and what it is asked is looked at."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from gitoma.adapters.chat_completions.address import Address, require_private
from gitoma.adapters.chat_completions.model import ChatCompletionsModel
from gitoma.adapters.chat_completions.patience import Limits
from gitoma.adapters.clock import SystemClock
from gitoma.adapters.testing.language_models import ENDLESS, question
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.language_model import ChatReply, Finish, Role

KEY = "the-key-of-the-model-server"


@dataclass
class Answer:
    """One answer of the server. Status 0 hangs up without a word; `holds` keeps the connection open behind the body."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    holds: bool = False


def said(text: str, finish: str | None = "stop", reasoning: str = "", **more: object) -> Answer:
    message = {"content": text, "reasoning_content": reasoning}
    return Answer(json.dumps({"choices": [{"message": message, "finish_reason": finish}], **more}).encode())


def events(*data: object, done: bool = True) -> Answer:
    lines = [f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in data]
    return Answer("".join([*lines, *(["data: [DONE]\n\n"] if done else [])]).encode(), kind="text/event-stream")


def piece(text: str, finish: str | None = None) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}, "finish_reason": finish}]}


def refused(status: int, message: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps({"error": {"message": message}}).encode(), status, headers=named)


MODELS = Answer(json.dumps({"data": [{"id": "text-embedding-nomic"}, {"id": "acme/coder"}, {"id": "critic"}]}).encode())


class Server:
    """Answers questions in order; the last answer again and again. Pages are answered from a table."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [said("yes")]
        self.pages: dict[str, Answer] = {"/v1/models": MODELS}
        self.questions: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.released = Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/v1"

    def next(self, body: bytes) -> Answer:
        self.questions.append(json.loads(body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class _Handler(BaseHTTPRequestHandler):
    owner: Server

    def do_GET(self) -> None:
        self.note()
        self.send(self.owner.pages.get(self.path, Answer(b"", 404)))

    def do_POST(self) -> None:
        self.note()
        self.send(self.owner.next(self.rfile.read(int(self.headers["Content-Length"]))))

    def note(self) -> None:
        self.owner.asked.append((self.command, self.path, dict(self.headers.items())))

    def send(self, answer: Answer) -> None:
        if not answer.status:
            return  # the connection closes without a word
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        if answer.length is not None:
            self.send_header("Content-Length", str(answer.length))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(answer.body)
            if answer.holds:
                self.owner.released.wait(60)
        except ConnectionError:
            """Whoever has heard enough hangs up."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.released.set()
    server.http.shutdown()
    server.http.server_close()


@dataclass
class Heard:
    """What the adapter says while it waits, and how long it waited."""

    lines: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)


@pytest.fixture
def heard() -> Heard:
    return Heard()


Make = Callable[..., ChatCompletionsModel]


@pytest.fixture
def make(server: Server, heard: Heard) -> Make:
    def make(**options: Any) -> ChatCompletionsModel:
        chosen: dict[str, Any] = {
            "base_url": server.url,
            "api_key": KEY,
            "model": None,
            "critic": None,
            "context_tokens": 8192,
            "max_tokens": None,
            "no_think": True,
            "allow_http": False,
            "clock": SystemClock(),
            "sleep": heard.pauses.append,
            "notice": heard.lines.append,
            "redact": lambda text: text.replace(KEY, "REDACTED"),
            **options,
        }
        return ChatCompletionsModel(**chosen)

    return make


def failure(ask: Callable[[], object]) -> AgentError:
    with pytest.raises(AgentError) as raised:
        ask()
    error = raised.value
    assert KEY not in f"{error}{error.hint}{error.details}{error.__cause__}{error.__context__}"
    assert len(f"{error}".splitlines()) == 1
    return error


def test_a_question_has_the_fields_that_every_server_knows(make: Make, server: Server) -> None:
    make().complete(question(user="what?"))

    (asked,) = server.questions
    assert asked == {
        "model": "acme/coder",
        "messages": [{"role": "system", "content": "ROLE: worker"}, {"role": "user", "content": "what?"}],
        "temperature": 0.2,
        "max_tokens": 100,
        "stream": True,
    }


def test_a_schema_is_sent_as_json_schema(make: Make, server: Server) -> None:
    make().complete(question(schema=True))

    wanted = server.questions[0]["response_format"]
    assert (wanted["type"], wanted["json_schema"]["name"]) == ("json_schema", "verdict")


def test_the_key_is_sent_and_no_proxy_of_the_environment_is_used(
    make: Make, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert make().complete(question()).text == "yes"
    assert {headers["Authorization"] for _, _, headers in server.asked} == {f"Bearer {KEY}"}


def test_an_answer_may_not_be_longer_than_the_operator_wants(make: Make, server: Server) -> None:
    make(max_tokens=7).complete(question())

    assert server.questions[0]["max_tokens"] == 7


def test_what_is_no_text_in_a_name_of_a_file_does_not_hinder_a_question(make: Make, server: Server) -> None:
    make().complete(question(user="a\udcffb"))

    assert server.questions[0]["messages"][1]["content"] == "a?b"


def test_a_stream_and_a_document_say_the_same(make: Make, server: Server) -> None:
    server.answers = [
        events(piece("he"), piece("llo"), piece("", "length"), {"choices": [], "usage": {"completion_tokens": 2}}),
        said("hello", "length", usage={"completion_tokens": 2}),
    ]
    model = make()
    first, second = model.complete(question()), model.complete(question())

    for reply in (first, second):
        assert (reply.text, reply.finish, reply.completion_tokens) == ("hello", Finish.LENGTH, 2)


def test_tokens_are_estimated_where_the_server_does_not_count(make: Make, server: Server) -> None:
    server.answers = [said("x" * 350)]

    assert make().complete(question()).completion_tokens == 100


def test_the_first_model_that_is_not_for_embeddings_answers(make: Make) -> None:
    facts = make().facts()

    assert (facts.model, facts.available) == ("acme/coder", ("text-embedding-nomic", "acme/coder", "critic"))


@pytest.mark.parametrize("wanted", ["acme/coder", "coder"])
def test_a_model_is_named_whole_or_without_its_publisher(make: Make, wanted: str) -> None:
    assert make(model=wanted).facts().model == "acme/coder"


def test_a_model_that_is_not_there_is_told_with_those_that_are(make: Make) -> None:
    for options, variable in (({"model": "qwen"}, "LM_STUDIO_MODEL"), ({"critic": "qwen"}, "CRITIC_MODEL")):
        error = failure(make(**options).facts)
        assert error.code is Code.MODEL_MISSING
        assert variable in str(error)
        assert "'qwen'" in str(error)
        assert "acme/coder" in str(error)


def test_the_critic_is_asked_in_its_own_model(make: Make, server: Server) -> None:
    model = make(critic="critic")
    model.complete(question(Role.FIXER))
    model.complete(question(Role.CRITIC))

    assert [asked["model"] for asked in server.questions] == ["acme/coder", "critic"]


def native(*models: dict[str, object]) -> Answer:
    return Answer(json.dumps({"data": list(models)}).encode())


@pytest.mark.parametrize(
    ("page", "context"),
    [
        (Answer(b"", 404), 8192),
        (Answer(b"{}"), 8192),
        (native({"id": "acme/coder", "max_context_length": 32768}), 8192),
        (native({"id": "acme/coder", "max_context_length": 32768, "loaded_context_length": 4096}), 4096),
        (native({"id": "another", "loaded_context_length": 1024}), 8192),
        (Answer(b"", 302, headers={"Location": "/v1/models"}), 8192),
    ],
)
def test_the_context_is_the_configured_one_or_less(make: Make, server: Server, page: Answer, context: int) -> None:
    server.pages["/api/v0/models"] = page

    assert make().facts().context_tokens == context


def test_a_server_that_takes_no_schema_is_asked_without_and_never_again_with(
    make: Make, server: Server, heard: Heard
) -> None:
    server.answers = [refused(400, "'response_format.type' must be 'json_schema' or 'text'"), said("{}")]
    model = make()
    model.complete(question(schema=True))
    model.complete(question(schema=True))

    assert ["response_format" in asked for asked in server.questions] == [True, False, False]
    assert heard.lines == ["the model server takes no response_format: going on without"]


def test_any_other_refusal_is_not_asked_again(make: Make, server: Server) -> None:
    server.answers = [refused(400, f"bad\n\x1b[31m  temperature, {KEY}")]

    error = failure(lambda: make().complete(question(schema=True)))
    assert error.code is Code.MODEL_UNAVAILABLE
    assert str(error) == "the model server answered with status 400: bad \\x1b[31m temperature, REDACTED"
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused(400, "The number of tokens to keep is greater than the context length"), Code.CONTEXT_EXCEEDED),
        (refused(400, "This model's maximum context length is 2048 tokens"), Code.CONTEXT_EXCEEDED),
        (events({"error": {"message": "prompt exceeds context"}}, done=False), Code.CONTEXT_EXCEEDED),
        (said(""), Code.MODEL_EMPTY),  # as others say it
    ],
)
def test_a_prompt_that_does_not_fit_is_told_with_what_to_set(
    make: Make, server: Server, answer: Answer, code: Code
) -> None:
    server.answers = [answer]

    error = failure(lambda: make().complete(question()))
    assert error.code is code
    assert "GITOMA_LLM_CONTEXT" in error.hint
    assert len(server.questions) == 1


def test_an_error_inside_an_answer_is_told_in_the_servers_words(make: Make, server: Server) -> None:
    server.answers = [events(piece("half"), {"error": "the model crashed"}, done=False)]

    error = failure(lambda: make().complete(question()))
    assert (error.code, str(error)) == (
        Code.MODEL_UNAVAILABLE,
        "the model server sent an error: the model crashed",
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_the_installations_mistake(make: Make, server: Server, status: int) -> None:
    for page, ask in (
        (refused(status), lambda: make().facts()),
        (MODELS, lambda: make().complete(question())),
    ):
        server.pages["/v1/models"] = page
        server.answers = [refused(status, KEY)]
        error = failure(ask)
        assert error.code is Code.CONFIG
        assert "LM_STUDIO_API_KEY" in error.hint


def test_a_model_that_has_gone_is_missing_with_those_that_are_there(make: Make, server: Server) -> None:
    server.answers = [refused(404, "no such model")]

    error = failure(lambda: make().complete(question()))
    assert error.code is Code.MODEL_MISSING
    assert "critic" in str(error)


@pytest.mark.parametrize(
    ("critic", "role", "variable"),
    [
        ("critic", Role.CRITIC, "CRITIC_MODEL"),
        ("critic", Role.WORKER, "LM_STUDIO_MODEL"),
        (None, Role.CRITIC, "LM_STUDIO_MODEL"),
    ],
)
def test_a_model_that_has_gone_is_named_with_the_variable_that_it_comes_from(
    make: Make, server: Server, critic: str | None, role: Role, variable: str
) -> None:
    server.answers = [refused(404, "no such model")]

    error = failure(lambda: make(critic=critic).complete(question(role)))
    assert f"({variable})" in str(error)
    assert variable in error.hint


def test_what_may_pass_is_tried_again_later_and_later(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [refused(503, "loading"), refused(502), Answer(b"", 0), said("at last")]

    assert make().complete(question()).text == "at last"
    assert heard.pauses == [1, 4, 10]
    assert heard.lines[0] == "the model server answered with status 503: loading: trying again in 1 s"


def test_what_does_not_pass_is_unavailable(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [refused(504)]

    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert len(server.questions) == 4
    assert heard.pauses == [1, 4, 10]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_loads_a_model_or_is_busy_is_given_five_minutes(
    make: Make, server: Server, heard: Heard, status: int
) -> None:
    server.answers = [refused(status, "Loading model")]

    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert heard.pauses == [1, 4, 10, 20, *[30] * 8, 25]
    assert len(heard.lines) == len(heard.pauses)


def test_a_model_that_is_loaded_at_last_answers(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [*[refused(503, "Loading model")] * 9, said("at last")]

    assert make().complete(question()).text == "at last"
    assert sum(heard.pauses) == 1 + 4 + 10 + 20 + 5 * 30


def test_a_server_that_fails_in_one_way_after_the_other_has_the_time_for_each_and_no_more(
    make: Make, server: Server, heard: Heard
) -> None:
    server.answers = [*[refused(503)] * 5, refused(502), Answer(b"", 0), Answer(b"", 0), Answer(b"", 0), said("no")]

    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert heard.pauses == [1, 4, 10, 20, 30, 15, 30, 30]


def test_a_busy_server_says_when_to_come_back(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [refused(429, retry_after="7"), said("yes")]
    make().complete(question())

    server.answers = [refused(429, retry_after="3600")]
    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert heard.pauses == [7]


def test_a_server_that_wants_to_be_asked_at_once_is_not_asked_without_end(
    make: Make, server: Server, heard: Heard
) -> None:
    server.answers = [refused(429, retry_after="0")]

    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert sum(heard.pauses) == 300
    assert len(heard.pauses) == 13


def test_a_server_that_cannot_be_reached_is_told_with_its_address(make: Make, server: Server, heard: Heard) -> None:
    model = make()
    model.facts()
    server.http.shutdown()
    server.http.server_close()

    error = failure(lambda: model.complete(question()))
    assert error.code is Code.MODEL_UNAVAILABLE
    assert f"127.0.0.1:{server.http.server_port}" in str(error)
    assert heard.pauses == [1, 4, 10, 20, 25]  # a server that is restarted is back by then, or not soon


def test_who_asks_what_there_is_need_not_wait_for_a_server_that_is_not_there(make: Make, heard: Heard) -> None:
    error = failure(make(base_url="http://127.0.0.1:9/v1").facts)

    assert error.code is Code.MODEL_UNAVAILABLE
    assert heard.pauses == []


def test_a_redirect_is_not_followed(make: Make, server: Server) -> None:
    server.answers = [Answer(b"", 307, headers={"Location": "/v1/elsewhere"})]

    assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE
    assert "/v1/elsewhere" not in [path for _, path, _ in server.asked]


@pytest.mark.parametrize("answer", [Answer(b"<html>", kind="text/html"), said("x", more=1), Answer(b"[" * 100_000)])
def test_what_is_no_model_server_is_told(make: Make, server: Server, answer: Answer) -> None:
    server.pages["/v1/models"] = answer

    assert failure(make().facts).code is Code.MODEL_UNAVAILABLE


def test_an_answer_that_breaks_off_is_no_answer(make: Make, server: Server) -> None:
    for broken in (events(piece("half"), done=False), Answer(said("half").body[:30], length=500)):
        server.answers = [broken]
        assert failure(lambda: make().complete(question())).code is Code.MODEL_UNAVAILABLE


def test_an_answer_that_was_finished_before_the_connection_broke_is_one(make: Make, server: Server) -> None:
    server.answers = [events(piece("all of it", "stop"), done=False)]
    server.answers[0].length = 100_000

    assert make().complete(question()).text == "all of it"


@pytest.mark.parametrize("text", [ENDLESS, "the same again\n" * 300, "x" * 5000, "a paragraph, " * 60 * 9])
def test_an_answer_without_end_is_stopped(make: Make, server: Server, text: str) -> None:
    for answer in (
        events(*(piece(text[at : at + 50]) for at in range(0, len(text), 50)), piece("", "stop")),
        said(text),
    ):
        server.answers = [answer]
        assert failure(lambda: make().complete(question())).code is Code.MODEL_RUNAWAY


def test_a_model_that_reasons_is_asked_to_answer_at_once_from_then_on(make: Make, server: Server) -> None:
    server.answers = [said("yes", reasoning="hm"), said("yes")]
    model = make(critic="critic")
    replies: list[ChatReply] = [model.complete(question()), model.complete(question())]
    model.complete(question(Role.CRITIC))

    assert [reply.reasoned for reply in replies] == [True, False]
    systems, users = zip(*([each["content"] for each in asked["messages"]] for asked in server.questions), strict=True)
    assert [user.endswith("\n/no_think") for user in users] == [False, True, False]
    assert ["final answer only" in system for system in systems] == [False, True, False]


def test_reasoning_in_the_text_counts_too_and_the_operator_may_let_a_model_reason(make: Make, server: Server) -> None:
    server.answers = [said("<think>hm</think>yes")]
    model = make(no_think=False)

    assert model.complete(question()).reasoned
    model.complete(question())
    assert "/no_think" not in server.questions[1]["messages"][1]["content"]


def test_a_model_that_only_reasoned_is_told_from_one_that_said_nothing(make: Make, server: Server) -> None:
    server.answers = [said("", "length", reasoning="hm, " * 20)]

    error = failure(lambda: make().complete(question()))
    assert error.code is Code.MODEL_EMPTY
    assert "reasons less" in error.hint


@pytest.mark.parametrize(
    ("answer", "code", "tokens"),
    [
        (said("x" * 70_000), Code.MODEL_RUNAWAY, 20_000),
        (events(*[piece("the same again\n" * 10)] * 20), Code.MODEL_RUNAWAY, 515),
        (events(piece("y" * 35), done=False), Code.MODEL_UNAVAILABLE, 10),
        (said("", "length", reasoning="z" * 35), Code.MODEL_EMPTY, 10),
        (said("", "length", reasoning="z" * 35, usage={"completion_tokens": 12}), Code.MODEL_EMPTY, 12),
        (said(""), Code.MODEL_EMPTY, 0),
        (refused(400, "context"), Code.CONTEXT_EXCEEDED, 0),
    ],
)
def test_an_answer_that_is_of_no_use_says_what_it_cost(
    make: Make, server: Server, answer: Answer, code: Code, tokens: int
) -> None:
    server.answers = [answer]

    error = failure(lambda: make().complete(question()))
    assert (error.code, error.spent_tokens) == (code, tokens)


def test_no_question_is_asked_when_the_time_is_over(make: Make, server: Server) -> None:
    assert failure(lambda: make(remaining=lambda: 0.0).complete(question())).code is Code.BUDGET
    assert server.asked == []


def test_nobody_waits_for_longer_than_there_is_time(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [refused(429, "busy", retry_after="30")]

    error = failure(lambda: make(remaining=lambda: 20.0).complete(question()))
    assert error.code is Code.BUDGET
    assert str(error).endswith("the model server answered with status 429: busy")
    assert heard.pauses == []


def test_a_silent_server_is_given_up_and_we_say_that_we_wait(make: Make, server: Server, heard: Heard) -> None:
    server.answers = [events(piece("four"), done=False)]
    server.answers[0].holds = True

    error = failure(lambda: make(limits=Limits(between_s=0.05, notice_every_s=0.01)).complete(question()))
    assert (error.code, str(error)) == (Code.MODEL_UNAVAILABLE, "the model server was silent for 0.05 s")
    assert heard.lines[-1] == "model is generating: 0 s, ~2 tokens"


def test_what_a_server_keeps_to_itself_after_the_end_is_not_missed(make: Make, server: Server) -> None:
    server.answers = [events(piece("all of it", "stop"), done=False)]
    server.answers[0].holds = True

    assert make(limits=Limits(between_s=0.05)).complete(question()).text == "all of it"


def test_a_running_answer_is_stopped_when_the_time_is_over(make: Make, server: Server) -> None:
    server.answers = [events(piece("x"), done=False)]
    server.answers[0].holds = True

    assert failure(lambda: make(remaining=lambda: 0.2).complete(question())).code is Code.BUDGET


@pytest.mark.parametrize(
    ("host", "found", "allowed"),
    [
        ("localhost", ["127.0.0.1", "::1"], True),
        ("box", ["192.168.1.20"], True),
        ("box.tailnet", ["100.100.1.2"], True),
        ("[fd00::1]", ["fd00::1"], True),
        ("example.org", ["93.184.215.14"], False),
        ("both", ["10.0.0.1", "93.184.215.14"], False),
        ("mapped", ["::ffff:8.8.8.8"], False),
        ("mapped", ["::ffff:10.0.0.1"], True),
    ],
)
def test_plain_http_stays_on_private_networks(host: str, found: list[str], allowed: bool) -> None:
    address = Address.parse(f"http://{host}:1234/v1", KEY)
    if allowed:
        require_private(address, lambda _: found)
        return

    error = failure(lambda: require_private(address, lambda _: found))
    assert error.code is Code.CONFIG
    assert "LM_STUDIO_BASE_URL" in str(error)
    assert "GITOMA_LLM_ALLOW_HTTP" in error.hint


def test_tls_may_go_anywhere_and_nobody_is_asked_where_that_is() -> None:
    require_private(Address.parse("https://example.org/v1", KEY), lambda _: [])


def test_plain_http_goes_farther_when_the_operator_wants_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(host: str) -> list[str]:
        raise AssertionError(host)

    monkeypatch.setattr("gitoma.adapters.chat_completions.address.addresses_of", nobody)

    assert make(allow_http=True).complete(question()).text == "yes"


def test_a_name_that_nobody_knows_cannot_be_reached(make: Make) -> None:
    assert failure(make(base_url="http://no-such-host.invalid/v1").facts).code is Code.MODEL_UNAVAILABLE


def test_credentials_in_the_address_are_sent_and_never_shown() -> None:
    address = Address.parse("https://me:s3cret@example.org/lm/v1/", KEY)

    assert address.authorization == "Basic bWU6czNjcmV0"
    assert (address.shown, address.path, address.native_path) == ("example.org:443", "/lm/v1", "/lm/api/v0")
    assert "s3cret" not in repr(address)
