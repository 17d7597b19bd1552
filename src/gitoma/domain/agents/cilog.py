"""What a CI job's log says of its failure: an excerpt, and the files and lines that it points at.

A log is hostile text of any shape: whoever opens a pull request decides what a job prints. Everything here is total,
takes time in proportion to the log, and hands on paths of the commit's tree only.

An excerpt has the lines around the first failure, which is often the cause, and those before the last one, which is
what stopped the job. Between the two, tools repeat themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from gitoma.domain.agents.code_host import CiJob
from gitoma.domain.agents.health.sources import is_test
from gitoma.domain.agents.named_files import Mention, NamedFiles
from gitoma.domain.agents.progress import printable
from gitoma.domain.agents.tested_module import module_under_test

EXCERPT_MAX = 6000
"""The longest excerpt, in characters: about 1,700 tokens, a fifth of the smallest context that is worked with."""

FILES_MAX = 3
"""How many files a prompt shows."""

_LINES_MAX = 20  # line numbers kept of one file: a prompt shows windows around them, not a list
_LINE_MAX = 300  # characters of a log line that are read and shown; beyond it there is minified code
_BEFORE_FIRST, _AFTER_FIRST, _BEFORE_LAST = 5, 25, 60
_CUT = "[…]"

_STAMP = re.compile(r"\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z ?")
_ANSI = re.compile(r"\x1b\[[0-9;:?]{0,40}[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)")
_FAILURE = re.compile(
    r"##\[error\]|\bFAILED\b|\bFAIL\b|^ERRORS?\b|\[ERROR\]|Error: |Error:$|Exception: "
    r"|\berror(?:\[E\d+\])?: |\berror TS\d|\bpanicked at\b|\bpanic: |^Traceback "
    r"|\bnpm (?:ERR!|error)|\bexit(?:ed with)? (?:code|status) [1-9]"
    r"|\bcommand not found\b"
    r"|^ {1,20}\d{1,7}:\d{1,7} {1,20}(?:error|✖) "  # eslint, stylelint: below the path, see `_headed`
    r"|^[Ww]ould reformat:? \S|^\[(?:warn|error)\] \S+\.\w{1,20}$"  # black and ruff; prettier
)
_ROW = re.compile(r"(?:##\[\w{1,9}\])? {1,20}(\d{1,7}):\d{1,7} ")
_BULLET = re.compile(r"[-+*]{1,3} ")
_WARNING = re.compile(r"##\[warning\]|\bwarning\b", re.I)
_GROUP, _END_OF_GROUP = "##[group]", "##[endgroup]"
_STEP = re.compile(r"##\[(?:command|section|debug|notice)\]")
_WORKFLOW = re.compile(r"\.github/(?:workflows|actions)/")
_SET_UP = re.compile(
    r"Unable to resolve action|[Ii]nvalid workflow file|workflow is not valid|Can't find 'action\.ya?ml'"
    r"|Missing download info|Input required and not supplied|Resource not accessible by integration"
    r"|uses a deprecated version of `actions/|No space left on device|hosted runner lost communication"
    r"|runner has received a shutdown signal|exceeded the maximum execution time"
    r"|with arch \w{1,20} (?:was )?not found|not found in (?:this|the) list of allowed actions"
)
_VARYING = re.compile(r"\b0x[0-9a-f]{1,40}\b|\b[0-9a-f]{7,64}\b|\d{1,40}", re.I)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job failed, as far as its log says.

    Attributes:
        excerpt: The lines that tell of it, at most `EXCERPT_MAX` characters, without control characters.
        files: The files that it points at, at most `FILES_MAX`, the most often named first; a module under test stands
            behind the test that names it. None of them is a workflow.
        lines: The numbers of the lines that were named in each of these, rising.
        digest: Equal for the same failure in jobs of a matrix, whose versions, times and addresses differ.
        in_workflow: It is the workflow or the runner that fails, which only people mend.
    """

    excerpt: str
    files: tuple[str, ...]
    lines: Mapping[str, tuple[int, ...]]
    digest: str
    in_workflow: bool


@dataclass(frozen=True, slots=True)
class SharedFailure:
    """One failure, and the jobs that ended with it, in the order in which they were given."""

    failure: Failure
    jobs: tuple[CiJob, ...]


def failure_of(log: str, tree_paths: Collection[str], read: Callable[[str], str | None]) -> Failure:
    """Read a failed job's log.

    Args:
        log: What the job printed.
        tree_paths: The regular files of the commit that it ran on.
        read: Gives a file's text, or None where it is no text or too large; asked for at most `FILES_MAX` tests.
    """
    lines = _folded([_plain(line) for line in log.splitlines()])
    failing = [number for number, line in enumerate(lines) if _FAILURE.search(line)]
    excerpt = _excerpt(lines, failing)
    names = NamedFiles(tree_paths)
    named = [*_mentions(lines, failing, names), *_headed(lines, failing, names)] or list(_bare(lines, failing, names))
    own = [mention for mention in named if not _WORKFLOW.match(mention.path)]
    files = _files(own, names, read)
    set_up = len(own) < len(named) or any(_SET_UP.search(lines[number]) for number in failing)
    return Failure(excerpt, files, _lines(own, files), _digest(excerpt, own), set_up and not files)


