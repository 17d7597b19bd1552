from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.stand_ins.git_host import GitHost
from tests.stand_ins.github import LOGIN, TOKEN, GitHub
from tests.stand_ins.github_answers import exhausted, failing, forbidden, rate_limited
from tests.stand_ins.github_documents import Comment, Job, Remark
from tests.stand_ins.server import Answer, document

REPO = "/repos/acme/widget"


@pytest.fixture
def git() -> Iterator[GitHost]:
    with GitHost() as git:
        git.create("acme/widget", {"README.md": "# widget\n"})
        yield git


@pytest.fixture
def github(git: GitHost) -> Iterator[GitHub]:
    with GitHub(git) as github:
        github.add_repo("acme/widget")
        yield github


@pytest.fixture
def client(github: GitHub) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=github.url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def get(client: httpx.Client, path: str, **query: str | int) -> Any:
    response = client.get(path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def branch(git: GitHost, name: str = "topic") -> str:
    repo = git.repo("acme/widget")
    assert repo is not None
    return repo.commit({"new.txt": "x"}, branch=name)


def new_pull(client: httpx.Client, head: str = "topic") -> httpx.Response:
    return client.post(f"{REPO}/pulls", json={"title": "T", "head": head, "base": "main", "body": "B"})


def test_a_repository_is_shown_as_it_is_now(client: httpx.Client, github: GitHub) -> None:
    repo = github.add_repo("acme/gadget", can_push=False)
    repo.archived = True

    shown = get(client, "/repos/ACME/gadget")

    assert (shown["full_name"], shown["archived"], shown["permissions"]["push"]) == ("acme/gadget", True, False)
    assert client.get("/repos/acme/nothing").status_code == 404


def test_a_token_is_needed_to_write_and_must_be_the_right_one(client: httpx.Client, github: GitHub) -> None:
    assert client.get(REPO, headers={"authorization": "Bearer other"}).status_code == 401
    del client.headers["authorization"]

    assert client.get(REPO).status_code == 200
    assert new_pull(client).status_code == 401
    assert client.get("/user").status_code == 401


def test_an_app_has_no_user(client: httpx.Client, github: GitHub) -> None:
    assert get(client, "/user")["login"] == LOGIN
    github.viewer = None

    assert client.get("/user").status_code == 403


def test_a_pull_request_shows_where_its_branch_stands(client: httpx.Client, git: GitHost) -> None:
    sha = branch(git)
    made = new_pull(client)
    assert made.status_code == 201
    newer = branch(git)

    shown = get(client, f"{REPO}/pulls/1")

    assert made.json()["head"]["sha"] == sha
    assert shown["head"] == {
        "ref": "topic",
        "sha": newer,
        "label": "acme:topic",
        "repo": shown["base"]["repo"],
    }
    assert shown["merged"] is False
    assert shown["user"]["login"] == LOGIN


def test_a_second_pull_request_for_the_same_branch_is_refused(client: httpx.Client, git: GitHost) -> None:
    branch(git)
    new_pull(client)

    refused = new_pull(client)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"] == "A pull request already exists for acme:topic."


def test_a_pull_request_needs_a_branch_with_commits(client: httpx.Client, git: GitHost) -> None:
    assert new_pull(client, "nothing").json()["errors"][0]["field"] == "head"
    assert "No commits between" in new_pull(client, "main").json()["errors"][0]["message"]


def test_pull_requests_are_listed_newest_first_and_by_head_and_state(client: httpx.Client, github: GitHub) -> None:
    for head in ("a", "b", "c"):
        github.add_pull("acme/widget", head)
    github.add_pull("acme/widget", "b", head_repo=None)
    merged = github.add_pull("acme/widget", "d")
    merged.state, merged.merged = "closed", True

    assert [one["number"] for one in get(client, f"{REPO}/pulls")] == [4, 3, 2, 1]
    assert [one["number"] for one in get(client, f"{REPO}/pulls", head="acme:b")] == [2]
    (closed,) = get(client, f"{REPO}/pulls", state="closed")
    assert closed["merged_at"]
    assert "merged" not in closed
    assert get(client, f"{REPO}/pulls/4")["head"]["repo"] is None


def test_reviews_and_the_conversation_are_lists_of_their_own(client: httpx.Client, github: GitHub) -> None:
    pull = github.add_pull("acme/widget", "topic")
    for state in ("APPROVED", None):
        github.add_remark("acme/widget", Remark(0, pull.number, f"state: {state}", state=state))

    (review,) = get(client, f"{REPO}/pulls/{pull.number}/reviews")
    (comment,) = get(client, f"{REPO}/issues/{pull.number}/comments")

    assert (review["body"], review["state"]) == ("state: APPROVED", "APPROVED")
    assert (comment["body"], "state" in comment) == ("state: None", False)
    assert client.get(f"{REPO}/issues/99/comments").status_code == 404


def test_a_list_has_pages_that_link_to_the_next(client: httpx.Client, github: GitHub) -> None:
    for number in range(5):
        github.add_pull("acme/widget", f"b{number}")

    first = client.get(f"{REPO}/pulls?per_page=2")
    second = client.get(first.links["next"]["url"])
    last = client.get(second.links["next"]["url"])

    assert [len(page.json()) for page in (first, second, last)] == [2, 2, 1]
    assert "next" not in last.links


def test_the_next_page_may_be_said_to_be_elsewhere(client: httpx.Client, github: GitHub) -> None:
    github.next_page_at = "http://127.0.0.1:9"
    github.add_pull("acme/widget", "a")
    github.add_pull("acme/widget", "b")

    assert client.get(f"{REPO}/pulls?per_page=1").links["next"]["url"].startswith("http://127.0.0.1:9/repos/")


def test_comments_are_listed_and_answered(client: httpx.Client, github: GitHub) -> None:
    github.add_pull("acme/widget", "topic")
    root = github.add_comment("acme/widget", Comment(0, 1, "please", path="README.md", line=3))

    replied = client.post(f"{REPO}/pulls/1/comments/{root.id}/replies", json={"body": "done"})

    assert replied.status_code == 201
    shown = get(client, f"{REPO}/pulls/1/comments")
    assert [(one["body"], one.get("in_reply_to_id")) for one in shown] == [("please", None), ("done", root.id)]
    assert shown[0]["author_association"] == "OWNER"
    again = client.post(f"{REPO}/pulls/1/comments/{replied.json()['id']}/replies", json={"body": "to a reply"})
    assert again.status_code == 404


def test_runs_are_those_of_a_branch_newest_first_with_their_jobs(client: httpx.Client, github: GitHub) -> None:
    github.add_run("acme/widget", "main", conclusion="success")
    github.add_run("acme/widget", "topic")
    newest = github.add_run("acme/widget", "main", jobs=[Job("test", "failure", "log"), Job("lint", "success")])

    runs = get(client, f"{REPO}/actions/runs", branch="main")
    jobs = get(client, f"{REPO}/actions/runs/{newest.id}/jobs")

    assert [run["conclusion"] for run in runs["workflow_runs"]] == ["failure", "success"]
    assert runs["total_count"] == 2
    assert len({run["workflow_id"] for run in runs["workflow_runs"]}) == 1
    assert [(job["name"], job["conclusion"]) for job in jobs["jobs"]] == [("test", "failure"), ("lint", "success")]
    assert get(client, f"{REPO}/actions/runs", status="in_progress")["total_count"] == 0


def test_a_log_is_elsewhere(client: httpx.Client, github: GitHub) -> None:
    job = Job("test", log="##[error]no\n")
    github.add_run("acme/widget", "main", jobs=[job])

    led = client.get(f"{REPO}/actions/jobs/{job.id}/logs")
    log = httpx.get(led.headers["location"], trust_env=False)

    assert led.status_code == 302
    assert log.text == "##[error]no\n"
    (request,) = github.logs.journal
    assert "authorization" not in request.headers


def test_a_renamed_repository_is_moved(client: httpx.Client, github: GitHub) -> None:
    github.rename("acme/widget", "acme/gadget")

    moved = client.get(f"{REPO}/pulls?state=all")

    assert moved.status_code == 301
    assert client.get(moved.headers["location"]).status_code == 200
    assert get(client, "/repos/acme/gadget")["full_name"] == "acme/gadget"


def test_troubles_come_once_each_to_the_requests_they_fit(client: httpx.Client, github: GitHub) -> None:
    github.trouble(rate_limited(2), exhausted(4e9, method="POST"), failing(503, path="/pulls$", times=2))

    limited = client.get(REPO)
    statuses = [client.get(path).status_code for path in (REPO, f"{REPO}/pulls", f"{REPO}/pulls", f"{REPO}/pulls")]
    empty = new_pull(client)

    assert (limited.status_code, limited.headers["retry-after"]) == (403, "2")
    assert statuses == [200, 503, 503, 200]
    assert (empty.headers["x-ratelimit-remaining"], empty.headers["x-ratelimit-reset"]) == ("0", "4000000000")
    assert [request.method for request in github.requests("POST")] == ["POST"]


def test_what_a_token_lacks_is_said(client: httpx.Client, github: GitHub) -> None:
    github.trouble(forbidden("pull_requests=write"))

    assert client.get(REPO).headers["x-accepted-github-permissions"] == "pull_requests=write"


def test_graphql_is_there_if_it_is_wanted(client: httpx.Client, github: GitHub) -> None:
    assert client.post("/graphql", json={"query": "{}"}).status_code == 404
    github.graphql = lambda request: document({"data": request.json()["query"]})

    assert client.post("/graphql", json={"query": "{}"}).json() == {"data": "{}"}
    assert isinstance(github.graphql(github.journal[-1]), Answer)


def test_the_journal_tells_whether_a_secret_was_sent(client: httpx.Client, github: GitHub) -> None:
    client.get(REPO)

    assert github.journal[-1].holds(TOKEN)
    assert not github.journal[-1].holds("other")
