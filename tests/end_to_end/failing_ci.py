"""A branch whose CI fails: what the tests of `fix-ci` begin with."""

from __future__ import annotations

from tests.stand_ins.git_host import BareRepo
from tests.stand_ins.github_documents import Job

from .world import SLUG, World, block, verdict

TOTAL = "def total(items):\n    return sum(items[:-1])\n"
TEST = "from src.total import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n"

LOG = """\
2026-04-21T10:00:00.0000000Z ##[group]Run pytest
2026-04-21T10:00:00.0000000Z pytest
2026-04-21T10:00:00.0000000Z ##[endgroup]
2026-04-21T10:00:01.0000000Z =================================== FAILURES ===================================
2026-04-21T10:00:01.0000000Z __________________________________ test_total __________________________________
2026-04-21T10:00:01.0000000Z >       assert total([1, 2]) == 3
2026-04-21T10:00:01.0000000Z E       assert 1 == 3
2026-04-21T10:00:01.0000000Z tests/test_total.py:5: AssertionError
2026-04-21T10:00:01.0000000Z FAILED tests/test_total.py::test_total - assert 1 == 3
2026-04-21T10:00:02.0000000Z ##[error]Process completed with exit code 1.
"""

NAMELESS_LOG = "2026-04-21T10:00:01.0000000Z boom\n2026-04-21T10:00:02.0000000Z ##[error]exit code 1\n"
WORKFLOW_LOG = (
    "2026-04-21T10:00:01.0000000Z ##[error]Unable to resolve action `acme/gone@v1`, repository not found\n"
    "2026-04-21T10:00:01.0000000Z ##[error].github/workflows/ci.yml (Line: 7, Col: 9)\n"
)


def returning(value: str) -> str:
    """A fixer's answer: what `total` is to return."""
    return block("src/total.py", "    return sum(items[:-1])\n", f"    return {value}\n")


FIX = returning("sum(items)")
UNBALANCED = returning("sum(items")
WRONG = returning("sum(items) or 1")
APPROVED = verdict(True)


class FailingCi:
    """A repository whose CI fails on the branch `topic`, or wherever else it is said to.

    Attributes:
        repo: The repository.
        begun: Where `topic` was in the beginning.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.repo: BareRepo = world.repo(
            {"README.md": "# widget\n", "src/total.py": TOTAL, "tests/test_total.py": TEST}
        )
        self.begun = self.repo.commit({"NEWS.md": "# News\n"}, branch="topic", message="Begin a topic")

    def fails(self, *jobs: Job, branch: str = "topic", **about: str | None) -> None:
        """CI has run on a branch, and failed; if nothing else is said, in one job, with `LOG`."""
        self._world.github.add_run(SLUG, branch, jobs=jobs or [Job("test", log=LOG)], **about)

    @property
    def sha(self) -> str:
        """Where `topic` is now."""
        sha = self.repo.sha("topic")
        assert sha is not None
        return sha

    @property
    def pushed(self) -> list[str]:
        """The subjects of the commits that have come to `topic`."""
        return [commit.subject for commit in self.repo.log("topic", since=self.begun)]

    def code(self, branch: str = "topic") -> str:
        """What is on a branch now."""
        return self.repo.files(branch)["src/total.py"].decode()
