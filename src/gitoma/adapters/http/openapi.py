"""The description of the API, where the framework cannot infer it: request bodies, and every answer that can come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    Contact,
    OpenAPIMediaType,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.enums import OpenAPIType
from litestar.routes import BaseRoute
from litestar.types import ControllerRouterHandler

from gitoma import __version__
from gitoma.adapters.http import wire
from gitoma.domain.repos.names import BRANCH_MAX_LENGTH, BRANCH_PATTERN, NAME_PATTERN, OWNER_PATTERN

BEARER: list[dict[str, list[str]]] = [{"bearer": []}]
"""What a route of the API requires."""

OWNER = f"^{OWNER_PATTERN}$"
NAME = f"^{NAME_PATTERN}$"

# `__` is refused in the owner only. One trailing `.git` is cut before the name is judged, so it is not counted either.
_URL_OWNER = OWNER_PATTERN.replace("(?!.*__)", "(?![^/]*__)")
_URL_NAME = r"(?!\.{1,2}(?:\.git)?/?$)(?!\.git/?$)[A-Za-z0-9._][A-Za-z0-9._-]{0,99}(?:\.git)?"
_REPO_URL = Schema(
    type=OpenAPIType.STRING,
    pattern=rf"^https://github\.com/{_URL_OWNER}/{_URL_NAME}/?$",
    description="A repository on github.com, without credentials.",
    examples=["https://github.com/acme/widget"],
)
# What git refuses in a name, in the terms of a pattern: empty parts, parts that begin with a dot or end with `.lock`,
# two dots in a row, a dot at the end.
_GIT_REFUSES = r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|\.$|/$))(?![/.])(?!HEAD$)"
_BRANCH = Schema(
    type=OpenAPIType.STRING,
    pattern=f"^{_GIT_REFUSES}{BRANCH_PATTERN}$",
    min_length=1,
    max_length=BRANCH_MAX_LENGTH,
    description="A branch name that git accepts.",
    examples=["main"],
)
_OPTIONAL_BRANCH = Schema(one_of=[_BRANCH, Schema(type=OpenAPIType.NULL)])
_FLAG = Schema(type=OpenAPIType.BOOLEAN, default=False)


def _object(required: list[str], **properties: Schema) -> Schema:
    return Schema(type=OpenAPIType.OBJECT, required=required, properties=dict(properties))


_BODIES = {
    "RunRequest": _object(["repo_url"], repo_url=_REPO_URL, branch=_OPTIONAL_BRANCH, dry_run=_FLAG),
    "AnalyzeRequest": _object(["repo_url"], repo_url=_REPO_URL),
    "ReviewRequest": _object(["repo_url"], repo_url=_REPO_URL, integrate=_FLAG),
    "FixCiRequest": _object(["repo_url", "branch"], repo_url=_REPO_URL, branch=_BRANCH, dry_run=_FLAG),
}


def operation(body: str) -> type[Operation]:
    """An operation class for handlers whose body is the schema of this name."""

    @dataclass
    class JsonOperation(Operation):
        def __post_init__(self) -> None:
            reference = Reference(ref=f"#/components/schemas/{body}")
            self.request_body = RequestBody(
                required=True, content={"application/json": OpenAPIMediaType(schema=reference)}
            )

    return JsonOperation


_REFUSALS: dict[int, tuple[str, type]] = {
    400: ("The Host header is missing, doubled or not allowed; for fix-ci also: no branch.", wire.HttpError),
    401: ("The Authorization header is missing or malformed.", wire.HttpError),
    403: ("The token is wrong.", wire.HttpError),
    404: ("There is no such thing, or no longer.", wire.HttpError),
    409: ("The job has ended already.", wire.HttpError),
    413: ("The body is larger than 64 KiB.", wire.HttpError),
    422: ("One or more fields are bad; all of them are listed.", wire.ValidationError),
    429: ("Too many; Retry-After says when to try again.", wire.HttpError),
    431: ("The headers are larger than 32 KiB.", wire.HttpError),
    500: ("A mistake of the server's; its log has it under error_id.", wire.InternalError),
    503: ("No token is configured on the server, or it is shutting down.", wire.HttpError),
}
_ALWAYS = (400, 401, 403, 413, 431, 500, 503)


def answers(success: int, body: Any, description: str, *refusals: int, media_type: str = "application/json") -> Any:
    """Every answer of a route: its success, what any route may answer, and `refusals`."""
    specs = {
        status: ResponseSpec(_REFUSALS[status][1], description=_REFUSALS[status][0], generate_examples=False)
        for status in sorted({*_ALWAYS, *refusals})
    }
    good = ResponseSpec(body, description=description, generate_examples=False, media_type=media_type)
    return {success: good, **specs}


class _NoRoutes(Router):
    """Where the framework would put pages of its own, which ask a CDN for their scripts: it takes none of them."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        """Nothing is registered."""
        return []


def config() -> OpenAPIConfig:
    """The framework's settings; it serves nothing of this itself, see `docs`."""
    return OpenAPIConfig(
        title="gitoma",
        version=__version__,
        description="Dispatch autonomous GitHub agents as background jobs, follow their output, poll, list, cancel.",
        contact=Contact(name="The gitoma developers"),
        components=Components(security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")}),
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=_NoRoutes("/", route_handlers=[], include_in_schema=False),
    )


def describe_bodies(schemas: dict[str, Any]) -> None:
    """Add the request bodies to the components of a generated description."""
    schemas.update({name: schema.to_schema() for name, schema in _BODIES.items()})
