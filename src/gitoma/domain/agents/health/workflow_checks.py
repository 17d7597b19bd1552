"""The checks of what GitHub workflows may do, and to whom they give it: Scorecard's rules, on parsed files.

Checks: Dangerous-Workflow, Token-Permissions, Pinned-Dependencies, SAST.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.shell import commands
from gitoma.domain.agents.health.snapshot import Snapshot
from gitoma.domain.agents.health.words import words
from gitoma.domain.agents.health.workflows import Workflow, WorkflowStep, ci, workflow_files, workflows

_NO_WORKFLOWS = Finding(None, "no GitHub workflows")

_EXPRESSION = re.compile(r"\$\{\{(.{0,500}?)\}\}", re.S)
_INDEX = re.compile(r"""\[\s*(?:['"]([\w-]+)['"]|(\*|\d+))\s*\]""")
_UNTRUSTED = re.compile(
    r"""\bgithub\.(?:
        head_ref
      | event\.(?:
            (?:issue|pull_request|discussion)\.(?:title|body)
          | (?:comment|review|review_comment)\.body
          | pages\.(?:\*|\d+)\.page_name
          | (?:head_commit|commits\.(?:\*|\d+))\.(?:message|author\.(?:email|name))
          | pull_request\.head\.(?:ref|label|repo\.default_branch)
          | workflow_run\.(?:head_branch|display_title|head_repository\.description
                            |head_commit\.(?:message|author\.(?:email|name))
                            |pull_requests\.(?:\*|\d+)\.head\.ref)
        )
    )\b""",
    re.X,
)
_PRIVILEGED_TRIGGERS = frozenset({"pull_request_target", "workflow_run"})
_PULL_REQUEST_CODE = re.compile(
    r"github\.event\.pull_request\.(?!base\b)|github\.event\.workflow_run\.|github\.head_ref|refs/pull/"
)


def dangerous_workflow(snapshot: Snapshot) -> Finding:
    """0 if anybody's text reaches a script, or anybody's code a privileged workflow; else 10."""
    if not workflow_files(snapshot):
        return _NO_WORKFLOWS
    found = [f"{flow.path}: {danger}" for flow in workflows(snapshot) for danger in _dangers(flow)]
    if found:
        return Finding(0, f"{len(found)} ways for a stranger's text or code into a workflow", tuple(found))
    return Finding(10, "no stranger's text or code reaches a workflow")


def _dangers(workflow: Workflow) -> Iterator[str]:
    privileged = bool(_PRIVILEGED_TRIGGERS & workflow.triggers)
    for step in workflow.steps:
        for expression in _EXPRESSION.findall(_code_of(step)):
            if untrusted := _UNTRUSTED.search(_normal(expression)):
                yield f"{untrusted[0]} in a script"
        if privileged and _checks_out_a_pull_request(step):
            yield "checks out the pull request's code with the repository's rights"


def _code_of(step: WorkflowStep) -> str:
    """What the step executes: text that an expression is pasted into before anything can quote it."""
    return step.run + ("\n" + step.inputs.get("script", "") if "actions/github-script@" in step.uses else "")


def _normal(expression: str) -> str:
    """An expression with `a['b'][0]` written `a.b.0`, so that one spelling is enough to look for."""
    return _INDEX.sub(lambda match: f".{match[1] or match[2]}", expression).casefold()


def _checks_out_a_pull_request(step: WorkflowStep) -> bool:
    if not step.uses.casefold().startswith("actions/checkout@"):
        return False
    return any(_PULL_REQUEST_CODE.search(_normal(step.inputs.get(name, ""))) for name in ("ref", "repository"))


_WRITE_SCOPES = words(
    "contents packages actions checks statuses deployments security-events"
)  # what Scorecard calls dangerous at the top of a workflow


def token_permissions(snapshot: Snapshot) -> Finding:
    """0 if a workflow leaves its token's rights to the default or takes too many; 9 if only jobs say; else 10."""
    if not workflow_files(snapshot):
        return _NO_WORKFLOWS
    flows = workflows(snapshot)
    wide = [f"{flow.path}: {reason}" for flow in flows if (reason := _too_wide(flow))]
    if wide:
        return Finding(0, f"{len(wide)} of {len(flows)} workflows take more rights than they name or need", tuple(wide))
    by_job = [flow.path for flow in flows if flow.permissions is None]
    if by_job:
        return Finding(9, "rights are declared for each job only", tuple(by_job))
    return Finding(10, "every workflow declares few rights")


def _too_wide(workflow: Workflow) -> str:
    """Why a workflow's token is too powerful, or "" if it is not."""
    declared = workflow.permissions
    if declared is None:
        silent = not workflow.jobs or any(job.permissions is None for job in workflow.jobs)
        return "permissions are not declared" if silent else ""
    if isinstance(declared, str):
        return "write-all" if declared.strip() == "write-all" else ""
    scopes = sorted(scope for scope, access in declared.items() if access == "write" and scope in _WRITE_SCOPES)
    return f"write on {', '.join(scopes)} for every job" if scopes else ""


_DOCKERFILE = re.compile(r"(?:.*/)?(?:(?:Dockerfile|Containerfile)(?:\.[\w.-]+)?|[\w.-]+\.Dockerfile)", re.I)
_FROM = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)(?:[ \t]+AS[ \t]+(\S+))?", re.I | re.M)
_COMMIT = re.compile(r"@[0-9a-f]{40}(?:[0-9a-f]{24})?$")
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")


def pinned_dependencies(snapshot: Snapshot) -> Finding:
    """The share of actions that are named by commit and of base images that are named by digest."""
    pins = [*_actions(snapshot), *_images(snapshot)]
    if not pins:
        return Finding(None, "no actions and no base images")
    loose = [where for where, pinned in pins if not pinned]
    score = round(10 * (len(pins) - len(loose)) / len(pins), 1)
    return Finding(score, f"{len(pins) - len(loose)} of {len(pins)} actions and images are pinned", tuple(loose))


def _actions(snapshot: Snapshot) -> Iterator[tuple[str, bool]]:
    for flow in workflows(snapshot):
        for step in flow.steps:
            if step.uses and not step.uses.startswith("./"):
                pin = _DIGEST if step.uses.startswith("docker://") else _COMMIT
                yield f"{flow.path}: {step.uses}", bool(pin.search(step.uses))


def _images(snapshot: Snapshot) -> Iterator[tuple[str, bool]]:
    """Base images; not stages of the same file, not `scratch`, not what only the build's arguments can tell."""
    for path in snapshot.matching(_DOCKERFILE):
        stages: set[str] = set()
        for image, stage in _FROM.findall(snapshot.text(path) or ""):
            if image.casefold() not in stages | {"scratch"} and "$" not in image:
                yield f"{path}: {image}", bool(_DIGEST.search(image))
            stages.add(stage.casefold())


_SAST_ACTIONS = re.compile(
    r"(?:github/codeql-action|sonarsource|snyk|(?:returntocorp|semgrep)|zizmorcore|mdegis/bandit|pycqa/bandit)\b", re.I
)
_SAST_COMMANDS = words("semgrep bandit zizmor snyk codeql sonar-scanner gosec brakeman")


def sast(snapshot: Snapshot) -> Finding:
    """10 if CI runs a tool that looks for security mistakes in code; else 0."""
    running = ci(snapshot)
    found = [action for action in running.actions if _SAST_ACTIONS.match(action)]
    found += [run[0] for script in running.scripts for run in commands(script) if run[0] in _SAST_COMMANDS]
    if found:
        return Finding(10, "CI looks for security mistakes in code", tuple(dict.fromkeys(found)))
    return Finding(0, "CI runs no tool that looks for security mistakes in code")
