"""The server's log: lines on standard error, each with what it is about as `key=value`, credentials taken out.

    2026-04-21T10:00:00.123+00:00 ERROR gitoma.domain.jobs.supervisor job ended: exit code 3 job_id=… error_id=…

A line that was written while a request was answered, or on behalf of a job that one dispatched, has its `request_id`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from gitoma.adapters.http.request_id import current_request_id

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class LineFormatter(logging.Formatter):
    """One line a record, and the stack trace behind it where there is one.

    Args:
        redact: Takes credentials out of text.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        about = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        request_id = current_request_id.get()
        if request_id is not None:
            about["request_id"] = request_id
        words = [moment, record.levelname, record.name, _on_one_line(record.getMessage())]
        words += [f"{key}={_on_one_line(str(value))}" for key, value in about.items()]
        text = " ".join(words)
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return self._redact(text)


def _on_one_line(text: str) -> str:
    """Text that cannot forge a line or steer a terminal, whoever it came from."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def configure(redact: Callable[[str], str]) -> None:
    """Send the log to standard error, from INFO on; of the HTTP client only what went wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for client in ("httpx", "httpcore"):
        logging.getLogger(client).setLevel(logging.WARNING)
