"""How the model server's answer is judged."""

from collections.abc import Sequence

import pytest

from gitoma.domain.health import HealthCheck, Level, ModelServer, ModelServerUnavailable


class Lists(ModelServer):
    """A model server that lists these models, or is not there."""

    def __init__(self, *models: str, broken: str = "") -> None:
        self._models = models
        self._broken = broken

    async def available_models(self, timeout: float) -> Sequence[str]:
        if self._broken:
            raise ModelServerUnavailable(self._broken)
        return self._models


def check(server: ModelServer, wanted: str | None = None) -> HealthCheck:
    return HealthCheck(server=server, wanted=wanted, github_token_set=False)


async def test_a_server_that_lists_models_is_well():
    health = await check(Lists("qwen", "llama")).model()

    assert health.level is Level.OK
    assert health.available_models == ("qwen", "llama")


async def test_a_server_that_lists_no_model_is_a_warning():
    assert (await check(Lists()).model()).level is Level.WARNING


async def test_a_server_that_is_not_there_is_an_error_in_words():
    health = await check(Lists(broken="The model server cannot be reached.")).model()

    assert (health.level, health.message) == (Level.ERROR, "The model server cannot be reached.")


@pytest.mark.parametrize(("wanted", "level"), [("qwen3-8b", Level.OK), ("qwen", Level.WARNING)])
async def test_the_configured_model_must_be_listed_with_or_without_its_publisher(wanted: str, level: Level):
    assert (await check(Lists("vendor/qwen3-8b"), wanted).model()).level is level
