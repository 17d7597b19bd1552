import tracemalloc
from itertools import accumulate, chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from gitoma.adapters.testing.output import Leak, cuts, leaks, raw_output
from gitoma.domain.jobs.lifecycle import Status
from gitoma.domain.jobs.output import (
    BACKLOG_LINES,
    BATCH_LINES,
    CUT_MARK,
    HELD_BYTES,
    LINE_MAX_BYTES,
    RING_LINES,
    SENTINEL_PREFIX,
    Backlog,
    Batch,
    Delivery,
    End,
    Gap,
    LineReader,
    Transcript,
    truncated,
)
from gitoma.domain.jobs.redaction import Redactor

REDACT = Redactor()


def read(*chunks: bytes) -> list[str]:
    reader = LineReader(REDACT)
    return [*chain.from_iterable(map(reader.feed, chunks)), *reader.finish()]


@given(st.data(), raw_output())
def test_how_output_is_cut_into_chunks_does_not_show(data: st.DataObject, raw: bytes) -> None:
    assert read(*data.draw(cuts(raw))) == read(raw)


@given(raw_output())
def test_every_line_has_at_most_the_bytes_that_are_shown_and_the_mark(raw: bytes) -> None:
    for line in read(raw):
        assert len(line.removesuffix(CUT_MARK).encode()) <= LINE_MAX_BYTES
        assert "\n" not in line
        assert not line.endswith("\r")
        assert not line.startswith(SENTINEL_PREFIX)


@given(raw_output())
def test_no_line_is_lost_or_made_up(raw: bytes) -> None:
    assert len(read(raw)) == raw.count(b"\n") + (not raw.endswith(b"\n") and raw != b"")


@given(st.lists(leaks(), min_size=1))
def test_a_secret_never_shows_however_it_is_cut(found: list[Leak]) -> None:
    raw = "\n".join(leak.line for leak in found).encode()
    lines = read(*(raw[at : at + 1] for at in range(len(raw))))

    assert len(lines) == len(found)
    for leak, line in zip(found, lines, strict=True):
        assert leak.secret not in line


@pytest.mark.parametrize("padding", range(LINE_MAX_BYTES - 60, LINE_MAX_BYTES + 2))
def test_a_secret_at_the_cut_shows_no_part_of_itself(padding: int) -> None:
    (line,) = read(b"x" * padding + b" https://user:P4ssw0rd!@host " + b"y" * HELD_BYTES)

    assert "P4s" not in line
    assert line.endswith(CUT_MARK)


@pytest.mark.parametrize("padding", range(HELD_BYTES - 48, HELD_BYTES + 1))
def test_a_secret_that_is_held_in_part_shows_no_part_of_itself(padding: int) -> None:
    shrinks = (
        b"https://user:" + b"z" * (padding - 16) + b"@h "
    )  # so what is held becomes short enough to be shown whole
    (line,) = read(shrinks, b"https://user:", b"P4ssw0rd!P4ssw0rd!P4ssw0rd!P4ssw0rd!@host")

    assert line == "https://REDACTED@h" + CUT_MARK


def test_a_line_too_long_to_be_held_is_cut_alike_in_one_chunk_and_in_many() -> None:
    long = b"https://user:" + b"z" * HELD_BYTES + b"@host"
    shrinks = b"https://user:" + b"z" * (HELD_BYTES - 100) + b"@host " + b"y" * 200
    raw = b"\n".join([b"", long, b"", b"one", shrinks, shrinks, b"two", b"", long])

    lines = read(raw)

    assert lines == read(*(raw[at : at + 1000] for at in range(0, len(raw), 1000)))
    shrunk = "https://REDACTED@host" + CUT_MARK
    assert [lines[at] for at in (0, 2, 3, 4, 5, 6, 7)] == ["", "", "one", shrunk, shrunk, "two", ""]


def test_line_ends_of_both_kinds_are_cut() -> None:
    assert read(b"one\r\ntwo\nthr\ree\r") == ["one", "two", "thr\ree"]


def test_empty_lines_are_lines() -> None:
    assert read(b"\n\n", b"\n") == ["", "", ""]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert read(b"a\xffb\n\xe2\x82", b"\xac\n\xe2\n") == ["a\ufffdb", "€", "\ufffd"]


