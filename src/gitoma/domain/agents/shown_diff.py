"""The diff of a dry run: the beginning of it as lines, all of it as an artifact."""

from __future__ import annotations

from collections.abc import Sequence

from gitoma.domain.agents.ports import ArtifactNotKept
from gitoma.domain.agents.progress import Detail
from gitoma.domain.agents.toolbox import Toolbox
from gitoma.domain.repos.names import Slug

LINES_SHOWN = 200
"""How many lines are printed: the server keeps the last 500 of a job, and the plan must stay among them."""


def show_diff(lines: Sequence[str], name: str, slug: Slug, tools: Toolbox) -> str | None:
    """Print the diff, keep all of it, and return where; None where there is none, or it could not be kept."""
    if not lines:
        return None
    for line in lines[:LINES_SHOWN]:
        tools.progress.emit(Detail(line))
    if len(lines) > LINES_SHOWN:
        tools.progress.emit(Detail(f"… {len(lines) - LINES_SHOWN} more lines"))
    try:
        place = tools.artifacts.keep(slug.file_stem, name, tools.mask("\n".join(lines) + "\n"))
    except ArtifactNotKept as error:
        tools.progress.emit(Detail(f"the diff is not kept: {error}"))
        return None
    tools.progress.emit(Detail(f"the whole diff is in {place}"))
    return place
