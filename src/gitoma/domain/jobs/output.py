"""What a job prints: from the bytes of a pipe to numbered lines that readers can replay and follow.

    chunk (bytes) ──LineReader──► text lines ──Transcript──► Batch ──► ring of the last 500 lines
                                                                └──► one Backlog a reader ──► Batch, Gap, End

Everything moves in batches, because a job may print millions of lines: one line at a time through five calls is the
known way to be slow. For the same reason lines are made fit to be seen when somebody looks at them (`RawLines`): of a
job that prints that much, most leave the ring unseen. All of it is memory-bounded: an unfinished line, the ring, and
each reader's backlog.

The end of the output is a delivery of its own (`End`), never a line, so no job can forge it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import AnyStr, overload

from gitoma.domain.jobs.lifecycle import Status

RING_LINES = 500
"""How many lines are kept for replay: the REST page."""

LINE_MAX_BYTES = 4096
"""How much of one line is shown, in bytes of UTF-8, the mark of a cut not counted: the contract of the stream."""

CUT_MARK = "…(truncated)"

SENTINEL_PREFIX = "__END__"
"""What the last frame of a stream begins with; a job's own line must not."""

BACKLOG_LINES = 20_000
BACKLOG_BYTES = 4 * 1024 * 1024
"""How much may wait for one slow reader; past either, its oldest lines are dropped."""

BATCH_LINES = 2000
"""The largest batch: a tenth of a backlog, so that dropping a whole batch is a fine enough grain. What is read of a
pipe at once is seldom more lines than this, so it need not be split."""

HELD_BYTES = 64 * 1024
"""How much of an unfinished line is held. Sixteen times what is shown, so that redaction sees a secret whole even when
it begins just before the cut."""


class RawLines(Sequence[str]):
    """Whole lines as they came, made fit to be seen when somebody looks at them, and not before.

    Args:
        raw: The lines, joined by newlines: ASCII, none longer than is shown.
        fit: Makes text lines of them.

    Attributes:
        size: The bytes that they take.
    """

    __slots__ = ("_count", "_fit", "_lines", "_raw", "size")

    def __init__(self, raw: bytes, fit: Callable[[bytes], list[str]]) -> None:
        self._raw = raw
        self._fit = fit
        self._lines: list[str] | None = None
        self._count = raw.count(b"\n") + 1
        self.size = len(raw)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._seen()[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen())

    def _seen(self) -> list[str]:
        if self._lines is None:
            self._lines = self._fit(self._raw)
            self._raw = b""
        return self._lines


