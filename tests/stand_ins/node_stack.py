"""A whole GitHub and a model server of parts that nobody of this project wrote, put together.

    client ─► mountebank ─► prism ─► mountebank ─► emulate        model: aimock
              logs, trouble  GitHub's  runs, review  repositories,
                             contract  comments      pull requests

What a client sends passes GitHub's own description of its API; what breaks it is in `violations()`. All of it listens
on 127.0.0.1 and is ended by its process ids. `make stand-ins` installs the parts.

emulate knows nothing of git: the commit that it shows for a branch is not the one that a `GitHost` has. It has no
hunks in review comments and no runs of workflows, so those are canned, and a reply to a thread is taken but not shown.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any, Self

from . import imposters
from .github_answers import Trouble
from .github_contents import LOGIN, TOKEN
from .github_contract import trimmed
from .github_documents import Comment, Job, Repo, Run
from .model import Reply
from .node_process import Answered, NodeProcess, ask, free_ports
from .stack_journal import Sent, Violation, sent, violations

INSTALLED = Path(__file__).parents[2] / ".stand-ins" / "node_modules"
"""Where `make stand-ins` puts them."""

_PROGRAMS = {
    "emulate": "emulate/dist/index.js",
    "prism": "@stoplight/prism-cli/dist/index.js",
    "mountebank": "mountebank/bin/mb",
    "aimock": "@copilotkit/aimock/dist/cli.js",
}
_REPOLINTER = "repolinter/bin/repolinter.js"
_DESCRIPTION = "@octokit/openapi/generated/api.github.com.json"


def interpreter() -> str | None:
    """The Node that runs the stack: the one that was installed with it, where the machine's is too old, or that."""
    own = next(INSTALLED.glob("node-*-*/bin/node"), None)
    return shutil.which("node") if own is None else str(own)


def missing() -> str | None:
    """What the stack lacks on this machine, in words; None if nothing."""
    if interpreter() is None:
        return "node is not installed"
    if not all((INSTALLED / path).exists() for path in (*_PROGRAMS.values(), _DESCRIPTION, _REPOLINTER)):
        return "the stand-ins are not installed: make stand-ins"
    return None


