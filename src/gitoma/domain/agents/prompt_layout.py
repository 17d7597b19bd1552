"""How every prompt is laid out, and how it is made to fit into the model's context.

    system:  ROLE: …        the first line
             rules          short, the format of the answer first
    user:    TASK           a paragraph of ours
             LESSONS        from the second attempt on
             DATA …         what others wrote
             ANSWER FORMAT  last, where it is freshest

A block of data begins and ends with a tag made from its content, so that no content can hold its own end: whoever
writes a file, a log or a comment cannot make the model take the rest of it for our words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from gitoma.domain.agents.excerpts import FileText, characters, windows
from gitoma.domain.agents.language_model import ChatRequest, Role
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.reflexion import MEMORY, Lesson
from gitoma.domain.health import LEAST_CONTEXT

DEFAULT_CONTEXT = 8192
"""The context of a model of which nothing is known, in tokens: what local servers load at least, as a rule."""

ANSWER_SHARE = 0.45
"""How much of the context an answer may take."""

PREVIOUS_MAX = 1500
"""How much of its previous answer the model is shown, in characters."""

_TEMPLATE_TOKENS = 48  # what a server's chat template adds
_LESSON_MAX = 700  # characters of one lesson


@dataclass(frozen=True, slots=True)
class Attempt:
    """Which time the same thing is asked, and what has been learned.

    Attributes:
        number: From 1.
        lessons: What the attempts before taught, newest last.
        previous: The last answer; "" before the first.
        halved: The same question was too long for the model: show half as much.
    """

    number: int = 1
    lessons: tuple[Lesson, ...] = ()
    previous: str = ""
    halved: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What a prompt is made of besides its data.

    Attributes:
        role: Who is asked.
        rules: The instructions.
        task: What is to be done, in one paragraph.
        answer_format: How to answer, with an example.
        max_tokens: The longest answer.
        temperature: How freely to answer.
        schema: What the answer must fit; None for plain text.
    """

    role: Role
    rules: str
    task: str
    answer_format: str
    max_tokens: int
    temperature: float
    schema: tuple[str, Mapping[str, object]] | None = None


def request(
    frame: Frame,
    context_tokens: int | None,
    data: Callable[[int], str],
    *,
    lessons: Sequence[Lesson] = (),
    previous: str = "",
    halved: bool = False,
) -> ChatRequest:
    """The question that fits into the context together with its answer.

    Args:
        frame: What it is made of.
        context_tokens: How much the model takes; None if nobody knows. Less than `LEAST_CONTEXT` counts as that.
        data: Gives the blocks of data, in at most so many characters as it is told.
        lessons: What the attempts before taught, newest last.
        previous: The last answer.
        halved: Show half as much data as there is room for.
    """
    context = max(context_tokens or DEFAULT_CONTEXT, LEAST_CONTEXT)
    share = int(ANSWER_SHARE * context)
    answer = min(frame.max_tokens, share)
    # An answer of JSON that was cut off is asked for once more, with twice the room.
    kept_free = min(2 * answer, share) if frame.schema else answer
    system = f"ROLE: {frame.role.value}\n{frame.rules}"
    before, behind = f"TASK\n{frame.task}\n\n", f"ANSWER FORMAT\n{frame.answer_format}"
    room = characters(context - kept_free - _TEMPLATE_TOKENS) - len(system) - len(before) - len(behind)
    learned = _lessons(lessons, previous, max(0, room) * 2 // 5)
    shown = data(max(0, room - len(learned)) // (2 if halved else 1))
    return ChatRequest(frame.role, system, f"{before}{learned}{shown}{behind}", frame.schema, answer, frame.temperature)


def _lessons(lessons: Sequence[Lesson], previous: str, room: int) -> str:
    """What was wrong before, and the answer that it was about; "" where there is nothing to tell."""
    if not lessons:
        return ""
    told = lessons[-MEMORY:]
    each = min(_LESSON_MAX, room // (2 * len(told)))
    lines = [f"{number}. {_begun(str(lesson), each)}" for number, lesson in enumerate(told, start=1)]
    text = "LESSONS from the attempts before; the last one is about your previous answer\n" + "\n".join(lines) + "\n\n"
    if previous.strip():
        text += block("your previous answer", previous.strip(), min(PREVIOUS_MAX, room - len(text)))
    return text if len(text) <= room else ""


def _begun(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: max(0, limit - 1)]}…"


def block(name: str, content: str, room: int) -> str:
    """A block of data with at most `room` characters; what does not fit is left out of its middle, and that is said.

    "" where there is no room for any of it.
    """
    whole = _tagged(name, content)
    if len(whole) <= room:
        return whole
    name = f"{name} (cut to fit)"
    shortened = _shortened(content, room - len(_tagged(name, "")))
    return _tagged(name, shortened) if shortened else ""


def _tagged(name: str, content: str) -> str:
    tag = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"DATA {tag} {printable(name)}\n{content}\nEND {tag}\n\n"


def _shortened(text: str, room: int) -> str:
    """The first and the last lines that fit; the last ones take two thirds, because errors come last."""
    lines = text.split("\n")
    mark = f"[… {len(lines)} lines in all; some are left out here …]"
    room -= len(mark) + 2
    ahead = _fitting(lines, room // 3)
    behind = _fitting(lines[ahead:][::-1], room - room // 3)
    if room <= 0 or not ahead + behind:
        return ""
    return "\n".join([*lines[:ahead], mark, *lines[len(lines) - behind :]])


def _fitting(lines: Sequence[str], room: int) -> int:
    """How many of the first lines take at most `room` characters."""
    return sum(size <= room for size in accumulate(len(line) + 1 for line in lines))


def file_blocks(files: Sequence[FileText], room: int) -> str:
    """Blocks of data for these files, and a line for each of which there is nothing to show."""
    for share in (1.0, 0.9, 0.75, 0.5, 0.25, 0.1, 0.0):  # how much of the room is for text, the rest for tags
        text = _file_blocks(files, int(share * room))
        if len(text) <= room:
            return text
    return ""


def _file_blocks(files: Sequence[FileText], room: int) -> str:
    shown = windows(files, room)
    paths = {window.path for window in shown}
    notes = [_note(file) for file in files if file.path not in paths]
    parts = [_tagged(window.label, window.text) for window in shown]
    return "".join([*parts, *notes, "\n" if notes else ""])


def _note(file: FileText) -> str:
    if file.text is None:
        return f"There is no file {printable(file.path)} yet.\n"
    return f"{printable(file.path)} is {'too large to be shown' if file.text else 'empty'}.\n"
