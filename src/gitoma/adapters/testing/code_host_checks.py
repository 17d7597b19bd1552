"""What every `CodeHost` promises: one check for each promise.

Whoever runs the checks makes a `CodeHost` that has what `code_hosts.world()` gives, and answers to the name `RENAMED`
for `ACME`, too. Checks may write, so each is given a maker, and makes its own.

    @pytest.mark.parametrize("check", CODE_HOST_CHECKS, ids=lambda check: check.__name__)
    def test_my_code_host_keeps_its_promise(check):
        check(make_my_code_host)

A check raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

from collections.abc import Callable

from gitoma.adapters.testing.code_hosts import ABSENT, ACME, ARCHIVED, LOGIN, RENAMED, hosted, world
from gitoma.domain.agents.code_host import CodeHost, NewPull
from gitoma.domain.agents.errors import AgentError, Code

Make = Callable[[], CodeHost]


def check_a_repository_is_known(make: Make) -> None:
    """What it is, and whether one may push to it."""
    host = make()
    assert host.repo(ACME) == hosted()
    assert host.repo(ARCHIVED) == hosted(ARCHIVED, archived=True, can_push=False)


def check_a_former_name_leads_to_the_present_one(make: Make) -> None:
    """In everything that is asked, and what is written goes there, too."""
    host = make()
    assert host.repo(RENAMED).slug == ACME
    assert host.pull(RENAMED, 3) == host.pull(ACME, 3)
    host.reply(RENAMED, 3, 11, "done")
    assert host.review_comments(ACME, 3)[-1].body == "done"


def check_what_is_absent_is_not_found(make: Make) -> None:
    """A repository, whatever is asked of it; a pull request, a run, a log."""
    host = make()
    new = NewPull("title", "body", "head", "main")
    asks: tuple[Callable[[], object], ...] = (
        lambda: host.repo(ABSENT),
        lambda: host.open_pulls(ABSENT),
        lambda: host.open_pull(ABSENT, new),
        lambda: host.latest_runs(ABSENT, "main"),
        lambda: host.pull(ACME, 99),
        lambda: host.review_comments(ACME, 99),
        lambda: host.remarks(ACME, 99),
        lambda: host.reply(ACME, 3, 99, "x"),
        lambda: host.reply(ACME, 3, 12, "a thread is named by its first comment"),
        lambda: host.failed_jobs(ACME, 99),
        lambda: host.job_log(ACME, 99),
    )
    assert [_code(ask) for ask in asks] == [Code.NOT_FOUND] * len(asks)
    assert host.resolved_comments(ABSENT, 3) is None


def check_we_have_a_login(make: Make) -> None:
    """Ours."""
    assert make().viewer() == LOGIN


def check_open_pull_requests_come_newest_first(make: Make) -> None:
    """Only open ones; with a branch only those from it, and not those from a branch of that name elsewhere."""
    host = make()
    assert [pull.number for pull in host.open_pulls(ACME)] == [5, 4, 3]
    assert [pull.number for pull in host.open_pulls(ACME, head="gitoma/improve-1")] == [3]
    assert host.open_pulls(ACME, head="closed") == []


def check_a_pull_request_says_how_it_ended(make: Make) -> None:
    """Open, merged, closed, and from where."""
    host, known = make(), world()[ACME].pulls
    assert [host.pull(ACME, pull.number) for pull in known] == known


def check_opening_a_pull_request_twice_opens_one(make: Make) -> None:
    """The second time finds it; another base is another one."""
    host = make()
    new = NewPull("A title", "A body with \u202e and \U0001f600\n", "gitoma/improve-2", "main")
    first = host.open_pull(ACME, new)
    assert (first.head_branch, first.base_branch, first.is_open) == ("gitoma/improve-2", "main", True)
    assert host.open_pull(ACME, new) == first
    assert host.open_pull(ACME, NewPull("A", "b", "gitoma/improve-2", "other")).number != first.number
    assert host.open_pull(ACME, NewPull("A", "b", "gitoma/improve-1", "main")).number == 3


def check_comments_come_oldest_first_and_unchanged(make: Make) -> None:
    """With all that they say."""
    assert list(make().review_comments(ACME, 3)) == world()[ACME].comments[3]
    assert list(make().review_comments(ACME, 5)) == []


def check_remarks_come_as_they_were_made(make: Make) -> None:
    """The summaries of reviews first, and not those that say nothing."""
    assert list(make().remarks(ACME, 3)) == world()[ACME].remarks[3]
    assert list(make().remarks(ACME, 5)) == []


def check_resolved_threads_are_told(make: Make) -> None:
    """Root and replies of each."""
    assert make().resolved_comments(ACME, 3) == frozenset({11, 12})


def check_a_reply_is_in_the_thread(make: Make) -> None:
    """Behind the others, by us."""
    host = make()
    host.reply(ACME, 3, 11, "Fixed in 0123abc.\n")
    *before, ours = host.review_comments(ACME, 3)
    assert [comment.id for comment in before] == [11, 12, 13]
    assert (ours.reply_to, ours.author, ours.body) == (11, LOGIN, "Fixed in 0123abc.\n")


def check_each_workflow_has_its_newest_run(make: Make) -> None:
    """And a branch that has none has none."""
    host = make()
    assert list(host.latest_runs(ACME, "other")) == world()[ACME].runs["other"]
    assert list(host.latest_runs(ACME, "main")) == []


def check_failed_jobs_and_their_logs(make: Make) -> None:
    """Only the failed ones; and what one of them printed."""
    host = make()
    assert list(host.failed_jobs(ACME, 32)) == world()[ACME].jobs[32]
    assert list(host.failed_jobs(ACME, 31)) == []
    assert host.job_log(ACME, 42) == world()[ACME].logs[42]


def _code(ask: Callable[[], object]) -> Code | None:
    try:
        ask()
    except AgentError as error:
        return error.code
    return None


CODE_HOST_CHECKS = (
    check_a_repository_is_known,
    check_a_former_name_leads_to_the_present_one,
    check_what_is_absent_is_not_found,
    check_we_have_a_login,
    check_open_pull_requests_come_newest_first,
    check_a_pull_request_says_how_it_ended,
    check_opening_a_pull_request_twice_opens_one,
    check_comments_come_oldest_first_and_unchanged,
    check_remarks_come_as_they_were_made,
    check_resolved_threads_are_told,
    check_a_reply_is_in_the_thread,
    check_each_workflow_has_its_newest_run,
    check_failed_jobs_and_their_logs,
)
