"""How the model server's answer is judged."""

import pytest

from gitoma.adapters.testing.model_servers import FixedModelServer
from gitoma.domain.health import HealthCheck, Level, ModelServer


def check(server: ModelServer, wanted: str | None = None) -> HealthCheck:
    return HealthCheck(server=server, wanted=wanted, github_token_set=False)


async def test_a_server_that_lists_models_is_well():
    health = await check(FixedModelServer(["qwen", "llama"])).model()

    assert health.level is Level.OK
    assert health.available_models == ("qwen", "llama")


async def test_a_server_that_lists_no_model_is_a_warning():
    assert (await check(FixedModelServer([])).model()).level is Level.WARNING


async def test_a_server_that_is_not_there_is_an_error_in_words():
    health = await check(FixedModelServer(None)).model()

    assert (health.level, health.message) == (Level.ERROR, "The model server cannot be reached.")


@pytest.mark.parametrize(("wanted", "level"), [("qwen3-8b", Level.OK), ("qwen", Level.WARNING)])
async def test_the_configured_model_must_be_listed_with_or_without_its_publisher(wanted: str, level: Level):
    assert (await check(FixedModelServer(["vendor/qwen3-8b"]), wanted).model()).level is level
