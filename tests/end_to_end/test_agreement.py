"""The checks agree with tools that others wrote, where both look at the same thing: zizmor and repolinter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stand_ins.node_stack import INSTALLED, interpreter

from .world import URL, World

SHA = "0123456789abcdef0123456789abcdef01234567"
HEAD_CHECKOUT = "{ref: '${{ github.event.pull_request.head.sha }}'}"


def workflow(*steps: str, on: str = "push", top: str = "permissions: {contents: read}") -> str:
    lines = [f"on: {on}", top, "jobs:", "  build:", "    runs-on: ubuntu-latest", "    steps:"]
    return "\n".join([*lines, *(f"      {step}" for step in steps)]) + "\n"


WORKFLOWS = {
    "quiet": workflow("- run: make test"),
    "pinned": workflow(f"- uses: actions/checkout@{SHA}", "- run: make test"),
    "by tag": workflow("- uses: actions/checkout@v4", "- run: make test"),
    "half pinned": workflow(f"- uses: actions/checkout@{SHA}", "- uses: acme/build@main"),
    "title in a script": workflow('- run: echo "${{ github.event.issue.title }}"', on="issues"),
    "title in a variable": workflow(
        "- run: echo $TITLE", "  env: {TITLE: '${{ github.event.issue.title }}'}", on="issues"
    ),
    "branch name in a script": workflow("- run: git checkout ${{ github.head_ref }}", on="pull_request"),
    "stranger's code with rights": workflow(
        f"- uses: actions/checkout@{SHA}", f"  with: {HEAD_CHECKOUT}", on="pull_request_target"
    ),
}


@pytest.fixture
def zizmor(require_program: Callable[[str], str], tmp_path: Path) -> Callable[[str], set[str]]:
    """The names of what zizmor finds in a workflow."""
    beside = Path(sys.executable).with_name("zizmor")
    program = str(beside) if beside.exists() else require_program("zizmor")

    def look(text: str) -> set[str]:
        path = tmp_path / "looked-at" / ".github" / "workflows" / "ci.yml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
        # Its exit code tells how bad the worst of it is.
        done = subprocess.run(
            [program, "--offline", "--no-progress", "--format", "json", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.startswith("["), done.stderr
        return {finding["ident"] for finding in json.loads(done.stdout)}

    return look


def scores(world: World) -> dict[str, float | None]:
    done = world.gitoma("analyze", URL)
    assert done.code == 0, done.err
    found: dict[str, float | None] = done.result["checks"]
    return found


@pytest.mark.parametrize("text", WORKFLOWS.values(), ids=WORKFLOWS.keys())
def test_what_is_dangerous_or_unpinned_is_so_to_zizmor(
    text: str, world: World, zizmor: Callable[[str], set[str]]
) -> None:
    world.repo({".github/workflows/ci.yml": text})

    ours, theirs = scores(world), zizmor(text)

    if ours["Dangerous-Workflow"] == 0:
        assert theirs & {"dangerous-triggers", "template-injection"}
    assert (ours["Pinned-Dependencies"] not in (None, 10)) == ("unpinned-uses" in theirs)


def test_the_workflows_are_of_both_kinds(world: World) -> None:
    kinds = set()
    for number, text in enumerate(WORKFLOWS.values()):
        world.repo({".github/workflows/ci.yml": text}, slug=f"acme/widget{number}")
        found = world.gitoma("analyze", f"{URL}{number}").result["checks"]
        kinds.add((found["Dangerous-Workflow"], found["Pinned-Dependencies"]))

    assert {danger for danger, _ in kinds} == {0, 10}
    assert {pinned for _, pinned in kinds} == {None, 0, 5, 10}


PRESENCE = {
    "license-file-exists": "License",
    "readme-file-exists": "Readme",
    "contributing-file-exists": "Contributing",
    "code-of-conduct-file-exists": "Code-Of-Conduct",
    "changelog-file-exists": "Changelog",
    "security-file-exists": "Security-Policy",
    "github-issue-template-exists": "Issue-Template",
    "github-pull-request-template-exists": "Pull-Request-Template",
}
"""repolinter's rules, and our checks that give nothing where such a file is missing."""

POLICY = "Report vulnerabilities to security@example.org.\n"

EVERYTHING = {
    "LICENSE": "x\n",
    "README.md": "# x\n",
    "CONTRIBUTING.md": "x\n",
    "CODE_OF_CONDUCT.md": "x\n",
    "CHANGELOG.md": "x\n",
    "SECURITY.md": POLICY,
    ".github/ISSUE_TEMPLATE/bug_report.md": "x\n",
    ".github/PULL_REQUEST_TEMPLATE.md": "x\n",
}
PROJECTS = {
    "nothing": {"main.py": "x = 1\n"},
    "everything": EVERYTHING,
    "in .github": {
        ".github/CONTRIBUTING.md": "x\n",
        ".github/SECURITY.md": POLICY,
        ".github/CODE_OF_CONDUCT.md": "x\n",
        ".github/pull_request_template.md": "x\n",
    },
    "some, in other cases": {"readme.rst": "x\n", "License.txt": "x\n", "Changelog.md": "x\n"},
    "in docs": {"docs/CONTRIBUTING.md": "x\n", "docs/CODE_OF_CONDUCT.md": "x\n", "docs/SECURITY.md": POLICY},
}


@pytest.mark.parametrize("files", PROJECTS.values(), ids=PROJECTS.keys())
@pytest.mark.usefixtures("needs_stand_ins")
def test_a_file_is_there_for_us_where_it_is_there_for_repolinter(
    files: dict[str, str], world: World, tmp_path: Path
) -> None:
    world.repo(files)

    ours = {name for name, score in scores(world).items() if score and name in PRESENCE.values()}

    theirs = repolinter(files, tmp_path / "looked-at")
    assert ours == {check for rule, check in PRESENCE.items() if rule in theirs}


def repolinter(files: dict[str, str], folder: Path) -> set[str]:
    """The rules that these files pass."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    program = INSTALLED / "repolinter" / "bin" / "repolinter.js"
    done = subprocess.run(
        [interpreter() or "node", str(program), "lint", str(folder), "--format", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = json.loads(done.stdout)["results"]
    return {one["ruleInfo"]["name"] for one in found if one["status"] == "PASSED"}
