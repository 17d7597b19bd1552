"""A job's output, live, as Server-Sent Events.

One frame a line, numbered, so that a client that was cut off can resume with `Last-Event-ID`. The last frame says how
the job ended; only this file knows how that is spelled. What is between the pipe and the socket is in batches: a batch
is encoded once, however many readers it has, and a reader sends all that waits for it in one write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from gitoma.adapters.http.asgi import Headers, Receive, Scope, Send, abort_connection
from gitoma.adapters.http.openapi import answers
from gitoma.domain.jobs.output import SENTINEL_PREFIX, Batch, Delivery, End, Gap
from gitoma.domain.jobs.ports import Follower
from gitoma.domain.jobs.service import JobService

HEARTBEAT_S = 15.0
"""A comment is sent after this long without a frame: the contract of the stream."""

STUCK_S = 60.0
"""A reader that takes nothing for this long is cut off, so that its place and its memory are free again. It can resume
where it was."""

PORTION_BYTES = 64 * 1024
"""How much is written at once. What waits is shared by all readers of a job, but each copies what it writes, so this
bounds what a reader who does not take it costs; and as the server's buffer of a connection holds no more, others get
their turn before the next portion. 256 KiB was no faster, and 16 readers took three times the memory."""

# `no-transform` and `X-Accel-Buffering` keep proxies from collecting the stream before they pass it on.
_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
_HEARTBEAT = b": heartbeat\n\n"

log = logging.getLogger(__name__)

_encoder = msgspec.json.Encoder()
_frames: WeakKeyDictionary[Batch, bytes] = WeakKeyDictionary()


class Frame(msgspec.Struct):
    """One event of the stream, as clients of Server-Sent Events see it: every field is text. The last one has no id."""

    event: Literal["line"]
    data: Annotated[str, msgspec.Meta(description='JSON: {"line": "…"}; the last one is "__END__:" and the status.')]
    id: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*$")] | msgspec.UnsetType = msgspec.UNSET


def resume_point(last_event_id: str | None) -> int:
    """The number of the last line that the client has: 0 for none, and for what is no number."""
    last_event_id = (last_event_id or "").strip(" \t")
    if not last_event_id.isascii() or not last_event_id.isdigit():
        return 0
    # No job prints 10**18 lines; the limit keeps a header of thousands of digits from being multiplied out.
    return int(last_event_id) if len(last_event_id) <= 18 else 10**18


def encode(deliveries: Iterable[Delivery]) -> Iterator[bytes]:
    """Everything that waits for a reader, as it goes over the wire, in portions of about `PORTION_BYTES`."""
    portion: list[bytes] = []
    size = 0
    for delivery in deliveries:
        portion.append(_encode(delivery))
        size += len(portion[-1])
        if size >= PORTION_BYTES:
            yield b"".join(portion)
            portion, size = [], 0
    if portion:
        yield b"".join(portion)


def _encode(delivery: Delivery) -> bytes:
    if isinstance(delivery, Batch):
        frames = _frames.get(delivery)
        if frames is None:
            frames = _frames[delivery] = _encode_batch(delivery)
        return frames
    if isinstance(delivery, Gap):
        return b": dropped %d\n\n" % delivery.count
    return b'event: line\ndata: {"line": "%s:%s"}\n\n' % (SENTINEL_PREFIX.encode(), delivery.status.value.encode())


def _encode_batch(batch: Batch) -> bytes:
    """All lines are escaped in one call, as a JSON array, and the array is cut where two strings meet.

    That is several times faster than a call a line, and safe: inside a JSON string a quote is always escaped, so
    the three bytes of the cut, quote, comma, quote, can only stand between two strings.
    """
    escaped = _encoder.encode(list(batch.lines))[2:-2].split(b'","')
    numbered: list[Any] = [None] * (2 * len(escaped))
    numbered[::2] = range(batch.first, batch.first + len(escaped))
    numbered[1::2] = escaped
    return _frames_of(len(escaped)) % tuple(numbered)


@lru_cache(maxsize=8)
def _frames_of(count: int) -> bytes:
    """The frames of so many lines, their numbers and texts to be filled in: one call for a batch, not one a line."""
    return b'id: %d\nevent: line\ndata: {"line": "%s"}\n\n' * count


class _ReaderStuck(Exception):
    """A reader has taken nothing for as long as may be."""


class EventStream:
    """Sends one reader's output until the job's end, the client's, or the server's."""

    def __init__(self, follower: Follower, *, heartbeat_s: float = HEARTBEAT_S, stuck_s: float = STUCK_S) -> None:
        self._follower = follower
        self._heartbeat_s = heartbeat_s
        self._stuck_s = stuck_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._send_all(send))
                watching = group.create_task(self._cancel_when_gone(receive, sending))
                sending.add_done_callback(lambda _: watching.cancel())
        except* _ReaderStuck:
            # No mistake of ours. An orderly close would wait until the reader has taken what was sent to it.
            abort_connection(scope)
            log.info("a reader of a stream was cut off: it took nothing for %g s", self._stuck_s)
        finally:
            self._follower.close()

    async def _send_all(self, send: Send) -> None:
        ended = False
        while not ended:
            try:
                deliveries = await self._follower.take(self._heartbeat_s)
            except TimeoutError:
                await self._send_body(send, _HEARTBEAT)
                continue
            for portion in encode(deliveries):
                await self._send_body(send, portion)
            ended = any(isinstance(delivery, End) for delivery in deliveries)
        await self._send_body(send, b"", is_last=True)

    async def _send_body(self, send: Send, body: bytes, *, is_last: bool = False) -> None:
        try:
            async with asyncio.timeout(self._stuck_s):
                await send({"type": "http.response.body", "body": body, "more_body": not is_last})
        except TimeoutError:
            raise _ReaderStuck from None

    async def _cancel_when_gone(self, receive: Receive, sending: asyncio.Task[None]) -> None:
        """`send` says nothing of a client that has left; `receive` does."""
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()


def stream_route(jobs: Callable[[], JobService]) -> HTTPRouteHandler:
    """The route of streams; `jobs` gives the service at each request."""

    @get(
        "/stream/{job_id:str}",
        operation_id="stream",
        responses=answers(200, Frame, "One event a line.", 404, 429, media_type="text/event-stream"),
    )
    async def stream(job_id: FromPath[str], request: Request[Any, Any, State]) -> EventStream:
        """Follow a job's output: what can still be replayed, then what comes, then how it ended."""
        after = resume_point(request.headers.get("last-event-id"))
        return EventStream(await jobs().follow(job_id, after))

    return stream
