"""GitHub's adapter against a server that answers what a test wants; what it is asked, and with what, is looked at."""

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitoma.adapters.github import failures
from gitoma.adapters.github.client import limited_for_s
from gitoma.adapters.github.exchange import Answer as Received
from gitoma.adapters.github.job_logs import HEAD_BYTES, READ_MAX_BYTES, TAIL_BYTES, shortened
from gitoma.adapters.github.rest import GitHubRest
from gitoma.adapters.github.threads import graphql_url
from gitoma.domain.agents.code_host import NewPull
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.clock import Clock, Instant
from gitoma.domain.repos.names import Slug
from tests.stand_ins.git_host import GitHost
from tests.stand_ins.github import TOKEN as GITHUB_TOKEN
from tests.stand_ins.github import GitHub
from tests.stand_ins.github_answers import exhausted, rate_limited
from tests.stand_ins.server import Answer, Request, Server, document

TOKEN = "token-0123456789-of-a-test"
ACME = Slug("acme", "widget")
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
REPO = {"full_name": "acme/widget", "default_branch": "main", "size": 7, "permissions": {"push": True}}
NEW = NewPull("title", "body", "topic", "main")


def pull(number: int, head: str = "topic", base: str = "main") -> dict[str, object]:
    return {
        "number": number,
        "html_url": f"https://github.com/acme/widget/pull/{number}",
        "state": "open",
        "head": {"ref": head, "sha": "1" * 40, "repo": {"full_name": "acme/widget"}},
        "base": {"ref": base, "sha": "2" * 40},
    }


