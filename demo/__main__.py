"""A whole run through the REST API, on this machine alone: `make demo`.

The server and the agent are the real ones. Around them stand a bare git repository in place of github.com, a small
server in place of GitHub's API, and one in place of the model, which says what `script` has for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from demo import script
from tests.stand_ins.git_host import BareRepo, GitHost
from tests.stand_ins.github import TOKEN, GitHub
from tests.stand_ins.model import ModelServer

API_TOKEN = "demo"


def main() -> int:
    """Play it; 0 if the run did what it should."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(TemporaryDirectory(prefix="gitoma-demo-")))
        git = stack.enter_context(GitHost())
        github = stack.enter_context(GitHub(git))
        model = stack.enter_context(ModelServer(script.answer))
        repo = git.create(script.SLUG, script.FILES)
        github.add_repo(script.SLUG)
        _title("The server, as you would start it, but for a git host, a GitHub and a model of the demonstration's own")
        environment = {
            **git.environment(),
            "GITOMA_HOME": str(home),
            "GITOMA_API_TOKEN": API_TOKEN,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_API_URL": github.url,
            "LM_STUDIO_BASE_URL": model.base_url,
        }
        address = stack.enter_context(_server(environment))
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {API_TOKEN}"}, timeout=60) as api:
            status = _run(api)
            _show(api, repo, github)
    return 0 if status == "completed" else 1


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[str]:
    """`gitoma serve` on a free port, until the context ends."""
    command = [sys.executable, "-m", "gitoma", "serve", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                print(f"  {line}", end="")
                if line.startswith("gitoma listens on "):
                    yield line.split()[3]
                    break
        finally:
            process.terminate()


def _run(api: httpx.Client) -> str:
    _title("POST /api/v1/run, and GET /api/v1/stream/… of the job")
    asked = {"repo_url": f"https://github.com/{script.SLUG}"}
    print(f"  -> {json.dumps(asked)}")
    started = api.post("/api/v1/run", json=asked)
    print(f"  <- {started.status_code} {started.text}\n")
    job_id = started.json()["job_id"]
    for line in _lines(api, job_id):
        print(f"  {line}")
        if line.startswith("__END__:"):
            return line.removeprefix("__END__:")
    return "unknown"


def _lines(api: httpx.Client, job_id: str) -> Iterator[str]:
    with api.stream("GET", f"/api/v1/stream/{job_id}") as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))["line"]


def _show(api: httpx.Client, repo: BareRepo, github: GitHub) -> None:
    (state,) = api.get("/api/v1/state").json()
    _title("GET /api/v1/state: what the agent has written down")
    print(f"  phase {state['phase']}, {state['pr_url']}")
    for task in state["task_plan"]["tasks"]:
        print(f"  {task['id']} {task['status']:<7} {task['attempts']} attempts  {task['check']}: {task['title']}")
    _title(f"The branch that was pushed: {state['branch']}")
    for commit in repo.log(state["branch"], since="main"):
        print(f"  {commit.sha[:7]} {commit.author}: {commit.subject}")
    for pull in github.pulls(script.SLUG):
        _title(f"The pull request: #{pull.number} {pull.title}")
        print("\n".join(f"  {line}" for line in pull.body.splitlines()))


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


if __name__ == "__main__":
    sys.exit(main())