def collapse(failed: Iterable[tuple[CiJob, Failure]]) -> tuple[SharedFailure, ...]:
    """Jobs with the same failure become one, in the order in which each failure is first met."""
    shared: dict[str, tuple[Failure, list[CiJob]]] = {}
    for job, failure in failed:
        shared.setdefault(failure.digest, (failure, []))[1].append(job)
    return tuple(SharedFailure(failure, tuple(jobs)) for failure, jobs in shared.values())


def _plain(line: str) -> str:
    """A line without its time stamp and colours, cut."""
    # Cut before it is searched, so that no pattern meets a line of half a megabyte.
    return _ANSI.sub("", _STAMP.sub("", line[: 4 * _LINE_MAX], count=1))[:_LINE_MAX].rstrip()


def _folded(lines: Sequence[str]) -> list[str]:
    """The lines without the inside of groups that tell of no failure: a step's own script, the runner's set-up."""
    kept: list[str] = []
    inside: list[str] | None = None
    for line in lines:
        if line.startswith(_GROUP):
            kept += inside or []  # a group that never ended
            inside = [line]
        elif line.startswith(_END_OF_GROUP):
            kept += _group(inside or [])
            inside = None
        else:
            (kept if inside is None else inside).append(line)
    return kept + (inside or [])


def _group(lines: Sequence[str]) -> Sequence[str]:
    return lines if any(_FAILURE.search(line) for line in lines[1:]) else lines[:1]


def _excerpt(lines: Sequence[str], failing: Sequence[int]) -> str:
    first = failing[0] if failing else max(0, len(lines) - _BEFORE_LAST)
    end = failing[-1] + 1 if failing else len(lines)
    head = range(max(0, first - _BEFORE_FIRST), min(first + _AFTER_FIRST, end))
    tail = range(max(head.stop, end - _BEFORE_LAST), end)
    before, after = _shown(lines, head), _shown(lines, tail)
    room = EXCERPT_MAX - len(_CUT) - 1
    # At least a third for the beginning, so that the first failure is in it; what one part leaves is the other's.
    before = _within(before, max(room // 3, room - _size(after)))
    after = _within(after[::-1], room - _size(before))[::-1]
    whole = len(before) + len(after) == end - head.start
    return "\n".join([*before, *([] if whole else [_CUT]), *after])


def _shown(lines: Sequence[str], numbers: range) -> list[str]:
    return [printable(lines[number].expandtabs(4))[:_LINE_MAX] for number in numbers]


def _size(lines: Iterable[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _within(lines: Iterable[str], room: int) -> list[str]:
    """As many of the lines, from the first on, as fit in `room` characters."""
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept


def _mentions(lines: Sequence[str], failing: Sequence[int], names: NamedFiles) -> Iterator[Mention]:
    """What is named from the first failure on: with a line number anywhere, without one where something fails."""
    fails = frozenset(failing)
    start = max(0, failing[0] - _BEFORE_FIRST) if failing else max(0, len(lines) - _BEFORE_LAST)
    for number in range(start, len(lines)):
        line = lines[number]
        if _STEP.match(line) or (number not in fails and _WARNING.search(line)):
            continue
        for mention in names.mentions(line):
            if mention.line is not None or number in fails:
                yield mention


def _headed(lines: Sequence[str], failing: Sequence[int], names: NamedFiles) -> Iterator[Mention]:
    """The failing lines of files whose path stands alone above them: `src/a.js`, then `  12:5  error  …` for each."""
    fails = frozenset(failing)
    heading = ""
    for number, line in enumerate(lines):
        if line[:1].strip() and _is_name(line):
            heading = line
        elif number in fails and (row := _ROW.match(line)):
            mention = next(names.mentions(heading), None)
            if mention is not None:
                yield Mention(mention.path, int(row[1]))


def _bare(lines: Sequence[str], failing: Sequence[int], names: NamedFiles) -> Iterator[Mention]:
    """The paths that stand alone before the last failure: `gofmt -l` and its like say no more than these."""
    end = failing[-1] + 1 if failing else len(lines)
    for line in lines[max(0, end - _BEFORE_LAST) : end]:
        name = _BULLET.sub("", line.strip(), count=1)
        if _is_name(name):
            yield from names.mentions(name)


def _is_name(line: str) -> bool:
    """Whether a line is one word that looks like a path."""
    return len(line.split()) == 1 and any(mark in line for mark in "./\\")


def _files(mentions: Iterable[Mention], names: NamedFiles, read: Callable[[str], str | None]) -> tuple[str, ...]:
    files: list[str] = []
    for path, _ in Counter(mention.path for mention in mentions).most_common(FILES_MAX):
        files.append(path)
        if is_test(path):
            files += filter(None, [module_under_test(path, read(path) or "", names)])
    return tuple(dict.fromkeys(files))[:FILES_MAX]


def _lines(mentions: Iterable[Mention], files: Sequence[str]) -> Mapping[str, tuple[int, ...]]:
    numbers: dict[str, dict[int, None]] = {path: {} for path in files}
    for mention in mentions:
        known = numbers.get(mention.path)
        if known is not None and mention.line is not None and len(known) < _LINES_MAX:
            known[mention.line] = None
    return MappingProxyType({path: tuple(sorted(known)) for path, known in numbers.items()})


def _digest(excerpt: str, mentions: Iterable[Mention]) -> str:
    """Of the excerpt's words without what varies, and of the places that it names, which would be lost with that."""
    places = sorted({(mention.path, mention.line or 0) for mention in mentions})
    text = f"{_VARYING.sub('#', excerpt)}\0{places}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
