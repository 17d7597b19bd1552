"""A client that asks as fast as it is answered: 16 connections, kept alive, one request at a time on each.

A process of its own, so that it takes nothing from the server but its turn on the machine. It reads orders from
standard input, a JSON object a line: `port`, `request` (the bytes, as Latin-1), `status` (what each answer must have)
and `seconds`; and prints two numbers a line: answers per second, and how many answers there were in all.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

CONNECTIONS = 16
WARM_UP_S = 0.1
"""Before the count begins: connections are made, caches filled."""


class Connection(asyncio.Protocol):
    """Sends the request again whenever the whole answer is there. All answers must be as long as the first."""

    def __init__(self, request: bytes, status: int) -> None:
        self._request = request
        self._beginning = f"HTTP/1.1 {status} ".encode()
        self._answer = b""
        self._length = 0
        self.answers = 0
        self.failure = ""
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Ask for the first time."""
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when it is whole, count it and ask again."""
        self._answer = self._answer + data if self._answer else data
        if not self._length:
            self._length = _length_of(self._answer)
        if len(self._answer) < self._length or not self._length:
            return
        if len(self._answer) > self._length or not self._answer.startswith(self._beginning):
            self.failure = f"unexpected answer: {self._answer[:300]!r}"
            self.transport.close()
            return
        self._answer = b""
        self.answers += 1
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Only we close connections."""
        self.failure = self.failure or ("" if self.transport.is_closing() else "the server closed the connection")


def _length_of(answer: bytes) -> int:
    """How long the whole answer is; 0 while its head is not complete."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    if not end:
        return 0
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + len(end) + int(lengths[0].partition(b":")[2])


async def measure(port: int, request: bytes, status: int, seconds: float) -> tuple[float, int]:
    """Answers per second, and answers in all."""
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(request, status), "127.0.0.1", port) for _ in range(CONNECTIONS)
    ]
    connections = [connection for _, connection in made]
    await asyncio.sleep(WARM_UP_S)
    before, began = sum(connection.answers for connection in connections), time.perf_counter()
    await asyncio.sleep(seconds)
    answers, took = sum(connection.answers for connection in connections), time.perf_counter() - began
    for connection in connections:
        if connection.failure:
            raise SystemExit(connection.failure)
        connection.transport.abort()
    return (answers - before) / took, answers


async def main() -> None:
    """Do what is ordered until there are no more orders."""
    for line in sys.stdin:
        order = json.loads(line)
        found = await measure(order["port"], order["request"].encode("latin-1"), order["status"], order["seconds"])
        print(*found, flush=True)


if __name__ == "__main__":
    uvloop.run(main())
