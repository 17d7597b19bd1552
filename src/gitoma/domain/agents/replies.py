"""What a model's reply says: the text without its reasoning, and the JSON object in it.

Total on any text: what cannot be read is a `Refusal` in words for the model. Time is in proportion to the length.
"""

from __future__ import annotations

import json
import re

from gitoma.domain.agents import lenient_json
from gitoma.domain.agents.changes import Refusal

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


_FENCED = re.compile(r"```\w*+\s*+(?=[{\[])")
_OBJECT = re.compile(r"\{(?=\s*+(?:[\"']|\Z))")  # no brace of a sentence

_NO_JSON = Refusal("no-json", "The answer has no JSON object. Give one, and nothing else.")
_NO_OBJECT = Refusal("not-an-object", "The answer is no JSON object. Give one: it begins with `{` and ends with `}`.")


def read_object(text: str) -> dict[str, object] | Refusal:
    """The JSON object in a reply: the reply itself, else what is in its first code fence, else the first in its prose.

    Small defects are mended as `lenient_json` says. An object that has no end is never closed for the model: what is
    missing of it might have been the most important.

    Returns:
        The object; or a refusal: `truncated`, `no-json`, or `not-an-object` for JSON of another kind.
    """
    answer = strip_reasoning(text[:REPLY_MAX]).strip()
    try:
        return _object(_DECODER.decode(answer))
    except (ValueError, RecursionError):
        return _embedded(answer)


_LIST = re.compile(r"\[(?=\s*+\{)")  # no bracket of a sentence


def read_objects(text: str) -> list[object] | None:
    """The first JSON list in a reply that begins with an object, small defects mended; None without a whole one."""
    answer = strip_reasoning(text[:REPLY_MAX])
    begin = _LIST.search(answer)
    try:
        found = lenient_json.read(answer, begin.start()) if begin else None
    except (lenient_json.Unfinished, lenient_json.Malformed):
        return None
    return found if isinstance(found, list) else None


_DECODER = json.JSONDecoder(strict=False)  # line ends may stand in a string as they are


def _embedded(answer: str) -> dict[str, object] | Refusal:
    fence = _FENCED.search(answer)
    begin = _OBJECT.search(answer, fence.end() if fence else 0)
    if begin is None:
        return _NO_OBJECT if fence or answer.startswith(("[", '"')) else _NO_JSON
    if answer[: begin.start()].rstrip().endswith("["):
        return _NO_OBJECT
    try:
        return _object(lenient_json.read(answer, begin.start()))
    except lenient_json.Unfinished as unfinished:
        return Refusal("truncated", f"The JSON object has no end ({unfinished}). Give it whole, and shorter.")
    except lenient_json.Malformed as malformed:
        return Refusal("no-json", f"The JSON is not valid: {malformed}. Give one valid object, and nothing else.")


def _object(value: object) -> dict[str, object] | Refusal:
    return value if isinstance(value, dict) else _NO_OBJECT
