"""What a CI configuration says, read once for all the checks that ask.

GitHub workflows are taken apart in full. Of the other systems' files only the scripts are taken. Everything here is
total: a file may hold anything at all in any place, and what does not have the expected form is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.health.words import words

_WORKFLOW = re.compile(r"\.github/workflows/[^/]+\.ya?ml", re.I)
_OTHER_CI = (
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    ".cirrus.yml",
    "appveyor.yml",
    ".appveyor.yml",
    ".buildkite/pipeline.yml",
    ".drone.yml",
    ".woodpecker.yml",
    "bitbucket-pipelines.yml",
)
_JENKINSFILE = "Jenkinsfile"
_JENKINS_STEP = re.compile(r"""\b(?:sh|bat|powershell)\b\s*\(?\s*(?:script:\s*)?(['"]{3}|['"])(.{0,1000}?)\1""", re.S)
_SCRIPT_KEYS = words(
    "run script before_script after_script command commands bash sh powershell pwsh test_script build_script"
)
_SCRIPT_INPUTS = ("run", "command", "script")  # inputs under which actions take a shell command
_REFERENCE_MAX = 300  # characters of a `uses:`; patterns are matched against it
_MAX_DEPTH = 12  # deeper than any CI file nests its scripts


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """One step of a job, or the one call that a job of a reusable workflow makes."""

    uses: str
    run: str
    inputs: dict[str, str]


@dataclass(frozen=True, slots=True)
class WorkflowJob:
    """One job. `permissions` is None where it declares none."""

    name: str
    permissions: str | dict[str, str] | None
    steps: tuple[WorkflowStep, ...]


@dataclass(frozen=True, slots=True)
class Workflow:
    """One GitHub workflow. `permissions` is None where it declares none at its top."""

    path: str
    triggers: frozenset[str]
    permissions: str | dict[str, str] | None
    jobs: tuple[WorkflowJob, ...]

    @property
    def steps(self) -> Iterator[WorkflowStep]:
        """The steps of all jobs."""
        for job in self.jobs:
            yield from job.steps


@dataclass(frozen=True, slots=True)
class Ci:
    """Everything that runs in CI, of whatever system.

    Attributes:
        files: The configuration files.
        scripts: Shell scripts.
        actions: What is called by reference (`uses:`).
    """

    files: tuple[str, ...]
    scripts: tuple[str, ...]
    actions: tuple[str, ...]


def workflow_files(snapshot: Snapshot) -> tuple[str, ...]:
    """The paths of GitHub workflows, whether they parse or not."""
    return tuple(snapshot.matching(_WORKFLOW))


def workflows(snapshot: Snapshot) -> tuple[Workflow, ...]:
    """The GitHub workflows that can be read."""
    parsed = ((path, snapshot.yaml(path)) for path in workflow_files(snapshot))
    return tuple(_workflow(path, document) for path, document in parsed if isinstance(document, dict))


def ci(snapshot: Snapshot) -> Ci:
    """What runs in CI."""
    scripts: list[str] = []
    actions: list[str] = []
    for workflow in workflows(snapshot):
        for step in workflow.steps:
            scripts.extend(_scripts_of(step))
            actions.extend([step.uses] if step.uses else [])
    others = [path for name in _OTHER_CI if (path := snapshot.find(name))]
    for path in others:
        scripts.extend(_scripts_in(snapshot.yaml(path), _MAX_DEPTH))
    if jenkins := snapshot.find(_JENKINSFILE):
        others.append(jenkins)
        scripts.extend(match[2] for match in _JENKINS_STEP.finditer(snapshot.text(jenkins) or ""))
    return Ci((*workflow_files(snapshot), *others), tuple(scripts), tuple(actions))


def _scripts_of(step: WorkflowStep) -> Iterator[str]:
    if step.run:
        yield step.run
    if "github-script" not in step.uses:  # its script is JavaScript
        yield from (step.inputs[name] for name in _SCRIPT_INPUTS if step.inputs.get(name))


def _workflow(path: str, document: dict[str, Any]) -> Workflow:
    jobs = document.get("jobs")
    return Workflow(
        path,
        _triggers(document.get("on")),
        _permissions(document),
        tuple(_job(str(name), job) for name, job in jobs.items() if isinstance(job, dict))
        if isinstance(jobs, dict)
        else (),
    )


def _triggers(on: object) -> frozenset[str]:
    if isinstance(on, str):
        return frozenset({on})
    return frozenset(str(name) for name in on) if isinstance(on, dict | list) else frozenset()


def _permissions(holder: dict[str, Any]) -> str | dict[str, str] | None:
    declared = holder.get("permissions")
    if isinstance(declared, dict):
        return {str(scope): access for scope, access in declared.items() if isinstance(access, str)}
    return declared if isinstance(declared, str) else None


def _job(name: str, job: dict[str, Any]) -> WorkflowJob:
    steps = job.get("steps")
    found = [_step(step) for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    if _text(job.get("uses")):
        found.append(_step(job))
    return WorkflowJob(name, _permissions(job), tuple(found))


def _step(step: dict[str, Any]) -> WorkflowStep:
    inputs = step.get("with")
    pairs = inputs.items() if isinstance(inputs, dict) else ()
    return WorkflowStep(
        _text(step.get("uses")).strip()[:_REFERENCE_MAX],
        _text(step.get("run")),
        {str(name).casefold(): value for name, value in pairs if isinstance(value, str)},
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _scripts_in(node: object, depth: int) -> Iterator[str]:
    """The texts under a key that holds a script, at any depth."""
    if depth == 0:
        return
    if isinstance(node, list):
        for item in node:
            yield from _scripts_in(item, depth - 1)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in _SCRIPT_KEYS:
                yield from _texts(value, depth - 1)
            yield from _scripts_in(value, depth - 1)


def _texts(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth > 0:
        for item in value:
            yield from _texts(item, depth - 1)