class Scripted(Server):
    """Answers requests of one path in order; the last answer again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, list[Answer]] = {}

    def on(self, path: str, *answers: Answer) -> None:
        self.answers[path] = list(answers)

    def answer(self, request: Request) -> Answer:
        left = self.answers.get(f"{request.method} {request.path}") or self.answers.get(request.path)
        if not left:
            return document({"message": "Not Found"}, 404)
        return left.pop(0) if len(left) > 1 else left[0]

    @property
    def asked(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.journal]


@dataclass
class Waiting(Clock):
    """A clock that only moves while somebody sleeps; what was said and slept is kept."""

    slept: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def now(self) -> Instant:
        return Instant(NOW + timedelta(seconds=sum(self.slept)), sum(self.slept))


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as server:
        server.on("/repos/acme/widget", document(REPO))
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


Make = Callable[..., GitHubRest]


@pytest.fixture
def make(server: Scripted, waiting: Waiting) -> Make:
    def make(**options: Any) -> GitHubRest:
        chosen: dict[str, Any] = {
            "api_url": server.url,
            "token": TOKEN,
            "clock": waiting,
            "sleep": waiting.slept.append,
            "notice": waiting.said.append,
            "redact": lambda text: text.replace(TOKEN, "REDACTED"),
            **options,
        }
        return GitHubRest(**chosen)

    return make


def failure(ask: Callable[[], object]) -> AgentError:
    with pytest.raises(AgentError) as raised:
        ask()
    error = raised.value
    shown = f"{error}{error.hint}{error.details}{error.__cause__}"
    assert TOKEN not in shown
    assert shown.isprintable()
    return error


def refused(status: int, message: str = "", **headers: str) -> Answer:
    return document({"message": message}, status, {name.replace("_", "-"): value for name, value in headers.items()})


def moved(to: str, status: int = 301) -> Answer:
    return Answer(status, b"", {"location": to})


def test_a_request_says_who_asks_and_for_what(make: Make, server: Scripted) -> None:
    assert make().repo(ACME).size_kib == 7

    headers = server.journal[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept"] == "application/vnd.github+json, application/json;q=0.9"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"].startswith("gitoma/")


def test_without_a_token_none_is_sent_and_nobody_is_asked_who_we_are(make: Make, server: Scripted) -> None:
    host = make(token=None)

    assert host.repo(ACME).slug == ACME
    assert host.viewer() is None
    assert host.resolved_comments(ACME, 1) is None
    assert [("authorization" in each.headers) for each in server.journal] == [False]


def test_the_token_of_an_app_is_nobodys(make: Make, server: Scripted) -> None:
    server.on("/user", refused(403, "Resource not accessible by integration"))

    assert make().viewer() is None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused(401, "Bad credentials"), Code.AUTH),
        (refused(403), Code.FORBIDDEN),
        (refused(404), Code.NOT_FOUND),
        (refused(410), Code.NOT_FOUND),
        (refused(422), Code.FORBIDDEN),
        (refused(451), Code.FORBIDDEN),
        (refused(500), Code.NETWORK),
        (Answer(200, b"<html>"), Code.NETWORK),
        (Answer(200, b""), Code.NETWORK),
        (document([]), Code.NETWORK),
        (document({**REPO, "full_name": "../../etc"}), Code.NETWORK),
        (document({**REPO, "default_branch": None}), Code.NETWORK),
        (Answer(200, b'{"full_name": "\xff"}'), Code.NETWORK),
        (Answer(200, b"[" * 100_000), Code.NETWORK),
        (Answer(200, b" " * (8 * 1024 * 1024 + 1)), Code.NETWORK),
        (Answer(304), Code.NETWORK),
        (Answer(302, b"", {"location": "/"}), Code.NETWORK),
    ],
)
def test_what_is_no_answer_has_a_code(make: Make, server: Scripted, answer: Answer, code: Code) -> None:
    server.on("/repos/acme/widget", answer)

    error = failure(lambda: make().repo(ACME))
    assert error.code is code
    assert len(server.asked) == 1


def test_what_a_token_lacks_is_told_as_github_tells_it(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget", refused(403, "no", x_accepted_github_permissions="contents=write; actions=read"))

    assert "contents=write; actions=read" in failure(lambda: make().repo(ACME)).hint


def test_what_is_no_permission_is_not_repeated(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget", refused(403, "", x_accepted_github_permissions="\x1b[31mcontents\x07"))

    hint = failure(lambda: make().repo(ACME)).hint
    assert "\x1b" not in hint
    assert "contents and pull requests (write)" in hint


def test_the_hosts_words_are_shown_on_one_line_and_without_the_token(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget", refused(422, f"no\n\x1b[31m {TOKEN} " + "x" * 5000))

    text = str(failure(lambda: make().repo(ACME)))
    assert "(no \\x1b[31m REDACTED xxx" in text
    assert len(text) < 500


def test_who_has_no_token_is_told_to_set_one(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget", refused(401))

    error = failure(lambda: make(token=None).repo(ACME))
    assert (error.code, error.hint) == (Code.AUTH, "set GITHUB_TOKEN")


def test_what_only_reads_is_tried_again_after_1_2_and_4_seconds(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget", refused(502), refused(503), refused(504), document(REPO))

    assert make().repo(ACME).slug == ACME
    assert waiting.slept == [1, 2, 4]


def test_a_failure_that_does_not_pass_is_told(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget", refused(502))

    assert failure(lambda: make().repo(ACME)).code is Code.NETWORK
    assert waiting.slept == [1, 2, 4]


def test_a_host_that_is_not_there_is_told(make: Make, waiting: Waiting) -> None:
    assert failure(lambda: make(api_url="http://127.0.0.1:9").repo(ACME)).code is Code.NETWORK
    assert waiting.slept == [1, 2, 4]


def test_a_proxy_that_cannot_be_used_is_the_installations_mistake(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:70")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert failure(lambda: make().repo(ACME)).code is Code.CONFIG


def test_the_operators_proxy_is_used(make: Make, elsewhere: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    elsewhere.on("/repos/acme/widget", document(REPO))

    assert make(api_url="http://api.example").repo(ACME).slug == ACME


def test_a_short_rate_limit_is_waited_for_and_that_is_said(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget", refused(403, "slow down", retry_after="2"), refused(429), document(REPO))

    assert make().repo(ACME).slug == ACME
    assert waiting.slept == [2, 60]
    assert waiting.said == ["the code host asks us to wait for 2 s", "the code host asks us to wait for 60 s"]


def test_a_limit_that_is_reset_soon_is_waited_for(make: Make, server: Scripted, waiting: Waiting) -> None:
    reset = str(int(NOW.timestamp()) + 9)
    server.on("/repos/acme/widget", refused(403, x_ratelimit_remaining="0", x_ratelimit_reset=reset), document(REPO))

    make().repo(ACME)
    assert waiting.slept == [10]


def test_a_long_rate_limit_ends_the_work_with_the_time_at_which_it_is_over(make: Make, server: Scripted) -> None:
    reset = str(int(NOW.timestamp()) + 3599)
    server.on("/repos/acme/widget", refused(403, x_ratelimit_remaining="0", x_ratelimit_reset=reset))

    error = failure(lambda: make().repo(ACME))
    assert (error.code, error.hint) == (Code.RATE_LIMITED, "try again after 2030-01-01 13:00:00 UTC")


def test_nobody_waits_for_longer_than_there_is_time(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget", refused(429, retry_after="30"))

    assert failure(lambda: make(remaining=lambda: 29.0).repo(ACME)).code is Code.RATE_LIMITED
    assert waiting.slept == []


def test_a_host_that_says_in_a_second_for_ever_is_given_up(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget", refused(429, retry_after="1"))

    assert failure(lambda: make().repo(ACME)).code is Code.RATE_LIMITED
    assert waiting.slept == [1, 1, 1]


def test_what_was_refused_for_its_rate_was_not_done_and_is_sent_again(
    make: Make, server: Scripted, waiting: Waiting
) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", refused(403, retry_after="5"), document({"id": 8}, 201))

    make().reply(ACME, 3, 7, "done")
    assert waiting.slept == [5]


def test_between_two_requests_that_change_something_is_a_second(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", document({"id": 8}, 201))
    host = make()
    for _ in range(3):
        host.reply(ACME, 3, 7, "done")

    assert waiting.slept == [1, 1]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_changes_something_is_not_sent_twice(make: Make, server: Scripted, waiting: Waiting, status: int) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", refused(status))

    assert failure(lambda: make().reply(ACME, 3, 7, "done")).code is Code.NETWORK
    assert len(server.asked) == 1
    assert waiting.slept == []


def test_text_that_is_none_is_sent_as_well_as_it_can_be(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", document({"id": 8}, 201))
    make().reply(ACME, 3, 7, "a\udcffb")

    assert server.journal[0].json() == {"body": "a?b"}


def test_a_pull_request_that_somebody_opens_at_the_same_time_is_found(make: Make, server: Scripted) -> None:
    server.on("GET /repos/acme/widget/pulls", document([]), document([pull(6, base="other"), pull(5)]))
    server.on("POST /repos/acme/widget/pulls", refused(422, "A pull request already exists for acme:topic."))

    assert make().open_pull(ACME, NEW).number == 5
    assert server.asked == [f"{method} /repos/acme/widget/pulls" for method in ("GET", "POST", "GET")]
    assert server.journal[0].query["head"] == "acme:topic"


def test_a_pull_request_whose_answer_was_lost_is_found(make: Make, server: Scripted) -> None:
    server.on("GET /repos/acme/widget/pulls", document([]), document([pull(5)]))
    server.on("POST /repos/acme/widget/pulls", refused(502))

    assert make().open_pull(ACME, NEW).number == 5
    assert server.asked.count("POST /repos/acme/widget/pulls") == 1


def test_a_pull_request_that_cannot_be_opened_says_why(make: Make, server: Scripted) -> None:
    server.on("GET /repos/acme/widget/pulls", document([]))
    refusal = {"message": "Validation Failed", "errors": [{"message": "No commits between main and topic"}, "odd", 3]}
    server.on("POST /repos/acme/widget/pulls", document(refusal, 422))

    error = failure(lambda: make().open_pull(ACME, NEW))
    assert error.code is Code.FORBIDDEN
    assert "(Validation Failed: No commits between main and topic)" in str(error)


def test_a_renamed_repository_is_followed(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/old", moved(f"{server.url}/repositories/1"))
    server.on("/repositories/1", moved("/repos/acme/widget", 308))

    assert make().repo(Slug("acme", "old")).slug == ACME
    assert all(each.headers["authorization"] == f"Bearer {TOKEN}" for each in server.journal)


def test_a_request_that_writes_keeps_its_method_and_its_body(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", moved("/moved", 307))
    server.on("/moved", document({"id": 8}, 201))
    make().reply(ACME, 3, 7, "done")

    assert [(each.method, each.json()) for each in server.journal] == [("POST", {"body": "done"})] * 2


def test_a_301_is_nothing_that_a_request_that_writes_follows(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget/pulls/3/comments/7/replies", moved("/moved", 301))

    assert failure(lambda: make().reply(ACME, 3, 7, "done")).code is Code.NETWORK
    assert len(server.asked) == 1


def test_nobody_is_led_in_circles(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget", moved("/repos/acme/widget"))

    assert failure(lambda: make().repo(ACME)).code is Code.NETWORK
    assert len(server.asked) == 4


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("address", ["{}/x", "{}\\@127.0.0.1/", "//other/", "http://a:b@127.0.0.1:9/", "http://[", ""])
def test_no_redirect_leads_away_from_the_api(
    make: Make, server: Scripted, elsewhere: Scripted, status: int, address: str
) -> None:
    server.on("/repos/acme/widget", moved(address.format(elsewhere.url), status))

    assert failure(lambda: make().repo(ACME)).code is Code.NETWORK
    assert elsewhere.journal == []


def listed(*pulls: dict[str, object], following: str = "") -> Answer:
    return document(
        list(pulls), headers={"link": f'<https://x/>; rel="prev", <{following}>; rel="next"'} if following else {}
    )


def test_all_pages_are_read(make: Make, server: Scripted) -> None:
    server.on("/repos/acme/widget/pulls", listed(pull(3), following=f"{server.url}/more?page=2"))
    server.on("/more", listed(pull(2)))

    assert [each.number for each in make().open_pulls(ACME)] == [3, 2]
    assert server.journal[0].query["per_page"] == "100"


def test_a_page_that_is_elsewhere_is_not_read_and_that_is_said(
    make: Make, server: Scripted, elsewhere: Scripted, waiting: Waiting
) -> None:
    server.on("/repos/acme/widget/pulls", listed(pull(3), following=f"{elsewhere.url}/more"))

    assert [each.number for each in make().open_pulls(ACME)] == [3]
    assert elsewhere.journal == []
    assert len(waiting.said) == 1


def test_pages_without_end_end(make: Make, server: Scripted, waiting: Waiting) -> None:
    server.on("/repos/acme/widget/pulls", listed(pull(3), following="?page=2"))

    assert len(make().open_pulls(ACME)) == 10
    assert len(server.asked) == 10
    assert "only the first 10 pages" in waiting.said[0]


def test_an_agent_does_not_ask_without_end(make: Make, server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitoma.adapters.github.client.REQUESTS_MAX", 3)
    host = make()
    for _ in range(3):
        host.repo(ACME)

    assert failure(lambda: host.repo(ACME)).code is Code.BUDGET
    assert len(server.asked) == 3


LOG = "/repos/acme/widget/actions/jobs/7/logs"


def test_a_log_is_fetched_without_the_token(make: Make, server: Scripted, elsewhere: Scripted) -> None:
    server.on(LOG, moved(f"{elsewhere.url}/blob?sig=x", 302))
    elsewhere.on("/blob", moved("/farther", 307))
    elsewhere.on("/farther", Answer(200, [b"\xef\xbb\xbfone\n", b"two\n"]))

    assert make().job_log(ACME, 7) == "one\ntwo\n"
    assert [each.holds(TOKEN) for each in elsewhere.journal] == [False, False]
    assert elsewhere.journal[0].query == {"sig": "x"}


def test_a_log_that_is_sent_at_once_is_taken(make: Make, server: Scripted) -> None:
    server.on(LOG, Answer(200, b"one\n"))

    assert make().job_log(ACME, 7) == "one\n"


def test_the_address_of_a_log_is_good_for_a_minute_so_each_try_asks_for_a_new_one(
    make: Make, server: Scripted, elsewhere: Scripted, waiting: Waiting
) -> None:
    server.on(LOG, moved(f"{elsewhere.url}/blob", 302))
    elsewhere.on("/blob", Answer(403), Answer(503), Answer(200, b"at last"))

    assert make().job_log(ACME, 7) == "at last"
    assert (len(server.asked), waiting.slept) == (3, [1, 2])


@pytest.mark.parametrize(
    "address", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://a:b@127.0.0.1:9/", "http://[", "http:"]
)
def test_a_log_is_not_fetched_from_anywhere(make: Make, server: Scripted, address: str) -> None:
    server.on(LOG, moved(address, 302))

    assert failure(lambda: make().job_log(ACME, 7)).code is Code.NETWORK


def test_a_log_that_leads_on_and_on_or_is_gone_is_told(make: Make, server: Scripted, elsewhere: Scripted) -> None:
    server.on(LOG, moved(f"{elsewhere.url}/blob", 302))
    for answer, code in (
        (moved("/blob", 302), Code.NETWORK),
        (Answer(410), Code.NOT_FOUND),
        (Answer(500), Code.NETWORK),
    ):
        elsewhere.on("/blob", answer)
        assert failure(lambda: make().job_log(ACME, 7)).code is code


def test_of_a_long_log_the_head_and_the_tail_are_kept(make: Make, server: Scripted, elsewhere: Scripted) -> None:
    server.on(LOG, moved(f"{elsewhere.url}/blob", 302))
    elsewhere.on("/blob", Answer(200, [b"a" * HEAD_BYTES, b"b" * 1000, b"c" * TAIL_BYTES]))

    log = make().job_log(ACME, 7)
    assert log == f"{'a' * HEAD_BYTES}\n… 1000 bytes are left out …\n{'c' * TAIL_BYTES}"


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_a_short_log_is_kept_whole(chunks: list[bytes]) -> None:
    assert shortened(chunks) == b"".join(chunks).decode("utf-8", "replace").removeprefix("\ufeff")


def test_a_log_without_end_is_not_read_to_its_end() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(READ_MAX_BYTES // 65536):
            yield b"x" * 65536
        raise AssertionError("it read on")

    assert shortened(chunks()).endswith("… the log goes on; no more of it was read …\n")


def test_of_each_workflow_the_newest_attempt_of_the_newest_run_counts(make: Make, server: Scripted) -> None:
    def run(id: int, workflow: int, number: int, attempt: int, conclusion: str | None) -> dict[str, object]:
        return {
            "id": id,
            "workflow_id": workflow,
            "run_number": number,
            "run_attempt": attempt,
            "name": None if workflow == 2 else "CI",
            "head_sha": "3" * 40,
            "conclusion": conclusion,
        }

    rows = [run(1, 1, 1, 1, "failure"), run(9, 1, 2, 1, "failure"), run(9, 1, 2, 2, "success"), run(5, 2, 1, 1, None)]
    server.on("/repos/acme/widget/actions/runs", document({"workflow_runs": rows}))
    found = make().latest_runs(ACME, "a/b&c")

    assert [(each.id, each.workflow, each.conclusion) for each in found] == [
        (9, "CI", "success"),
        (5, "workflow 2", None),
    ]
    assert server.journal[0].query["branch"] == "a/b&c"


def test_what_ran_on_a_forks_branch_of_the_same_name_is_none_of_ours(make: Make, server: Scripted) -> None:
    def run(id: int, **repositories: object) -> dict[str, object]:
        about = {"workflow_id": id, "head_sha": "3" * 40, "conclusion": "failure"}
        return {"id": id, **about, **repositories}

    here, fork = {"id": 7, "full_name": "acme/widget"}, {"id": 8, "full_name": "mallory/widget"}
    rows = [
        run(1, repository=here, head_repository=here),
        run(2, repository=here, head_repository=fork),
        run(3, repository=here, head_repository=None),
        run(4),
    ]
    server.on("/repos/acme/widget/actions/runs", document({"workflow_runs": rows}))

    assert [each.id for each in make().latest_runs(ACME, "main")] == [4, 1]


def test_failed_and_timed_out_jobs_have_failed(make: Make, server: Scripted) -> None:
    conclusions = ("failure", "timed_out", "cancelled", "skipped", "success", None, "startup_failure")
    rows = [{"id": at, "run_id": 4, "name": "x", "conclusion": each} for at, each in enumerate(conclusions)]
    server.on("/repos/acme/widget/actions/runs/4/jobs", document({"jobs": rows}))

    assert [each.id for each in make().failed_jobs(ACME, 4)] == [0, 1]
    assert server.journal[0].query["filter"] == "latest"


def test_which_threads_are_resolved_may_be_unknown(make: Make, server: Scripted, waiting: Waiting) -> None:
    for answer in (
        refused(404),
        refused(403),
        document({"errors": [{"message": "no such field", "type": "undefinedField"}], "data": None}),
        document({"data": {"repository": {"pullRequest": None}}}),
        Answer(200, b"\xff"),
    ):
        server.on("/graphql", answer)
        assert make().resolved_comments(ACME, 3) is None
    assert len(waiting.said) == 5


TOO_MUCH = {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}], "data": None}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refused(502), Code.NETWORK),
        (refused(500), Code.NETWORK),
        (refused(401), Code.AUTH),
        (refused(403, retry_after="3600"), Code.RATE_LIMITED),
        (document(TOO_MUCH), Code.RATE_LIMITED),
    ],
)
def test_not_to_have_been_told_is_not_that_nothing_is_resolved(
    make: Make, server: Scripted, answer: Answer, code: Code
) -> None:
    server.on("/graphql", *[answer] * 4)

    with pytest.raises(AgentError) as raised:
        make().resolved_comments(ACME, 3)

    assert raised.value.code is code


def test_graphql_says_until_when_it_was_asked_too_much(make: Make, server: Scripted) -> None:
    server.on("/graphql", document(TOO_MUCH, headers={"x-ratelimit-reset": str(int(NOW.timestamp()) + 600)}))

    with pytest.raises(AgentError) as raised:
        make().resolved_comments(ACME, 3)

    assert f"{NOW + timedelta(seconds=601):%H:%M:%S}" in raised.value.hint


def test_graphql_is_beside_the_rest_api() -> None:
    assert graphql_url("https://api.github.com") == "https://api.github.com/graphql"
    assert graphql_url("https://ghe.example/api/v3") == "https://ghe.example/api/graphql"


@given(
    st.sampled_from([200, 403, 429]),
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.sampled_from(["0", "9" * 12, "9" * 30, "-1", "1e9", "", "\u0663", "Wed, 21 Oct 2030 07:28:00 GMT"])
        | st.text(),
    ),
    st.binary(max_size=30) | st.just(b'{"message": "You have exceeded a secondary rate limit"}'),
)
def test_reading_a_rate_limit_is_total_and_never_no_wait(status: int, headers: dict[str, str], body: bytes) -> None:
    wait_s = limited_for_s(Received(status, headers, body), NOW)

    assert wait_s is None or 1 <= wait_s <= 10**8
    assert (wait_s is None) or status != 200
    assert (wait_s is not None) or status != 429


@given(st.binary(max_size=100) | st.sampled_from([b'{"message": 3}', b'{"errors": [{"message": null}]}', b"[" * 9999]))
def test_reading_the_hosts_words_is_total(body: bytes) -> None:
    assert isinstance(failures.words(body), str)


def test_a_whole_stand_in_is_served_with_its_troubles(waiting: Waiting) -> None:
    with GitHost() as git, GitHub(git) as github:
        git.create("acme/widget", {"README.md": "# widget\n"})
        github.add_repo("acme/widget")
        host = GitHubRest(
            api_url=github.url,
            token=GITHUB_TOKEN,
            clock=waiting,
            sleep=waiting.slept.append,
            notice=waiting.said.append,
            redact=str,
        )
        github.trouble(rate_limited(retry_after=2))
        assert host.repo(ACME).can_push
        assert waiting.slept == [2]
        assert host.viewer() == "gitoma-bot"
        github.trouble(exhausted(NOW.timestamp() + 3600))
        assert failure(lambda: host.open_pulls(ACME)).code is Code.RATE_LIMITED


def test_who_asks_github_nothing_need_not_wait_for_its_client() -> None:
    modules = "gitoma.adapters.github.rest, gitoma.adapters.chat_completions.model"
    program = f"import sys, {modules}; sys.exit(bool({{'httpx', 'httpcore'}} & sys.modules.keys()))"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_credentials_in_the_address_of_the_api_are_not_shown(make: Make, server: Scripted) -> None:
    host = make(api_url=server.url.replace("://", "://me:s3cret@"), token=None)

    assert host.repo(ACME).slug == ACME
    assert server.journal[0].headers["authorization"] == f"Basic {base64.b64encode(b'me:s3cret').decode()}"
    assert "s3cret" not in str(failure(lambda: host.pull(ACME, 1)))


def test_a_token_goes_before_the_credentials_of_the_address(make: Make, server: Scripted) -> None:
    make(api_url=server.url.replace("://", "://me:s3cret@")).repo(ACME)

    assert server.journal[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_an_operator_may_have_no_proxy_for_a_host(
    make: Make, elsewhere: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url)
    monkeypatch.setenv("NO_PROXY", "example.org, 127.0.0.1")

    assert make().repo(ACME).slug == ACME
    assert elsewhere.journal == []


def test_credentials_of_a_proxy_are_for_the_proxy(
    make: Make, elsewhere: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", elsewhere.url.replace("http://", "me:pass%20word@"))
    elsewhere.on("/repos/acme/widget", document(REPO))
    make(api_url="http://api.example").repo(ACME)

    expected = f"Basic {base64.b64encode(b'me:pass word').decode()}"
    assert elsewhere.journal[0].headers["proxy-authorization"] == expected
    assert elsewhere.journal[0].headers["host"] == "api.example"
