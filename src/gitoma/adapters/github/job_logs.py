"""A job's log: GitHub says where it is, and it is fetched from there without our token."""

from __future__ import annotations

from collections.abc import Iterable

from gitoma.adapters.github import failures
from gitoma.adapters.github.client import RETRY_PAUSES_S, Client
from gitoma.adapters.github.exchange import Ask, Unreached
from gitoma.domain.agents.errors import AgentError, Code

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 512 * 1024
READ_MAX_BYTES = 20 * 1024 * 1024
"""So much is read at most; the end of a log that is longer is not seen."""

_HOPS = (301, 302, 303, 307, 308)
_GONE = (404, 410)
_NOT_READ = "\n… the log goes on; no more of it was read …\n"


def fetched(client: Client, ask: Ask) -> str:
    """The log that `ask` leads to.

    Raises:
        AgentError: What GitHub says; `not_found` where the log is gone; `network`; `budget`.
    """
    for pause in (*RETRY_PAUSES_S, None):
        answer = client.ask(ask)  # each time anew: the address that it gives is good for a minute
        if answer.status != 302:
            return shortened([answer.body])
        try:
            return _downloaded(client, ask.about, ask.url, answer.headers.get("location", ""))
        except Unreached:
            if pause is not None:
                client.pause(pause)
    raise failures.unreached(ask.about, sent=False)


def _downloaded(client: Client, about: str, base: str, location: str) -> str:
    for _ in range(2):  # where GitHub sends us, and at most one place farther
        url = client.may_download(base, location)
        if url is None:
            raise failures.elsewhere(about)
        with client.download(url) as download:
            if download.status == 200:
                return shortened(download.chunks)
            if download.status in _GONE:
                raise AgentError(Code.NOT_FOUND, f"{about} is gone", hint="logs are kept for some weeks: run it again")
            if download.status not in _HOPS:
                raise Unreached(sent=False)  # an address that is no longer good, or a server that has trouble
            base, location = url, download.headers.get("location", "")
    raise failures.elsewhere(about)


def shortened(chunks: Iterable[bytes]) -> str:
    """The head and the tail of a log, as text; what lies between is counted, and what is too long is not read."""
    head, tail, total = bytearray(), bytearray(), 0
    for chunk in chunks:
        total += len(chunk)
        room = HEAD_BYTES - len(head)
        head += chunk[:room]
        tail += chunk[room:]
        if len(tail) > 2 * TAIL_BYTES:  # not each time: to move the rest costs as much as it has bytes
            del tail[:-TAIL_BYTES]
        if total >= READ_MAX_BYTES:
            break
    del tail[:-TAIL_BYTES]
    left_out = total - len(head) - len(tail)
    text = f"{_text(head)}\n… {left_out} bytes are left out …\n{_text(tail)}" if left_out else _text(head + tail)
    return text.removeprefix(_BYTE_ORDER_MARK) + (_NOT_READ if total >= READ_MAX_BYTES else "")


_BYTE_ORDER_MARK = "\ufeff"


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")
