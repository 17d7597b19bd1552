"""The sender of a stream, in process: what takes too long, or goes wrong, to be waited for on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import pytest

from gitoma.adapters.http.asgi import Message
from gitoma.adapters.http.stream import HEARTBEAT_S, STUCK_S, EventStream
from gitoma.adapters.memory import MAX_FOLLOWERS, MemoryOutputLog
from gitoma.domain.errors import TooManyFollowers
from gitoma.domain.jobs.lifecycle import Status
from gitoma.domain.jobs.output import Delivery
from gitoma.domain.jobs.ports import Follower


class Client:
    """The other side of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self.is_open = False
        self.has_ended = False
        self.leaves = asyncio.Event()
        self.takes = asyncio.Event()
        self.takes.set()
        self._news = asyncio.Event()

    async def receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.is_open = True
        else:
            self.text += message["body"].decode()
            self.has_ended = not message.get("more_body", False)
        self._news.set()

    async def has(self, text: str, *, times: int = 1) -> None:
        async with asyncio.timeout(60):
            while self.text.count(text) < times:
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def streaming(stream: EventStream, client: Client) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.timeout(60):
        task = asyncio.ensure_future(stream({"type": "http"}, client.receive, client.send))
        try:
            yield task
        finally:
            client.leaves.set()
            client.takes.set()
            await asyncio.wait([task])


async def output() -> MemoryOutputLog:
    log = MemoryOutputLog()
    await log.open("job")
    return log


def test_a_heartbeat_is_due_after_15_seconds() -> None:
    assert HEARTBEAT_S == 15.0


async def test_a_comment_is_sent_when_no_frame_came_for_as_long_as_a_heartbeat() -> None:
    log, client = await output(), Client()

    async with streaming(EventStream(await log.follow("job", 0), heartbeat_s=0.01), client) as task:
        await client.has(": heartbeat\n\n", times=3)
        await log.append("job", ["hello"])
        await client.has("hello")
        await log.end("job", Status.COMPLETED)
        await task

    comments, _, frames = client.text.partition("id: 1")
    assert set(comments.split("\n\n")) == {": heartbeat", ""}
    assert frames.startswith('\nevent: line\ndata: {"line": "hello"}\n\n')
    assert client.text.endswith('event: line\ndata: {"line": "__END__:completed"}\n\n')
    assert client.has_ended


async def test_no_heartbeat_comes_between_frames_that_are_on_time() -> None:
    log, client = await output(), Client()

    async with streaming(EventStream(await log.follow("job", 0), heartbeat_s=60), client) as task:
        for number in range(50):
            await log.append("job", [f"line {number}"])
            await client.has(f"line {number}")
        await log.end("job", Status.FAILED)
        await task

    assert "heartbeat" not in client.text


async def test_a_reader_that_leaves_gives_its_place_back() -> None:
    log, client = await output(), Client()
    for _ in range(MAX_FOLLOWERS - 1):
        await log.follow("job", 0)

    async with streaming(EventStream(await log.follow("job", 0)), client) as task:
        with pytest.raises(TooManyFollowers):
            await log.follow("job", 0)
        client.leaves.set()
        await asyncio.wait([task])

    await log.follow("job", 0)


async def test_a_reader_that_takes_nothing_is_cut_off_and_gives_its_place_back() -> None:
    log, client = await output(), Client()
    for _ in range(MAX_FOLLOWERS - 1):
        await log.follow("job", 0)
    assert STUCK_S == 60.0

    async with streaming(EventStream(await log.follow("job", 0), stuck_s=0.01), client) as task:
        await log.append("job", ["one"])
        await client.has("one")
        client.takes.clear()
        await log.append("job", ["two"])
        await asyncio.wait([task])

    assert task.exception() is None
    assert not client.has_ended
    await log.follow("job", 0)


class BrokenFollower(Follower):
    """Fails after its first line."""

    closed = False

    async def take(self, timeout: float) -> Sequence[Delivery]:
        raise RuntimeError("a secret phrase")

    def close(self) -> None:
        self.closed = True


async def test_a_stream_that_breaks_is_not_ended_as_if_it_were_whole() -> None:
    follower, client = BrokenFollower(), Client()

    async with streaming(EventStream(follower), client) as task:
        await asyncio.wait([task])

    assert task.exception() is not None
    assert client.is_open
    assert not client.has_ended
    assert client.text == ""
    assert follower.closed