class Batch:
    """Consecutive lines of one job. Shared between readers and never changed, so its encoding can be shared too.

    Attributes:
        first: The number of the first line, counted from 1.
        lines: At least one.
        size: The bytes of UTF-8 they take.
    """

    __slots__ = ("__weakref__", "first", "lines", "size")

    def __init__(self, first: int, lines: Sequence[str], size: int) -> None:
        self.first = first
        self.lines = lines
        self.size = size

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.lines) - 1

    def after(self, seq: int) -> Batch:
        """The part of this batch behind line number `seq`, which is below `last`."""
        if seq < self.first:
            return self
        lines = self.lines[seq - self.first + 1 :]
        return Batch(seq + 1, lines, _size(lines))

    def __repr__(self) -> str:
        return f"Batch({self.first}..{self.last})"


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that were lost to this reader: out of the ring before it came, or dropped because it was slow."""

    count: int


@dataclass(frozen=True, slots=True)
class End:
    """The job has become `status`; nothing follows."""

    status: Status


Delivery = Batch | Gap | End


class LineReader:
    """Cuts the raw output of a job into lines that are fit to be seen.

    Each line: line end cut, credentials redacted, cut at `LINE_MAX_BYTES`, and moved away from the sentinel. Bytes that
    are no UTF-8 become replacement characters.

    Args:
        redact: Takes text of whole lines, joined by newlines, and returns it with the same number of lines.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._held = bytearray()
        self._cut = False  # the unfinished line was longer than what is held of it

    def feed(self, chunk: bytes) -> Sequence[str]:
        """The lines that `chunk` completes, in order."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._hold(chunk)
            return []
        lines: Sequence[str]
        if self._cut or len(self._held) > LINE_MAX_BYTES:
            first = chunk.find(b"\n")
            self._hold(chunk[:first])
            lines = self._release()
            if end > first:
                lines = [*lines, *self._lines(chunk[first + 1 : end])]
        else:
            block = bytes(self._held) + chunk[:end]
            self._held.clear()
            lines = RawLines(block, self._fit) if _is_plain(block) else self._lines(block)
        self._hold(chunk[end + 1 :])
        return lines

    def finish(self) -> list[str]:
        """What is left when nothing more will come: the last line, if it lacks its newline."""
        return self._release() if self._held or self._cut else []

    def _hold(self, part: bytes) -> None:
        room = HELD_BYTES - len(self._held)
        self._held += part[:room]
        self._cut = self._cut or len(part) > room

    def _release(self) -> list[str]:
        """The line that is held."""
        text = bytes(self._held)
        if self._cut:
            # The last word may be half a secret, which no pattern would know: without a blank in it, it must go.
            text = _without_last_word(text)
        lines = self._fit(text)
        if self._cut and not lines[-1].endswith(CUT_MARK):
            lines[-1] += CUT_MARK
        self._held.clear()
        self._cut = False
        return lines

    def _lines(self, block: bytes) -> list[str]:
        """The lines of a block of whole lines, given without its last newline."""
        lines: list[str] = []
        done = 0
        # A line that would not have been held whole is cut as if it had come in pieces: how a line was cut into chunks
        # must not show.
        for start, end in _long_lines(block, b"\n", HELD_BYTES):
            if start > done:
                lines += self._fit(block[done : start - 1])
            self._hold(block[start:end])
            lines += self._release()
            done = end + 1
        if done <= len(block):
            lines += self._fit(block[done:])
        return lines

    def _fit(self, block: bytes) -> list[str]:
        """The same, for lines that are all short enough to be held."""
        text = self._redact(block.decode("utf-8", "replace"))
        if text.startswith(SENTINEL_PREFIX):
            text = f" {text}"
        text = text.replace(f"\n{SENTINEL_PREFIX}", f"\n {SENTINEL_PREFIX}")
        lines = text.split("\n")
        if "\r" in text:
            lines = [line.rstrip("\r") for line in lines]
        characters = LINE_MAX_BYTES if text.isascii() else LINE_MAX_BYTES // 4
        if any(_long_lines(text, "\n", characters)):
            lines = [truncated(line) for line in lines]
        return lines


def _is_plain(block: bytes) -> bool:
    """Whether what these lines will take is known without a look at each of them."""
    return block.isascii() and not any(_long_lines(block, b"\n", LINE_MAX_BYTES))


def _long_lines(block: AnyStr, newline: AnyStr, limit: int) -> Iterator[tuple[int, int]]:
    """Where the lines of more than `limit` bytes or characters begin and end.

    Looks at one newline in every `limit` bytes only: looking at every line would cost as much as splitting them.
    """
    start = 0
    while len(block) - start > limit:
        end = block.rfind(newline, start, start + limit + 1)
        if end < 0:
            end = block.find(newline, start + limit)
            end = end if end >= 0 else len(block)
            yield start, end
        start = end + 1


def _without_last_word(text: bytes) -> bytes:
    """Text that was cut anywhere, cut once more where its last word begins; one endless word is kept."""
    blank = max(text.rfind(b" "), text.rfind(b"\t"))
    return text[:blank] if blank >= LINE_MAX_BYTES else text


def truncated(line: str) -> str:
    """`line`, or as much of it as `LINE_MAX_BYTES` hold, cut on a character boundary and marked."""
    if len(line) * 4 <= LINE_MAX_BYTES:  # no character takes more than four bytes
        return line
    encoded = line.encode("utf-8", "replace")
    if len(encoded) <= LINE_MAX_BYTES:
        return line
    return encoded[:LINE_MAX_BYTES].decode("utf-8", "ignore") + CUT_MARK


def _size(lines: Sequence[str]) -> int:
    """The bytes of UTF-8 that the lines take."""
    if isinstance(lines, RawLines):
        return lines.size
    return len("".join(lines).encode("utf-8", "replace"))


class Backlog:
    """What waits for one reader: bounded, oldest dropped first, and what was dropped is counted."""

    def __init__(self, *, max_lines: int = BACKLOG_LINES, max_bytes: int = BACKLOG_BYTES) -> None:
        self._max_lines = max_lines
        self._max_bytes = max_bytes
        self._waiting: deque[Batch] = deque()
        self._lines = 0
        self._bytes = 0
        self._lost = 0
        self._end: End | None = None

    def put(self, batch: Batch) -> None:
        """Let `batch` wait; the oldest batches go while more waits than may."""
        self._waiting.append(batch)
        self._lines += len(batch.lines)
        self._bytes += batch.size
        while self._lines > self._max_lines or self._bytes > self._max_bytes:
            self._lost += len(self._pop().lines)

    def lose(self, count: int) -> None:
        """Record that `count` lines, older than all that waits, cannot be had."""
        self._lost += count

    def finish(self, end: End) -> None:
        """Let the end wait behind everything else; it is never dropped."""
        self._end = end

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return not (self._waiting or self._lost or self._end)

    def take(self) -> list[Delivery]:
        """Everything that waits, oldest first; what was dropped is always older than what is left."""
        deliveries: list[Delivery] = [Gap(self._lost)] if self._lost else []
        deliveries += self._waiting
        if self._end:
            deliveries.append(self._end)
        self._waiting.clear()
        self._lines = self._bytes = self._lost = 0
        self._end = None
        return deliveries

    def _pop(self) -> Batch:
        batch = self._waiting.popleft()
        self._lines -= len(batch.lines)
        self._bytes -= batch.size
        return batch


class Transcript:
    """One job's output: the ring, the count, and the backlogs of those who follow.

    Attributes:
        buffered: How many lines can be replayed.
    """

    def __init__(self) -> None:
        self._ring: deque[Batch] = deque()
        self.buffered = 0
        self._held = 0
        self._last = 0
        self._end: End | None = None
        self._backlogs: list[Backlog] = []

    @property
    def followers(self) -> int:
        """How many readers follow."""
        return len(self._backlogs)

    def append(self, lines: Sequence[str]) -> None:
        """Number the lines, keep the last of them, and let them wait for every reader. After the end: nothing."""
        if self._end:
            return
        for batch in self._batches(lines):
            self._ring.append(batch)
            self._held += len(batch.lines)
            while self._held - len(self._ring[0].lines) >= RING_LINES:
                self._held -= len(self._ring.popleft().lines)
            self.buffered = min(self._held, RING_LINES)
            for backlog in self._backlogs:
                backlog.put(batch)

    def _batches(self, lines: Sequence[str]) -> Iterator[Batch]:
        for start in range(0, len(lines), BATCH_LINES):
            part = lines if len(lines) <= BATCH_LINES else lines[start : start + BATCH_LINES]
            yield Batch(self._last + 1, part, _size(part))
            self._last += len(part)

    def end(self, status: Status) -> None:
        """Tell every reader, now and to come, how the job ended. A second end changes nothing."""
        if self._end:
            return
        self._end = End(status)
        for backlog in self._backlogs:
            backlog.finish(self._end)

    def follow(self, after: int) -> Backlog:
        """A backlog that holds the replay behind line `after` and gets whatever comes.

        Below 0 is as 0, everything; beyond the last line is whatever comes next.
        """
        backlog = Backlog()
        after = max(after, 0)
        oldest = self._last - self.buffered + 1
        if after < oldest - 1:
            backlog.lose(oldest - 1 - after)
            after = oldest - 1
        for batch in self._ring:
            if batch.last > after:
                backlog.put(batch.after(after))
        if self._end:
            backlog.finish(self._end)
        else:
            self._backlogs.append(backlog)
        return backlog

    def unfollow(self, backlog: Backlog) -> None:
        """Stop letting lines wait in `backlog`."""
        if backlog in self._backlogs:
            self._backlogs.remove(backlog)
