"""The cockpit on `/`: one self-contained page. It is public and holds nothing; what it shows, it asks the API for."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from litestar import get

from gitoma.adapters.http.replies import Page

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def page() -> Page:
    """The page, read, hashed and compressed once."""
    text = files(__name__).joinpath("page.html").read_text(encoding="utf-8")
    scripts = _SCRIPT.findall(text)
    return Page(text.encode(), script=scripts[0], more_policy="style-src 'self' 'unsafe-inline'")


@get("/", include_in_schema=False)
async def cockpit() -> Page:
    """The cockpit."""
    return page()
