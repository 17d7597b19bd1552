"""The messages of the agents' commits: in our words, never in a model's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gitoma.domain.agents.plan import Subtask

SUBJECT_MAX = 72
"""The longest first line, in characters: what git and its hosts show of one."""

_SUBJECTS: Mapping[str, str] = MappingProxyType(
    {
        "Dependency-Update-Tool": "build(deps): let Dependabot propose updates",
        "Security-Policy": "docs(security): say how to report a vulnerability",
        "Readme": "docs(readme): say more about what it is and how to use it",
        "Contributing": "docs(contributing): say how to contribute",
        "Issue-Template": "docs(github): ask for what a bug report needs",
        "Pull-Request-Template": "docs(github): ask for what a pull request needs",
        "Changelog": "docs(changelog): tell what changed",
        "Tests": "test({place}): add tests",
        "Lint-And-Types": "build(lint): configure a linter",
        "Manifest": "build({place}): complete the metadata",
        "Valid-Syntax": "fix({place}): make it parse again",
        "Repo-Hygiene": "chore(git): ignore what is built or left behind",
    }
)


def commit_message(task: Subtask, run_id: str) -> str:
    """`type(scope): what`, and trailers that say which run and which task it is of.

    Args:
        task: The task that is done; of its words only names of files are used.
        run_id: The run's id.
    """
    pattern = _SUBJECTS.get(task.check, "chore({place}): improve what a check found")
    subject = pattern.format(place=_place(task.files))
    if len(subject) > SUBJECT_MAX:
        subject = pattern.format(place="files")
    return f"{subject}\n\nGitoma-Run: {run_id}\nGitoma-Task: {task.id} {task.check}\n"


def fix_message(job: str, ci_run: int) -> str:
    """The message of a commit that mends a failed CI job.

    Args:
        job: The job's name; whoever wrote the workflow chose it.
        ci_run: The number of the run that failed.
    """
    subject = _cut(f"fix(ci): {_plain(job) or 'a failed job'}")
    return f"{subject}\n\nGitoma-CI-Run: {ci_run}\n"


def review_message(path: str, comment: int) -> str:
    """The message of a commit that does what a review asked for.

    Args:
        path: The file that was commented on.
        comment: The number of the comment that began the thread.
    """
    name = _plain(path.rpartition("/")[2]) or "a file"
    subject = _cut(f"fix(review): do what was asked of {name}")
    return f"{subject}\n\nGitoma-Comment: {comment}\n"


_ODD = re.compile(r"[^A-Za-z0-9 ._(),+/-]+")


def _plain(text: str) -> str:
    """Somebody else's words in ours: no mention, no reference, no `[skip ci]`, nothing but one line."""
    return " ".join(_ODD.sub(" ", text[: 4 * SUBJECT_MAX]).split())


def _cut(subject: str) -> str:
    return subject if len(subject) <= SUBJECT_MAX else f"{subject[: SUBJECT_MAX - 1].rstrip()}…"


def _place(files: tuple[str, ...]) -> str:
    """The name of the one file, if it is an ordinary name."""
    name = files[0].rpartition("/")[2] if files else ""
    plain = name.isascii() and all(character.isalnum() or character in "._-" for character in name)
    return name if plain and len(set(files)) == 1 and name else "files"
