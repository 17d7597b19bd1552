"""What GitHub's REST API answers, in the fields that clients read; names and shapes are those of its description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

_BEGAN = datetime(2026, 4, 21, 10, tzinfo=UTC)


def time_of(number: int) -> str:
    """When the thing of this number was made: a minute after the one before it."""
    return (_BEGAN + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(slots=True)
class Repo:
    """A repository, and what belongs to it."""

    id: int
    slug: str
    default_branch: str = "main"
    archived: bool = False
    can_push: bool = True
    size_kib: int = 12
    pulls: list[Pull] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)


@dataclass(slots=True)
class Pull:
    """A pull request. `head_repo` is None where the fork is gone."""

    id: int
    number: int
    title: str
    body: str
    head: str
    base: str
    head_repo: str | None
    author: str
    state: str = "open"
    merged: bool = False
    draft: bool = False


@dataclass(slots=True)
class Comment:
    """A comment on a line of a pull request."""

    id: int
    pull: int
    body: str
    author: str = "ada"
    association: str = "OWNER"
    path: str = "README.md"
    line: int | None = 1
    start_line: int | None = None
    hunk: str = "@@ -0,0 +1 @@\n+# widget"
    reply_to: int | None = None


@dataclass(slots=True)
class Remark:
    """What is said about a pull request as a whole: the summary of a review in this state, or, without one, a comment
    in its conversation.
    """

    id: int
    pull: int
    body: str
    author: str = "ada"
    association: str = "OWNER"
    state: str | None = None


@dataclass(slots=True)
class Job:
    """A job of a run. `id` is given by the stand-in."""

    name: str
    conclusion: str | None = "failure"
    log: str | bytes = ""
    id: int = 0


@dataclass(slots=True)
class Run:
    """One attempt of a workflow. `conclusion` is None while it runs; `branch` is a fork's if `of_a_fork`."""

    id: int
    workflow: str
    branch: str
    sha: str
    conclusion: str | None
    event: str
    attempt: int
    jobs: Sequence[Job]
    workflow_id: int
    of_a_fork: bool = False


def user(login: str) -> dict[str, object]:
    """An account, in short."""
    kind = "Bot" if login.endswith("[bot]") else "User"
    return {"login": login, "id": 1, "type": kind, "html_url": f"https://github.com/{login}"}


def repo(one: Repo) -> dict[str, object]:
    """A repository."""
    owner, _, name = one.slug.partition("/")
    return {
        "id": one.id,
        "name": name,
        "full_name": one.slug,
        "owner": user(owner),
        "private": False,
        "html_url": f"https://github.com/{one.slug}",
        "clone_url": f"https://github.com/{one.slug}.git",
        "default_branch": one.default_branch,
        "archived": one.archived,
        "disabled": False,
        "size": one.size_kib,
        "permissions": {"admin": False, "maintain": False, "push": one.can_push, "triage": True, "pull": True},
    }


def pull(of: Repo, one: Pull, head_sha: str, base_sha: str, *, listed: bool) -> dict[str, object]:
    """A pull request. In lists GitHub says when it was merged, and not whether."""
    head_repo = None if one.head_repo is None else {"id": of.id, "full_name": one.head_repo}
    owner = (one.head_repo or "unknown").partition("/")[0]
    shown: dict[str, object] = {
        "id": one.id,
        "number": one.number,
        "url": f"https://api.github.com/repos/{of.slug}/pulls/{one.number}",
        "html_url": f"https://github.com/{of.slug}/pull/{one.number}",
        "state": one.state,
        "draft": one.draft,
        "locked": False,
        "title": one.title,
        "body": one.body,
        "user": user(one.author),
        "created_at": time_of(one.number),
        "updated_at": time_of(one.number),
        "closed_at": None if one.state == "open" else time_of(one.number + 1),
        "merged_at": time_of(one.number + 1) if one.merged else None,
        "head": {"label": f"{owner}:{one.head}", "ref": one.head, "sha": head_sha, "repo": head_repo},
        "base": {
            "label": f"{of.slug.partition('/')[0]}:{one.base}",
            "ref": one.base,
            "sha": base_sha,
            "repo": {"id": of.id, "full_name": of.slug},
        },
    }
    return shown if listed else shown | {"merged": one.merged}


def comment(of: Repo, one: Comment) -> dict[str, object]:
    """A review comment."""
    shown: dict[str, object] = {
        "id": one.id,
        "pull_request_review_id": 1,
        "path": one.path,
        "diff_hunk": one.hunk,
        "line": one.line,
        "start_line": one.start_line,
        "side": "RIGHT",
        "subject_type": "line",
        "commit_id": "0" * 40,
        "body": one.body,
        "user": user(one.author),
        "author_association": one.association,
        "html_url": f"https://github.com/{of.slug}/pull/{one.pull}#discussion_r{one.id}",
        "created_at": time_of(one.id),
        "updated_at": time_of(one.id),
    }
    return shown if one.reply_to is None else shown | {"in_reply_to_id": one.reply_to}


def remark(of: Repo, one: Remark) -> dict[str, object]:
    """The summary of a review, or a comment in the conversation."""
    kind = "issuecomment" if one.state is None else "pullrequestreview"
    shown: dict[str, object] = {
        "id": one.id,
        "node_id": str(one.id),
        "body": one.body,
        "user": user(one.author),
        "author_association": one.association,
        "html_url": f"https://github.com/{of.slug}/pull/{one.pull}#{kind}-{one.id}",
    }
    if one.state is None:
        return shown | {"created_at": time_of(one.id), "updated_at": time_of(one.id)}
    return shown | {"state": one.state, "commit_id": "0" * 40, "submitted_at": time_of(one.id)}


def run(of: Repo, one: Run) -> dict[str, object]:
    """A run of a workflow."""
    here = {"id": of.id, "name": of.slug.partition("/")[2], "full_name": of.slug}
    fork = {"id": of.id + 1_000_000, "name": here["name"], "full_name": f"somebody/{here['name']}"}
    return {
        "id": one.id,
        "repository": here,
        "head_repository": fork if one.of_a_fork else here,
        "name": one.workflow,
        "path": f".github/workflows/{one.workflow}.yml",
        "workflow_id": one.workflow_id,
        "head_branch": one.branch,
        "head_sha": one.sha,
        "event": one.event,
        "status": "in_progress" if one.conclusion is None else "completed",
        "conclusion": one.conclusion,
        "run_number": one.id,
        "run_attempt": one.attempt,
        "html_url": f"https://github.com/{of.slug}/actions/runs/{one.id}",
        "created_at": time_of(one.id),
        "updated_at": time_of(one.id),
    }


def job(of: Repo, one: Run, part: Job) -> dict[str, object]:
    """A job of a run."""
    return {
        "id": part.id,
        "run_id": one.id,
        "run_attempt": one.attempt,
        "head_sha": one.sha,
        "workflow_name": one.workflow,
        "name": part.name,
        "status": "in_progress" if part.conclusion is None else "completed",
        "conclusion": part.conclusion,
        "html_url": f"https://github.com/{of.slug}/actions/runs/{one.id}/job/{part.id}",
        "started_at": time_of(one.id),
        "completed_at": None if part.conclusion is None else time_of(one.id + 1),
        "steps": [],
    }
