"""What a model's reply says: the text without its reasoning, and the JSON object in it.

Total on any text: what cannot be read is a `Refusal` in words for the model. Time is in proportion to the length.
"""

from __future__ import annotations

import re

REPLY_MAX = 256 * 1024
"""The longest reply that is read, in characters; a model that writes more has lost its way."""

_TAG = re.compile(r"(^[ \t]*+)?<(/?)(?:think|thinking|reasoning)>", re.I | re.M)


def strip_reasoning(text: str) -> str:
    """`text` without what the model thought before it answered.

    A block of reasoning begins with a tag at the beginning of a line; one within a line is quoted text, perhaps of a
    file that is about models. A block that never ends is all reasoning: a draft in it is no answer. Where an end has no
    beginning, that was part of the prompt, as in some chat templates, and all before the end is reasoning.
    """
    kept: list[str] = []
    start = 0
    inside = opened = False
    for tag in _TAG.finditer(text):
        if not tag[2]:
            opened = True
            if not inside and (tag[1] is not None or tag.start() == start):
                kept.append(text[start : tag.start()])
                inside = True
        elif inside or not opened:
            if not inside:
                kept.clear()
            start, inside, opened = tag.end(), False, True
    return "".join(kept if inside else [*kept, text[start:]])
