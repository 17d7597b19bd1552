"""From a model's answer to a change: every block of it applies, or none does.

Blocks apply one after another, in memory; what cannot be done is refused in words from which the next attempt can
learn. An empty SEARCH makes a new file, or replaces one that is small enough to be written anew without loss. No
text is invented: there is no fuzzy matching, and lines that stand for others are refused.

Whether the change is wanted is no matter of this module; see `gates`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from gitoma.domain.agents import paths
from gitoma.domain.agents.blocks import Block, Deletion, Reply, Split, fenced, parse
from gitoma.domain.agents.changes import ChangeSet, FileChange, Refusal
from gitoma.domain.agents.paths import folded, shown
from gitoma.domain.agents.replacing import WHOLE_MAX_LINES, replaced
from gitoma.domain.agents.replies import REPLY_MAX, strip_reasoning
from gitoma.domain.agents.tree import Tree, text_of

_SUGGESTED = 3  # files of the same name as one that is missing

REFUSALS_MAX = 6
"""How many refusals are told at once: more is no help to a model."""

GRAMMAR = f'''\
Answer with one or more blocks like this one, each naming its file:

FILE: src/greeting.py
<<<<<<< SEARCH
def greet(name):
    return "Hello " + name
=======
def greet(name: str) -> str:
    """Say hello to `name`."""
    return f"Hello {{name}}"
>>>>>>> REPLACE

- SEARCH: whole lines, copied exactly from the file, enough of them to be found there once.
- REPLACE: the lines that stand there afterwards; none to delete them.
- To make a new file, or to replace one of at most {WHOLE_MAX_LINES} lines as a whole, leave SEARCH empty.
- Write every line that is to be there. Never write "..." or "rest unchanged" in its place.'''
"""The format of an answer, for prompts, with one example."""

DELETING = "- To delete a file that was shown to you, write a line: DELETE: path/of/the/file"
"""To be added to the grammar where `deletable` is not empty."""


def change_of(
    reply: str, tree: Tree, *, only: str | None = None, deletable: Collection[str] = ()
) -> ChangeSet | tuple[Refusal, ...]:
    """Read a model's answer, and apply it in memory.

    Args:
        reply: What the model wrote, with its reasoning if it has any.
        tree: The files as they are.
        only: The file that is meant where the answer names none.
        deletable: The files that the answer may delete.

    Returns:
        A change in which no file is as it was, or why there is none; refusals are each different, and at least one.
    """
    if len(reply) > REPLY_MAX:
        return (Refusal("too-large", f"The answer is longer than {REPLY_MAX // 1024} KiB. Send only the blocks."),)
    read = _read(strip_reasoning(reply), tree, only)
    draft = _Draft(tree, only, deletable)
    refusals = [*read.refusals, *draft.apply(read.items)]
    if refusals:
        return tuple(islice(dict.fromkeys(refusals), REFUSALS_MAX))
    if not read.items:
        return (_NO_EDIT,)
    change = draft.change()
    return change if change.files else (_NO_CHANGE,)


def _read(answer: str, tree: Tree, only: str | None) -> Reply:
    """The answer's blocks; or, of a file that does not exist yet, a code fence with all of it."""
    read = parse(answer, tree)
    if read.items or read.refusals or only is None or only in tree:
        return read
    whole = fenced(answer, only)
    return Reply((whole,), ()) if whole else read


_NO_EDIT = Refusal("no-edit", "The answer has no SEARCH/REPLACE block. Answer with blocks in the format, nothing else.")
_NO_CHANGE = Refusal("no-change", "The blocks leave every file as it is. Write in REPLACE what shall be different.")
_DIVIDERS = (
    "The block for {} has several lines of =======, and it is not certain which one divides it. Send a block around "
    "fewer lines, with one of them."
)
_BOTH = "{} is both changed and deleted. Do one of the two."


