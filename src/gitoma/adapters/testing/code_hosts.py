"""A code host in memory, and a small world for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from gitoma.domain.agents.code_host import (
    CiJob,
    CiRun,
    CodeHost,
    HostedRepo,
    NewPull,
    PullRequest,
    Remark,
    ReviewComment,
)
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Slug

ACME = Slug("acme", "widget")
RENAMED = Slug("acme", "old-name")
ARCHIVED = Slug("acme", "archived")
ABSENT = Slug("acme", "absent")
LOGIN = "gitoma-bot"


@dataclass
class MemoryRepo:
    """A repository on a host.

    Attributes:
        info: What it is.
        pulls: All pull requests, oldest first.
        comments: The number of a pull request to its comments, oldest first.
        remarks: The number of a pull request to what was said about it as a whole.
        resolved: The comments of resolved threads; None: the host does not say.
        runs: A branch to the newest attempt of each workflow, newest first.
        jobs: The number of a run to the jobs of it that failed.
        logs: The number of a job to what it printed.
    """

    info: HostedRepo
    pulls: list[PullRequest] = field(default_factory=list)
    comments: dict[int, list[ReviewComment]] = field(default_factory=dict)
    remarks: dict[int, list[Remark]] = field(default_factory=dict)
    resolved: frozenset[int] | None = None
    runs: dict[str, list[CiRun]] = field(default_factory=dict)
    jobs: dict[int, list[CiJob]] = field(default_factory=dict)
    logs: dict[int, str] = field(default_factory=dict)


class MemoryCodeHost(CodeHost):
    """Repositories in memory.

    Args:
        repos: By name; a former name may lead to a repository, too.
        login: Ours.

    Attributes:
        repos: What it was given, and what has become of it.
        failures: The name of a method to the error that it raises from now on.
        written: The names of the methods that changed something, one for each time.
        opened: What pull requests were opened with, oldest first.
    """

    def __init__(self, repos: Mapping[Slug, MemoryRepo], login: str | None = LOGIN) -> None:
        self.repos = repos
        self.failures: dict[str, AgentError] = {}
        self.written: list[str] = []
        self.opened: list[NewPull] = []
        self._login = login
        self._numbers = count(1 + max((each.number for repo in repos.values() for each in repo.pulls), default=0))
        self._ids = count(1_000_000)

    def repo(self, slug: Slug) -> HostedRepo:
        """What it is."""
        return self._found("repo", slug).info

    def viewer(self) -> str | None:
        """Our login."""
        if "viewer" in self.failures:
            raise self.failures["viewer"]
        return self._login

    def open_pulls(self, slug: Slug, *, head: str = "") -> Sequence[PullRequest]:
        """The open ones."""
        found = self._found("open_pulls", slug)
        own = str(found.info.slug)
        is_meant = [not head or (pull.head_branch, pull.head_repo) == (head, own) for pull in found.pulls]
        return [pull for pull, meant in zip(found.pulls, is_meant, strict=True) if pull.is_open and meant][::-1]

    def pull(self, slug: Slug, number: int) -> PullRequest:
        """One of them."""
        for pull in self._found("pull", slug).pulls:
            if pull.number == number:
                return pull
        raise _not_found(f"{slug}#{number}")

    def open_pull(self, slug: Slug, new: NewPull) -> PullRequest:
        """Open one, or find it."""
        repo = self._found("open_pull", slug)
        for pull in self.open_pulls(slug, head=new.head):
            if pull.base_branch == new.base:
                return pull
        name, number = str(repo.info.slug), next(self._numbers)
        url = f"https://github.com/{name}/pull/{number}"
        pull = PullRequest(number, url, True, False, new.head, "0" * 40, name, new.base)
        repo.pulls.append(pull)
        self.written.append("open_pull")
        self.opened.append(new)
        return pull

    def review_comments(self, slug: Slug, number: int) -> Sequence[ReviewComment]:
        """The comments."""
        repo = self._found("review_comments", slug)
        self.pull(slug, number)
        return list(repo.comments.get(number, ()))

    def resolved_comments(self, slug: Slug, number: int) -> frozenset[int] | None:
        """Those that are."""
        if slug not in self.repos:
            return None
        return self._found("resolved_comments", slug).resolved

    def remarks(self, slug: Slug, number: int) -> Sequence[Remark]:
        """What was said."""
        repo = self._found("remarks", slug)
        self.pull(slug, number)
        return list(repo.remarks.get(number, ()))

    def reply(self, slug: Slug, number: int, comment: int, body: str) -> None:
        """Add a comment to a thread, which is named by its first one."""
        repo = self._found("reply", slug)
        for root in self.review_comments(slug, number):
            if root.id == comment and root.reply_to is None:
                ours = ReviewComment(
                    id=next(self._ids),
                    reply_to=root.id,
                    author=self._login or "app",
                    association="CONTRIBUTOR",
                    path=root.path,
                    line=root.line,
                    start_line=root.start_line,
                    hunk=root.hunk,
                    body=body,
                )
                repo.comments[number].append(ours)
                self.written.append("reply")
                return
        raise _not_found(f"comment {comment} of {slug}#{number}")

    def latest_runs(self, slug: Slug, branch: str) -> Sequence[CiRun]:
        """The runs."""
        return list(self._found("latest_runs", slug).runs.get(branch, ()))

    def failed_jobs(self, slug: Slug, run: int) -> Sequence[CiJob]:
        """The jobs."""
        repo = self._found("failed_jobs", slug)
        if run not in (each.id for runs in repo.runs.values() for each in runs):
            raise _not_found(f"run {run} of {slug}")
        return list(repo.jobs.get(run, ()))

    def job_log(self, slug: Slug, job: int) -> str:
        """What it printed."""
        repo = self._found("job_log", slug)
        if job not in repo.logs:
            raise _not_found(f"the log of job {job} of {slug}")
        return repo.logs[job]

    def _found(self, method: str, slug: Slug) -> MemoryRepo:
        if method in self.failures:
            raise self.failures[method]
        if slug not in self.repos:
            raise _not_found(str(slug))
        return self.repos[slug]


def _not_found(what: str) -> AgentError:
    return AgentError(Code.NOT_FOUND, f"{what} was not found on the code host")


def hosted(slug: Slug = ACME, *, archived: bool = False, can_push: bool = True) -> HostedRepo:
    """A small repository whose default branch is `main`."""
    return HostedRepo(slug, "main", archived, can_push, 120)


def pull_request(
    number: int, head: str, *, is_open: bool = True, is_merged: bool = False, head_repo: str | None = str(ACME)
) -> PullRequest:
    """A pull request to `main` of `ACME`."""
    url = f"https://github.com/{ACME}/pull/{number}"
    return PullRequest(number, url, is_open, is_merged, head, f"{number:040x}", head_repo, "main")


def review_comment(id: int, body: str, *, reply_to: int | None = None, author: str = "ada") -> ReviewComment:
    """A comment of the owner on the second and third line of `main.py`."""
    return ReviewComment(id, reply_to, author, "OWNER", "main.py", 3, 2, "@@ -1,3 +1,3 @@\n+two\n+three", body)


def remark(body: str, kind: str = "issuecomment", *, author: str = "ada") -> Remark:
    """What the owner says about the third pull request of `ACME`; the summary of a review is a `pullrequestreview`."""
    return Remark(author, "OWNER", body, f"https://github.com/{ACME}/pull/3#{kind}-{len(body)}")


def world() -> dict[Slug, MemoryRepo]:
    """What `code_host_checks` is about, new each time. `RENAMED` is not in it: see there."""
    outdated = ReviewComment(13, None, "ghost", "NONE", "gone.py", None, None, "", "\u202e outdated, and \U0001f600")
    acme = MemoryRepo(
        hosted(),
        pulls=[
            pull_request(1, "merged", is_open=False, is_merged=True),
            pull_request(2, "closed", is_open=False, head_repo=None),
            pull_request(3, "gitoma/improve-1"),
            pull_request(4, "gitoma/improve-1", head_repo="somebody/widget"),
            pull_request(5, "other"),
        ],
        comments={3: [review_comment(11, "please rename"), review_comment(12, "why?", reply_to=11), outdated]},
        remarks={
            3: [
                remark("Looks good, but for the names.", "pullrequestreview"),
                remark("What is it for?", author="ghost"),
                remark("\u202e\U0001f600"),
            ]
        },
        resolved=frozenset({11, 12}),
        runs={"other": [CiRun(32, "CI", "5" * 40, "failure"), CiRun(31, "Docs", "5" * 40, None)]},
        jobs={32: [CiJob(42, 32, "test (3.11)"), CiJob(43, 32, "lint")]},
        logs={42: "collected 3 items\nFAILED tests/test_a.py::test_é\n"},
    )
    return {ACME: acme, ARCHIVED: MemoryRepo(hosted(ARCHIVED, archived=True, can_push=False))}
