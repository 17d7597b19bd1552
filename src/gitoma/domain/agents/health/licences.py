"""The check of the licence: that there is one, where it is looked for, and that it is a known one.

A licence is recognised by a phrase that no other licence contains, with white space made uniform. Its name is not
enough: "MIT" is in "limitation", and the GPL names three other licences.
"""

from __future__ import annotations

import re

from gitoma.domain.agents.health.score import Finding
from gitoma.domain.agents.health.snapshot import Snapshot

_FILE = re.compile(r"(?:un)?licen[cs]e|copying", re.I)
_NAME = re.compile(
    r"(?:un)?licen[cs]e(?:[._-][\w.-]+)?|copying(?:[._-][\w.-]+)?|[\w.-]+[._-]licen[cs]e(?:\.\w+)?", re.I
)
_FOLDER = re.compile(r"licen[cs]es/[^/]+", re.I)
_NESTED = re.compile(r"(?:[^/]+/){1,2}(?:un)?(?:licen[cs]e|copying)(?:\.(?:md|txt|rst))?", re.I)

# In this order: what stands further up is a special case of what stands below.
_PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Apache-2.0", ("apache license version 2.0, january 2004",)),
    ("AGPL-3.0", ("gnu affero general public license version 3, 19 november 2007",)),
    ("LGPL-3.0", ("gnu lesser general public license version 3, 29 june 2007",)),
    ("LGPL-2.1", ("gnu lesser general public license version 2.1, february 1999",)),
    ("GPL-3.0", ("gnu general public license version 3, 29 june 2007",)),
    ("GPL-2.0", ("gnu general public license version 2, june 1991",)),
    ("MPL-2.0", ("mozilla public license version 2.0", "covered software")),
    ("EPL-2.0", ("eclipse public license - v 2.0",)),
    ("BSL-1.0", ("boost software license - version 1.0",)),
    ("CC0-1.0", ("cc0 1.0 universal",)),
    ("Unlicense", ("this is free and unencumbered software released into the public domain",)),
    (
        "MIT",
        (
            "permission is hereby granted, free of charge, to any person obtaining a copy",
            "the above copyright notice and this permission notice",
        ),
    ),
    ("MIT-0", ("permission is hereby granted, free of charge, to any person obtaining a copy",)),
    ("BSD-3-Clause", ("redistribution and use in source and binary forms", "neither the name")),
    ("BSD-2-Clause", ("redistribution and use in source and binary forms",)),
    (
        "ISC",
        (
            "permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",
            "provided that the above copyright notice",
        ),
    ),
    ("0BSD", ("permission to use, copy, modify, and/or distribute this software for any purpose with or without fee",)),
)


def license_file(snapshot: Snapshot) -> Finding:
    """A licence file (6), at the top level (3), with the text of a known licence (1): Scorecard's rule."""
    top = [entry.path for entry in snapshot.files if entry.size and _NAME.fullmatch(entry.path)]
    # The plain name comes first: next to it, `LICENSE-third-party` is about something else.
    top.sort(key=lambda path: (not _FILE.fullmatch(path.partition(".")[0]), path))
    top += snapshot.matching(_FOLDER)
    if top:
        return _judged(snapshot, top, 9)
    nested = list(snapshot.matching(_NESTED))
    return _judged(snapshot, nested, 6) if nested else Finding(0, "no licence file")


def _judged(snapshot: Snapshot, paths: list[str], base: int) -> Finding:
    for path in paths[:5]:  # a file per licence, of those that a project may be had under
        if name := recognised(snapshot.text(path) or ""):
            return Finding(base + 1, name, (path,))
    return Finding(base, "a licence file, but not the text of a well-known licence", (paths[0],))


def recognised(text: str) -> str | None:
    """The SPDX identifier of the licence that `text` is, or None."""
    uniform = " ".join(text.casefold().split())
    return next((name for name, phrases in _PHRASES if all(phrase in uniform for phrase in phrases)), None)
