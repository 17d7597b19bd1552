"""A pull request of an agent's that people have looked at: what the tests of `review` begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Event

import pytest

from tests.stand_ins.git_host import BareRepo
from tests.stand_ins.github_documents import Comment, Pull
from tests.stand_ins.server import Answer, Request, document

from .world import SLUG, World, block

BRANCH = "gitoma/improve-1"

CODE = '''\
def size(name: str) -> int:
    """How long it is."""
    return len(name)


def twice(n):
    return n + n
'''

TYPED = block("src/widget.py", "def twice(n):\n", "def twice(n: int) -> int:\n")
"""A worker's answer to whoever asks for annotations."""


class Reviewed:
    """A pull request, and the branch that it is about.

    Attributes:
        repo: The repository.
        pull: The pull request.
        begun: Where its branch was in the beginning.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.repo: BareRepo = world.repo()
        self.repo.commit({"src/widget.py": CODE}, branch=BRANCH, message="Add twice")
        self.begun = self.sha
        self.pull: Pull = world.github.add_pull(SLUG, BRANCH)

    @property
    def sha(self) -> str:
        """Where its branch is now."""
        sha = self.repo.sha(BRANCH)
        assert sha is not None
        return sha

    @property
    def code(self) -> str:
        """What is on its branch now."""
        return self.repo.files(BRANCH)["src/widget.py"].decode()

    @property
    def pushed(self) -> list[str]:
        """The subjects of the commits that have come to its branch."""
        return [commit.subject for commit in self.repo.log(BRANCH, since=self.begun)]

    def asked(self, body: str, *, line: int | None = 6, path: str = "src/widget.py", **about: str) -> Comment:
        """Somebody comments on a line."""
        lines = CODE.splitlines()[: line or 1]
        hunk = "\n".join([f"@@ -0,0 +1,{len(lines)} @@", *(f"+{text}" for text in lines)])
        comment = Comment(0, self.pull.number, body, path=path, line=line, hunk=hunk, **about)
        return self._world.github.add_comment(SLUG, comment)

    def replied(self, to: Comment, body: str, *, author: str = "ada", association: str = "OWNER") -> Comment:
        """Somebody replies."""
        place = (to.path, to.line, None, to.hunk)
        return self._world.github.add_comment(
            SLUG, Comment(0, self.pull.number, body, author, association, *place, reply_to=to.id)
        )

    def answers(self) -> dict[int, str]:
        """The first lines of our answers, by the comments that they are below; at most one below each."""
        ours = [comment for comment in self._world.github.comments(SLUG) if "gitoma:reply" in comment.body]
        answers = {comment.reply_to or 0: comment.body.splitlines()[0] for comment in ours}
        assert len(answers) == len(ours), ours
        return answers


def suggestion(*lines: str) -> str:
    """A comment with a suggestion block."""
    return "\n".join(["Rather:", "```suggestion", *lines, "```"])


def resolved(*threads: Sequence[Comment]) -> Answer:
    """What GraphQL says where these threads are resolved."""
    nodes = [
        {"isResolved": True, "comments": {"nodes": [{"fullDatabaseId": str(comment.id)} for comment in thread]}}
        for thread in threads
    ]
    page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
    return data({"repository": {"pullRequest": {"reviewThreads": page}}})


def data(value: Mapping[str, object]) -> Answer:
    """An answer of GraphQL's."""
    return document({"data": value})


class Replies:
    """The replies that reach GitHub: where the branch was at each, and a gate that holds them up.

    Attributes:
        branch_at: Where the branch was when each reply came.
        gate: Replies are answered while it is set.
        lost: Those that were held up come to nothing, as if the connection had broken before they arrived.
    """

    def __init__(self, world: World, reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.branch_at: list[str] = []
        self.gate = Event()
        self.gate.set()
        self.lost = False
        answer = world.github.answer

        def watched(request: Request) -> Answer:
            if request.path.endswith("/replies"):
                self.branch_at.append(reviewed.sha)
                held_up = not self.gate.is_set()
                if not world.github.hold(self.gate) or (held_up and self.lost):
                    return Answer(503)
            return answer(request)

        monkeypatch.setattr(world.github, "answer", watched)
