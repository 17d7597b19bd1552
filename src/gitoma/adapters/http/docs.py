"""`/docs`: Swagger UI from files that we serve ourselves, and the description that it shows.

The files come with a package that ships them; they are found without importing it, read at the first visit, and kept
compressed. No browser asks a CDN for anything.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gitoma.adapters.http.openapi import describe_bodies
from gitoma.adapters.http.replies import Page, Reply

_PACKAGE = "swagger_ui_bundle"

_ASSETS = {
    "swagger-ui.css": b"text/css; charset=utf-8",
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui-standalone-preset.js": b"text/javascript; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}

_SCRIPT = """
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: "BaseLayout",
});
"""

_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>gitoma · API</title>
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/assets/swagger-ui-standalone-preset.js"></script>
<script>{_SCRIPT}</script>
</body>
</html>
"""


@cache
def _folder() -> Path:
    """Where the package keeps Swagger UI's files; its newest version, should it ship several."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"the package {_PACKAGE} is not installed")
    found = sorted(Path(spec.submodule_search_locations[0]).glob("**/swagger-ui-bundle.js"))
    return found[-1].parent


@lru_cache(maxsize=len(_ASSETS))
def _asset(name: str) -> Page:
    return Page((_folder() / name).read_bytes(), content_type=_ASSETS[name], cache_control=b"public, max-age=86400")


@cache
def _page() -> Page:
    return Page(_PAGE.encode(), script=_SCRIPT, more_policy="style-src 'self' 'unsafe-inline'; img-src 'self' data:")


@get("/docs", include_in_schema=False)
async def docs() -> Page:
    """Swagger UI."""
    return _page()


@get("/docs/assets/{name:str}", include_in_schema=False, sync_to_thread=True)
def docs_asset(name: FromPath[str]) -> Page:
    """A file of Swagger UI. In a thread, because the first visit reads and compresses it."""
    if name not in _ASSETS:
        raise NotFoundException("Not Found")
    return _asset(name)


@get("/openapi.json", include_in_schema=False)
async def description(request: Request[Any, Any, State]) -> Reply:
    """The description of the API, as OpenAPI."""
    return _description(request.app)


@lru_cache(maxsize=1)
def _description(app: Any) -> Reply:
    schema = app.openapi_schema.to_schema()
    describe_bodies(schema["components"].setdefault("schemas", {}))
    return Reply(msgspec.json.encode(schema))


ROUTES = [docs, docs_asset, description]