def test_a_line_that_looks_like_the_end_is_moved_away_from_it() -> None:
    assert read(b"__END__:completed\nx __END__\n__END__\r\n") == [" __END__:completed", "x __END__", " __END__"]


def test_the_blank_before_a_forged_end_counts_as_a_byte_of_the_line() -> None:
    line = SENTINEL_PREFIX.ljust(LINE_MAX_BYTES, "x")

    assert read(line.encode()) == [f" {line[:-1]}{CUT_MARK}"]


def test_an_endless_line_takes_bounded_memory() -> None:
    reader = LineReader(REDACT)
    chunk = b"x" * 65_536
    tracemalloc.start()
    try:
        for _ in range(320):  # 20 MiB
            assert list(reader.feed(chunk)) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8 * HELD_BYTES
    assert list(reader.feed(b"\nnext\n")) == ["x" * LINE_MAX_BYTES + CUT_MARK, "next"]


@given(
    st.text(st.sampled_from("xé€😀"), min_size=LINE_MAX_BYTES // 4 - 2, max_size=LINE_MAX_BYTES // 4 + 2),
    st.integers(1, 4),
)
def test_a_long_line_is_cut_on_a_character_boundary(unit: str, times: int) -> None:
    line = unit * times
    shown = truncated(line)

    if len(line.encode()) <= LINE_MAX_BYTES:
        assert shown == line
    else:
        kept = shown.removesuffix(CUT_MARK)
        assert shown == kept + CUT_MARK
        assert line.startswith(kept)
        assert LINE_MAX_BYTES - 4 < len(kept.encode()) <= LINE_MAX_BYTES


# A reader's backlog


def batch(first: int, count: int, width: int = 1) -> Batch:
    return Batch(first, ["x" * width] * count, count * width)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1), st.integers(9, 30), st.integers(81, 200))
def test_a_backlog_keeps_the_newest_lines_and_counts_the_others(
    batches: list[tuple[int, int]], max_lines: int, max_bytes: int
) -> None:
    backlog = Backlog(max_lines=max_lines, max_bytes=max_bytes)
    last = 0
    for count, width in batches:
        backlog.put(batch(last + 1, count, width))
        last += count

    deliveries = backlog.take()

    lost = deliveries[0].count if isinstance(deliveries[0], Gap) else 0
    waiting = [delivery for delivery in deliveries if isinstance(delivery, Batch)]
    numbers = [number for each in waiting for number in range(each.first, each.last + 1)]
    assert numbers == list(range(lost + 1, last + 1))
    assert len(numbers) <= max_lines
    assert sum(each.size for each in waiting) <= max_bytes
    assert backlog.is_empty
    if lost:  # no more than had to be: the last batch that was dropped had no room
        ends = list(accumulate(count for count, _ in batches))
        count, width = batches[ends.index(lost)]
        assert len(numbers) + count > max_lines or sum(each.size for each in waiting) + count * width > max_bytes


def test_the_end_is_never_dropped_and_comes_last() -> None:
    backlog = Backlog(max_lines=1)
    backlog.put(batch(1, 1))
    backlog.finish(End(Status.FAILED))
    backlog.put(batch(2, 5))

    assert backlog.take() == [Gap(6), End(Status.FAILED)]
    assert backlog.take() == []


# The transcript


def filled(count: int) -> Transcript:
    transcript = Transcript()
    transcript.append([str(number) for number in range(1, count + 1)])
    return transcript


def numbered(deliveries: list[Delivery]) -> list[tuple[int, str]]:
    batches = [each for each in deliveries if isinstance(each, Batch)]
    return [(each.first + offset, line) for each in batches for offset, line in enumerate(each.lines)]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 999, 1000, 1001, 1499, 12_345])
def test_the_last_500_lines_are_replayed_and_the_others_counted(count: int) -> None:
    transcript = filled(count)
    kept = min(count, RING_LINES)

    deliveries = transcript.follow(0).take()

    assert transcript.buffered == kept
    assert numbered(deliveries) == [(number, str(number)) for number in range(count - kept + 1, count + 1)]
    assert [each for each in deliveries if isinstance(each, Gap)] == ([Gap(count - kept)] if count > kept else [])


