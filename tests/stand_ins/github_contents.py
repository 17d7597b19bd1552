"""What a stand-in of GitHub holds: repositories, pull requests, comments and runs, and the ways to add to them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from threading import RLock

from .git_host import GitHost
from .github_documents import Comment, Job, Pull, Remark, Repo, Run

LOGIN = "gitoma-bot"
TOKEN = "ghp_" + "0123456789" * 3 + "abcdef"  # of the form of a real one, so that filters of secrets see it
NO_COMMIT = "0" * 40


class GitHubContents:
    """The contents; any thread may look at them and add to them.

    Args:
        git: Where the branches are.
    """

    def __init__(self, git: GitHost) -> None:
        super().__init__()  # the server's, in the class that joins the two
        self._git = git
        self._lock = RLock()
        self._ids = count(1)
        self._repos: dict[str, Repo] = {}  # by slug, in lower case; a former name leads to the same repository

    def add_repo(
        self,
        slug: str,
        *,
        default_branch: str = "main",
        archived: bool = False,
        can_push: bool = True,
        size_kib: int = 12,
    ) -> Repo:
        """A repository; what is returned may be changed at any time."""
        with self._lock:
            repo = Repo(next(self._ids), slug, default_branch, archived, can_push, size_kib)
            self._repos[slug.lower()] = repo
            return repo

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name. Requests with the old one are led on, with a 301."""
        with self._lock:
            repo = self._repos[old.lower()]
            for pull in repo.pulls:
                pull.head_repo = new if pull.head_repo == repo.slug else pull.head_repo
            repo.slug = new
            self._repos[new.lower()] = repo
            self._git.rename(old, new)

    def add_pull(
        self,
        slug: str,
        head: str,
        *,
        base: str = "main",
        title: str = "A change",
        body: str = "",
        head_repo: str | None = "",
        author: str = LOGIN,
    ) -> Pull:
        """A pull request; `head_repo` is "" for the same repository, None for a fork that is gone."""
        with self._lock:
            repo = self._repos[slug.lower()]
            number = len(repo.pulls) + 1
            source = repo.slug if head_repo == "" else head_repo
            pull = Pull(next(self._ids), number, title, body, head, base, source, author)
            repo.pulls.append(pull)
            return pull

    def add_comment(self, slug: str, comment: Comment) -> Comment:
        """A review comment, with an id of its own."""
        with self._lock:
            comment.id = next(self._ids)
            self._repos[slug.lower()].comments.append(comment)
            return comment

    def add_remark(self, slug: str, remark: Remark) -> Remark:
        """The summary of a review, or a comment in the conversation, with an id of its own."""
        with self._lock:
            remark.id = next(self._ids)
            self._repos[slug.lower()].remarks.append(remark)
            return remark

    def add_run(
        self,
        slug: str,
        branch: str,
        *,
        workflow: str = "ci",
        conclusion: str | None = "failure",
        jobs: Sequence[Job] = (),
        sha: str | None = None,
        event: str = "push",
        attempt: int = 1,
        of_a_fork: bool = False,
    ) -> Run:
        """A run of a workflow on what `branch` is now, or on `sha`; it is newer than those before."""
        with self._lock:
            repo = self._repos[slug.lower()]
            for job in jobs:
                job.id = next(self._ids)
            known = {run.workflow: run.workflow_id for run in repo.runs}
            number = known.get(workflow) or next(self._ids)
            at = sha or self.sha(repo.slug, branch)
            run = Run(next(self._ids), workflow, branch, at, conclusion, event, attempt, tuple(jobs), number, of_a_fork)
            repo.runs.append(run)
            return run

    def pulls(self, slug: str) -> tuple[Pull, ...]:
        """The pull requests, oldest first."""
        return tuple(self._repos[slug.lower()].pulls)

    def comments(self, slug: str) -> tuple[Comment, ...]:
        """The review comments, oldest first."""
        return tuple(self._repos[slug.lower()].comments)

    def sha(self, slug: str, branch: str) -> str:
        """Where a branch stands; `NO_COMMIT` where there is none."""
        bare = self._git.repo(slug)
        return (bare and bare.sha(branch)) or NO_COMMIT