class _Refused(Exception):
    """A block cannot be applied."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.refusal = Refusal(code, message)


class _Draft:
    """The files that an answer touches, as they are after the blocks so far; None for one that is gone."""

    def __init__(self, tree: Tree, only: str | None, deletable: Collection[str]) -> None:
        self._tree = tree
        self._only = only
        self._deletable = deletable
        self._texts: dict[str, str | None] = {}

    def apply(self, items: Sequence[Block | Deletion]) -> list[Refusal]:
        """Apply what can be applied, and tell what cannot."""
        refusals = []
        for item in items:
            try:
                if isinstance(item, Block):
                    self._edit(item)
                else:
                    self._delete(item)
            except _Refused as refused:
                refusals.append(refused.refusal)
        return refusals

    def change(self) -> ChangeSet:
        """What is different now."""
        files = (FileChange(path, self._before(path), new) for path, new in sorted(self._texts.items()))
        return ChangeSet(tuple(file for file in files if file.old != file.new))

    def _before(self, path: str) -> str | None:
        text = self._tree.read(path)
        return text if isinstance(text, str) else None

    def _delete(self, deletion: Deletion) -> None:
        path = self._judged(deletion.path)
        if path not in self._deletable:
            raise _Refused("denied", f"{shown(path)} may not be deleted. Leave it, or change its lines with a block.")
        if path in self._texts:
            raise _Refused("malformed", _BOTH.format(shown(path)))
        if path not in self._tree:
            raise _Refused("missing", f"There is no file {shown(path)} to delete.")
        self._current(path)
        self._texts[path] = None

    def _edit(self, block: Block) -> None:
        name = block.path if block.path is not None else self._only
        if name is None:
            raise _Refused("no-path", "A block names no file. Write FILE: and the path on the line before it.")
        path = self._judged(name)
        current = self._current(path)
        if current is None:
            self._check_new(path)
        text = _result(block.splits(), path, current)
        if isinstance(text, Refusal):
            hint = self._same_name(path) if text.code == "missing" else ""
            raise _Refused(text.code, text.message + hint)
        if text_of(text.encode("utf-8", "surrogatepass")) is None:
            raise _Refused("not-text", f"The block for {shown(path)} holds what is no text. Write plain characters.")
        self._texts[path] = text

    def _check_new(self, path: str) -> None:
        if path in self._texts:
            raise _Refused("malformed", _BOTH.format(shown(path)))
        other = self._tree.clash(path) or next((made for made in self._texts if _clash(path, made)), None)
        if other is not None:
            message = (
                f"There is {shown(other)}, beside which there can be no {shown(path)}. Use that file, or another name."
            )
            raise _Refused("exists", message)

    def _same_name(self, path: str) -> str:
        """Where else there is a file of this name: small models forget folders."""
        name = path.rpartition("/")[2]
        others = islice((other for other in self._tree.paths if other.rpartition("/")[2] == name), _SUGGESTED)
        found = " or ".join(map(shown, others))
        return f" Do you mean {found}?" if found else ""

    def _judged(self, name: str) -> str:
        path = paths.check(name, self._tree.special)
        if isinstance(path, Refusal):
            raise _Refused(path.code, path.message)
        return path

    def _current(self, path: str) -> str | None:
        """The file's text as the blocks so far left it; None if there is no such file."""
        if path in self._texts or path not in self._tree:
            return self._texts.get(path)
        text = self._tree.read(path)
        if isinstance(text, Refusal):
            raise _Refused(text.code, text.message)
        return text


def _result(splits: Sequence[Split], path: str, current: str | None) -> str | Refusal:
    """What the only reading of a block that can be applied makes of a file."""
    if len(splits) == 1:
        return replaced(splits[0], path, current)
    # With several dividers, an empty SEARCH may as well be the beginning of one with an underlined heading.
    sure = [split for split in splits if current is None or split.has_text]
    texts = {text for split in sure if isinstance(text := replaced(split, path, current), str)}
    return texts.pop() if len(texts) == 1 else Refusal("malformed", _DIVIDERS.format(shown(path)))


def _clash(path: str, other: str) -> bool:
    one, two = folded(path), folded(other)
    return one == two or one.startswith(f"{two}/") or two.startswith(f"{one}/")
