"""Which threads of a review are resolved: the one thing that only GraphQL tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec

from gitoma.adapters.github.client import PAGES_MAX, Client
from gitoma.adapters.github.exchange import Answer, Ask
from gitoma.domain.agents.errors import AgentError, Code
from gitoma.domain.repos.names import Slug

# `fullDatabaseId` and not `databaseId`: the ids of comments have outgrown the 32 bits of a GraphQL number.
_QUERY = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes { isResolved comments(first: 100) { nodes { fullDatabaseId } } }
      }
    }
  }
}
"""

_NEVER = (Code.NOT_FOUND, Code.FORBIDDEN)  # there is no such page, or none for our token; every other failure may pass
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Comment(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")] | int = msgspec.field(name="fullDatabaseId")


class _Comments(msgspec.Struct):
    nodes: list[_Comment]


class _Thread(msgspec.Struct):
    comments: _Comments
    is_resolved: bool = msgspec.field(name="isResolved")


class _PageInfo(msgspec.Struct):
    more: bool = msgspec.field(name="hasNextPage")
    cursor: str | None = msgspec.field(name="endCursor", default=None)


class _Threads(msgspec.Struct):
    nodes: list[_Thread]
    page: _PageInfo = msgspec.field(name="pageInfo")


class _Pull(msgspec.Struct):
    threads: _Threads = msgspec.field(name="reviewThreads")


class _Repository(msgspec.Struct):
    pull: _Pull = msgspec.field(name="pullRequest")


class _Data(msgspec.Struct):
    repository: _Repository


class _Reply(msgspec.Struct):
    data: _Data


class _Error(msgspec.Struct):
    type: str = ""


class _Failure(msgspec.Struct):
    errors: list[_Error]


class NotSaid(Exception):
    """The host does not say which threads are resolved: it has no such page, or another one."""


def resolved(client: Client, slug: Slug, number: int) -> frozenset[int]:
    """The ids of all comments in threads that are resolved.

    Raises:
        NotSaid: Nobody says, and nobody will.
        AgentError: It could not be asked, this time; nothing is known then.
    """
    return frozenset(
        int(comment.id)  # GraphQL writes large numbers as text
        for thread in _threads(client, slug, number)
        if thread.is_resolved
        for comment in thread.comments.nodes
    )


def graphql_url(api_url: str) -> str:
    """Where GraphQL is, beside the REST API: GitHub's own, or an enterprise server's."""
    return f"{api_url.removesuffix('/v3')}/graphql" if api_url.endswith("/api/v3") else f"{api_url}/graphql"


def _threads(client: Client, slug: Slug, number: int) -> Iterator[_Thread]:
    after: str | None = None
    for _ in range(PAGES_MAX):
        variables = {"owner": slug.owner, "name": slug.name, "number": number, "after": after}
        body = msgspec.json.encode({"query": _QUERY, "variables": variables})
        ask = Ask("POST", graphql_url(client.api_url), f"the threads of {slug}#{number}", body)
        threads = _pull(client, ask).threads
        yield from threads.nodes
        if not threads.page.more:
            return
        after = threads.page.cursor


def _pull(client: Client, ask: Ask) -> _Pull:
    try:
        answer = client.ask(ask)
    except AgentError as error:
        if error.code in _NEVER:
            raise NotSaid(str(error)) from None
        raise
    try:
        return msgspec.json.decode(answer.body, type=_Reply).data.repository.pull
    except _UNREADABLE:
        if _is_limited(answer):
            raise client.limited(answer) from None
        raise NotSaid(f"the answer cannot be read: {ask.about}") from None


def _is_limited(answer: Answer) -> bool:
    """GraphQL says with a success that it was asked too much."""
    try:
        failed = msgspec.json.decode(answer.body, type=_Failure)
    except _UNREADABLE:
        return False
    return any(error.type == "RATE_LIMITED" for error in failed.errors)
