"""`gitoma serve`: the REST API and the cockpit, in this process."""

from __future__ import annotations

import logging
import os
import secrets
from dataclasses import replace
from pathlib import Path

from gitoma.adapters.files import private_files
from gitoma.adapters.http.server import create_server, listen
from gitoma.adapters.posix.process_group import contains_escapees
from gitoma.app import asgi, console, logs, settings
from gitoma.app.setting_values import Refused, own_token
from gitoma.app.settings import Settings
from gitoma.domain.errors import OperatorError

STREAMS_END_WITHIN_S = 4.0
"""Beyond the grace of the jobs. The contract gives the whole shutdown the grace and 5 s; one second is for the rest."""

_TOKEN_FILE = "runtime_token"
_MAX_TOKEN_BYTES = 4096


class CannotKeepToken(OperatorError):
    """`--auto-token` has nowhere to keep what it makes."""


def serve(host: str, port: int, auto_token: bool) -> int:
    """Serve until a signal ends it.

    Args:
        host: The address to listen on.
        port: The port; 0 takes a free one.
        auto_token: Make a token where none is configured.

    Returns:
        0 after an orderly end.

    Raises:
        InvalidSetting: A setting makes no sense.
        OneProcessOnly: The environment asks for several processes.
        CannotListen: The address cannot be had.
        CannotKeepToken: The home does not take the token that `auto_token` makes.
    """
    asgi.refuse_workers()
    configured = settings.load(os.environ)
    sockets = listen(host, port)
    if configured.api_token is None:
        configured = _with_token(configured) if auto_token else _without_token(configured)
    container = asgi.build(configured)
    logs.configure(container.redact())
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # where it listens is said below, on standard output
    if not contains_escapees():
        console.complain("On this system a job's process that leaves its group is out of reach of a cancel.")
    jobs = container.job_service()
    server = create_server(
        asgi.application(container),
        streams_end_within_s=configured.cancel_grace_s + STREAMS_END_WITHIN_S,
        on_listening=lambda address: console.say(f"gitoma listens on {address} (API: {address}/docs)"),
        on_stop=jobs.close,
        on_hurry=jobs.kill,
    )
    server.run(sockets)
    return 0


def _without_token(configured: Settings) -> Settings:
    console.complain(
        "No GITOMA_API_TOKEN is configured, so the API answers 503: set one, or start with `gitoma serve --auto-token`."
    )
    return configured


def _with_token(configured: Settings) -> Settings:
    """The settings with the token that is kept in the home, made now if there is none yet."""
    path = configured.home / _TOKEN_FILE
    token = _kept_token(path)
    if token:
        console.say(f"The API token is in {path}.")
    else:
        token = secrets.token_urlsafe(32)
        try:
            private_files.write(path, f"{token}\n".encode())
        except OSError as error:
            raise CannotKeepToken(f"the token cannot be kept in {path}: {error.strerror}") from error
        console.say(f"A new API token, kept in {path} and shown only now: {token}")
    return replace(configured, api_token=token)


def _kept_token(path: Path) -> str | None:
    """The token in the file; None if there is no file, or nothing in it, as after a disk that was full."""
    try:
        return own_token(private_files.read(path, _MAX_TOKEN_BYTES).decode("ascii"))
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, Refused) as error:
        raise CannotKeepToken(f"{path} holds no token: delete it, and a new one is made") from error
    except OSError as error:
        raise CannotKeepToken(f"{path} cannot be read: {error}") from error