class NodeStack:
    """The stack, with one repository whose only commit emulate makes up.

    Attributes:
        repo: What it is told of the repository: comments, runs.

    Args:
        folder: Where its files are.
        slug: The repository, `owner/name`.
        models: What the model server lists.
    """

    def __init__(self, folder: Path, slug: str = "acme/widget", *, models: Sequence[str] = ("qwen3-8b",)) -> None:
        self.repo = Repo(1, slug)
        self._models = tuple(models)
        self._folder = folder
        self._ids = count(1)
        self._troubles: list[Trouble] = []
        self._violations: list[Violation] = []  # what mountebank forgets with its stubs
        self._ends = ExitStack()
        ports = free_ports(7)
        self._front, self._prism, self._back, self._emulate, self._logs, self._mountebank, self._model = ports

    @property
    def github_url(self) -> str:
        """What a client takes for https://api.github.com."""
        return _at(self._front)

    @property
    def model_url(self) -> str:
        """The base address of the model server."""
        return f"{_at(self._model)}/v1"

    def __enter__(self) -> Self:
        with self._ends as ends:
            for process in [ends.enter_context(process) for process in self._processes()]:
                process.wait_until_ready()
            for imposter in self._imposters().items():
                self._set_imposter(*imposter)
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def seed(
        self, *, pulls: Sequence[tuple[str, str]] = (), comments: Sequence[Comment] = (), runs: Sequence[Run] = ()
    ) -> list[int]:
        """Add to what GitHub has.

        Args:
            pulls: Heads and bases of pull requests to open.
            comments: Review comments; those without an id get one.
            runs: Runs of workflows, oldest first; their jobs without an id get one.

        Returns:
            The numbers of the pull requests.
        """
        for comment in comments:
            comment.id = comment.id or next(self._ids)
        for job in (job for run in runs for job in run.jobs):
            job.id = job.id or next(self._ids)
        self.repo.comments += comments
        self.repo.runs += runs
        self._set_stubs()
        return [self._open_pull(head, base) for head, base in pulls]

    def run(self, branch: str, *jobs: Job, conclusion: str | None = "failure", workflow: str = "ci") -> Run:
        """A run of a workflow, for `seed`."""
        return Run(next(self._ids), workflow, branch, "0" * 40, conclusion, "push", 1, jobs, workflow_id=1)

    def trouble(self, *troubles: Trouble) -> None:
        """What goes wrong from now on, each as often as it says; where several fit, the first of them."""
        self._troubles += troubles
        self._set_stubs()

    def model_script(self, script: Mapping[str, Sequence[Reply | str]]) -> None:
        """What the model answers from now on: role to replies in order. A call without one gets a 503.

        Of a reply the text, `finish`, `reasoning` and `status` count.
        """
        fixtures = [
            {"match": {"systemMessage": f"ROLE: {role}\n", "sequenceIndex": number}, "response": _said(reply)}
            for role, replies in script.items()
            for number, reply in enumerate(replies)
        ]
        _accepted(ask("POST", f"{_at(self._model)}/__aimock/reset"))
        _accepted(ask("POST", f"{_at(self._model)}/__aimock/fixtures", {"fixtures": [*fixtures, *self._listing()]}))

    def github(self, method: str, path: str, document: object = None) -> Any:
        """Do something at emulate directly, unseen by the journal: merge a pull request, look at one.

        Raises:
            RuntimeError: It refuses.
        """
        return _accepted(
            ask(method, f"{_at(self._emulate)}{path}", document, {"authorization": f"Bearer {TOKEN}"})
        ).json()

    def journal(self) -> list[Sent]:
        """The requests to GitHub, in order."""
        return [sent(request) for request in self._imposter(self._front)["requests"]]

    def log_journal(self) -> list[Sent]:
        """The requests to where the logs are, in order."""
        return [sent(request) for request in self._imposter(self._logs)["requests"]]

    def model_journal(self) -> list[Mapping[str, Any]]:
        """The requests to the model, in order, as aimock keeps them: `headers`, `body`, `response`, …"""
        entries: list[Mapping[str, Any]] = ask("GET", f"{_at(self._model)}/__aimock/journal").json()
        return entries

    def violations(self) -> list[Violation]:
        """Where requests broke GitHub's description of its API; a client that does not has none."""
        now = [found for stub in self._imposter(self._front)["stubs"] for found in violations(stub)]
        return [*self._violations, *now]

    def printed(self) -> str:
        """What all of its servers have printed, for whoever looks for what went wrong."""
        return "".join(
            f"--- {log.name}\n{log.read_text(errors='replace')}" for log in sorted(self._folder.glob("*.log"))
        )

    def _processes(self) -> Iterator[NodeProcess]:
        contract, seed, fixtures = (self._folder / name for name in ("github.json", "seed.yaml", "fixtures.json"))
        contract.write_text(json.dumps(trimmed(INSTALLED / _DESCRIPTION)))
        seed.write_text(json.dumps(self._emulate_seed()))  # JSON is YAML
        fixtures.write_text(json.dumps({"fixtures": self._listing()}))
        emulate = ["start", "--service", "github", "--port", str(self._emulate), "--seed", str(seed)]
        yield self._process("emulate", [*emulate, "--base-url", self.github_url], f"{_at(self._emulate)}/user")
        prism = ["proxy", "--host", "127.0.0.1", "--port", str(self._prism), str(contract), _at(self._back)]
        yield self._process("prism", prism, f"{_at(self._prism)}/")
        mountebank = ["start", "--port", str(self._mountebank), "--host", "127.0.0.1", "--nologfile"]
        yield self._process("mountebank", mountebank, f"{_at(self._mountebank)}/imposters")
        aimock = ["--port", str(self._model), "--host", "127.0.0.1", "--fixtures", str(fixtures), "--strict"]
        yield self._process("aimock", aimock, f"{_at(self._model)}/__aimock/health")

    def _process(self, name: str, arguments: Sequence[str], ready_at: str) -> NodeProcess:
        program = str(INSTALLED / _PROGRAMS[name])
        return NodeProcess(
            interpreter() or "node", [program, *arguments], folder=self._folder, name=name, ready_at=ready_at
        )

    def _emulate_seed(self) -> Mapping[str, object]:
        owner, _, name = self.repo.slug.partition("/")
        repo = {"owner": owner, "name": name, "auto_init": True}
        users = [{"login": login} for login in (LOGIN, owner)]
        return {"tokens": {TOKEN: {"login": LOGIN, "scopes": ["repo"]}}, "github": {"users": users, "repos": [repo]}}

    def _listing(self) -> list[Mapping[str, object]]:
        """Answers to nobody: aimock lists the models that its answers are for, and does not start without any."""
        nobody = {"systemMessage": "ROLE: nobody"}
        return [{"match": {**nobody, "model": model}, "response": {"content": "…"}} for model in self._models]

    def _imposters(self) -> Mapping[int, Sequence[imposters.Stub]]:
        to_prism, to_emulate = _at(self._prism), _at(self._emulate)
        troubles = [imposters.trouble(one, to_prism) for one in self._troubles]
        redirects = imposters.log_redirects(self.repo, _at(self._logs))
        pulls = {comment.pull for comment in self.repo.comments}
        reviews = [stub for pull in pulls for stub in imposters.comments(self.repo, pull)]
        return {
            self._front: [*troubles, *redirects, imposters.NO_GRAPHQL, imposters.onward(to_prism)],
            self._back: [*reviews, *imposters.runs(self.repo), imposters.onward(to_emulate)],
            self._logs: imposters.logs(self.repo),
        }

    def _set_imposter(self, port: int, stubs: Sequence[imposters.Stub]) -> None:
        _accepted(ask("POST", f"{_at(self._mountebank)}/imposters", imposters.imposter(port, stubs)))

    def _set_stubs(self) -> None:
        self._violations = self.violations()
        for port, stubs in self._imposters().items():
            _accepted(ask("PUT", f"{_at(self._mountebank)}/imposters/{port}/stubs", {"stubs": list(stubs)}))

    def _imposter(self, port: int) -> Any:
        return _accepted(ask("GET", f"{_at(self._mountebank)}/imposters/{port}")).json()

    def _open_pull(self, head: str, base: str) -> int:
        made = self.github("POST", f"/repos/{self.repo.slug}/pulls", {"title": "A change", "head": head, "base": base})
        return int(made["number"])


def _at(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _accepted(reply: Answered) -> Answered:
    if reply.status >= 400:
        raise RuntimeError(f"a stand-in refuses: {reply.status} {reply.body[:1000]!r}")
    return reply


def _said(reply: Reply | str) -> Mapping[str, object]:
    one = Reply(reply) if isinstance(reply, str) else reply
    if one.status != 200:
        return {"error": {"message": one.text}, "status": one.status}
    thought = {"reasoning": one.reasoning} if one.reasoning else {}
    return {"content": one.text, "finishReason": one.finish, **thought}