def test_after_a_number_beyond_the_last_line_comes_whatever_comes_next() -> None:
    transcript = filled(3)
    backlog = transcript.follow(1000)
    transcript.append(["four"])

    assert numbered(backlog.take()) == [(4, "four")]


def test_a_number_below_the_first_line_loses_nothing() -> None:
    assert numbered(filled(1).follow(-7).take()) == [(1, "1")]


def test_a_batch_says_how_many_bytes_its_lines_take() -> None:
    transcript = Transcript()
    transcript.append(["x"] * 600 + ["😀"] * 600)

    batches = [each for each in transcript.follow(0).take() if isinstance(each, Batch)]
    for each in batches:
        assert each.size == len("".join(each.lines).encode())


class Reader:
    """What one reader was handed, and what it must have been handed."""

    def __init__(self, transcript: Transcript, after: int, written: int) -> None:
        self.backlog = transcript.follow(after)
        self.next = min(after, written) + 1  # the number of the next line it is owed
        self.lost = max(0, written - RING_LINES - after)
        self.waiting = min(written - after, RING_LINES)
        self.ended = False

    def take(self) -> None:
        lost = 0
        for delivery in self.backlog.take():
            assert not self.ended
            if isinstance(delivery, Gap):
                lost += delivery.count
                self.next += delivery.count
            elif isinstance(delivery, End):
                self.ended = True
            else:
                assert delivery.first == self.next
                assert list(delivery.lines) == [str(number) for number in range(self.next, delivery.last + 1)]
                self.next = delivery.last + 1
        dropped = max(0, self.waiting - BACKLOG_LINES)
        assert self.lost + dropped <= lost < self.lost + dropped + (BATCH_LINES if dropped else 1)
        self.lost = self.waiting = 0


class Following(RuleBasedStateMachine):
    """Whatever the interleaving: each reader gets the tail of the whole, in order, once, with what is lost counted."""

    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.transcript = Transcript()
        self.written = 0
        self.status: Status | None = None
        self.following: list[Reader] = []

    @rule(count=st.integers(0, 8) | st.integers(480, 1100) | st.just(15_000))
    def append(self, count: int) -> None:
        lines = [str(number) for number in range(self.written + 1, self.written + count + 1)]
        self.transcript.append(lines)
        if not self.status:
            self.written += count
            for reader in self.following:
                reader.waiting += count

    @rule(target=readers, back=st.integers(-3, 1200))
    def follow(self, back: int) -> Reader:
        reader = Reader(self.transcript, max(0, self.written - back), self.written)
        if not self.status:
            self.following.append(reader)
        return reader

    @rule(reader=readers)
    def take(self, reader: Reader) -> None:
        reader.take()

        assert reader.next == self.written + 1
        assert reader.ended == bool(self.status)

    @rule(reader=consumes(readers))
    def unfollow(self, reader: Reader) -> None:
        self.transcript.unfollow(reader.backlog)
        if reader in self.following:
            self.following.remove(reader)

    @rule(status=st.sampled_from([Status.COMPLETED, Status.FAILED]))
    def end(self, status: Status) -> None:
        self.transcript.end(status)
        self.status = self.status or status

    @invariant()
    def the_ring_is_the_last_500(self) -> None:
        assert self.transcript.buffered == min(self.written, RING_LINES)

    @invariant()
    def those_who_follow_are_counted(self) -> None:
        assert self.transcript.followers == len(self.following)


TestFollowing = Following.TestCase


def test_lines_that_nobody_looks_at_are_never_made_fit_to_be_seen() -> None:
    cleaned: list[str] = []

    def redact(text: str) -> str:
        cleaned.append(text)
        return text

    reader, transcript = LineReader(redact), Transcript()
    for number in range(20):
        transcript.append(reader.feed(b"".join(b"line %d\n" % (number * 600 + line) for line in range(600))))
    assert cleaned == []

    (gap, *batches) = transcript.follow(0).take()
    assert gap == Gap(20 * 600 - RING_LINES)
    assert [line for batch in batches if isinstance(batch, Batch) for line in batch.lines][-1] == "line 11999"
    assert sum(text.count("\n") + 1 for text in cleaned) < 2 * 600
