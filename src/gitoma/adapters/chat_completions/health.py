"""Asks a model server for its models, for the health of the installation: in an event loop, and in little time."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from gitoma.domain.health import ModelServer, ModelServerUnavailable

if TYPE_CHECKING:
    import httpx

_MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""A list of models takes some kilobytes; a server that sends more than this is no model server."""


class _Model(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_Model]


class ChatCompletionsServer(ModelServer):
    """The server at `base_url`.

    Args:
        base_url: Up to and including `/v1`.
        api_key: Sent as a Bearer token.
    """

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._asking: asyncio.Task[Sequence[str]] | None = None

    async def available_models(self, timeout: float) -> Sequence[str]:
        """See the port. Those who ask while an answer is awaited share it: many health checks are one question."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask(timeout))
            self._asking.add_done_callback(_look_at)
        return await asyncio.shield(self._asking)

    async def _ask(self, timeout: float) -> Sequence[str]:
        try:
            async with asyncio.timeout(timeout):
                status, body = await self._get("/models")
        except TimeoutError:
            raise ModelServerUnavailable(f"The model server did not answer within {timeout:g} s.") from None
        if status in (401, 403):
            raise ModelServerUnavailable("The model server refused the API key (LM_STUDIO_API_KEY).")
        if status != 200:
            raise ModelServerUnavailable(f"The model server answered with status {status}.")
        try:
            return [model.id for model in msgspec.json.decode(body, type=_ModelList).data]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ModelServerUnavailable("What answers there is no model server.") from None

    async def _get(self, path: str) -> tuple[int, bytes]:
        # In a thread, and only now: the import takes 0.2 s, which neither the start nor other requests should wait for.
        client_library: Any = await asyncio.to_thread(importlib.import_module, "httpx")
        try:
            # The environment is not trusted for proxies here: the server is nearly always on this machine. Without
            # TLS there is nothing to verify, and to load the certificates takes longer than the question.
            verify = self._base_url.startswith("https:")
            async with client_library.AsyncClient(trust_env=False, timeout=None, verify=verify) as client:
                return await self._read(client, path)
        except client_library.ConnectError:
            raise ModelServerUnavailable("The model server cannot be reached; is it running?") from None
        except client_library.HTTPError:
            raise ModelServerUnavailable("The connection to the model server broke.") from None

    async def _read(self, client: httpx.AsyncClient, path: str) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._api_key}"}
        async with client.stream("GET", self._base_url + path, headers=headers) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_ANSWER_BYTES:
                    raise ModelServerUnavailable("What answers there is no model server.")
            return response.status_code, bytes(body)


def _look_at(asked: asyncio.Task[Sequence[str]]) -> None:
    """Those who asked may have left by now: without this, an answer that says "unavailable" would be logged as lost."""
    if not asked.cancelled():
        asked.exception()
