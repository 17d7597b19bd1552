"""Readers of a job's stream: `readers.py PORT TOKEN JOB_ID COUNT`.

Prints `ready` when each has its first line; then, when all streams have ended, a JSON object a reader: `lines`,
`dropped` (as the server says), `gapless` (each number is one more than the one before), `status`, and `ended`, in
seconds of the system's clock. What is read is looked at only after the end, so that the readers are as fast as curl.
"""

from __future__ import annotations

import json
import re
import selectors
import socket
import sys
import time

READ_BYTES = 1024 * 1024

_ID = re.compile(rb"\nid: (\d+)\nevent: line\n")
_DROPPED = re.compile(rb"\n: dropped (\d+)\n")
_END = re.compile(rb'\{"line": "__END__:(\w+)"\}\n\n')


class Reader:
    """One connection, and all that came over it."""

    def __init__(self, port: int, token: str, job: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(
            f"GET /api/v1/stream/{job} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        self.chunks: list[bytes] = []
        self.ended = 0.0

    def read(self) -> bool:
        """Take what is there; False at the end."""
        chunk = self.socket.recv(READ_BYTES)
        self.chunks.append(chunk)
        if not chunk:
            self.ended = time.time()
        return bool(chunk)

    def wait_for_line(self) -> None:
        """Until the first line is there."""
        while not _ID.search(b"".join(self.chunks)):
            if not self.read():
                raise SystemExit(f"no stream: {b''.join(self.chunks)!r}")

    def report(self) -> dict[str, object]:
        """What was read."""
        text = b"".join(self.chunks)
        numbers = list(map(int, _ID.findall(text)))
        end = _END.search(text)
        return {
            "lines": len(numbers),
            "dropped": sum(map(int, _DROPPED.findall(text))),
            "gapless": numbers == list(range(1, len(numbers) + 1)),
            "status": end[1].decode() if end else None,
            "ended": self.ended,
        }


def main() -> None:
    """Read until the end."""
    port, token, job, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    readers = [Reader(port, token, job) for _ in range(count)]
    selector = selectors.DefaultSelector()
    for reader in readers:
        reader.wait_for_line()
        selector.register(reader.socket, selectors.EVENT_READ, reader)
    print("ready", flush=True)
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.read():
                selector.unregister(key.fileobj)
    for reader in readers:
        print(json.dumps(reader.report()), flush=True)


if __name__ == "__main__":
    main()
