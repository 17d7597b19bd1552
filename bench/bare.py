"""The ceiling: a bare ASGI function that answers with given bytes, on the server settings of `gitoma serve`.

`bare.py FILE` reads a JSON object from FILE, path to `[status, headers, body]`, and prints the port that it listens on.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn


def bare(answers: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> Any:
    """The application."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        start, body = answers[scope["path"]]
        await send(start)
        await send(body)

    return app


def messages(status: int, headers: list[tuple[str, str]], body: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer as the two messages that carry it."""
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    start = {"type": "http.response.start", "status": status, "headers": pairs}
    return start, {"type": "http.response.body", "body": body.encode("latin-1")}


def main() -> None:
    """Serve until terminated."""
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(
        bare({path: messages(*answer) for path, answer in given.items()}),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
    )
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
