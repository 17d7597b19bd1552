"""What the demonstration plays: a small repository, and the answers of a model that makes a mistake now and then."""

from __future__ import annotations

import json

from tests.stand_ins.model import Call

SLUG = "acme/widget"

FILES = {
    "README.md": "# widget\n\nCounts widgets.\n",
    "pyproject.toml": '[project]\nname = "widget"\nversion = "0.1"\n',
    "src/widget/__init__.py": "",
    "src/widget/count.py": (
        '"""Counting."""\n\n\n'
        "def count(widgets: list[str]) -> int:\n"
        '    """How many there are, each once."""\n'
        "    return len(set(widgets))\n"
    ),
    ".gitignore": "__pycache__/\n.venv/\n",
}

PLAN = {
    "tasks": [
        {
            "check": "Tests",
            "title": "Test the counting",
            "instruction": "Test count with doubles, and with nothing.",
            "files": ["tests/test_count.py"],
        },
        {
            "check": "Security-Policy",
            "title": "Say how to report a vulnerability",
            "instruction": "Name an address, and when to expect an answer.",
            "files": ["SECURITY.md"],
        },
        {
            "check": "Dependency-Update-Tool",
            "title": "Let Dependabot propose updates",
            "instruction": "Weekly.",
            "files": [".github/dependabot.yml"],
        },
        {
            "check": "License",
            "title": "Choose a licence",
            "instruction": "MIT.",
            "files": ["LICENSE"],
        },
    ]
}

TESTS = '''\
"""The counting, tested."""

from widget.count import count


def test_doubles_count_once() -> None:
    assert count(["a", "b", "a"]) == 2


def test_nothing_is_none() -> None:
    assert count([]) == 0
'''

POLICY = """\
# Security policy

Please report vulnerabilities to security@widget.example, not in a public issue.

You get an answer within 3 days. We fix what is confirmed and disclose it together with you within 90 days.
"""


def answer(call: Call) -> str:
    """What the model says to one question."""
    if call.role == "planner":
        return f"<think>What is missing? Tests, mostly.</think>\n```json\n{json.dumps(PLAN, indent=1)}\n```"
    if "tests/test_count.py" in call.user.partition("\n\n")[0]:
        return whole_file("tests/test_count.py", TESTS)
    if call.number == 1:  # the first time, it breaks out of its task: that is refused, and it learns
        return whole_file(".github/workflows/ci.yml", "on: push\n")
    return whole_file("SECURITY.md", POLICY)


def whole_file(path: str, text: str) -> str:
    """An answer that makes one file."""
    return f"FILE: {path}\n<<<<<<< SEARCH\n=======\n{text}>>>>>>> REPLACE\n"
