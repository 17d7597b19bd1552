import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stand_ins.github_answers import rate_limited
from tests.stand_ins.github_contents import LOGIN, TOKEN
from tests.stand_ins.github_contract import OPERATIONS, trimmed
from tests.stand_ins.github_documents import Comment, Job
from tests.stand_ins.model import Reply
from tests.stand_ins.node_process import Answered, NodeProcess, ask, free_ports
from tests.stand_ins.node_stack import NodeStack

REPO = "/repos/acme/widget"
HEADERS = {"authorization": f"Bearer {TOKEN}", "accept": "application/vnd.github+json, application/json;q=0.9"}


def github(stack: NodeStack, method: str, path: str, document: object = None) -> Answered:
    return ask(method, f"{stack.github_url}{path}", document, HEADERS)


def get(stack: NodeStack, path: str) -> Any:
    answered = github(stack, "GET", path)
    assert answered.status == 200, stack.printed()
    return answered.json()


def complete(stack: NodeStack, role: str) -> Answered:
    messages = [{"role": "system", "content": f"ROLE: {role}\nrules"}, {"role": "user", "content": "the task"}]
    return ask("POST", f"{stack.model_url}/chat/completions", {"model": "qwen3-8b", "messages": messages})


def test_pull_requests_are_opened_and_shown_as_github_describes_them(node_stack: NodeStack) -> None:
    assert get(node_stack, "/user")["login"] == LOGIN
    assert get(node_stack, REPO)["full_name"] == "acme/widget"
    made = github(node_stack, "POST", f"{REPO}/pulls", {"title": "T", "body": "B", "head": "topic", "base": "main"})

    assert made.status == 201
    (shown,) = get(node_stack, f"{REPO}/pulls?state=open&head=acme:topic&per_page=100")
    assert (shown["number"], shown["head"]["ref"]) == (made.json()["number"], "topic")
    assert node_stack.violations() == []
    assert [sent.method for sent in node_stack.journal()] == ["GET", "GET", "POST", "GET"]
    assert all(sent.headers["authorization"] == f"Bearer {TOKEN}" for sent in node_stack.journal())


def test_what_breaks_githubs_description_is_seen_whatever_comes_after_it(node_stack: NodeStack) -> None:
    github(node_stack, "GET", f"{REPO}/pulls?per_page=many")
    github(node_stack, "POST", f"{REPO}/pulls", {"title": "T"})
    node_stack.seed(pulls=[("topic", "main")])
    github(node_stack, "GET", f"{REPO}/no/such/page")

    found = [(one.method, one.path.removeprefix(REPO), one.place) for one in node_stack.violations()]
    assert found == [
        ("GET", "/pulls?per_page=many", "query.per_page"),
        ("POST", "/pulls", "body"),
        ("POST", "/pulls", "body"),
        ("GET", "/no/such/page", ""),
    ]


def test_reviews_runs_and_logs_are_as_they_were_seeded(node_stack: NodeStack) -> None:
    run = node_stack.run("topic", Job("test", log="##[error]no\n"))
    (number,) = node_stack.seed(pulls=[("topic", "main")], comments=[Comment(0, 1, "please", line=3)], runs=[run])

    (comment,) = get(node_stack, f"{REPO}/pulls/{number}/comments")
    replied = github(node_stack, "POST", f"{REPO}/pulls/1/comments/{comment['id']}/replies", {"body": "done"})
    (shown,) = get(node_stack, f"{REPO}/actions/runs?branch=topic")["workflow_runs"]
    (job,) = get(node_stack, f"{REPO}/actions/runs/{shown['id']}/jobs")["jobs"]
    log = github(node_stack, "GET", f"{REPO}/actions/jobs/{job['id']}/logs")  # followed, with everything in it

    assert (comment["body"], comment["line"], replied.status) == ("please", 3, 201)
    assert get(node_stack, f"{REPO}/actions/runs?branch=main")["total_count"] == 0
    assert log.body == b"##[error]no\n"
    assert [sent.path for sent in node_stack.log_journal()] == [f"/{job['id']}"]
    assert github(node_stack, "POST", "/graphql", {"query": "{}"}).status == 404
    assert node_stack.violations() == []


