import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import httpx
import pytest

from tests.stand_ins.model import Call, ModelServer, Reply


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client


def ask(client: httpx.Client, model: ModelServer, role: str = "worker", **more: object) -> httpx.Response:
    messages = [{"role": "system", "content": f"ROLE: {role}\nrules"}, {"role": "user", "content": "the task"}]
    body = {"model": "qwen3-8b", "messages": messages, **more}
    return client.post(f"{model.base_url}/chat/completions", json=body, headers={"authorization": "Bearer key"})


def said(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def chunks(response: httpx.Response) -> list[dict[str, object]]:
    events = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event)["choices"][0] for event in events]


def streamed(response: httpx.Response, name: str = "content") -> str:
    deltas = [chunk["delta"] for chunk in chunks(response)]
    return "".join(delta.get(name, "") for delta in deltas if isinstance(delta, dict))


def test_each_role_gets_its_own_replies_in_order(client: httpx.Client) -> None:
    with ModelServer({"planner": ["a plan"], "worker": ["first", "second"]}) as model:
        answers = [said(ask(client, model, role)) for role in ("worker", "planner", "worker")]

    assert answers == ["first", "a plan", "second"]
    assert [(call.role, call.number) for call in model.calls()] == [("worker", 0), ("planner", 0), ("worker", 1)]


def test_a_function_may_be_the_script(client: httpx.Client) -> None:
    def script(call: Call) -> str:
        return f"{call.role} {call.number}: {call.user}"

    with ModelServer(script) as model:
        assert said(ask(client, model, "critic")) == "critic 0: the task"


def test_a_call_that_nobody_thought_of_is_refused_and_noted(client: httpx.Client) -> None:
    with ModelServer({"worker": []}) as model:
        response = ask(client, model)

    assert response.status_code == 400
    assert [call.role for call in model.missed] == ["worker"]


def test_an_answer_may_come_as_a_stream(client: httpx.Client) -> None:
    text = "é\n" * 100
    with ModelServer({"worker": [Reply(text, finish="length", reasoning="hm")]}) as model:
        response = ask(client, model, stream=True)

    assert response.headers["content-type"] == "text/event-stream"
    assert streamed(response) == text
    assert streamed(response, "reasoning_content") == "hm"
    assert chunks(response)[-1]["finish_reason"] == "length"


def test_a_server_may_answer_in_one_piece_whoever_asks(client: httpx.Client) -> None:
    with ModelServer({"worker": [Reply("text", reasoning="hm", plain=True)]}) as model:
        choice = ask(client, model, stream=True).json()["choices"][0]

    assert choice["message"] == {"role": "assistant", "content": "text", "reasoning_content": "hm"}
    assert choice["finish_reason"] == "stop"


def test_a_schema_may_be_refused_without_spending_a_reply(client: httpx.Client) -> None:
    with ModelServer({"planner": ["a plan"]}, refuses_schema=True) as model:
        refused = ask(client, model, "planner", response_format={"type": "json_schema"})
        answered = ask(client, model, "planner")

    assert (refused.status_code, said(answered)) == (400, "a plan")
    assert "response_format" in refused.json()["error"]["message"]
    assert len(model.journal) == 2


def test_a_failure_has_its_status_and_headers(client: httpx.Client) -> None:
    with ModelServer({"worker": [Reply("slow down", status=429, headers={"retry-after": "1"})]}) as model:
        response = ask(client, model)

    assert (response.status_code, response.headers["retry-after"]) == (429, "1")


def test_an_answer_is_held_until_its_gate_opens(client: httpx.Client) -> None:
    gate = Event()
    with ModelServer({"worker": [Reply("done", held_until=gate)]}) as model, ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, client, model)
        call = model.wait_for_call("worker")
        assert not asked.done()
        gate.set()

        assert said(asked.result(60)) == "done"
    assert call.request.headers["authorization"] == "Bearer key"


def test_a_server_ends_though_an_answer_is_held(client: httpx.Client) -> None:
    with ThreadPoolExecutor() as pool:
        with ModelServer({"worker": [Reply(held_until=Event())]}) as model:
            asked = pool.submit(ask, client, model)
            model.wait_for_call("worker")

        assert isinstance(asked.exception(60), httpx.TransportError) or asked.result().status_code == 503


def test_an_answer_without_end_ends_with_its_reader(client: httpx.Client) -> None:
    with ModelServer({"worker": [Reply("again ", endless=True)]}) as model:
        body = {"stream": True, "messages": [{"role": "system", "content": "ROLE: worker"}]}
        with client.stream("POST", f"{model.base_url}/chat/completions", json=body) as response:
            read = 0
            for piece in response.iter_bytes():
                read += len(piece)
                if read > 100_000:
                    break

    assert read > 100_000


def test_a_stream_may_break_off(client: httpx.Client) -> None:
    with ModelServer({"worker": [Reply("text", cut_off=True)]}) as model, pytest.raises(httpx.RemoteProtocolError):
        ask(client, model, stream=True)


def test_what_is_no_json_may_be_answered_and_asked(client: httpx.Client) -> None:
    with ModelServer({"": [Reply(body=b"<html>")]}) as model:
        assert client.post(f"{model.base_url}/chat/completions", json={}).text == "<html>"
        assert client.post(f"{model.base_url}/chat/completions", content=b"{").status_code == 400


def test_models_are_listed_and_the_native_list_is_there_if_wanted(client: httpx.Client) -> None:
    with ModelServer({}, models=["a", "b"]) as model:
        listed = client.get(f"{model.base_url}/models").json()["data"]
        assert [one["id"] for one in listed] == ["a", "b"]
        assert client.get(f"{model.url}/api/v0/models").status_code == 404
    with ModelServer({}, native=[{"id": "a", "state": "loaded"}]) as model:
        assert client.get(f"{model.url}/api/v0/models").json()["data"][0]["state"] == "loaded"


def test_waiting_for_a_call_that_does_not_come_has_an_end() -> None:
    with ModelServer({}) as model, pytest.raises(TimeoutError):
        model.wait_for_call("worker", limit_s=0.01)
