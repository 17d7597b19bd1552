"""The persisted state of repositories."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import delete, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from gitoma.adapters.http import wire
from gitoma.adapters.http.openapi import NAME, OWNER, answers
from gitoma.adapters.http.replies import Reply, json_reply
from gitoma.domain.errors import InvalidRequest, Problem
from gitoma.domain.repos.names import Slug
from gitoma.domain.repos.overview import RepoOverview
from gitoma.domain.repos.ports import RepoStates

# The patterns only document: a name that breaks one is refused below, in the same shape as a bad field.
Owner = Annotated[str, PathParameter(schema_extra={"pattern": OWNER})]
Name = Annotated[str, PathParameter(schema_extra={"pattern": NAME})]


def repo_routes(states: Callable[[], RepoStates], overview: Callable[[], RepoOverview]) -> list[HTTPRouteHandler]:
    """The routes of states; the arguments give what they need at each request."""

    @get(
        "/state",
        operation_id="states",
        responses=answers(200, list[dict[str, Any]], "Every readable state, newest first."),
    )
    async def list_states() -> Reply:
        """List what agents have written down of each repository, and whether they still live."""
        return json_reply(await overview().snapshots())

    @delete(
        "/state/{owner:str}/{name:str}",
        status_code=200,
        operation_id="delete_state",
        responses=answers(200, wire.StateDeletion, "The state is gone, or never was.", 422),
    )
    async def delete_state(owner: Owner, name: Name) -> Reply:
        """Delete the persisted state of a repository. The remote branch and the pull request stay as they are."""
        problems = Slug.problems(owner, name)
        if problems:
            raise InvalidRequest(tuple(Problem(f"path/{field}", message) for field, message in problems.items()))
        existed = await states().delete(Slug(owner, name))
        return json_reply(wire.StateDeletion("deleted" if existed else "not_found"))

    return [list_states, delete_state]