def test_trouble_comes_as_often_as_it_is_told_to(node_stack: NodeStack) -> None:
    node_stack.trouble(rate_limited(2, method="GET", path="/pulls$", times=2))

    statuses = [github(node_stack, "GET", path).status for path in (f"{REPO}/pulls", REPO, *[f"{REPO}/pulls"] * 3)]

    assert statuses == [403, 200, 403, 200, 200]


def test_the_model_follows_its_script(node_stack: NodeStack) -> None:
    node_stack.model_script({"planner": ["a plan"], "worker": [Reply("cut", finish="length"), Reply("no", status=400)]})
    answers = [complete(node_stack, role) for role in ("worker", "planner", "worker", "worker")]

    assert [answered.status for answered in answers] == [200, 200, 400, 503]
    choices = [answered.json()["choices"][0] for answered in answers[:2]]
    assert [choice["message"]["content"] for choice in choices] == ["cut", "a plan"]
    assert choices[0]["finish_reason"] == "length"
    assert len(node_stack.model_journal()) == 4
    listed = ask("GET", f"{node_stack.model_url}/models").json()["data"]
    assert [model["id"] for model in listed] == ["qwen3-8b"]


SERVER = """
const net = require("node:net");
const said = [];
const ways = [[0], [0, "0.0.0.0"], [0, undefined], [{port: 0}], [{port: 0, host: "::"}], ["0", 9], [0, "0.0.0.0", 9]];
for (const way of ways) {
  const server = net.createServer();
  server.listen(...way, () => {
    said.push(server.address().address);
    server.close();
    if (said.length === ways.length) console.log(JSON.stringify(said));
  });
}
"""


def test_whatever_a_program_for_node_listens_on_it_is_loopback(require_program: Callable[[str], str]) -> None:
    node = require_program("node")
    preload = Path(__file__).parent / "node" / "loopback_only.cjs"
    done = subprocess.run(
        [node, "--require", str(preload), "-e", SERVER], capture_output=True, text=True, timeout=60, check=True
    )

    assert set(json.loads(done.stdout)) == {"127.0.0.1"}
    assert len(json.loads(done.stdout)) == 7


def test_a_server_is_gone_when_its_context_ends(require_program: Callable[[str], str], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    program = f"require('node:http').createServer((_, r) => r.end('yes')).listen({port})"
    server = NodeProcess(
        require_program("node"), ["-e", program], folder=tmp_path, name="server", ready_at=f"http://127.0.0.1:{port}/"
    )
    with server:
        server.wait_until_ready()
        assert ask("GET", f"http://127.0.0.1:{port}/").body == b"yes"

    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_a_server_that_does_not_start_says_what_it_printed(
    require_program: Callable[[str], str], tmp_path: Path
) -> None:
    server = NodeProcess(
        require_program("node"),
        ["-e", "console.log('no such thing'); process.exit(3)"],
        folder=tmp_path,
        name="server",
        ready_at=f"http://127.0.0.1:{free_ports(1)[0]}/",
    )
    with server, pytest.raises(RuntimeError, match="no such thing"):
        server.wait_until_ready()


def test_a_description_is_cut_to_our_operations_and_what_they_refer_to(tmp_path: Path) -> None:
    ours: dict[str, Any] = {path: {method: {} for method in methods} for path, methods in OPERATIONS.items()}
    ours["/user"] = {"get": {"$ref": "#/components/schemas/a"}, "delete": {"$ref": "#/components/schemas/c"}}
    components = {"schemas": {"a": {"items": [{"$ref": "#/components/schemas/b"}]}, "b": {}, "c": {}}}
    document = {"openapi": "3.0.3", "info": {}, "paths": {**ours, "/zen": {"get": {}}}, "components": components}
    (tmp_path / "whole.json").write_text(json.dumps(document))

    kept = trimmed(tmp_path / "whole.json")

    assert kept["paths"].keys() == OPERATIONS.keys()
    assert kept["paths"]["/user"] == {"get": {"$ref": "#/components/schemas/a"}}
    assert kept["components"]["schemas"].keys() == {"a", "b"}
