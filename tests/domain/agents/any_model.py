"""A model that says anything: what was asked for, what was never asked for, what is no answer, and every error."""

import json
import re
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

from gitoma.adapters.testing.agent_worlds import CREDENTIAL, AgentWorld
from gitoma.adapters.testing.language_models import Saying, ScriptedModel
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.agents.health.catalogue import CHECKS
from gitoma.domain.agents.language_model import ChatRequest, Finish, Role

HOSTILE_PATHS = (
    *("../x.md", "/etc/passwd", "~/x", "a/../../x", "foo/../.github/workflows/x.yml", "C:\\x", "a\\b.py", "", "."),
    *(".git/config", ".GIT/config", ".git /config", "GIT~1/config", ".github/workflows/ci.yml", ".github/Workflows/x"),
    *(".env", ".env.local", "poetry.lock", "Package-Lock.json", ".gitmodules", "CODEOWNERS", "key.pem", ".npmrc"),
    *("link", "link/x.py", "LINK/x.py", "module/x.py", "one.py/x.py", "SECURITY.md/x", "security.md", "README.MD"),
    *("pyproject.toml", "setup.py", "x\u202e.py", "x\0.py", "x\ud800.py", "\uff33ECURITY.md", "SECURITY.md.", "a//b"),
    *("x" * 300, f"{CREDENTIAL}.md"),
)
"""Paths that nobody may write, or not for this."""

GOOD_PATHS = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "README.md", "one.py", "tests/test_one.py")

LINES = st.sampled_from(
    (
        *(
            "",
            "# Widget",
            "    return 1",
            "def one():",
            "    pass",
            "import os",
            "import numpy",
            "text",
            "```",
            "- item",
        ),
        *("# ... rest unchanged ...", "x = (", f"token = '{CREDENTIAL}'", "ghp_" + "a1B2" * 9, "a\u202eb", "a\u200bb"),
        *(
            "<<<<<<< SEARCH",
            "=======",
            ">>>>>>> REPLACE",
            "FILE: .env",
            "DELETE: README.md",
            "NO_CHANGE",
            "\0",
            "\ud800",
        ),
        *("- item", "\ud800", "\r", "\x1b[2J", "-----BEGIN PRIVATE KEY-----", "x" * 3000, "\n" * 500),
    )
)
TEXTS = st.lists(LINES, max_size=6).map("\n".join)
WORDS = TEXTS | st.text(max_size=30)

_T = TypeVar("_T")


def mostly(often: st.SearchStrategy[_T], *seldom: st.SearchStrategy[_T], times: int) -> st.SearchStrategy[_T]:
    """One of these, the first so many times as often as each other: `one_of` counts a strategy once."""
    choices = [*[often] * times, *seldom]
    return st.sampled_from(range(len(choices))).flatmap(choices.__getitem__)


_ASKED = re.compile(r"(?:Change|Change or make) only: ([^\n]*?)[.;](?: |\n|$)")
_CHECKS = st.sampled_from([check.name for check in CHECKS])


def _paths_of(question: ChatRequest) -> st.SearchStrategy[str]:
    """Most often what is asked for."""
    found = _ASKED.search(question.user)
    asked = st.sampled_from(found[1].split(", ")) if found else st.sampled_from(GOOD_PATHS)
    return mostly(asked, st.sampled_from(GOOD_PATHS), st.sampled_from(HOSTILE_PATHS), times=6)


_TASKS = st.fixed_dictionaries(
    {
        "check": _CHECKS | WORDS,
        "title": WORDS | st.none(),
        "instruction": WORDS,
        "files": st.lists(st.sampled_from(GOOD_PATHS) | st.sampled_from(HOSTILE_PATHS), max_size=4) | WORDS,
    }
)
_GOOD_TASKS = st.sampled_from(
    [
        {"check": check, "title": f"Mend {check}", "instruction": f"Use {CREDENTIAL}.", "files": [path]}
        for check, path in (
            ("Security-Policy", "SECURITY.md"),
            ("Contributing", "CONTRIBUTING.md"),
            ("Changelog", "CHANGELOG.md"),
            ("Readme", "README.md"),
            ("Tests", "tests/test_one.py"),
            ("Dependency-Update-Tool", ".github/dependabot.yml"),
        )
    ]
)
_PLANS = st.lists(mostly(_GOOD_TASKS, _TASKS, st.none(), times=4), max_size=7).map(
    lambda tasks: json.dumps({"tasks": tasks})
)
_VERDICTS = st.fixed_dictionaries(
    {"verdict": st.sampled_from(["approve"] * 5 + ["revise", "hm"]), "reason": WORDS},
    optional={"must_change": st.just([]) | st.lists(WORDS, max_size=3)},
).map(json.dumps)


