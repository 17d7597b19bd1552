"""What a server lists: its models, how much they take, and which of them is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gitoma.adapters.chat_completions import failures


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model] | None  # Ollama says null where it has none


class _Native(msgspec.Struct):
    id: str
    max_context_length: int | None = None
    loaded_context_length: int | None = None  # only of a model that is loaded, and only from newer versions


class _NativeModels(msgspec.Struct):
    data: list[_Native]


def ids(body: bytes) -> tuple[str, ...]:
    """The ids in the answer to `GET /models`, in the server's order.

    Raises:
        AgentError: It is no such answer (`model_unavailable`).
    """
    try:
        return tuple(model.id for model in msgspec.json.decode(body, type=_Models).data or ())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise failures.no_model_server() from None


def contexts(body: bytes) -> dict[str, int]:
    """From LM Studio's own list: how many tokens each model takes. Empty where it is no such list."""
    try:
        listed = msgspec.json.decode(body, type=_NativeModels).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    taken = {model.id: model.loaded_context_length or model.max_context_length or 0 for model in listed}
    return {name: tokens for name, tokens in taken.items() if tokens > 0}


def chosen(wanted: str | None, variable: str, listed: Sequence[str]) -> str:
    """The id of the model that answers: the one that is wanted, or else the first that is none for embeddings.

    Args:
        wanted: An id, or what it has behind a slash: servers list `publisher/model`, people write `model`.
        variable: Where the operator wrote it.
        listed: The ids.

    Raises:
        AgentError: There is none (`model_missing`).
    """
    if wanted is None:
        found = _first(each for each in listed if "embed" not in each.lower())
        if found is None:
            raise failures.none_loaded(listed)
        return found
    if wanted in listed:
        return wanted
    found = _first(each for each in listed if each.endswith(f"/{wanted}"))
    if found is None:
        raise failures.missing(wanted, variable, listed)
    return found


def _first(found: Iterable[str]) -> str | None:
    return next(iter(found), None)
