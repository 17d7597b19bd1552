"""What every `ModelServer` promises, one check for each promise, and a server that is none for tests.

A check takes a maker: given what a server lists, or None for one that gives no usable answer, it makes the adapter that
asks it. A check raises `AssertionError` where the promise is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from gitoma.domain.health import ModelServer, ModelServerUnavailable

LIMIT_S = 30.0
"""How long a server gets that will answer: far longer than it takes."""

Make = Callable[[Sequence[str] | None], ModelServer]


class FixedModelServer(ModelServer):
    """Lists these models; None: cannot be reached."""

    def __init__(self, models: Sequence[str] | None) -> None:
        self._models = models

    async def available_models(self, timeout: float) -> Sequence[str]:
        """The models."""
        if self._models is None:
            raise ModelServerUnavailable("The model server cannot be reached.")
        return list(self._models)


async def check_models_come_in_the_order_of_the_server(make: Make) -> None:
    """The ids, and nothing sorted or left out."""
    models = ["qwen", "acme/coder-7b", "critic", "a"]
    assert list(await make(models).available_models(LIMIT_S)) == models


async def check_a_server_without_models_lists_none(make: Make) -> None:
    """No model is an answer too."""
    assert list(await make([]).available_models(LIMIT_S)) == []


async def check_a_server_that_gives_no_usable_answer_is_unavailable_in_words(make: Make) -> None:
    """`ModelServerUnavailable`, with a sentence for a client."""
    try:
        await make(None).available_models(LIMIT_S)
    except ModelServerUnavailable as error:
        assert str(error)
    else:
        raise AssertionError("a server that gives no usable answer was usable")


async def check_many_may_ask_at_once(make: Make) -> None:
    """Each of them gets the answer."""
    server = make(["qwen"])
    answers = await asyncio.gather(*(server.available_models(LIMIT_S) for _ in range(20)))
    assert [list(answer) for answer in answers] == [["qwen"]] * 20


MODEL_SERVER_CHECKS = (
    check_models_come_in_the_order_of_the_server,
    check_a_server_without_models_lists_none,
    check_a_server_that_gives_no_usable_answer_is_unavailable_in_words,
    check_many_may_ask_at_once,
)