_BLOCK = "FILE: {}\n<<<<<<< SEARCH\n{}=======\n{}\n>>>>>>> REPLACE\n".format


def _good_block(path: str) -> str:
    """One that may be taken, where the path is one that was asked for."""
    match path:
        case "one.py" | "two.py":
            number = 1 + (path == "two.py")
            return _BLOCK(path, f"    return {number}\n", f"    return {number}0")
        case "README.md":
            return _BLOCK(path, "# Widget\n", "# Widget\n\n## Install\n\n    pip install widget")
        case "pyproject.toml":
            return _BLOCK(path, "name = 'widget'\n", "name = 'widget'\nversion = '1'")
        case _ if path.endswith(".py"):
            return _BLOCK(path, "", "def test_one():\n    assert True")
        case _:
            return _BLOCK(path, "", "# How to\n\nWrite to us.")


def _blocks(question: ChatRequest) -> st.SearchStrategy[str]:
    paths = _paths_of(question)
    searched = st.sampled_from(["", "    return 1\n", "# Widget\n"]) | TEXTS.map("{}\n".format)
    block = st.builds(_BLOCK, paths, searched, TEXTS)
    piece = mostly(block, paths.map("DELETE: {}\n".format), WORDS, times=6)
    good = paths.map(_good_block)
    return mostly(good, st.lists(good | piece, min_size=1, max_size=3).map("".join), times=1)


def _fit(question: ChatRequest) -> st.SearchStrategy[str]:
    """An answer of the kind that is asked for."""
    match question.role:
        case Role.PLANNER:
            return _PLANS
        case Role.CRITIC:
            return _VERDICTS
        case Role.WORKER | Role.FIXER:
            return mostly(_blocks(question), WORDS.map("NO_CHANGE: {}".format), times=12)


_WRAPPED: list[Callable[[str], Saying]] = [
    *[Saying] * 24,
    lambda text: Saying(f"<think>hm</think>{text}"),
    lambda text: Saying(f"Sure!\n```\n{text}\n```\nDone."),
    lambda text: Saying(text.replace("\n", "\r\n")),
    lambda text: Saying(text, finish=Finish.LENGTH),
    lambda text: Saying(text[: len(text) // 2]),
    lambda text: Saying("", reasoning=text),
    lambda text: Saying(text * 50),
]
_ERRORS = st.sampled_from([AgentError(code, f"{code.text} {CREDENTIAL}", hint="no") for code in Code])
_TIMES = st.sampled_from([0.0] * 30 + [100.0, 3000.0])


def _sayings(question: ChatRequest) -> st.SearchStrategy[Saying | AgentError]:
    fit = st.builds(lambda wrap, text: wrap(text), st.sampled_from(_WRAPPED), _fit(question))
    lost = st.sampled_from([AgentError(code, "lost") for code in (Code.MODEL_EMPTY, Code.MODEL_RUNAWAY)])
    return mostly(fit, WORDS.map(Saying), lost, _ERRORS, times=24)


def any_model(data: st.DataObject, world: AgentWorld) -> ScriptedModel:
    """A model that says what is drawn, and takes its time.

    Args:
        data: Draws.
        world: Whose clock goes on.
    """

    def say(question: ChatRequest) -> Saying | AgentError:
        world.clock.pass_(data.draw(_TIMES))
        return data.draw(_sayings(question))

    return ScriptedModel(say, context_tokens=data.draw(st.sampled_from([None, 1, 4096, 8192, 32_768])))
