"""What can go wrong in an agent: a closed set of codes, and the exit code that each means.

An `AgentError` is for the person who started the agent: it says what happened and, in `hint`, what to do about it. Its
code is for programs. A cancelled agent is no error and is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from gitoma.domain.errors import GitomaError


class Code(Enum):
    """Why an agent ended without success; the second value is the exit code of its process.

    1: the work failed · 2: it was asked for wrongly · 3: the installation lacks something · 4: the code host refused ·
    5: somebody else works on the repository.
    """

    USAGE = ("usage", 2)
    CONFIG = ("config", 3)
    MODEL_UNAVAILABLE = ("model_unavailable", 3)
    MODEL_MISSING = ("model_missing", 3)
    CONTEXT_EXCEEDED = ("context_exceeded", 3)
    AUTH = ("auth", 4)
    FORBIDDEN = ("forbidden", 4)
    NOT_FOUND = ("not_found", 4)
    RATE_LIMITED = ("rate_limited", 4)
    ARCHIVED = ("archived", 4)
    BRANCH_EXISTS = ("branch_exists", 4)
    BRANCH_MOVED = ("branch_moved", 4)
    PROTECTED = ("protected", 4)
    REPO_BUSY = ("repo_busy", 5)
    TOO_LARGE = ("too_large", 1)
    GIT_FAILED = ("git_failed", 1)
    NETWORK = ("network", 1)
    MODEL_EMPTY = ("model_empty", 1)
    MODEL_RUNAWAY = ("model_runaway", 1)
    NO_FIX = ("no_fix", 1)
    NO_PULL = ("no_pull", 1)
    BUDGET = ("budget", 1)
    NEEDS_HUMAN = ("needs_human", 1)
    PARTIAL = ("partial", 1)
    INTERNAL = ("internal", 1)

    def __init__(self, text: str, exit_code: int) -> None:
        self.text = text
        self.exit_code = exit_code


class AgentError(GitomaError):
    """An agent's work ended without success.

    Args:
        code: Which of the known ways.
        message: One line: what happened. No credentials.
        hint: One line: what to do about it, or "".
        details: Lines that git printed about it, oldest first. No credentials.
        reached: What was reached before, for the result: a branch, a pull request, counts.
        spent_tokens: How many tokens a model had answered by then: an answer of no use costs as much as another.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        hint: str = "",
        details: tuple[str, ...] = (),
        reached: Mapping[str, object] | None = None,
        spent_tokens: int = 0,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.details = details
        self.reached: Mapping[str, object] = dict(reached or {})
        self.spent_tokens = spent_tokens
