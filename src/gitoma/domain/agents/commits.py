"""The messages of the agents' commits: in our words, never in a model's."""

from __future__ import annotations

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


def _place(files: tuple[str, ...]) -> str:
    """The name of the one file, if it is an ordinary name."""
    name = files[0].rpartition("/")[2] if files else ""
    plain = name.isascii() and all(character.isalnum() or character in "._-" for character in name)
    return name if plain and len(set(files)) == 1 and name else "files"
